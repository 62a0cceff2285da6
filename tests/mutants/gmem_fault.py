"""Faults on guest_memfd without their retry protocol, derived from clean code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.edits import Edit, before
from tests.kernel.places import MMU, SEV
from tests.mutants.sources import Mutant, Site, Sources

FAULT = "kvm-gmem-fault-without-retry"
VMX, TMPL = "arch/x86/kvm/vmx/vmx.c", "arch/x86/kvm/mmu/paging_tmpl.h"
FAULTING = (MMU, SEV, VMX, TMPL)
Due = tuple[tuple[str, str], ...]
# where a looked-up PFN is made reachable, or looked up: a finding in any of them names the defect
MMU_DUE: Due = (
    (MMU, "kvm_tdp_mmu_page_fault"),
    (MMU, "direct_page_fault"),
    (TMPL, "FNAME_page_fault_"),
    (MMU, "kvm_mmu_faultin_pfn_gmem"),
    (MMU, "__kvm_mmu_faultin_pfn"),
    (MMU, "kvm_mmu_faultin_pfn"),
)
SNAPSHOT = r"\n\t\S+ = (?:vcpu->)?kvm->mmu_invalidate_seq;\n\tsmp_rmb\(\);\n"
LOOKUP = (
    r"(?:\tret = __kvm_mmu_faultin_pfn\(vcpu, fault\);\n\tif \(ret != RET_PF_CONTINUE\)\n\t\treturn ret;\n"
    r"|\tif \(kvm_gmem_get_pfn\(.*\)\)\n\t\treturn;\n"
    r"|\tpfn = __kvm_faultin_pfn\(.*\);\n\tif \(is_\w+\(pfn\)\)\n\t\treturn;\n)"
)
CHECK = r"\tif \((is_page_fault_stale|mmu_invalidate_retry_gfn)\(([^()]*)\)\)"
LOCK = r"\t(read|write)_lock\((&(?:vcpu->)?kvm->mmu_lock)\);\n"


def _due(site: Site) -> Due:
    return MMU_DUE if site.path in (MMU, TMPL) else ((site.path, site.function),)


def everywhere(sources: Sources, pattern: str) -> Iterator[Site]:
    for path in FAULTING:
        for site in sources.sites(path, pattern):
            if site.function != "mmu_invalidate_retry_gfn":
                yield site


def fault_snapshot(sources: Sources) -> Iterator[Mutant]:
    """The snapshot, or its barrier, is gone or late."""
    for site in everywhere(sources, SNAPSHOT):
        yield Mutant(FAULT, "no snapshot", (site.replaced("\n"),), _due(site))
        bare = site.matched.replace("\tsmp_rmb();\n", "")
        yield Mutant(FAULT, "no barrier", (site.replaced(bare),), _due(site))
        wmb = site.matched.replace("smp_rmb", "smp_wmb")
        yield Mutant(FAULT, "the wrong barrier", (site.replaced(wmb),), _due(site))
        first = site.matched.split("\n")[1]
        swapped = f"\n\tsmp_rmb();\n{first}\n"
        yield Mutant(FAULT, "the barrier before the snapshot", (site.replaced(swapped),), _due(site))
        found = re.search(LOOKUP, site.text[site.end :])
        if found:
            at = site.end + found.end()
            moved = site.text[: site.start] + "\n" + site.text[site.end : at] + site.matched + site.text[at:]
            yield Mutant(FAULT, "snapshot behind the lookup", (Edit(site.path, site.text, moved),), _due(site))
            again = site.text[:at] + site.matched + site.text[at:]
            yield Mutant(FAULT, "snapshot taken again", (Edit(site.path, site.text, again),), _due(site))


def fault_check(sources: Sources) -> Iterator[Mutant]:
    """The recheck is gone, inverted, or the lockless one."""
    for site in everywhere(sources, CHECK):
        call = f"{site.groups[0]}({site.groups[1]})"
        yield Mutant(FAULT, "no check", (site.replaced("\tif (false)"),), _due(site))
        yield Mutant(FAULT, "inverted check", (site.replaced(f"\tif (!{call})"),), _due(site))
        yield Mutant(FAULT, "checked, not acted on", (site.replaced(f"\t{call};\n\tif (false)"),), _due(site))
        if site.groups[0] == "mmu_invalidate_retry_gfn":
            unsafe = site.matched.replace("retry_gfn(", "retry_gfn_unsafe(")
            yield Mutant(FAULT, "lockless check", (site.replaced(unsafe),), _due(site))
            fresh = re.sub(r"mmu_seq", "kvm->mmu_invalidate_seq", site.matched)
            yield Mutant(FAULT, "compared with itself", (site.replaced(fresh),), _due(site))
    for site in sources.sites(MMU, r"mmu_invalidate_retry_gfn\(", "is_page_fault_stale"):
        yield Mutant(
            FAULT, "lockless check in the helper", (site.replaced("mmu_invalidate_retry_gfn_unsafe("),), MMU_DUE
        )
    for site in sources.sites(MMU, r"fault->slot &&\n\s+mmu_invalidate_retry_gfn\([^;]*\);", "is_page_fault_stale"):
        yield Mutant(FAULT, "no check in the helper", (site.replaced("false;"),), MMU_DUE)


def fault_lock(sources: Sources) -> Iterator[Mutant]:
    """The recheck and the use are not in one section of mmu_lock."""
    for site in everywhere(sources, LOCK):
        rest = site.text[site.end :]
        found = re.search(CHECK, rest)
        if not found:
            continue
        mode, lock = site.groups
        drop = f"\t{mode}_unlock({lock});\n\t{mode}_lock({lock});\n"
        late = re.search(r"\n(\tr = (?:kvm_tdp_mmu_map|direct_map|FNAME\(fetch\))|\telse\n)", rest)
        if late and late.group(1).startswith("\tr"):
            at = site.end + late.start() + 1
            text = site.text[:at] + drop + site.text[at:]
            yield Mutant(FAULT, "lock dropped behind the check", (Edit(site.path, site.text, text),), _due(site))
            gone = site.text[: site.start] + site.text[site.end : at] + site.matched + site.text[at:]
            yield Mutant(FAULT, "lock taken behind the check", (Edit(site.path, site.text, gone),), _due(site))
        none = re.sub(rf"\t{mode}_unlock\({re.escape(lock)}\);\n", "", site.text[: site.start] + rest)
        yield Mutant(FAULT, "no lock", (Edit(site.path, site.text, none),), _due(site))


def fault_helper(sources: Sources) -> Iterator[Mutant]:
    """The recheck is in a helper that does not keep the lock; the snapshot in one without a barrier."""
    for site in everywhere(sources, CHECK):
        helper = """
        static noinline bool gmem_recheck(struct kvm *kvm, unsigned long mmu_seq, gfn_t gfn)
        {
                return mmu_invalidate_retry_gfn_unsafe(kvm, mmu_seq, gfn);
        }
        """
        if site.groups[0] != "mmu_invalidate_retry_gfn":
            continue
        use = site.replaced(f"\tif (gmem_recheck({site.groups[1]}))")
        edits = (use, before(site.path, site.function, helper))
        yield Mutant(FAULT, "lockless check two calls away", edits, _due(site))
    for site in everywhere(sources, SNAPSHOT):
        helper = """
        static noinline unsigned long gmem_seq(struct kvm *kvm)
        {
                return kvm->mmu_invalidate_seq;
        }
        """
        place = site.matched.split("=")[0]
        kvm = "vcpu->kvm" if "vcpu->kvm" in site.matched else "kvm"
        edits = (site.replaced(f"{place}= gmem_seq({kvm});\n"), before(site.path, site.function, helper))
        yield Mutant(FAULT, "no barrier, snapshot in a helper", edits, _due(site))
