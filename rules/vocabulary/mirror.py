"""Mirror and direct roots of the TDP MMU, and the external (S-EPT) tables that a mirror stands for."""

import re

from analyzer.author import Vocabulary

MMU = ("arch/x86/kvm/mmu/*", "arch/x86/kvm/mmu.h")

# Ops of kvm_x86_ops about external tables (asm/kvm-x86-ops.h), by the words KVM has for these.
EXTERNAL = re.compile(r"external|mirror|sept_|private_spt")
TABLES = re.compile(r"spte?s?(_|$)|leaf|mapping|page_table")
CENTRAL_OP = "set_external_spte"  # gets the old and the new value, decides by these alone
PRUNE_OP = "free_external_spt"  # a table goes before its children: the one exception
# A flag that says how mmu_lock is held, and what asks lockdep for it.
LOCK_STATE = re.compile(r"(^|_)(shared|exclusive|atomic|mmu_locked|lock_held|lock_mode|(read|write)_lock(ed)?)(_|$)")
LOCK_QUERY = re.compile(r"lockdep_is_held|rwlock_is_|rwlock_is_contended$|lock_is_held")
BUSY = re.compile(r"operand_busy|OPERAND_BUSY|EBUSY")

# What writes an SPTE: compare and exchange, or a plain store.
ATOMIC_WRITES = frozenset(("try_cmpxchg64", "cmpxchg64", "try_cmpxchg", "cmpxchg", "arch_cmpxchg64"))
PLAIN_WRITES = frozenset(("kvm_tdp_mmu_write_spte", "__kvm_tdp_mmu_write_spte", "kvm_tdp_mmu_write_spte_atomic"))

VOCABULARY = Vocabulary()

# Predicates about one root, one table, one fault, one range; and the one about the whole VM (mmu.h).
PER_ROOT = re.compile(r"is_mirror_sp|is_mirror_root|role\.is_mirror|kvm_is_addr_direct|is_private|private_gpa|_ROOTS\b")
PER_VM = frozenset(("kvm_has_mirrored_tdp", "is_td", "is_td_vcpu"))
PER_VM_TYPE = "KVM_X86_TDX_VM"
# What a kernel has that maps private memory under roots of its own.
MIRROR_WORDS = frozenset(
    """mirror_root_hpa KVM_MIRROR_ROOTS is_mirror is_mirror_sp is_mirror_sptep kvm_has_mirrored_tdp
    tdp_mmu_get_root_for_fault external_spt""".split()
)
PRIVATE_CALLS = re.compile(
    r"^(vt_is_tdx_private_gpa|kvm_is_private_gpa|kvm_mem_is_private|is_private_gpa|kvm_is_private_gfn)$"
)
PRIVATE_FLAGS = frozenset(("KVM_FILTER_PRIVATE", "PFERR_PRIVATE_ACCESS", "KVM_MEMORY_ATTRIBUTE_PRIVATE"))
# What walks or changes the entries under a root that it is given.
WALKERS = re.compile(r"^(tdp_iter_start|(tdp_root_)?for_each_(leaf_)?tdp_pte\w*|tdp_root_for_each\w*)$")
PRIVATE_NAMES = re.compile(r"(^|_)(private|mirror)(_|$)")
# What writes SPTEs without telling anybody (fast_pf_fix_direct_spte()).
DIRECT_ONLY = frozenset(("fast_page_fault", "fast_pf_fix_direct_spte"))
# Entry points that concern shared memory only (mmu notifier, fast zap), and those that end a VM.
SHARED_ONLY = frozenset(("kvm_arch_flush_shadow_all", "kvm_mmu_notifier_release", "kvm_mmu_zap_all"))
TEARDOWN = re.compile(r"uninit|destroy|teardown|free_vm|release_vm")

# Changing an SPTE: what stores which argument, what reads it again, what is counted, listed or traced with it.
STORES = {"kvm_tdp_mmu_write_spte": 2, "__kvm_tdp_mmu_write_spte": 1, "kvm_tdp_mmu_write_spte_atomic": 1}
FROZEN = "FROZEN_SPTE"
READS = frozenset(("kvm_tdp_mmu_read_spte", "tdp_iter_refresh_sptep", "READ_ONCE", "mmu_spte_get_lockless"))
ACCOUNTS = re.compile(
    r"^(kvm_update_page_stats|tdp_(un)?account_mmu_page|tdp_mmu_unlink_sp|kvm_(un)?account_pgtable_pages"
    r"|trace_kvm_tdp_mmu_spte_changed|(un)?track_possible_nx_huge_page|list_(add|del)(_tail|_rcu|_init)?"
    r"|atomic(64|_long)?_(inc|dec|add|sub))$"
)
RETIRES = frozenset(("call_rcu", "kfree_rcu", "kvfree_call_rcu", "__tdp_mmu_free_sp", "tdp_mmu_free_sp_rcu_callback"))
MIRROR_TESTS = frozenset(("is_mirror_sp", "is_mirror_sptep"))
TRIES = frozenset(w for w in ATOMIC_WRITES if w.startswith("try_"))  # these say whether they have stored

# Walks of a root, what they ask of an entry, and what makes a leaf.
PRESENT = frozenset(("is_shadow_present_pte",))
LEAF = frozenset(("is_large_pte", "is_last_spte", "tdp_iter_at_leaf"))
LEAF_MAKERS = frozenset(("make_spte", "make_huge_spte"))
COLLAPSES = frozenset(("make_huge_spte",))  # of the entries of a table
PROMOTE = frozenset(("tdh_mem_page_promote",))
LEVEL_OP = "gmem_max_mapping_level"  # the vendor's limit for private memory (kvm_x86_ops)
SPLIT_OPS = frozenset(("tdh_mem_page_demote", "split_external_spte"))
# Predicates and fields that say that a root is, or is not, one whose tables must stay.
AT_RISK = MIRROR_TESTS | PER_VM | {"is_mirror", "is_private", "kvm_mem_is_private", "vt_is_tdx_private_gpa"}
SPARED = frozenset(("kvm_is_addr_direct",))
