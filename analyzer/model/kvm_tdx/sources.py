"""Where each step of the model was read: a function of Linux 7.3.4, a mail of a series, or the TDX module's source."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.core.finding import Provenance

TDX, MMU, TDP = "arch/x86/kvm/vmx/tdx.c", "arch/x86/kvm/mmu/mmu.c", "arch/x86/kvm/mmu/tdp_mmu.c"
MAIN, GMEM = "virt/kvm/kvm_main.c", "virt/kvm/guest_memfd.c"


@dataclass(frozen=True, slots=True)
class Source:
    """``file`` and ``function`` in Linux 7.3.4 (or in the TDX module, tdx_1.5), or the mail that adds the step."""

    file: str = ""
    function: str = ""
    mail: Provenance | None = None
    module: bool = False  # the file is one of intel/tdx-module

    def __str__(self) -> str:
        if self.mail is not None:
            return f"{self.mail.ref} ({self.mail.note})"
        place = f"{self.file}:{self.function}" if self.function else self.file
        return f"tdx-module {place}" if self.module else place

    @property
    def short(self) -> str:
        """For a column: the function, or the patch."""
        return self.mail.note if self.mail is not None else self.function or self.file.rsplit("/", 1)[-1]


def _in(file: str, *functions: str) -> dict[str, Source]:
    return {name: Source(file, name) for name in functions}


def _mail(ref: Provenance) -> Source:
    return Source(mail=ref)


ACCEPT = "src/td_dispatcher/vm_exits/tdg_mem_page_accept.c"

SOURCES: dict[str, Source] = {
    **_in(TDX, "tdx_vcpu_run", "tdx_vcpu_enter_exit", "tdh_do_no_vcpus", "tdx_track", "tdx_sept_remove_leaf_spte"),
    **_in(TDX, "tdx_mem_page_aug", "tdx_sept_map_nonleaf_spte", "tdx_handle_ept_violation", "tdx_mmu_release_hkid"),
    **_in(TDX, "tdx_sept_free_private_spt", "tdx_handle_exit", "tdx_exit_handlers_fastpath"),
    **_in(MMU, "kvm_mmu_faultin_pfn", "is_page_fault_stale", "kvm_tdp_mmu_page_fault"),
    **_in(MMU, "kvm_mmu_hugepage_adjust", "mmu_topup_memory_caches", "kvm_arch_pre_set_memory_attributes"),
    **_in(TDP, "kvm_tdp_mmu_map", "tdp_mmu_set_spte_atomic", "tdp_mmu_map_handle_target_level", "tdp_mmu_zap_leafs"),
    **_in(TDP, "tdp_mmu_split_huge_pages_root"),
    **_in(MAIN, "kvm_make_all_cpus_request", "kvm_vm_set_mem_attributes", "kvm_pre_set_memory_attributes"),
    **_in(MAIN, "kvm_mmu_invalidate_start", "kvm_mmu_invalidate_end", "kvm_vm_ioctl_create_vcpu"),
    **_in(MAIN, "kvm_mmu_notifier_invalidate_range_start", "kvm_mmu_notifier_invalidate_range_end"),
    **_in(MAIN, "hva_to_pfn_remapped"),
    **_in(MMU, "fast_page_fault"),
    **_in(TDP, "kvm_tdp_mmu_fast_pf_get_last_sptep", "handle_removed_pt", "tdp_mmu_free_sp_rcu_callback"),
    **_in(GMEM, "kvm_gmem_get_pfn", "kvm_gmem_get_folio", "kvm_gmem_punch_hole", "__kvm_gmem_invalidate_start"),
    **_in(GMEM, "__kvm_gmem_invalidate_end", "kvm_gmem_error_folio", "kvm_gmem_release"),
    "accept": Source(ACCEPT, "tdg_mem_page_accept", module=True),
    "no_promotion": _mail(Provenance("mail", "20260106102024.25023-1-yan.y.zhao@intel.com", note="v3 06/24")),
    "split_callback": _mail(Provenance("mail", "20260106102040.25041-1-yan.y.zhao@intel.com", note="v3 07/24")),
    "demote": _mail(Provenance("mail", "20260106102055.25058-1-yan.y.zhao@intel.com", note="v3 08/24")),
    "shared_split": _mail(Provenance("mail", "20260106102108.25074-1-yan.y.zhao@intel.com", note="v3 09/24")),
    "split_crossing": _mail(Provenance("mail", "20260106102136.25108-1-yan.y.zhao@intel.com", note="v3 11/24")),
    "inhibit": _mail(Provenance("mail", "20260106102151.25125-1-yan.y.zhao@intel.com", note="v3 12/24")),
    "accept_level": _mail(Provenance("mail", "20260106102207.25143-1-yan.y.zhao@intel.com", note="v3 13/24")),
    "split_before_zap": _mail(Provenance("mail", "20260106102236.25177-1-yan.y.zhao@intel.com", note="v3 15/24")),
    "gmem_split": _mail(Provenance("mail", "20260106102250.25194-1-yan.y.zhao@intel.com", note="v3 16/24")),
    "pamt_get": _mail(Provenance("mail", "20260106102304.25211-1-yan.y.zhao@intel.com", note="v3 17/24")),
    "pamt_put": _mail(Provenance("mail", "20260106102318.25227-1-yan.y.zhao@intel.com", note="v3 18/24")),
    "split_cache": _mail(Provenance("mail", "20260106102331.25244-1-yan.y.zhao@intel.com", note="v3 19/24")),
    "demote_pages": _mail(Provenance("mail", "20260106102413.25294-1-yan.y.zhao@intel.com", note="v3 22/24")),
    "refuse_huge": _mail(Provenance("mail", "20260106102440.25328-1-yan.y.zhao@intel.com", note="v3 24/24")),
    "pamt_race": _mail(Provenance("mail", "20251121005125.417831-1-rick.p.edgecombe@intel.com", note="DPAMT v4")),
    "poison_split": _mail(Provenance("mail", "aW2Iwpuwoyod8eQc@yzhao56-desk.sh.intel.com", note="reply to v3 16/24")),
}
