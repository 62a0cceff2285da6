"""How each event changes what is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.automaton import AFTER, OWNED
from analyzer.model.trace.events import Event
from analyzer.model.trace.status import OPERAND_BUSY, code
from analyzer.model.trace.world import RANGES, Dirty, Entry, Lock, Open, Task, Vm, World

_REFUSED: Final = 16  # blocked entries that are remembered after their removal was refused
_CHILDREN: Final = 512
_RETRIED: Final = frozenset((probes.BLOCK, probes.TRACK, probes.REMOVE, probes.DEMOTE))
ENTRY_CALLS: Final = frozenset(
    (
        probes.ADD,
        probes.AUG,
        probes.SEPT_ADD,
        probes.BLOCK,
        probes.UNBLOCK,
        probes.REMOVE,
        probes.DEMOTE,
        probes.PROMOTE,
    )
)


def apply(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    """Account for an event; the guards have looked at the state before it."""
    change = _CHANGES.get(event.what)
    if change is not None:
        change(world, event, vm, entry, task)


def _call(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    """A SEAMCALL on an entry."""
    if vm is None or entry is None:
        return
    entry.note(event)
    _tried(world, event, task)
    _again(event, task)
    if not event.ok:
        entry.failed = event
        if event.what == probes.DEMOTE:
            vm.failed_demote[event.gfn >> 9] = event
        if event.what == probes.AUG and event.pfn in task.gets:
            task.owes[event.pfn] = event
        return
    entry.failed = None
    if event.what in AFTER:
        entry.state = AFTER[event.what]
    _EFFECTS[event.what](world, event, vm, entry, task)


def _tried(world: World, event: Event, task: Task) -> None:
    """A BUSY first try waits for its second; anything else of the task ends the wait."""
    first = task.busy is None and code(event.status) == OPERAND_BUSY and event.what in _RETRIED
    task.busy = event if first else None
    task.busy_at, task.busy_balance = world.serial, task.balance


def _again(event: Event, task: Task) -> None:
    """Count the same failure of the same call, one after the other, without a guest entry between."""
    if event.what not in (probes.AUG, probes.SEPT_ADD, probes.PFN_GIVEN):
        return
    task.failing[event.what] = (event.gfn, event.status, 0 if event.ok else repeated(event, task) + 1)


def repeated(event: Event, task: Task) -> int:
    """How often the call gave the same result for the same page right before."""
    gfn, status, times = task.failing.get(event.what, (-1, 0, 0))
    return times if (gfn, status) == (event.gfn, event.status) else 0


def _given(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    _again(event, task)


def _mapped(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    if event.what == probes.AUG:
        vm.runnable = vm.runnable or event  # KVM adds pages by AUG only once the TD is runnable
        task.asked = None
        task.gets.pop(event.pfn, None)
        task.owes.pop(event.pfn, None)
    _own(world, vm, entry, event.pfn)


def _own(world: World, vm: Vm, entry: Entry, pfn: int) -> None:
    if entry.mapped:
        _disown(world, vm, entry)
    entry.pfn, entry.mapped, entry.accepts = pfn, True, 0
    if entry.level == 1:
        vm.small[entry.gfn >> 9] = vm.small.get(entry.gfn >> 9, 0) + 1
        if pfn >= 0:
            world.owners[pfn] = (vm, entry)
            world.frames.setdefault(pfn >> 9, set()).add(pfn)
    elif entry.level == 2 and pfn >= 0:
        world.huge[pfn >> 9] = (vm, entry)
        world.split.pop(pfn >> 9, None)
    clean(world, pfn, entry.level)


def _disown(world: World, vm: Vm, entry: Entry) -> None:
    entry.mapped = False
    if entry.level == 1:
        region = entry.gfn >> 9
        vm.small[region] = vm.small.get(region, 1) - 1
        if not vm.small[region]:
            del vm.small[region]
            _, base = vm.demoted.pop(region, (None, -1))
            world.split.pop(base >> 9, None)
        if world.owners.get(entry.pfn, (None, None))[1] is entry:
            del world.owners[entry.pfn]
            frame = world.frames.get(entry.pfn >> 9, set())
            frame.discard(entry.pfn)
            if not frame:
                world.frames.pop(entry.pfn >> 9, None)
    elif world.huge.get(entry.pfn >> 9, (None, None))[1] is entry:
        del world.huge[entry.pfn >> 9]


def clean(world: World, pfn: int, level: int) -> None:
    """Forget what was to be flushed: the pages are used again, or written back."""
    world.dirty.pop(pfn if level == 1 else -1 - (pfn >> 9), None)


def _blocked(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    entry.blocked = world.serial
    task.blocked[entry.gfn << 3 | entry.level] = event


def _unblocked(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    task.blocked.pop(entry.gfn << 3 | entry.level, None)


def _removed(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    task.blocked.pop(entry.gfn << 3 | entry.level, None)
    task.zapped += entry.pages
    if entry.mapped:
        _disown(world, vm, entry)
        if entry.pfn >= 0 and entry.level <= 2:
            key = entry.pfn if entry.level == 1 else -1 - (entry.pfn >> 9)
            world.dirty[key] = Dirty(event, entry.pages)
        if entry.level == 1 and entry.pfn >= 0 and world.pamt and world.references(entry.pfn):
            task.owes[entry.pfn] = event


def _demoted(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    """The children are leaves of the same kind, unblocked; a Dynamic PAMT frame starts with 512 references."""
    task.blocked.pop(entry.gfn << 3 | entry.level, None)
    vm.failed_demote.pop(event.gfn >> 9, None)
    if entry.mapped:
        _disown(world, vm, entry)
    if entry.level == 2:
        region, pfn = entry.gfn >> 9, entry.pfn
        vm.demoted[region] = (event, pfn)
        vm.small[region] = _CHILDREN
        if pfn >= 0:
            world.split[pfn >> 9] = (vm, entry.gfn)


def _nothing(world: World, event: Event, vm: Vm, entry: Entry, task: Task) -> None:
    """The new state is all."""


_EFFECTS: Final[dict[str, Callable[[World, Event, Vm, Entry, Task], None]]] = {
    probes.ADD: _mapped,
    probes.AUG: _mapped,
    probes.SEPT_ADD: _nothing,
    probes.PROMOTE: _nothing,
    probes.BLOCK: _blocked,
    probes.UNBLOCK: _unblocked,
    probes.REMOVE: _removed,
    probes.DEMOTE: _demoted,
}


def _track(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is None:
        return
    _tried(world, event, task)
    if event.ok:
        vm.track, vm.track_at = event, world.serial
        vm.runnable = vm.runnable or event  # tdx_track() returns early before


def _kick(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is not None:
        vm.kick, vm.kick_at = event, world.serial


def _enter(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is not None:
        vm.entered, vm.entered_at = event, world.serial
        vm.runnable = vm.runnable or event
    for open_ in task.open:  # told by the guard; it will not end any more
        if vm is not None and open_ in vm.open:
            vm.open.remove(open_)
    task.open, task.attributes, task.zapped = [], None, 0
    task.busy, task.accept, task.asked = None, 0, None
    task.failing, task.gets, task.owes, task.blocked = {}, {}, {}, {}


def _leave(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    task.accept = event.level


def _fault(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if task.accept and vm is not None:
        leaf = vm.known(event.gfn & -_CHILDREN, 2)
        if leaf is not None and leaf.state == OWNED and task.accept < leaf.level:
            leaf.accepts = leaf.accepts + 1 if leaf.accept_gfn == event.gfn else 1
            leaf.accept_gfn = event.gfn
            leaf.note(event)
    task.accept = 0


def _life(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is not None and event.ok:
        if event.what == probes.FINALIZE:
            vm.runnable = vm.runnable or event
        else:
            vm.key_freed = event


def _attributes(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    task.attributes, task.zapped = event, 0


def _begin(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is not None:
        begun = Open(event)
        vm.open.append(begun)
        vm.begins += 1
        if not task.open:
            task.zapped = 0
        task.open.append(begun)
        del vm.open[:-RANGES], task.open[:-RANGES]


def _range(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    mine = _of(task, vm)
    if mine is not None and len(mine.ranges) < RANGES:
        mine.ranges.append(event)


def _of(task: Task, vm: Vm | None) -> Open | None:
    """The task's last invalidation of this VM; a file may be bound to several."""
    return next((one for one in reversed(task.open) if vm is not None and one in vm.open), None)


def _end(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if vm is None:
        return
    ended = _of(task, vm) or (vm.open[0] if vm.open else None)
    if ended is not None:
        vm.open.remove(ended)
        if ended in task.open:
            task.open.remove(ended)
    vm.ended, vm.ended_at = event, world.serial
    if not task.open:
        task.attributes, task.zapped, task.owes = None, 0, {}
        task.blocked = dict([one for one in task.blocked.items() if failed(vm, one[1])][:_REFUSED])


def failed(vm: Vm | None, blocked: Event) -> bool:
    """Whether the removal of a blocked entry was tried and refused: then the VM is bugged and must not run."""
    entry = vm.known(blocked.gfn, blocked.level) if vm is not None else None
    return entry is not None and entry.failed is not None and entry.failed.what in (probes.REMOVE, probes.DEMOTE)


def _asked(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    task.asked, task.asked_at = event, world.serial


def _flush(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if not event.ok:
        return
    world.dirty.pop(event.pfn, None)
    huge = world.dirty.get(-1 - (event.pfn >> 9))
    if huge is not None:
        huge.flushed += max(1, event.value)
        if huge.flushed >= huge.pages:
            clean(world, event.pfn, 2)


def _freed(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if event.value == 0:
        clean(world, event.pfn, 1)
    for frame in frames(event):
        clean(world, frame << 9, 2)


def frames(event: Event) -> range:
    """The 2M frames of a folio; a folio of absurd order counts as one of 1G."""
    pages = 1 << min(max(event.value, 0), 18)
    return range(event.pfn >> 9, (event.pfn + pages - 1 >> 9) + 1)


def _get(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    if event.ok:
        task.gets[event.pfn] = event
        task.balance += 1
        world.pamt[event.pfn] = (world.references(event.pfn) or 0) + 1


def _put(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    task.gets.pop(event.pfn, None)
    task.owes.pop(event.pfn, None)
    task.balance -= 1
    world.pamt[event.pfn] = max(0, (world.references(event.pfn) or 1) - 1)


def _lock(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    lock = world.locks.get(event.lock)
    if lock is None:
        lock = world.locks[event.lock] = Lock()
    pid, write = task.pid, event.what == probes.WRITE_LOCK
    if lock.writer not in (-1, pid):
        lock.last[lock.writer] = event
    if write:
        for reader in lock.readers:
            lock.last[reader] = event
        lock.readers.clear()
        lock.writer = pid
    else:
        lock.writer = -1
        lock.readers.add(pid)
    lock.last[pid] = event
    _spin(world, event, vm, entry, task)


def _unlock(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    lock = world.locks.get(event.lock)
    if lock is not None:
        lock.readers.discard(task.pid)
        lock.writer = -1 if lock.writer == task.pid else lock.writer
        lock.last[task.pid] = event


def _lockdep(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    task.lockdep = event


def contexts(event: Event) -> tuple[str, ...]:
    """In which context a lock was taken, and to which it was open (flags: kernel/trace/trace_output.c)."""
    flags = event.record.flags
    if len(flags) < 4:
        return ()
    off, inside = flags[0], flags[2]
    found: tuple[str, ...] = {"s": ("softirq",), "h": ("hardirq",), "H": ("hardirq",)}.get(inside, ())
    if inside == "." and off == ".":
        found += ("open to softirq",)
    if inside in ".s" and off in ".b":
        found += ("open to hardirq",)
    return found


def _spin(world: World, event: Event, vm: Vm | None, entry: Entry | None, task: Task) -> None:
    for context in contexts(event):
        world.contexts.setdefault(event.lock, {}).setdefault(context, event)


_CHANGES: Final[dict[str, Callable[[World, Event, Vm | None, Entry | None, Task], None]]] = {
    **dict.fromkeys(ENTRY_CALLS, _call),
    probes.TRACK: _track,
    probes.KICK: _kick,
    probes.ENTER: _enter,
    probes.LEAVE: _leave,
    probes.FAULT: _fault,
    probes.FINALIZE: _life,
    probes.KEY_FREE: _life,
    probes.ATTRIBUTES: _attributes,
    probes.INV_BEGIN: _begin,
    probes.INV_RANGE: _range,
    probes.INV_END: _end,
    probes.PFN_ASKED: _asked,
    probes.PFN_GIVEN: _given,
    probes.FLUSH: _flush,
    probes.CACHE_DELETE: _freed,
    probes.PAMT_GET: _get,
    probes.PAMT_PUT: _put,
    probes.WRITE_LOCK: _lock,
    probes.READ_LOCK: _lock,
    probes.SPIN_LOCK: _spin,
    probes.WRITE_UNLOCK: _unlock,
    probes.READ_UNLOCK: _unlock,
    probes.LOCKDEP_ACQUIRE: _lockdep,
    probes.LOCKDEP_RELEASE: _lockdep,
}
