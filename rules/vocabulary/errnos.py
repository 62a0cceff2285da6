"""Errors: which pass by themselves and which stay, and what functions return that are not read here."""

import re

from analyzer.author import Errors, Facts, Known

# A second try can succeed without anybody changing the request (rules.md, 18).
TRANSIENT = frozenset(
    "EBUSY EAGAIN EWOULDBLOCK EINTR ERESTARTSYS ERESTARTNOINTR ERESTARTNOHAND ERESTART EINPROGRESS EALREADY "
    "ETIMEDOUT ETIME EDEADLK EDEADLOCK ESTALE ECANCELED EEXIST ENOBUFS EUCLEAN ENODATA EPROBE_DEFER".split()
)
# What is out may come back once something was freed, grown or looked up anew: a test for just that one is meant.
RESOURCE = frozenset("ENOMEM ENOSPC E2BIG EMFILE ENFILE EDQUOT ENOENT ESRCH EFAULT".split())
STATUS = "TDX status"  # an error of the TDX module, in a u64

_EXTERNAL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("xa_reserve xa_store init_srcu_struct percpu_ref_init percpu_counter_init".split(), ("ENOMEM",)),
    **dict.fromkeys("idr_alloc idr_alloc_u32 idr_alloc_cyclic ida_alloc ida_alloc_max".split(), ("ENOMEM", "ENOSPC")),
    **dict.fromkeys("ida_alloc_range xa_alloc __xa_alloc xa_alloc_cyclic".split(), ("ENOMEM", "EBUSY", "ENOSPC")),
    **dict.fromkeys(("xa_insert", "__xa_insert"), ("ENOMEM", "EBUSY")),
    **dict.fromkeys("mutex_lock_killable mutex_lock_interruptible mmap_read_lock_killable".split(), ("EINTR",)),
    **dict.fromkeys("mmap_write_lock_killable down_read_killable down_write_killable".split(), ("EINTR",)),
    **dict.fromkeys("wait_for_completion_interruptible wait_for_completion_killable".split(), ("ERESTARTSYS",)),
    **dict.fromkeys("wait_event_interruptible wait_event_killable".split(), ("ERESTARTSYS",)),
    **dict.fromkeys("get_unused_fd_flags anon_inode_getfd".split(), ("EMFILE", "ENFILE", "ENOMEM")),
    **dict.fromkeys("get_user put_user __get_user __put_user".split(), ("EFAULT",)),
    **dict.fromkeys(("set_memory_encrypted", "set_memory_decrypted"), ("ENOMEM", "EIO")),
    **dict.fromkeys(("get_user_pages_unlocked", "pin_user_pages_fast", "get_user_pages_fast"), ("EFAULT", "EAGAIN")),
    **dict.fromkeys(("__filemap_get_folio_mpol", "__filemap_get_folio", "filemap_grab_folio"), ("ENOMEM",)),
    **dict.fromkeys(("fixup_user_fault",), ("EFAULT", "EAGAIN", "ENOMEM")),
    **dict.fromkeys(("follow_pfnmap_start",), ("EINVAL",)),
    **dict.fromkeys(("sev_do_cmd", "sev_issue_cmd_external_user", "psmash", "rmp_make_private"), ("EIO",)),
    **dict.fromkeys(("vmemdup_user", "memdup_user"), ("ENOMEM", "EFAULT")),
    **dict.fromkeys(("kstrtoint", "kstrtobool", "kstrtouint"), ("EINVAL",)),
}
EXTERNALS = frozenset(_EXTERNAL)
FLUSHES = re.compile(r"^(?:__)?(?:kvm_|hv_|svm_|vmx_)?(?:arch_)?flush_(?:remote_)?tlb\w*$|^kvm_mmu_remote_flush\w*$")
RETRIES = frozenset(("RET_PF_RETRY",))
DEAD = frozenset(("KVM_REQ_VM_DEAD", "KVM_REQ_VM_BUGGED", "vm_dead", "vm_bugged"))
PREDICATES = frozenset(("is_mirror_sp", "is_mirror_sptep"))


def external(name: str) -> tuple[str, ...]:
    """The errors of a function that is not shown."""
    if name[:4] == "tdh_" or name[:8] == "seamcall":
        return (STATUS,)
    return _EXTERNAL.get(name, ())


KNOWN = Known(external, PREDICATES, RETRIES, DEAD)


def errors_of(facts: Facts) -> Errors:
    """The one analysis of errors of a program."""
    return facts.solve("errors", lambda: Errors(facts, KNOWN))


def permanent(name: str) -> bool:
    """Whether trying again cannot help."""
    return name not in TRANSIENT


def first_look(facts: Facts) -> Errors:
    """The same without looking into callees: what it does not find is not there."""
    return facts.solve("errors at first look", lambda: Errors(facts, KNOWN, shallow=True))
