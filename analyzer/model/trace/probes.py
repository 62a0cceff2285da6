"""The probes: which tracepoint or function shows which event, with which arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# What happened. Plain strings: they are looked up for each event.
ENTER: Final = "enter"
LEAVE: Final = "leave"
FAULT: Final = "fault"
SPTE: Final = "spte"
SPLIT: Final = "split"
ATTRIBUTES: Final = "attributes"
CACHE_ADD: Final = "cache-add"
CACHE_DELETE: Final = "cache-delete"
ADD: Final = "add"
AUG: Final = "aug"
SEPT_ADD: Final = "sept-add"
BLOCK: Final = "block"
UNBLOCK: Final = "unblock"
TRACK: Final = "track"
KICK: Final = "kick"
REMOVE: Final = "remove"
DEMOTE: Final = "demote"
PROMOTE: Final = "promote"
FLUSH: Final = "flush"
CREATE: Final = "create"
FINALIZE: Final = "finalize"
KEY_FREE: Final = "key-free"
PAMT_GET: Final = "pamt-get"
PAMT_PUT: Final = "pamt-put"
INV_BEGIN: Final = "invalidate-begin"
INV_RANGE: Final = "invalidate-range"
INV_END: Final = "invalidate-end"
PFN_ASKED: Final = "get-pfn"
PFN_GIVEN: Final = "got-pfn"
WRITE_LOCK: Final = "write-lock"
READ_LOCK: Final = "read-lock"
SPIN_LOCK: Final = "spin-lock"
WRITE_UNLOCK: Final = "write-unlock"
READ_UNLOCK: Final = "read-unlock"
LOCKDEP_ACQUIRE: Final = "lockdep-acquire"
LOCKDEP_RELEASE: Final = "lockdep-release"
RV_ERROR: Final = "rv-error"


class Side(StrEnum):
    """Where a probe sits."""

    TRACEPOINT = "tracepoint"
    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument to record: ``source`` is ``arg2`` (counted from 1, as tracefs does) or ``retval``."""

    name: str
    source: str
    type: str = "x64"


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe.

    ``target`` is ``subsystem:event`` or a function; of a tracepoint ``args`` are the fields bpftrace reads. ``note``
    says what it costs or when it is not there; ``since`` names who has it when Linux 7.3.4 has not.
    """

    what: str
    side: Side
    target: str
    args: tuple[Arg, ...] = ()
    note: str = ""
    since: str = ""

    @property
    def event(self) -> str:
        """Its name in a trace; functions get the name the kernel itself would choose for an fprobe."""
        if self.side is Side.TRACEPOINT:
            return self.target.partition(":")[2]
        return f"{self.target}__{self.side}"


def _tracepoint(what: str, target: str, fields: str, note: str = "") -> Probe:
    pairs = (pair.partition("=") for pair in fields.split())
    return Probe(what, Side.TRACEPOINT, target, tuple(Arg(name, source or name, "") for name, _, source in pairs), note)


def _function(what: str, side: Side, target: str, args: str, note: str = "", since: str = "") -> Probe:
    """``args`` like ``td=arg1 level=arg3:u32 ret=retval``."""
    found = []
    for text in args.split():
        name, _, source = text.partition("=")
        place, _, kind = source.partition(":")
        found.append(Arg(name, place, kind or "x64"))
    return Probe(what, side, target, tuple(found), note, since)


_SERIES = "huge page series"
_PAMT = "Dynamic PAMT series"
_LEAF = "td=arg1 gpa=arg2 level=arg3:u32 ret=retval"
_HOT = "called from everywhere: filter by lock == the kvm pointer (mmu_lock is the first member of struct kvm)"
_FILES = "of all files: filter by s_dev, i_ino"
_PAGE = "a struct page pointer in some revisions"
_ONE_LOCK = "called from everywhere: record only the lock in question"
_INLINED = "out of line only with PREEMPTION (kernel/Kconfig.locks)"
_LOCKDEP = "needs LOCKDEP; then no other lock probe is needed"

PROBES: Final[tuple[Probe, ...]] = (
    _tracepoint(ENTER, "kvm:kvm_entry", "vcpu=vcpu_id"),
    _tracepoint(
        LEAVE, "kvm:kvm_exit", "vcpu=vcpu_id reason=exit_reason info1 info2",
        "absent after a VP.ENTER that failed in software",
    ),
    _tracepoint(FAULT, "kvm:kvm_page_fault", "vcpu=vcpu_id address=fault_address error_code"),
    _tracepoint(
        SPTE, "kvmmmu:kvm_tdp_mmu_spte_changed", "as_id gfn level old_spte new_spte",
        "names neither VM nor root; absent when the S-EPT operation failed",
    ),
    _tracepoint(SPLIT, "kvmmmu:kvm_mmu_split_huge_page", "gfn spte level errno"),
    _tracepoint(ATTRIBUTES, "kvm:kvm_vm_set_mem_attributes", "start end attr", "comes before slots_lock is taken"),
    _tracepoint(CACHE_ADD, "filemap:mm_filemap_add_to_page_cache", "ino=i_ino pfn index order", _FILES),
    _tracepoint(
        CACHE_DELETE, "filemap:mm_filemap_delete_from_page_cache", "ino=i_ino pfn index order", _FILES
    ),
    _function(ADD, Side.EXIT, "tdh_mem_page_add", "td=arg1 gpa=arg2 pfn=arg3 ret=retval"),
    _function(AUG, Side.EXIT, "tdh_mem_page_aug", "td=arg1 gpa=arg2 level=arg3:u32 pfn=arg4 ret=retval"),
    _function(SEPT_ADD, Side.EXIT, "tdh_mem_sept_add", _LEAF),
    _function(BLOCK, Side.EXIT, "tdh_mem_range_block", _LEAF),
    _function(UNBLOCK, Side.EXIT, "tdh_mem_range_unblock", _LEAF, since="no posted kernel"),
    _function(TRACK, Side.EXIT, "tdh_mem_track", "td=arg1 ret=retval"),
    _function(KICK, Side.EXIT, "kvm_make_all_cpus_request", "kvm=arg1 req=arg2"),
    _function(REMOVE, Side.EXIT, "tdh_mem_page_remove", _LEAF),
    _function(DEMOTE, Side.EXIT, "tdh_mem_page_demote", _LEAF, since=_SERIES),
    _function(PROMOTE, Side.EXIT, "tdh_mem_page_promote", _LEAF, since="no posted kernel"),
    _function(FLUSH, Side.EXIT, "tdh_phymem_page_wbinvd_hkid", "pfn=arg2 ret=retval"),
    _function(CREATE, Side.EXIT, "tdh_mng_create", "td=arg1 ret=retval"),
    _function(FINALIZE, Side.EXIT, "tdh_mr_finalize", "td=arg1 ret=retval"),
    _function(KEY_FREE, Side.EXIT, "tdh_mng_key_freeid", "td=arg1 ret=retval"),
    _function(PAMT_GET, Side.EXIT, "tdx_pamt_get", "pfn=arg1 ret=retval:s32", _PAGE, _PAMT),
    _function(PAMT_PUT, Side.EXIT, "tdx_pamt_put", "pfn=arg1", _PAGE, _PAMT),
    _function(INV_BEGIN, Side.ENTRY, "kvm_mmu_invalidate_start", "kvm=arg1"),
    _function(INV_RANGE, Side.ENTRY, "kvm_mmu_invalidate_range_add", "kvm=arg1 start=arg2 end=arg3"),
    _function(INV_END, Side.ENTRY, "kvm_mmu_invalidate_end", "kvm=arg1"),
    _function(PFN_ASKED, Side.ENTRY, "kvm_gmem_get_pfn", "kvm=arg1 gfn=arg3"),
    _function(PFN_GIVEN, Side.EXIT, "kvm_gmem_get_pfn", "kvm=arg1 gfn=arg3 ret=retval:s32"),
    _function(WRITE_LOCK, Side.EXIT, "_raw_write_lock", "lock=arg1", _HOT),
    _function(READ_LOCK, Side.EXIT, "_raw_read_lock", "lock=arg1", _HOT),
    _function(SPIN_LOCK, Side.EXIT, "_raw_spin_lock", "lock=arg1", _ONE_LOCK),
    _function(WRITE_UNLOCK, Side.ENTRY, "_raw_write_unlock", "lock=arg1", _INLINED),
    _function(READ_UNLOCK, Side.ENTRY, "_raw_read_unlock", "lock=arg1", _INLINED),
    _tracepoint(LOCKDEP_ACQUIRE, "lock:lock_acquire", "flags name", _LOCKDEP),
    _tracepoint(LOCKDEP_RELEASE, "lock:lock_release", "name", _LOCKDEP),
)  # fmt: skip

BY_WHAT: Final[dict[str, Probe]] = {probe.what: probe for probe in PROBES}
SEAMCALLS: Final = frozenset(
    (ADD, AUG, SEPT_ADD, BLOCK, UNBLOCK, TRACK, REMOVE, DEMOTE, PROMOTE, FLUSH, CREATE, FINALIZE, KEY_FREE)
)


def shown_by(what: str) -> str:
    """The probe of an event as a user names it: ``kvm:kvm_entry``, ``tdh_mem_track%return``."""
    probe = BY_WHAT.get(what)
    if probe is None:
        return what
    return f"{probe.target}%return" if probe.side is Side.EXIT else probe.target
