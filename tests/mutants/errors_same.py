"""Edits that keep the meaning, at the code that the rules about errors look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.mutants.sources import Same, Site, Sources

TDX, TDP, MMU = "arch/x86/kvm/vmx/tdx.c", "arch/x86/kvm/mmu/tdp_mmu.c", "arch/x86/kvm/mmu/mmu.c"
SEV, X86, GMEM, MAIN = "arch/x86/kvm/svm/sev.c", "arch/x86/kvm/x86.c", "virt/kvm/guest_memfd.c", "virt/kvm/kvm_main.c"
LAPIC, PI = "arch/x86/kvm/lapic.c", "arch/x86/kvm/vmx/posted_intr.c"


def dangling(site: Site) -> bool:
    """Whether the statement hangs below an if without braces."""
    line = site.text[: site.start].rsplit("\n", 1)[-1].strip()
    return line.startswith(("if", "else", "for", "while", "&&", "||")) or line.endswith((")", ",", "&&", "||", "else"))


Differently = Callable[[Sources], Iterator[Same]]
OURS = {
    TDP: r"\w*(?:set_spte_atomic|zap_root|gfn_range|split_huge_page\w*|kvm_tdp_mmu_map|map_handle_target_level)",
    MMU: r"kvm_(?:tdp_map_page|tdp_mmu_map_private_pfn|(?:unmap|zap)_gfn_range|mmu_create)|direct_page_fault|shadow\w+",
    TDX: r"tdx_(?:handle_ept_violation|mem_page_a\w+|sept_\w+|spte_to_sept_pt|gmem_post_populate|td_vcpu_init)",
    MAIN: r"kvm_(?:handle_\w+_range|vm_set_mem_attributes|set_memory_region)|hva_to_pfn",
    GMEM: r"__kvm_gmem_invalidate_start|kvm_gmem_punch_hole|kvm_gmem_(?:get|populate)\w*",
    PI: r"pi_try_set_control|vmx_vcpu_pi_load|pi_enable_wakeup_handler",
    LAPIC: r"apic_set_isr|kvm_recalculate_apic_map|__kvm_apic_update_irr",
    SEV: r"sev_vm_move_enc_context_from|snp_launch_\w+|sev_asid_new",
}


def rewritten(operator: str, pattern: str, new: Callable[[Site], str]) -> Differently:
    """One pattern of the functions that the rules look at, in other words."""

    def made(sources: Sources) -> Iterator[Same]:
        for path, names in OURS.items():
            for site in sources.sites(path, pattern, names):
                text = new(site)
                if text != site.text:
                    yield Same(operator, (Edit(path, site.text, text),))

    return made


def put(site: Site, text: str) -> str:
    """The function with other words in place of the match."""
    return site.text[: site.start] + text + site.text[site.end :]


def _renamed(site: Site) -> str:
    name = site.groups[0]
    return re.sub(rf"(?<![\w.>]){name}\b(?!\()", f"nak_{name}", site.text)


def _kept_answer(site: Site) -> str:
    tab, bug, rest = site.groups
    if dangling(site) or ("\n" in bug and bug.count("(") != bug.count(")")):
        return site.text
    return put(site, f"\n{tab}bool nak_bug = {bug};\n\n{tab}if (nak_bug)\n{rest}")


def _extracted(site: Site) -> str:
    text = "static int nak_same(int err)\n{\n\tif (err < 0)\n\t\treturn err;\n\treturn err;\n}\n\n"
    return text + put(site, f"return nak_same({site.groups[0]});")


def _not_unequal(site: Site) -> str:
    return put(site, f"while (!({site.groups[0]} != RET_PF_RETRY))")


def _braces(site: Site) -> str:
    tab = site.groups[0]
    return put(site, f" {{\n{tab}cpu_relax();\n{tab}goto retry;\n{tab[1:]}}}")


def _both_signs(site: Site) -> str:
    name, tab, label = site.groups
    return put(site, f"if ({name} < 0 || {name} > 0)\n{tab}goto {label};")


SAME: tuple[Differently, ...] = (
    rewritten("renamed", r"\n\t+int (r|ret|err);", _renamed),
    rewritten("not equal zero", r"if \((r|ret|err)\)", lambda s: put(s, f"if ({s.groups[0]} != 0)")),
    rewritten("unlikely", r"if \((r|ret)\)", lambda s: put(s, f"if (unlikely({s.groups[0]}))")),
    rewritten("double negation", r"while \((r|ret) == RET_PF_RETRY\)", _not_unequal),
    rewritten("answer kept", r"\n(\t+)if \((KVM_BUG_ON\([^;{}]*?\))\)\n(\t+return)", _kept_answer),
    rewritten("helper", r"return (r|ret|err);", _extracted),
    rewritten("equal minus one more", r"if \((r|ret) < 0\)", lambda s: put(s, f"if (0 > {s.groups[0]})")),
    rewritten("braces", r"\n(\t+)goto retry;", _braces),
    rewritten("flag", r"if \((r|ret)\)\n(\t+)goto (\w+);", _both_signs),
)  # fmt: skip
