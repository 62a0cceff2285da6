"""The guards of the model in a kernel engineer's words, with where each was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.model.expr import Expr
from analyzer.model.machine import Machine, Move
from analyzer.model.story import pretty
from analyzer.model.trace import probes
from analyzer.model.trace.labels import FAULTS, HUGE, Label

_WORDS: Final = {
    FAULTS: "a fault",
    probes.KICK: "a vCPU kick",
    probes.ENTER: "VM entry",
    probes.LEAVE: "VM exit",
    probes.WRITE_LOCK: "mmu_lock for write",
    probes.PFN_ASKED: "kvm_gmem_get_pfn()",
    probes.INV_BEGIN: "kvm_mmu_invalidate_start()",
    probes.INV_END: "kvm_mmu_invalidate_end()",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the model's few pages and vCPUs stand for in the trace."""

    pages: Sequence[int] = ()  # gfns
    vcpus: Sequence[int] = ()  # numbers
    region: int = 0

    def page(self, text: str) -> str:
        """``gpa 0x80003000``."""
        number = int(text)
        return f"gpa {self.pages[number] << 12:#x}" if number < len(self.pages) else f"page {number}"

    def vcpu(self, text: str) -> str:
        """``vCPU 5``."""
        number = int(text)
        return f"vCPU {self.vcpus[number]}" if number < len(self.vcpus) else f"vCPU thread {number}"

    def entry(self, at: str) -> str:
        """``gpa 0x80000000 2M``."""
        if at == HUGE:
            return f"gpa {self.region << 21:#x} 2M"
        return f"{self.page(at)} 4K" if at.isdigit() else ""

    def step(self, label: Label) -> str:
        """``DEMOTE of gpa 0x80000000 2M``."""
        what = label.what.upper() if label.what in probes.SEAMCALLS else _WORDS.get(label.what, label.what)
        if label.what in (FAULTS, probes.INV_BEGIN, probes.PFN_ASKED) or not label.at:
            return what
        return f"{what} of {self.entry(label.at)}"


_Phrase = Callable[[re.Match[str], Names], str]
_STALE, _SET = "is_page_fault_stale", "tdp_mmu_set_spte_atomic"
_ADJUST = "kvm_mmu_hugepage_adjust"
# A condition as story.pretty() writes it, what it means, and its source ("" is that of the step).
_PHRASES: Final[tuple[tuple[str, _Phrase, str], ...]] = (
    (r"stale_\d+ == 0", lambda m, n: "no invalidation ended since the fault asked for its PFN", _STALE),
    (r"want_\d(\d) == 0", lambda m, n: f"no invalidation of {n.page(m[1])} is open", _STALE),
    (r"want_\d(\d) == 1", lambda m, n: f"{n.page(m[1])} lies in the range of the invalidation", "tdp_mmu_zap_leafs"),
    (r"reach_\d == 0 or zaps_\d == 0", lambda m, n: "no invalidation that zaps in the 2M region is open", _STALE),
    (r"shared_(\d) == 0", lambda m, n: f"{n.page(m[1])} is private", "kvm_mmu_faultin_pfn"),
    (r"no_vcpu == 0", lambda m, n: "no SEAMCALL is tried again with vCPUs kept out", "tdh_do_no_vcpus"),
    (r"writer == nobody", lambda m, n: "nobody else works under mmu_lock held for write", ""),
    (r"mirror_2m == NONP", lambda m, n: f"nothing is mapped at {n.entry(HUGE)}", _SET),
    (r"mirror_2m == TABLE", lambda m, n: f"{n.entry(HUGE)} is a table of 4K entries", _SET),
    (r"mirror_2m == HUGE", lambda m, n: f"{n.entry(HUGE)} is mapped by one leaf", _SET),
    (r"mirror_(\d) == NONP", lambda m, n: f"{n.page(m[1])} is not mapped", _SET),
    (r"mirror_(\d) == LEAF", lambda m, n: f"{n.page(m[1])} is mapped at 4K", _SET),
    (r"reach_\d == 2", lambda m, n: "the range covers the whole 2M leaf (a part needs a split)", "split_before_zap"),
    (r"reach_\d != 0", lambda m, n: "the range reaches into the 2M region", "split_before_zap"),
    (r"small_(\d) == 1", lambda m, n: "the fault carries an ACCEPT at 4K", "accept_level"),
    (r"not .*inhibit.*", lambda m, n: "no 4K wish of the guest and no shared page forbids 2M", _ADJUST),
    (r".*zaps_\d.*", lambda m, n: "all it has to remove is removed, and 2M leaves across its range are split",
     "tdp_mmu_zap_leafs"),
)  # fmt: skip


def phrase(machine: Machine, move: Move, part: Expr, names: Names) -> tuple[str, str]:
    """A condition of a move in words, and the key of its source."""
    text = pretty(machine, part)
    for pattern, say, source in _PHRASES:
        found = re.fullmatch(pattern, text)
        if found is not None:
            return say(found, names), source or move.source
    return text, move.source


def actor(label: Label, names: Names) -> str:
    """Who acts."""
    if label.actor.startswith("vcpu"):
        return names.vcpu(label.actor[4:])
    return "the invalidation" if label.actor.startswith("op") else "another fault"
