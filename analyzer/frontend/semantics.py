"""Kernel words whose meaning the lowering itself gives: transparent and asserting macros, guards, no-returns."""

from __future__ import annotations

# Their value is that of the first argument; they do nothing else that matters here (linux/compiler.h).
TRANSPARENT = frozenset(
    """likely unlikely READ_ONCE data_race __builtin_expect rcu_dereference_raw ACCESS_PRIVATE
    array_index_nospec_value __force_cast BUILD_BUG_ON_ZERO_VALUE""".split()
)

# Their value is the truth of the first argument; where it holds they warn, or bug the VM or the machine.
# KVM_BUG_ON: include/linux/kvm_host.h; TDX_BUG_ON*: arch/x86/kvm/vmx/tdx.c; WARN*: include/asm-generic/bug.h.
ASSERTING = frozenset(
    """WARN_ON WARN_ON_ONCE WARN WARN_ONCE WARN_TAINT KVM_BUG_ON KVM_BUG_ON_DATA_CORRUPTION KVM_MMU_WARN_ON
    TDX_BUG_ON TDX_BUG_ON_1 TDX_BUG_ON_2 TDX_BUG_ON_3 __TDX_BUG_ON BUG_ON VM_WARN_ON VM_WARN_ON_ONCE VM_BUG_ON
    VM_WARN_ON_FOLIO VM_BUG_ON_PAGE VM_BUG_ON_FOLIO CHECK_DATA_CORRUPTION lockdep_assert_once_value""".split()
)
FATAL = frozenset("BUG_ON VM_BUG_ON VM_BUG_ON_PAGE VM_BUG_ON_FOLIO".split())
NORETURN = frozenset("BUG panic unreachable __builtin_unreachable do_exit nmi_panic".split())

SCOPED = frozenset("scoped_guard scoped_cond_guard".split())

# name(op)(args): a call through the ops table whose field is op (asm/kvm_host.h, vmx/main.c, linux/static_call.h).
OP_CALLS: dict[str, str] = {
    "kvm_x86_call": "",
    "kvm_pmu_call": "",
    "kvm_nested_call": "",
    "static_call": "kvm_x86_",
    "static_call_cond": "kvm_x86_",
}
# Views of one page, whose meaning the vocabulary gives: what a header expands them to says less (asm/page.h,
# asm-generic/memory_model.h, linux/mm.h).
CONVERSIONS = frozenset(
    """virt_to_page page_to_virt pfn_to_page page_to_pfn pfn_to_kaddr pfn_to_virt page_to_phys phys_to_page
    lowmem_page_address page_address __pa __va virt_to_phys phys_to_virt""".split()
)

# Loop macros -> the arguments they write (arch/x86/kvm/mmu/tdp_mmu.c, tdp_iter.h; include/linux/kvm_host.h, list.h).
CURSORS: dict[str, tuple[int, ...]] = {
    "for_each_tdp_pte": (0,),
    "for_each_tdp_pte_min_level": (0,),
    "for_each_tdp_pte_min_level_all": (0,),
    "tdp_root_for_each_pte": (0,),
    "tdp_root_for_each_leaf_pte": (0,),
    "__for_each_tdp_mmu_root": (1,),
    "__for_each_tdp_mmu_root_yield_safe": (1,),
    "for_each_tdp_mmu_root_rcu": (1,),
    "for_each_valid_tdp_mmu_root": (1,),
    "for_each_valid_tdp_mmu_root_yield_safe": (1,),
    "for_each_tdp_mmu_root_yield_safe": (1,),
    "kvm_for_each_vcpu": (0, 1),
    "xa_for_each": (1, 2),
    "xa_for_each_range": (1, 2),
    "list_for_each_entry": (0,),
    "list_for_each_entry_safe": (0, 1),
    "hlist_for_each_entry": (0,),
}
HOLE = "__nak_hole__"  # the call by which a rebuilt image says that text is missing
BODY = "__nak_body__"  # the call that stands for the user's block in an expanded block macro
UNKNOWN = "__nak_unknown_"  # begins the names of functions of rebuilt images whose name is not known
