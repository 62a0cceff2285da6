"""Locks and lock assertions (linux/{mutex,rwlock,spinlock,rwsem,lockdep,rcupdate,srcu}.h, kvm_mm.h)."""

from analyzer.author import Effect, Verb, Vocabulary


def _pair(lock: str, unlock: str, mode: str, source: str) -> dict[str, tuple[Effect, ...]]:
    return {
        lock: (Effect(Verb.ACQUIRE, "", 0, mode, source=source),),
        unlock: (Effect(Verb.RELEASE, "", 0, mode, source=source),),
    }


def _try(name: str, mode: str, source: str, when: str = "nonzero") -> dict[str, tuple[Effect, ...]]:
    return {name: (Effect(Verb.ACQUIRE, "", 0, mode, when, source=source),)}


def _require(name: str, mode: str) -> dict[str, tuple[Effect, ...]]:
    return {name: (Effect(Verb.REQUIRE, "", 0, mode, source="include/linux/lockdep.h"),)}


_EFFECTS: dict[str, tuple[Effect, ...]] = {
    **_pair("mutex_lock", "mutex_unlock", "x", "include/linux/mutex.h"),
    **_pair("mutex_lock_nested", "mutex_unlock", "x", "include/linux/mutex.h"),
    **_try("mutex_trylock", "x", "include/linux/mutex.h"),
    **_try("mutex_lock_interruptible", "x", "include/linux/mutex.h", "zero"),
    **_try("mutex_lock_killable", "x", "include/linux/mutex.h", "zero"),
    **_pair("down_read", "up_read", "r", "include/linux/rwsem.h"),
    **_pair("down_write", "up_write", "w", "include/linux/rwsem.h"),
    **_try("write_trylock", "w", "include/linux/rwlock.h"),
    **_try("read_trylock", "r", "include/linux/rwlock.h"),
    **_try("spin_trylock", "x", "include/linux/spinlock.h"),
    "KVM_MMU_LOCK": (Effect(Verb.ACQUIRE, "mmu_lock", 0, "w", source="virt/kvm/kvm_mm.h"),),
    "KVM_MMU_UNLOCK": (Effect(Verb.RELEASE, "mmu_lock", 0, "w", source="virt/kvm/kvm_mm.h"),),
    **_require("lockdep_assert_held", "any"),
    **_require("lockdep_assert_held_once", "any"),
    **_require("lockdep_assert_held_write", "w"),
    **_require("lockdep_assert_held_write_once", "w"),
    **_require("lockdep_assert_held_read", "r"),
    "tdh_do_no_vcpus": (Effect(Verb.REQUIRE, "mmu_lock", 0, "w", source="arch/x86/kvm/vmx/tdx.c"),),
    "kvm_lockdep_assert_mmu_lock_held": (
        Effect(Verb.REQUIRE, "mmu_lock", 0, "any", flag=1, source="arch/x86/kvm/mmu/tdp_mmu.c"),
    ),
}
for _suffix in ("", "_irq", "_bh", "_irqsave"):
    _undo = "_irqrestore" if _suffix == "_irqsave" else _suffix
    for _kind, _mode in (("read", "r"), ("write", "w"), ("spin", "x"), ("raw_spin", "x")):
        _EFFECTS.update(_pair(f"{_kind}_lock{_suffix}", f"{_kind}_unlock{_undo}", _mode, "include/linux/spinlock.h"))

VOCABULARY = Vocabulary(
    effects=_EFFECTS,
    predicates=frozenset(("refcount_read", "refcount_dec_and_test", "IS_ENABLED")),
    asynchronous=frozenset(
        """call_rcu call_srcu kvfree_call_rcu queue_work schedule_work queue_delayed_work INIT_WORK
        INIT_DELAYED_WORK init_irq_work INIT_IRQ_WORK timer_setup hrtimer_setup hrtimer_init kthread_run
        kthread_create vhost_task_create smp_call_function_single smp_call_function_many smp_call_function
        on_each_cpu on_each_cpu_mask smp_call_on_cpu cpuhp_setup_state cpuhp_setup_state_nocalls
        cpuhp_setup_state_nocalls_cpuslocked request_irq register_reboot_notifier register_syscore
        register_syscore_ops mmu_notifier_register tasklet_setup init_waitqueue_func_entry init_poll_funcptr
        anon_inode_getfd anon_inode_getfile kvm_register_device_ops work_on_cpu stop_machine
        pvclock_gtod_register_notifier cpufreq_register_notifier kvm_init misc_register
        irq_bypass_register_consumer debugfs_create_file task_work_add perf_register_guest_info_callbacks""".split()
    ),
)
