"""Common KVM code that knows of one architecture, derived from clean code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.edits import Edit, before
from tests.kernel.places import GMEM, MAIN, MMU
from tests.mutants.sources import Mutant, Site, Sources

LAYER = "kvm-gmem-layering-broken"
MM_H = "virt/kvm/kvm_mm.h"
ARCH_CALLS = (
    "kvm_tdp_mmu_zap_all(kvm);",
    "kvm_mmu_change_mmu_pages(kvm, 0);",
    "kvm_zap_gfn_range(kvm, 0, 1);",
    "tdx_vm_destroy(kvm);",
    "kvm_split_cross_boundary_leafs(kvm, NULL, false);",
    "kvm_x86_call(split_external_spte)(kvm, 0);",
    "sev_vm_destroy(kvm);",
)
PLAIN_CALLS = ARCH_CALLS[1:3]


def _bodies(sources: Sources, path: str) -> Iterator[Site]:
    """The place behind the declarations, in functions that know a VM."""
    for name, text in sources.functions(path).items():
        head = text.index("\n{\n")
        knows = re.search(r"struct kvm \*kvm\b", text)
        found = re.compile(r"\n\n\t").search(text, head)
        if knows and found and knows.start() < found.start():
            yield Site(path, name, text, found.start() + 1, found.start() + 1, ())


def layer_call(sources: Sources) -> Iterator[Mutant]:
    """Common code calls an architecture; a name that says nothing of it has to be there."""
    calls = [c for c in ARCH_CALLS if c not in PLAIN_CALLS or c.split("(")[0] in sources.functions(MMU)]
    for path in (GMEM, MAIN):
        for number, site in enumerate(_bodies(sources, path)):
            if path == GMEM or number % 9 == 0:
                call = calls[number % len(calls)]
                yield Mutant(
                    LAYER, f"calls {call.split('(')[0]}", (site.replaced(f"\n\t{call}\n"),), ((path, site.function),)
                )


def layer_word(sources: Sources) -> Iterator[Mutant]:
    """Common code names a vendor."""
    tests = (
        "if (IS_ENABLED(CONFIG_INTEL_TDX_HOST))\n\t\tcond_resched();",
        "if (kvm_has_mirrored_tdp(kvm))\n\t\tcond_resched();",
        "if (kvm->arch.vm_type == KVM_X86_TDX_VM)\n\t\tcond_resched();",
        "KVM_BUG_ON(to_kvm_tdx(kvm)->state, kvm);",
    )
    for number, site in enumerate(_bodies(sources, GMEM)):
        test = tests[number % len(tests)]
        yield Mutant(LAYER, "names a vendor", (site.replaced(f"\n\t{test}\n"),), ((GMEM, site.function),))


def layer_lock(sources: Sources) -> Iterator[Mutant]:
    """guest_memfd takes mmu_lock for its own ends."""
    take = "KVM_MMU_LOCK(kvm);\n\tkvm_flush_remote_tlbs(kvm);\n\tKVM_MMU_UNLOCK(kvm);"
    plain = "write_lock(&kvm->mmu_lock);\n\tkvm_flush_remote_tlbs(kvm);\n\twrite_unlock(&kvm->mmu_lock);"
    scoped = "scoped_guard(write_lock, &kvm->mmu_lock)\n\t\tkvm_flush_remote_tlbs(kvm);"
    for number, site in enumerate(_bodies(sources, GMEM)):
        if "MMU_LOCK" not in site.text:
            text = (take, plain, scoped)[number % 3]
            yield Mutant(LAYER, "takes mmu_lock", (site.replaced(f"\n\t{text}\n"),), ((GMEM, site.function),))
    helper = "\nstatic inline void kvm_gmem_hold(struct kvm *kvm)\n{\n\tKVM_MMU_LOCK(kvm);\n}\n"
    for number, site in enumerate(_bodies(sources, GMEM)):
        if "MMU_LOCK" not in site.text and number % 2 == 0:
            mm_h = sources.text(MM_H)
            line = next(n for n in mm_h.split("\n") if n.startswith("kvm_pfn_t hva_to_pfn"))
            edits = (
                site.replaced("\n\tkvm_gmem_hold(kvm);\n\tKVM_MMU_UNLOCK(kvm);\n"),
                Edit(MM_H, line, helper.lstrip("\n") + "\n" + line),
            )
            yield Mutant(LAYER, "takes mmu_lock by a helper", edits, ((GMEM, site.function),))


def layer_helper(sources: Sources) -> Iterator[Mutant]:
    """The call is in a macro or an inline helper of a common header."""
    mm_h = sources.text(MM_H)
    line = next(n for n in mm_h.split("\n") if n.startswith("kvm_pfn_t hva_to_pfn"))
    macro = "#define KVM_GMEM_ZAP(kvm) kvm_tdp_mmu_zap_all(kvm)\n\n" + line
    inline = "static inline void kvm_gmem_arch(struct kvm *kvm)\n{\n\tkvm_tdp_mmu_zap_all(kvm);\n}\n\n" + line
    for site in _bodies(sources, GMEM):
        edits = (site.replaced("\n\tKVM_GMEM_ZAP(kvm);\n"), Edit(MM_H, line, macro))
        yield Mutant(LAYER, "call in a macro", edits, ((GMEM, site.function), (MM_H, ""), (MM_H, "KVM_GMEM_ZAP")))
        edits = (site.replaced("\n\tkvm_gmem_arch(kvm);\n"), Edit(MM_H, line, inline))
        yield Mutant(LAYER, "call in an inline", edits, ((MM_H, "kvm_gmem_arch"), (GMEM, site.function)))


def layer_weak(sources: Sources) -> Iterator[Mutant]:
    """A weak default for one architecture."""
    for path, name in ((GMEM, "kvm_gmem_create"), (MAIN, "kvm_vcpu_init")):
        for weak in ("kvm_split_cross_boundary_leafs", "kvm_tdp_split_range", "kvm_mmu_drop_leafs"):
            if name in sources.functions(path):
                text = f"int __weak {weak}(struct kvm *kvm)\n{{\n\treturn 0;\n}}\n"
                strong = f"int {weak}(struct kvm *kvm)\n{{\n\treturn 1;\n}}\n"
                edits = (before(path, name, text), before(MMU, "direct_page_fault", strong))
                yield Mutant(LAYER, "weak default", edits, ((path, weak), (path, "")))
