"""The chain of BLOCK, TRACK, REMOVE, flush and reset broken in each place and way (tdx-sept-op-misordered)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations

from tests.kernel.edits import Edit
from tests.kernel.places import ORDER, TDX
from tests.mutants.sources import Mutant, Operator, Same, Sources

REMOVE, TRACK = "tdx_sept_remove_leaf_spte", "tdx_track"
# The steps of the chain: what a statement has to hold to be one.
STEPS = {
    "BLOCK": "tdh_mem_range_block",
    "TRACK": "tdx_track(kvm)",
    "REMOVE": "tdh_mem_page_remove",
    "FLUSH": "tdh_phymem_page_wbinvd_hkid",
    "RESET": "tdx_quirk_reset_paddr(",
}
DUE = ((TDX, REMOVE), (TDX, TRACK))
CONDITIONS = ("level == PG_LEVEL_2M", "kvm->vm_dead", "!pfn", "old_spte & SPTE_MMU_PRESENT_MASK")


def steps(text: str) -> dict[str, str]:
    """The statements of the chain, each with the check of its result."""
    found = {}
    for name, word in STEPS.items():
        pattern = rf"^\t[^\n;]*\b{re.escape(word)}[^;]*;\n(?:\tif \(TDX_BUG_ON[^;]*;\n)?"
        match = re.search(pattern, text, re.M)
        if match is None:  # another tree
            raise KeyError(name)
        found[name] = match.group()
    return found


def _mutant(sources: Sources, operator: str, change: Callable[[str, dict[str, str]], str]) -> Mutant:
    text = sources.functions(TDX)[REMOVE]
    return Mutant(ORDER, operator, (Edit(TDX, text, change(text, steps(text))),), DUE)


def dropped(sources: Sources) -> Iterator[Mutant]:
    """A step is gone, or taken on a condition only."""
    for name in ("BLOCK", "TRACK", "FLUSH", "RESET"):
        yield _mutant(sources, f"{name} gone", lambda t, s, n=name: t.replace(s[n], ""))  # type: ignore[misc]
        for cond in CONDITIONS:
            yield _mutant(
                sources,
                f"{name} on a condition",
                lambda t, s, n=name, c=cond: t.replace(s[n], f"\tif ({c}) {{\n{s[n]}\t}}\n"),  # type: ignore[misc]
            )


def swapped(sources: Sources) -> Iterator[Mutant]:
    """Two steps change places."""
    for one, other in combinations(STEPS, 2):

        def change(text: str, found: dict[str, str], one: str = one, other: str = other) -> str:
            marked = text.replace(found[one], "\0").replace(found[other], found[one])
            return marked.replace("\0", found[other])

        if (one, other) != ("FLUSH", "RESET"):
            yield _mutant(sources, f"{one} and {other} swapped", change)


def left_early(sources: Sources) -> Iterator[Mutant]:
    """A return between two steps leaves the entry blocked and the VM alive."""
    for name in ("TRACK", "REMOVE"):
        for cond in CONDITIONS[1:]:
            yield _mutant(
                sources,
                f"return before {name}",
                lambda t, s, n=name, c=cond: t.replace(s[n], f"\tif ({c})\n\t\treturn -EAGAIN;\n\n{s[n]}"),  # type: ignore[misc]
            )
    for name in ("REMOVE", "FLUSH"):

        def change(text: str, found: dict[str, str], name: str = name) -> str:
            return text.replace(
                found[name], re.sub(r"if \(TDX_BUG_ON\w*\((\w+),[^;]*?\)\)\n", r"if (\1)\n", found[name])
            )

        yield _mutant(sources, f"error of {name} leaves the VM alive", change)


def moved_out(sources: Sources) -> Iterator[Mutant]:
    """A step is in a helper that does not take it on every path."""
    bodies = {
        "TRACK": "if (kvm->vm_dead)\n\t\treturn;\n\n\ttdx_track(kvm);",
        "RESET": "if (pfn & 1)\n\t\ttdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);",
    }
    for name, body in bodies.items():
        helper = f"static void tdx_step(struct kvm *kvm, kvm_pfn_t pfn)\n{{\n\t{body}\n}}\n\n"
        yield _mutant(
            sources,
            f"{name} in a helper",
            lambda t, s, n=name, h=helper: h + t.replace(s[n], "\ttdx_step(kvm, pfn);\n"),  # type: ignore[misc]
        )


def kick(sources: Sources) -> Iterator[Mutant]:
    """TRACK without the kick that ends the epoch."""
    text = sources.functions(TDX)[TRACK]
    call = "\tkvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);\n"
    for new in ("", f"\tif (kvm->vm_dead)\n\t{call}", "\tkvm_make_all_cpus_request(kvm, KVM_REQ_UNHALT);\n"):
        if "UNHALT" not in new:
            yield Mutant(ORDER, "no kick", (Edit(TDX, text, text.replace(call, new)),), DUE)
    before = text.replace(call, "").replace("\terr = tdh_do", f"{call}\n\terr = tdh_do")
    yield Mutant(ORDER, "kick before TRACK", (Edit(TDX, text, before),), DUE)


def other_entry(sources: Sources) -> Iterator[Mutant]:
    """REMOVE is for another entry than BLOCK."""
    for old, new in (("level,", "PG_LEVEL_2M,"), ("gpa,", "gpa + PAGE_SIZE,"), ("gpa,", "gfn_to_gpa(gfn + 1),")):

        def change(text: str, found: dict[str, str], old: str = old, new: str = new) -> str:
            return text.replace(found["REMOVE"], found["REMOVE"].replace(old, new, 1))

        yield _mutant(sources, f"another {old[:-1]}", change)


OPERATORS: tuple[Operator, ...] = (dropped, swapped, left_early, moved_out, kick, other_entry)


def in_helpers(sources: Sources) -> Iterator[Same]:
    """Each step, and each pair of neighbours, in a helper of its own."""
    text = sources.functions(TDX)[REMOVE]
    found = steps(text)
    heading = "struct kvm *kvm, struct kvm_tdx *kvm_tdx, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn"
    for name, statement in found.items():
        helper = (
            f"static int tdx_step({heading})\n{{\n\tu64 err, entry, level_state;\n\n{statement}\n\treturn 0;\n}}\n\n"
        )
        call = "\tif (tdx_step(kvm, kvm_tdx, gpa, level, pfn))\n\t\treturn -EIO;\n"
        yield Same(f"{name} in a helper", (Edit(TDX, text, helper + text.replace(statement, call)),))


def said_twice(sources: Sources) -> Iterator[Same]:
    """TRACK once more does no harm; a message between the steps neither."""
    text = sources.functions(TDX)[REMOVE]
    found = steps(text)
    yield Same("TRACK twice", (Edit(TDX, text, text.replace(found["TRACK"], found["TRACK"] * 2)),))
    for name, statement in found.items():
        said = f'\tpr_debug("{name} of %llx\\n", gpa);\n'
        yield Same(f"message before {name}", (Edit(TDX, text, text.replace(statement, said + statement)),))
    bugged = "\tif (KVM_BUG_ON(!pfn, kvm))\n\t\treturn -EIO;\n\n"
    for name in ("TRACK", "REMOVE", "FLUSH"):
        yield Same(f"bugged before {name}", (Edit(TDX, text, text.replace(found[name], bugged + found[name])),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (in_helpers, said_twice)
