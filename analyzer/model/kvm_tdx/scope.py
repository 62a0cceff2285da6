"""Scope: what is explored. How many vCPUs and pages, which actors, which finer layers, which failures are injected."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

WORDS = {"huge": "2M mappings", "accept": "ACCEPT-level faults",
         "small_accepts": "ACCEPTs at 4K only", "in_place": "in-place conversion",
         "late_vcpu": "late vCPU", "lax_module": "module that does not check tracking"}  # fmt: skip
FAULTS = ("enomem", "second-busy", "restartable", "pamt-remove")


@dataclass(frozen=True, slots=True)
class Scope:
    """Bounds of an exploration; the defaults are one 2M region with all that touches it, and no finer layer."""

    vcpus: int = 2
    pages: int = 2
    converter: bool = True
    zapper: bool = True
    huge: bool = True  # private memory is mapped at 2M where it can be
    accept: bool = True  # faults that carry an ACCEPT level
    whole_punch: bool = True  # punch holes of the whole region too
    small_accepts: bool = False  # the guest accepts at 4K only
    busy: bool = True  # SEAMCALLs may meet a vCPU in guest mode
    in_place: bool = True  # shared and private on one folio, conversion under the inode's invalidate lock
    lax_module: bool = False  # a TDX module that does not check TLB tracking
    # finer layers
    poison: bool = False
    split_cache: bool = False  # PAMT page pairs for a split, topped up with mmu_lock dropped
    pamt_steps: bool = False  # get and put of the PAMT count step by step
    late_vcpu: bool = False  # the last vCPU is created while the others run
    teardown: bool = False
    roots: bool = False  # references to the mirror root
    lockless: bool = False  # a table of the direct root that is walked without mmu_lock
    pfnmap: bool = False  # a shared mapping of a VM_PFNMAP area, tied to mmu notifiers
    guest_errors: bool = False  # ACCEPTs that only return a status to the guest
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (1 <= self.vcpus <= 4 and 1 <= self.pages <= 6):
            raise ValueError("1 to 4 vCPUs and 1 to 6 pages")
        if not set(self.faults) <= set(FAULTS):
            raise ValueError(f"failures to inject: {', '.join(FAULTS)}")

    def describe(self) -> str:
        """In words: size first, then what differs from the default."""
        words = [f"{self.vcpus} vCPU{'s' * (self.vcpus > 1)} x {self.pages} page{'s' * (self.pages > 1)}"]
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(f.default, bool) and value != f.default:
                word = WORDS.get(f.name, f.name.replace("_", " "))
                words.append(word if value else f"no {word}")
        return ", ".join([*words, *(f"{fault} injected" for fault in self.faults)])


SMALL = Scope(vcpus=1)
FULL = Scope()
SCOPES: dict[str, tuple[Scope, str]] = {
    "1x2": (SMALL, "one vCPU, converter and zapper"),
    "2x2-no-zapper": (Scope(zapper=False), "two vCPUs and a converter"),
    "2x2-no-accept": (Scope(accept=False), "two vCPUs, no ACCEPT-level faults"),
    "2x2": (FULL, "two vCPUs, converter and zapper: 3.0 M states, 0.9 M after reductions"),
    "2x2-concurrent": (Scope(in_place=False), "the same; converter and zapper exclude each other no longer"),
    "1x3": (Scope(vcpus=1, pages=3), "three pages"),
    "2x3": (Scope(pages=3), "two vCPUs and three pages: 25.6 M states, 7.7 M after reductions"),
    "3x2": (Scope(vcpus=3), "three vCPUs: 176 M states, 13.9 M after reductions"),
    "accept-4k": (Scope(converter=False, zapper=False, small_accepts=True), "a guest that accepts at 4K only"),
    "late-vcpu": (Scope(zapper=False, late_vcpu=True), "a vCPU is created while others are kicked"),
    "poison": (Scope(vcpus=1, poison=True), "memory failure takes pages away"),
    "split-cache": (Scope(vcpus=1, split_cache=True, faults=("enomem",)), "the cache a split takes its pages from"),
    "pamt": (Scope(converter=False, pamt_steps=True, guest_errors=True, accept=False), "PAMT count step by step"),
    "teardown": (Scope(vcpus=1, converter=False, teardown=True), "the VM is destroyed"),
    "roots": (Scope(vcpus=1, converter=False, teardown=True, roots=True, faults=("enomem",)), "walks of roots"),
    "lockless": (Scope(vcpus=1, converter=False, zapper=False, lockless=True), "a page table that RCU protects"),
    "pfnmap": (Scope(zapper=False, accept=False, vcpus=1, pfnmap=True), "a VM_PFNMAP mapping beside private memory"),
    "enomem": (Scope(vcpus=1, faults=("enomem",)), "each allocation may fail"),
    "second-busy": (Scope(vcpus=1, faults=("second-busy",)), "the retry without vCPUs is BUSY too"),
    "second-busy-accept": (
        Scope(converter=False, zapper=False, faults=("second-busy",)),
        "the same when a vCPU splits for an ACCEPT",
    ),
    "restartable": (Scope(vcpus=1, faults=("restartable",)), "DEMOTE may be interrupted"),
    "pamt-remove": (Scope(vcpus=1, faults=("pamt-remove",)), "PAMT.REMOVE may fail"),
}
DEFAULT = (
    "1x2",
    "2x2-no-zapper",
    "accept-4k",
    "late-vcpu",
    "poison",
    "split-cache",
    "pamt",
    "teardown",
    "roots",
    "lockless",
    "pfnmap",
    "enomem",
    "second-busy",
    "second-busy-accept",
    "restartable",
    "pamt-remove",
)


def parse(text: str) -> Scope:
    """A scope by name, or by size with changes: ``2x3``, ``1x2,poison``, ``3x2,no-zapper,enomem``."""
    if text in SCOPES:
        return SCOPES[text][0]
    first, *changes = text.split(",")
    size = re.fullmatch(r"(\d)x(\d)", first)
    if size is None and first not in SCOPES:
        raise ValueError(f"no scope {text}; there are: {', '.join(SCOPES)}; or a size such as 2x3,no-zapper,poison")
    scope = Scope(vcpus=int(size[1]), pages=int(size[2])) if size else SCOPES[first][0]
    switches = {f.name.replace("_", "-"): f.name for f in fields(Scope) if isinstance(f.default, bool)}
    for change in changes:
        if change in FAULTS:
            scope = replace(scope, faults=(*scope.faults, change))
        elif change.removeprefix("no-") in switches:
            wanted: dict[str, Any] = {switches[change.removeprefix("no-")]: not change.startswith("no-")}
            scope = replace(scope, **wanted)
        else:
            raise ValueError(
                f"a scope has no {change}; it has: {', '.join([*switches, *FAULTS])}, and no- before those"
            )
    return scope
