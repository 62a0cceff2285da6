"""Execution contexts: what spins, what sleeps, what masks interrupts, what runs in interrupts (linux/{spinlock,rwlock,
rcupdate,gfp,interrupt,hrtimer,irq_work,smp}.h, Documentation/kernel-hacking/locking.rst)."""

from analyzer.author import Effect, Masking, RunsIn, Sleepers, Verb, Vocabulary, Walks

RCU = "rcu"
RCU_TAKES = frozenset("rcu_read_lock rcu_read_lock_sched rcu_read_lock_bh".split())
RCU_GIVES = frozenset("rcu_read_unlock rcu_read_unlock_sched rcu_read_unlock_bh".split())
_EFFECTS: dict[str, tuple[Effect, ...]] = {
    **{n: (Effect(Verb.ACQUIRE, RCU, 0, "r", source="include/linux/rcupdate.h"),) for n in RCU_TAKES},
    **{n: (Effect(Verb.RELEASE, RCU, 0, "r", source="include/linux/rcupdate.h"),) for n in RCU_GIVES},
}
# Lock calls that rules/vocabulary/locks.py leaves out: the same with a lock class, or with a result.
for _name, _mode in (
    ("spin_lock_nested", "x"),
    ("raw_spin_lock_nested", "x"),
    ("spin_lock_irqsave_nested", "x"),
    ("raw_spin_lock_irqsave_nested", "x"),
    ("spin_lock_nest_lock", "x"),
    ("write_lock_nested", "w"),
):
    _EFFECTS[_name] = (Effect(Verb.ACQUIRE, "", 0, _mode, source="include/linux/spinlock.h"),)
for _name in ("raw_spin_trylock", "spin_trylock_irqsave", "raw_spin_trylock_irqsave", "spin_trylock_irq",
              "spin_trylock_bh", "write_trylock_irqsave"):  # fmt: skip
    _EFFECTS[_name] = (Effect(Verb.ACQUIRE, "", 0, "x", "nonzero", source="include/linux/spinlock.h"),)

VOCABULARY = Vocabulary(
    effects=_EFFECTS,
    asynchronous=frozenset(
        """call_rcu_hurry call_rcu_tasks queue_rcu_work hrtimer_init_sleeper kvm_set_posted_intr_wakeup_handler
        amd_iommu_register_ga_log_notifier smp_call_function_any smp_call_function_single_async request_threaded_irq
        request_percpu_irq devm_request_irq irq_work_init on_each_cpu_cond on_each_cpu_cond_mask
        INIT_DEFERRABLE_WORK timer_setup_on_stack tasklet_init hrtimer_setup_on_stack setup_timer""".split()
    ),
)

_KINDS = ("spin", "raw_spin", "read", "write")
SPINNING = frozenset(
    [f"{k}_{verb}{s}" for k in _KINDS for verb in ("lock", "trylock", "unlock")
     for s in ("", "_irq", "_bh", "_irqsave", "_irqrestore", "_nested", "_irqsave_nested", "_nest_lock")]
    + ["KVM_MMU_LOCK", "KVM_MMU_UNLOCK"]
)  # fmt: skip
MUTEXES = frozenset(
    """mutex_lock mutex_lock_nested mutex_lock_interruptible mutex_lock_killable down_read down_write down_read_killable
    down_write_killable""".split()
)
ASSERTIONS = frozenset(
    """lockdep_assert_held lockdep_assert_held_write lockdep_assert_held_read lockdep_assert_held_once
    lockdep_assert_held_write_once kvm_lockdep_assert_mmu_lock_held""".split()
)
# Locks of headers that a patch does not show; where structs are seen, what they say of a lock counts.
SPINLOCK_NAMES = frozenset(("mmu_lock", "tdp_mmu_pages_lock", "mmu_unsync_pages_lock", "mn_invalidate_lock"))

_GFP_LAST = """alloc_page kzalloc kmalloc kvmalloc kvzalloc kmem_cache_alloc kmem_cache_zalloc __get_free_page
get_zeroed_page __get_free_pages kcalloc kvcalloc kmalloc_array kvmalloc_array kstrdup kmemdup krealloc xa_store
xa_insert xa_reserve ida_alloc ida_alloc_range ida_alloc_max radix_tree_preload __vmalloc idr_preload
alloc_percpu_gfp zalloc_cpumask_var alloc_cpumask_var kmem_cache_alloc_lru genradix_prealloc idr_alloc
bitmap_zalloc bitmap_alloc mempool_alloc kzalloc_node_track_caller kmemdup_nul kstrndup kmemdup_array
kvmemdup kmalloc_obj kzalloc_obj kvmalloc_obj kvzalloc_obj kmalloc_objs kzalloc_objs kzalloc_flex kmalloc_flex"""
_GFP_FIRST = "alloc_pages folio_alloc __folio_alloc __alloc_pages kasprintf kvasprintf"
_GFP_SECOND = """alloc_pages_node kmalloc_node kzalloc_node kvmalloc_node kvzalloc_node kmem_cache_alloc_node
kmem_cache_alloc_bulk"""
SLEEPERS = Sleepers(
    always=frozenset(
        """mutex_lock mutex_lock_nested mutex_lock_interruptible mutex_lock_killable down_read down_write
        down_read_killable down_write_killable down down_interruptible cond_resched might_sleep might_fault msleep
        ssleep usleep_range fsleep schedule schedule_timeout schedule_timeout_interruptible
        schedule_timeout_uninterruptible
        io_schedule wait_event wait_event_interruptible wait_event_killable wait_event_timeout rcuwait_wait_event
        wait_for_completion wait_for_completion_killable wait_for_completion_timeout wait_for_completion_interruptible
        wait_on_bit wait_on_page_bit synchronize_rcu synchronize_rcu_expedited synchronize_srcu
        synchronize_srcu_expedited synchronize_irq rcu_barrier srcu_barrier flush_work flush_workqueue
        flush_delayed_work
        cancel_work_sync cancel_delayed_work_sync destroy_workqueue vmalloc vzalloc vcalloc vmalloc_user kthread_stop
        kthread_create kthread_run vhost_task_stop vhost_task_create copy_from_user copy_to_user
        get_user put_user clear_user strncpy_from_user memdup_user vmemdup_user memdup_array_user vmemdup_array_user
        get_user_pages get_user_pages_unlocked get_user_pages_remote get_user_pages_fast pin_user_pages
        pin_user_pages_fast pin_user_pages_unlocked mmap_read_lock mmap_write_lock mmap_read_lock_killable
        mmap_write_lock_killable vm_mmap vm_munmap mmput iput alloc_percpu alloc_workqueue folio_lock lock_page
        filemap_lock_folio filemap_grab_folio filemap_invalidate_lock filemap_invalidate_lock_shared percpu_down_write
        percpu_down_read cpus_read_lock cpus_write_lock task_work_run kvm_mmu_topup_memory_cache
        __kvm_mmu_topup_memory_cache kmem_cache_create kmem_cache_destroy
        misc_register mmu_notifier_register mmu_notifier_unregister anon_inode_getfd anon_inode_getfile
        perf_event_create_kernel_counter perf_event_release_kernel request_irq free_irq
        truncate_inode_pages truncate_inode_pages_range truncate_pagecache unmap_mapping_range unmap_mapping_pages
        unmap_mapping_folio invalidate_inode_pages2 invalidate_inode_pages2_range filemap_write_and_wait
        filemap_write_and_wait_range set_memory_encrypted set_memory_decrypted folio_wait_locked folio_wait_writeback
        folio_split split_folio split_folio_to_list split_huge_page split_huge_page_to_list_to_order vfree kvfree vmap
        vunmap schedule_timeout_idle wait_event_idle wait_event_interruptible_timeout wait_event_killable_timeout
        wait_for_completion_killable_timeout wait_for_completion_interruptible_timeout down_read_nested
        down_write_nested mutex_lock_io rt_mutex_lock ww_mutex_lock drain_workqueue disable_work_sync""".split()
    ),
    by_gfp={
        **dict.fromkeys(_GFP_LAST.split(), -1),
        **dict.fromkeys(_GFP_FIRST.split(), 0),
        **dict.fromkeys(_GFP_SECOND.split(), 1),
    },
    unless_holding=frozenset(
        "cond_resched_rwlock_read cond_resched_rwlock_write cond_resched_lock cond_resched_rwlock".split()
    ),
    blocking=frozenset(
        """GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_USER GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_NOIO GFP_NOFS GFP_DMA32_KERNEL
        __GFP_DIRECT_RECLAIM __GFP_RECLAIM GFP_TRANSHUGE""".split()
    ),
    atomic=frozenset("GFP_ATOMIC GFP_NOWAIT __GFP_NOWAIT GFP_TRANSHUGE_LIGHT __GFP_HIGH".split()),
)

# What masks what: a lock call may mask as well (linux/spinlock.h, linux/irqflags.h, linux/bottom_half.h).
IRQ, BH = "irq", "bh"
MASKING = Masking(
    takes={
        **dict.fromkeys("local_irq_save local_irq_disable raw_local_irq_save raw_local_irq_disable".split(), IRQ),
        **{f"{k}_lock{s}": IRQ for k in _KINDS for s in ("_irq", "_irqsave", "_irqsave_nested")},
        **{f"{k}_lock_bh": BH for k in _KINDS},
        "local_bh_disable": BH,
    },
    gives={
        **dict.fromkeys("local_irq_restore local_irq_enable raw_local_irq_restore raw_local_irq_enable".split(), IRQ),
        **{f"{k}_unlock{s}": IRQ for k in _KINDS for s in ("_irq", "_irqrestore")},
        **{f"{k}_unlock_bh": BH for k in _KINDS},
        "local_bh_enable": BH,
    },
    asserts={"lockdep_assert_irqs_disabled": IRQ, "lockdep_assert_in_irq": IRQ, "lockdep_assert_softirq": BH,
             "lockdep_assert_hardirq": IRQ},
)  # fmt: skip

IRQS_OFF = frozenset(n for n in MASKING.takes if n.startswith("local_irq"))
IRQS_ON = frozenset(n for n in MASKING.gives if n.startswith("local_irq"))

HARD, SOFT = "a hard interrupt", "a softirq"
# Registration -> (argument that is run, where it runs). An hrtimer runs in hard interrupts unless its mode says SOFT.
RUNS_IN: dict[str, RunsIn] = {
    **dict.fromkeys(("call_rcu", "call_rcu_hurry"), RunsIn(1, SOFT, "an RCU callback")),
    **dict.fromkeys(("timer_setup", "timer_setup_on_stack"), RunsIn(1, SOFT, "a timer")),
    **dict.fromkeys(("tasklet_setup", "tasklet_init"), RunsIn(1, SOFT, "a tasklet")),
    **dict.fromkeys(("hrtimer_setup", "hrtimer_setup_on_stack"), RunsIn(1, HARD, "an hrtimer", softer="_SOFT")),
    **dict.fromkeys(("init_irq_work", "INIT_IRQ_WORK", "IRQ_WORK_INIT"), RunsIn(1, HARD, "irq_work")),
    **dict.fromkeys(("smp_call_function_single", "smp_call_function_many", "smp_call_function_any"),
                    RunsIn(1, HARD, "an IPI")),
    **dict.fromkeys(("smp_call_function", "on_each_cpu"), RunsIn(0, HARD, "an IPI")),
    **dict.fromkeys(("on_each_cpu_mask", "on_each_cpu_cond"), RunsIn(1, HARD, "an IPI")),
    **dict.fromkeys(("request_irq", "request_threaded_irq", "request_percpu_irq"), RunsIn(1, HARD, "an interrupt")),
    "devm_request_irq": RunsIn(2, HARD, "an interrupt"),
    "init_waitqueue_func_entry": RunsIn(1, HARD, "a wake-up with interrupts off"),
    "kvm_set_posted_intr_wakeup_handler": RunsIn(0, HARD, "the posted-interrupt wake-up vector"),
    "amd_iommu_register_ga_log_notifier": RunsIn(0, HARD, "the GA log interrupt"),
}  # fmt: skip

LOCK_INITS = frozenset(
    """spin_lock_init raw_spin_lock_init rwlock_init mutex_init init_rwsem __mutex_init __init_rwsem __spin_lock_init
    mutex_init_with_key devm_mutex_init spin_lock_init_with_key local_lock_init __rwlock_init __raw_spin_lock_init
    KVM_MMU_LOCK_INIT""".split()
)
LOCK_TYPES: dict[str, str] = {
    "spinlock_t": "spin",
    "raw_spinlock_t": "spin",
    "rwlock_t": "spin",
    "struct mutex": "sleep",
    "struct rw_semaphore": "sleep",
}

# rcu_dereference() needs a read section; helpers of the TDP MMU that call it (mmu/tdp_iter.h, mmu/spte.h).
RCU_USES = frozenset(("rcu_dereference", "rcu_dereference_bh", "rcu_dereference_sched"))
RCU_ASSERTS = frozenset(("RCU_LOCKDEP_WARN", "lockdep_assert_in_rcu_read_lock"))
RCU_HELPERS = frozenset(
    """is_mirror_sptep kvm_tdp_mmu_read_spte kvm_tdp_mmu_write_spte kvm_tdp_mmu_write_spte_atomic
    tdp_mmu_clear_spte_bits tdp_iter_next tdp_iter_start tdp_iter_restart tdp_mmu_set_spte_atomic tdp_mmu_iter_set_spte
    tdp_mmu_set_spte tdp_mmu_link_sp""".split()
)

SPIN_TAKES = frozenset(n for n in SPINNING if "unlock" not in n and n.islower())
# Lock calls that leave interrupts as they are; _trylock does not spin, so it cannot spin on its own CPU.
PLAIN = frozenset(n for n in SPIN_TAKES if n not in MASKING.takes or n.endswith("_bh")) - frozenset(
    n for n in SPIN_TAKES if "trylock" in n
)
ALL_TAKES = (
    SPIN_TAKES | MUTEXES | frozenset(("mutex_trylock", "down_read_trylock", "down_write_trylock", "KVM_MMU_LOCK"))
)
# Old locks of structs -> the function that initialises them: a tree without it makes the struct elsewhere.
MADE_BY: dict[str, str] = {
    **dict.fromkeys(
        "mmu_lock slots_lock slots_arch_lock irq_lock mn_invalidate_lock gpc_lock ring_lock resampler_lock".split(),
        "kvm_create_vm",
    ),
    **dict.fromkeys("mutex pid_lock".split(), "kvm_vcpu_init"),
    **dict.fromkeys("apic_map_lock tsc_write_lock apicv_update_lock hv_lock xen_lock".split(), "kvm_arch_init_vm"),
    "tdp_mmu_pages_lock": "kvm_mmu_init_tdp_mmu",
    "mmu_unsync_pages_lock": "kvm_mmu_init_vm",
}

# Walks of the TDP MMU (mmu/tdp_iter.[ch]), what is read from its tables, and whether a cache has to be filled.
WALKS = Walks(
    type="struct tdp_iter",
    fields=frozenset(("old_spte", "sptep", "pt_path")),
    mark="yielded",
    starts=frozenset(("tdp_iter_start", "tdp_iter_restart")),
    steps=frozenset(("tdp_iter_next",)),
    loops=frozenset(
        """for_each_tdp_pte for_each_tdp_pte_min_level for_each_tdp_pte_min_level_all tdp_root_for_each_pte
        tdp_root_for_each_leaf_pte""".split()
    ),
    reads=frozenset(
        """kvm_tdp_mmu_read_spte mmu_spte_get_lockless spte_to_child_pt spte_to_child_sp sptep_to_sp need_topup
        kvm_mmu_memory_cache_nr_free_objects need_topup_split_caches need_topup_split_caches_or_resched""".split()
    ),
)
PROTECTS_TABLES = frozenset(("mmu_lock", RCU))
