"""Words of kernel C that carry no meaning for the syntax: annotations, attributes, file-scope macros."""

from __future__ import annotations

ATTRIBUTES: frozenset[bytes] = frozenset(
    b"""
    __init __exit __initdata __exitdata __initconst __user __kernel __iomem __percpu __rcu __force __nocast
    __private __must_check __always_inline __inline__ __inline __maybe_unused __always_unused __used __unused
    __weak __ro_after_init __read_mostly __packed __cold __hot __pure __const __attribute_const__ __noreturn
    __noclone noinline noinline_for_stack noinstr notrace asmlinkage __visible __cacheline_aligned
    __cacheline_aligned_in_smp ____cacheline_aligned ____cacheline_aligned_in_smp __nonstring __refdata __ref
    __meminit __net_init __net_exit __sched __cpuidle __randomize_layout __designated_init __no_sanitize_address
    __no_kcsan __flatten __bitwise __nostackprotector __irq_entry __entry_text __latent_entropy __malloc
    __deprecated __no_context_analysis __page_aligned_bss __page_aligned_data __bpf_kfunc __signed__
    __no_stack_protector __no_kmsan_checks __no_sanitize_memory __ibt_noseal __nocfi __nosanitize_coverage
    __no_sanitize_coverage __extension__ __init_or_module __head __no_profile fastcall
    """.split()
)

ATTRIBUTES_WITH_ARGS: frozenset[bytes] = frozenset(
    rb"""
    __printf __scanf __aligned __section __alias __acquires __releases __must_hold __acquire_shared __cond_acquires
    __guarded_by __pt_guarded_by __counted_by __counted_by_le __counted_by_be __free __cleanup __attribute__
    __alloc_size __malloc_dealloc __no_sanitize __diagnose_as __requires_ctx __must_not_hold __acquires_shared
    __releases_shared __must_hold_shared __cond_acquires_shared __context_unsafe __returns_ctx_lock
    __assume_ctx_lock _Alignas __initdata __nonnull __sentinel __nonnull_args
    """.split()
)

FILE_SCOPE_MACROS: tuple[bytes, ...] = tuple(
    rb"""
    DEFINE_ EXPORT_SYMBOL EXPORT_TRACEPOINT EXPORT_STATIC_CALL EXPORT_PER_CPU MODULE_ module_param early_param
    module_init module_exit subsys_initcall device_initcall late_initcall arch_initcall DEFINE_STATIC_KEY
    DEFINE_PER_CPU DECLARE_PER_CPU DECLARE_STATIC_KEY DEFINE_STATIC_CALL DECLARE_STATIC_CALL DEFINE_SPINLOCK
    DEFINE_MUTEX DEFINE_RAW_SPINLOCK DEFINE_RWLOCK DEFINE_XARRAY DEFINE_IDA DEFINE_IDR DEFINE_HASHTABLE DEFINE_SRCU
    DEFINE_STATIC_SRCU DECLARE_BITMAP DECLARE_KFIFO DECLARE_HASHTABLE DECLARE_FLEX_ARRAY static_assert
    _Static_assert DEFINE_GUARD DEFINE_LOCK_GUARD DEFINE_FREE DEFINE_CLASS DECLARE_EVENT_CLASS TRACE_EVENT
    DEFINE_EVENT TRACE_DEFINE_ENUM DEFINE_SHOW_ATTRIBUTE DEFINE_DEBUGFS_ATTRIBUTE DEFINE_SIMPLE_ATTRIBUTE
    KVM_X86_OP NOKPROBE_SYMBOL STACK_FRAME_NON_STANDARD ALLOW_ERROR_INJECTION CFI_NOSEAL KVM_EVENT
    DECLARE_WAIT_QUEUE_HEAD SYM_ ANNOTATE_NOENDBR_SYM ATOMIC_NOTIFIER_HEAD BLOCKING_NOTIFIER_HEAD RAW_NOTIFIER_HEAD
    DECLARE_RWSEM DECLARE_DELAYED_WORK DECLARE_WORK
    """.split()
)

# Macros whose first argument is a type.
TYPE_FIRST: tuple[bytes, ...] = tuple(
    rb"""
    kmalloc_obj kzalloc_obj kvmalloc_obj kvzalloc_obj kmalloc_objs kzalloc_objs kvmalloc_objs kvzalloc_objs
    kmalloc_flex kzalloc_flex sizeof_field offsetofend typecheck KMEM_CACHE per_cpu_ptr_type alloc_percpu
    alloc_percpu_gfp field_sizeof
    """.split()
)
