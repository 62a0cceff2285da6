"""Guards on S-EPT operations: lock, order, retry, level, promotion, dropped results."""

from __future__ import annotations

from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.automaton import BLOCKED, NEXT, OWNED, TABLE, UNKNOWN
from analyzer.model.trace.events import Event
from analyzer.model.trace.guard import UNDECIDED, Breach, Guard, place, shown
from analyzer.model.trace.probes import AUG, BLOCK, DEMOTE, KICK, PROMOTE, REMOVE, SEPT_ADD, SPTE, TRACK, UNBLOCK
from analyzer.model.trace.status import DIVERGED, OPERAND_BUSY, ORDER, code, described
from analyzer.model.trace.update import failed
from analyzer.model.trace.world import PAGES, PRIVATE_GFNS, Entry, Task, Vm, World

_LOCKS: Final = ((probes.WRITE_LOCK, probes.LOCKDEP_ACQUIRE), (probes.READ_LOCK, probes.LOCKDEP_ACQUIRE))
_PRESENT: Final = 1 << 11  # SPTE_MMU_PRESENT_MASK (mmu/spte.h)
_HUGE: Final = 1 << 7  # PT_PAGE_SIZE_MASK
_STARVED: Final = 3  # the same ACCEPT refused that often is a livelock


def _write_locked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None:
        return UNDECIDED
    mode, since = w.lock_mode(vm, task)
    if not mode:
        return UNDECIDED
    if mode == "write":
        return None
    held = "held for read" if mode == "read" else "not held by this task"
    return Breach(f"{e.what} with mmu_lock {held}", shown(entry, since))


def _not_write_locked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None:
        return UNDECIDED
    mode, since = w.lock_mode(vm, task)
    if mode == "write":
        return Breach(f"{e.what} with mmu_lock held for write: a BUSY could not be handed back", shown(entry, since))
    return None if mode else UNDECIDED


def _expected(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if entry is None or entry.state == UNKNOWN:
        return UNDECIDED
    if (entry.state, e.what) in NEXT:
        return None
    if not e.ok and code(e.status) not in ORDER:
        return None  # refused for another reason; the status is judged elsewhere
    if e.what == AUG and entry.state == TABLE:
        return None  # rule tdx-sept-promotion
    return Breach(f"{e.what} of an entry that is {entry.state}, {place(e)}", shown(entry))


def _tracked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or entry is None or entry.state != BLOCKED:
        return UNDECIDED
    if vm.track_at > entry.blocked:
        return None
    if vm.runnable is None:
        return UNDECIDED  # before the TD runs nothing has to be tracked
    return Breach(f"{e.what} without a TRACK since the BLOCK, {place(e)}", shown(entry, vm.track, vm.runnable))


def _kicked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or vm.track is None or not vm.kvm:
        return UNDECIDED
    if vm.kick_at > vm.track_at:
        return None
    return Breach(f"{e.what} with no vCPU kick since the last TRACK", shown(entry, vm.track, vm.kick))


def _status(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    found = code(e.status)
    if found in ORDER:
        return Breach(f"{e.what} returned {described(e.status)}, {place(e)}", shown(entry, vm.track if vm else None))
    if found in DIVERGED and vm is not None and e.gfn >> 9 not in vm.failed_demote:
        return Breach(f"{e.what} returned {described(e.status)}, {place(e)}", shown(entry))
    return None


def _left_blocked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if not task.blocked:
        return None
    left = (one for one in task.blocked.values() if e.what == probes.ENTER or not failed(vm, one))
    first = next(left, None)
    if first is None:
        return None
    if first.level > 1 and DEMOTE not in w.seen:
        return UNDECIDED  # it may have been demoted unseen
    return Breach(f"{place(first)} is left BLOCKED, neither removed nor demoted", (first,))


ORDER_GUARDS: Final = (
    Guard(
        "the state of the entry allows the call",
        (AUG, BLOCK, UNBLOCK, REMOVE, DEMOTE), ((AUG,), (BLOCK,), (REMOVE,)), _expected,
    ),
    Guard("TRACK succeeded since the BLOCK", (REMOVE, DEMOTE), ((BLOCK,), (TRACK,)), _tracked),
    Guard("vCPUs were kicked since the last TRACK", (REMOVE, DEMOTE, TRACK), ((TRACK,), (KICK,)), _kicked),
    Guard("no status that only a wrong order brings about", (AUG, BLOCK, TRACK, REMOVE, DEMOTE), (), _status, True),
    Guard(
        "a blocked entry is removed or demoted before its task moves on",
        (probes.INV_END, probes.ENTER), ((BLOCK,), (REMOVE,), (DEMOTE, REMOVE)), _left_blocked,
    ),
)  # fmt: skip
LOCK_GUARDS: Final = (
    Guard("mmu_lock is held for write", (BLOCK, TRACK, REMOVE, DEMOTE), _LOCKS, _write_locked),
    Guard("mmu_lock is not held for write", (AUG, SEPT_ADD), _LOCKS, _not_write_locked),
)


def _retry(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    """tdh_do_no_vcpus(): the second try has the same arguments and must succeed."""
    first = task.busy
    if first is None or (first.what, first.gfn, first.level) != (e.what, e.gfn, e.level):
        return None
    between = vm.entered if vm is not None and vm.entered_at > task.busy_at else None
    if not e.ok:
        cause = "; a vCPU entered in between" if between else ""
        return Breach(f"the second try of {e.what} returned {described(e.status)}{cause}", shown(None, first, between))
    if task.balance != task.busy_balance:
        change = f"{task.balance - task.busy_balance:+d}"
        return Breach(f"the first, BUSY try of {e.what} changed PAMT references by {change}", shown(None, first))
    return None


RETRY_GUARDS: Final = (
    Guard("the second try after BUSY succeeds, nothing changed between", (BLOCK, TRACK, REMOVE, DEMOTE), (), _retry),
)


def _committed(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or not vm.td or e.gfn >= PRIVATE_GFNS:
        return None
    if entry is None or entry.failed is None:
        return None
    failed = entry.failed
    return Breach(f"the mirror changes though {failed.what} returned {described(failed.status)}", shown(entry, failed))


def _after_failed_demote(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None:
        return UNDECIDED
    failed = vm.failed_demote.get(e.gfn >> 9)
    if failed is None or e.level != 1 or (code(failed.status) == OPERAND_BUSY and task.busy is failed):
        return None
    why = f"{e.what} at 4K though DEMOTE of the 2M leaf returned {described(failed.status)}"
    if not e.ok:
        why += f"; it returned {described(e.status)}"
    return Breach(why, shown(vm.known(e.gfn & -512, 2), failed))


RESULT_GUARDS: Final = (
    Guard("the mirror changes only when the S-EPT did", (SPTE,), ((AUG, SEPT_ADD, BLOCK, REMOVE, DEMOTE),), _committed),
    Guard("no 4K operation below a DEMOTE that failed", (AUG, BLOCK, REMOVE), ((DEMOTE,),), _after_failed_demote),
)


def _no_merge(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or not vm.td or e.gfn >= PRIVATE_GFNS:
        return UNDECIDED
    was_table = e.old & _PRESENT and not e.old & _HUGE and e.level > 1
    if was_table and e.new & _PRESENT and e.new & _HUGE:
        return Breach(f"a mirror table becomes a leaf, {place(e)}", shown(entry))
    return None


def _no_promotion(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if e.what == PROMOTE:
        return Breach(f"PAGE.PROMOTE, {place(e)}", shown(entry))
    if e.level > 1 and entry is not None and entry.state == TABLE:
        return Breach(f"{e.what} of a leaf where a table is, {place(e)}", shown(entry))
    return None


PROMOTION_GUARDS: Final = (
    Guard("a mirror table is never replaced by a leaf", (SPTE,), ((AUG, SEPT_ADD, BLOCK),), _no_merge),
    Guard("no leaf is added where a table is", (AUG, PROMOTE), ((SEPT_ADD, DEMOTE),), _no_promotion),
)


def _units(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    least = 2 if e.what in (SEPT_ADD, DEMOTE) else 1
    if not least <= e.level <= (4 if e.what == SEPT_ADD else 3):
        return Breach(f"{e.what} at level {e.level}, of enum pg_level it takes {least} and up", shown(entry))
    pages = PAGES.get(e.level, 1)
    if e.gfn % pages:
        return Breach(f"{e.what} at {place(e)}: the gpa is not aligned to the level", shown(entry))
    return None


def _same_level(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or entry is None:
        return UNDECIDED
    if entry.state != UNKNOWN or e.level > 2:
        return None
    if e.level == 1:
        leaf = vm.known(e.gfn & -512, 2)
        states = (OWNED, BLOCKED) if DEMOTE in w.seen else (OWNED,) if BLOCK in w.seen else ()
        if leaf is not None and leaf.state in states and e.gfn >> 9 not in vm.failed_demote:
            return Breach(f"{e.what} at 4K inside a 2M leaf, {place(e)}", shown(leaf))
    elif vm.small.get(e.gfn >> 9):
        count = vm.small[e.gfn >> 9]
        return Breach(f"{e.what} at 2M over {count} leaves of 4K, {place(e)}")
    return UNDECIDED


UNIT_GUARDS: Final = (
    Guard(
        "the level is one of enum pg_level and the gpa is aligned to it",
        (AUG, SEPT_ADD, BLOCK, REMOVE, DEMOTE),
        (),
        _units,
        True,
    ),
    Guard("the level is that of the mapped leaf", (BLOCK, REMOVE, DEMOTE), ((AUG,),), _same_level),
)


def _accepted(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if not task.accept or vm is None:
        return None
    leaf = vm.known(e.gfn & -512, 2)
    if leaf is None or leaf.state != OWNED or task.accept >= leaf.level:
        return None
    if leaf.accept_gfn != e.gfn or leaf.accepts + 1 != _STARVED:
        return None
    return Breach(
        f"the guest accepts at 4K for the {_STARVED}rd time and the 2M leaf is not split, {place(e)}", shown(leaf)
    )


ACCEPT_GUARDS: Final = (
    Guard("an ACCEPT below the mapped level splits the leaf", (probes.FAULT,), ((probes.LEAVE,), (AUG,)), _accepted),
)
