"""Guards on ranges, invalidations, faults, locks and pages."""

from __future__ import annotations

from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.events import Event
from analyzer.model.trace.guard import UNDECIDED, Breach, Guard, place, shown
from analyzer.model.trace.probes import (
    ADD,
    ATTRIBUTES,
    AUG,
    CACHE_DELETE,
    ENTER,
    FLUSH,
    INV_BEGIN,
    INV_END,
    INV_RANGE,
    PAMT_GET,
    PAMT_PUT,
    REMOVE,
)  # fmt: skip
from analyzer.model.trace.status import PAGE_METADATA_INCORRECT, TRANSIENT, code, described
from analyzer.model.trace.update import contexts, frames, repeated
from analyzer.model.trace.world import RANGES, Dirty, Entry, Task, Vm, World

_AGAIN: Final = 3
_PASSING: Final = frozenset((0, -4, -11, -16, -512, -513, -514))  # EINTR, EAGAIN, EBUSY, ERESTART*
_PFNS: Final = 1 << 40  # larger "PFNs" are struct page pointers


def _in_range(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    ranges = list(task.ranges())
    if not ranges or entry is None or len(ranges) >= RANGES:
        return UNDECIDED
    if not e.ok or any(one.gfn <= entry.gfn and entry.gfn + entry.pages <= one.end for one in ranges):
        return None
    asked = ", ".join(f"{one.gfn << 12:#x}..{one.end << 12:#x}" for one in ranges[:3])
    return Breach(f"{place(e)} is removed, but {asked} was asked for", shown(entry, *ranges[:3]))


def _whole(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    """All-or-nothing: a zap that removed something must not leave a private page of its range behind."""
    if vm is None or len(task.open) > 1:
        return UNDECIDED
    if not task.open or not task.open[-1].ranges:
        return UNDECIDED
    if not task.zapped:
        return None
    asked = task.open[-1].ranges[0]  # what a conversion adds after its own range is not zapped
    left = _left(vm, asked)
    if left is None:
        return None
    why = f"{task.zapped} pages were zapped, gpa {left.gfn << 12:#x} of the same range was not"
    return Breach(why, shown(left, asked))


def _left(vm: Vm, asked: Event) -> Entry | None:
    """A mapped entry of a range; by region where the range is long."""
    first, last = asked.gfn >> 9, (asked.end - 1) >> 9
    regions = range(first, last + 1) if last - first < len(vm.small) else (r for r in vm.small if first <= r <= last)
    for region in regions:
        for gfn in range(max(asked.gfn, region << 9), min(asked.end, (region + 1) << 9)) if region in vm.small else ():
            entry = vm.known(gfn, 1)
            if entry is not None and entry.mapped:
                return entry
    return None


RANGE_GUARDS: Final = (
    Guard(
        "what is removed lies in the range that was asked for",
        (REMOVE,),
        ((INV_BEGIN,), (INV_RANGE,), (INV_END,)),
        _in_range,
    ),
)
WHOLE_GUARDS: Final = (
    Guard(
        "a zap leaves nothing of its range behind", (INV_END,), ((INV_BEGIN,), (INV_RANGE,), (REMOVE,), (AUG,)), _whole
    ),
)


def _outside(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or not vm.kvm:
        return UNDECIDED
    for one in vm.open:
        if one.covers(e.gfn):
            return Breach(f"{e.what} inside an open invalidation, {place(e)}", shown(entry, one.begin, *one.ranges[:2]))
    return None


def _fresh(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or not vm.kvm or task.asked is None:
        return UNDECIDED
    if vm.ended_at > task.asked_at:
        return Breach(
            f"{e.what} of a PFN from before an invalidation that has ended, {place(e)}",
            shown(entry, task.asked, vm.ended),
        )
    return None


RETRY_CHECKS: Final = (
    Guard("nothing is mapped inside an open invalidation", (AUG,), ((INV_BEGIN,), (INV_RANGE,), (INV_END,)), _outside),
    Guard("no invalidation ended since the PFN was asked for", (AUG,), ((probes.PFN_ASKED,), (INV_END,)), _fresh),
)


def _begun(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or not vm.begins:
        return UNDECIDED
    return None if vm.open else Breach("an invalidation ends that has not begun", shown(None, vm.ended))


def _with_range(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if not task.open:
        return UNDECIDED
    last = task.open[-1]
    return None if last.ranges else Breach("an invalidation ends without a range", (last.begin,))


def _not_leaked(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if not task.open:
        return None
    return Breach(
        "the task moves on and has not ended its invalidation", (task.open[-1].begin, *task.open[-1].ranges[:2])
    )


BALANCE_GUARDS: Final = (
    Guard("each end has a begin", (INV_END,), ((INV_BEGIN,),), _begun),
    Guard("the range is added before the end", (INV_END,), ((INV_BEGIN,), (INV_RANGE,)), _with_range),
    Guard(
        "each begin has an end before its task runs a vCPU or converts again",
        (ENTER, ATTRIBUTES),
        ((INV_BEGIN,), (INV_END,)),
        _not_leaked,
    ),
)


def _paid(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if not task.owes:
        return None
    cause = next(iter(task.owes.values()))
    done = "succeeded" if cause.ok else f"returned {described(cause.status)}"
    return Breach(
        f"no tdx_pamt_put after {cause.what} {done}, {place(cause)}", shown(None, task.gets.get(cause.pfn), cause)
    )


def _referenced(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if e.pfn < 0 or not e.ok or not w.pamt:
        return UNDECIDED
    if e.level > 1:
        got = task.gets.get(e.pfn)
        return Breach(f"tdx_pamt_get for a 2M mapping, {place(e)}", shown(None, got)) if got else None
    if w.references(e.pfn):
        return None
    if task.asked is None or any(pfn >= _PFNS for pfn in task.gets):
        return UNDECIDED
    return Breach(f"{e.what} at 4K without tdx_pamt_get, {place(e)}", shown(None, task.asked))


def _not_below_zero(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    left = w.references(e.pfn)
    if left is None:
        return UNDECIDED
    return None if left else Breach(f"tdx_pamt_put of {e.pfn:#x}, which has no reference")


PAMT_GUARDS: Final = (
    Guard(
        "a failed map and a removed 4K page give their reference back",
        (INV_END, ENTER),
        ((PAMT_GET,), (PAMT_PUT,), (AUG, REMOVE)),
        _paid,
    ),
    Guard("a reference for each 4K page, none for 2M", (AUG,), ((PAMT_GET,),), _referenced),
    Guard("no put without a get", (PAMT_PUT,), ((PAMT_GET,),), _not_below_zero),
)


def _not_again(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    is_call = e.what in probes.SEAMCALLS
    if e.ok or (code(e.status) in TRANSIENT if is_call else e.status in _PASSING):
        return None
    if repeated(e, task) + 1 != _AGAIN:
        return None
    result = described(e.status) if is_call else str(e.status)
    return Breach(
        f"{e.what} is tried for the {_AGAIN}rd time and fails for good each time: {result}, {place(e)}", shown(entry)
    )


AGAIN_GUARDS: Final = (
    Guard("what fails for good is not tried again", (AUG, probes.SEPT_ADD, probes.PFN_GIVEN), (), _not_again),
)


def _one_context(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    found = contexts(e)
    if not found:
        return UNDECIDED if not e.record.flags else None
    before = w.contexts.get(e.lock, {})
    for inside in ("softirq", "hardirq"):
        other = before.get(f"open to {inside}") if inside in found else before.get(inside)
        if other is not None and (inside in found or f"open to {inside}" in found):
            return Breach(f"lock {e.lock:#x} is taken in {inside} and elsewhere with it enabled", (other,))
    return None


CONTEXT_GUARDS: Final = (
    Guard(
        "a lock taken in softirq or hardirq is taken elsewhere with it disabled",
        (probes.SPIN_LOCK, probes.WRITE_LOCK, probes.READ_LOCK), (), _one_context,
    ),
)  # fmt: skip


def _not_owned(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    owner = w.owner(e.pfn)
    for frame in frames(e) if owner is None and e.value else ():
        pages = w.frames.get(frame) or (range(frame << 9, (frame + 1) << 9) if frame in w.split else (frame << 9,))
        owner = next((found for found in map(w.owner, pages) if found is not None), None)
        if owner is not None:
            break
    if owner is None:
        return None
    return Breach(f"page {e.pfn:#x} leaves the file while the TD owns gpa {owner.gfn << 12:#x}", shown(owner))


def _with_key(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if vm is None or vm.key_freed is None:
        return None
    return Breach(f"{e.what} after the HKID was released, {place(e)}", shown(entry, vm.key_freed))


def _not_given_twice(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    if code(e.status) != PAGE_METADATA_INCORRECT:
        return None
    return Breach(f"{e.what} of a page that is the module's already: {described(e.status)}", shown(w.owner(e.pfn)))


PAGE_GUARDS: Final = (
    Guard("a page is given to the module once", (AUG, ADD, probes.SEPT_ADD), (), _not_given_twice, True),
    Guard(
        "a page leaves the file only when the TD has let go of it", (CACHE_DELETE,), ((AUG, ADD), (REMOVE,)), _not_owned
    ),
    Guard("leaves are removed while the HKID is assigned", (REMOVE, probes.BLOCK), ((probes.KEY_FREE,),), _with_key),
)


def _dirty(w: World, e: Event) -> Dirty | None:
    found = w.dirty.get(e.pfn)
    if found is not None or e.pfn < 0:
        return found
    return next((w.dirty[-1 - frame] for frame in frames(e) if -1 - frame in w.dirty), None)


def _flushed(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    left = _dirty(w, e) if e.ok else None
    if left is None or left.flushed:
        return None
    return Breach(f"page {e.pfn:#x} is used again and was not written back after its REMOVE", (left.removed,))


def _flushed_all(w: World, e: Event, vm: Vm | None, entry: Entry | None, task: Task) -> Breach | None:
    left = _dirty(w, e) if e.ok else None
    if left is None or not left.flushed:
        return None
    return Breach(f"{left.flushed} of {left.pages} pages were written back after their REMOVE", (left.removed,))


FLUSH_GUARDS: Final = (
    Guard(
        "a removed page is written back before it is used again",
        (CACHE_DELETE, AUG, ADD),
        ((REMOVE,), (FLUSH,)),
        _flushed,
    ),
)
FLUSH_ALL_GUARDS: Final = (
    Guard("the write-back covers the whole leaf", (CACHE_DELETE, AUG, ADD), ((REMOVE,), (FLUSH,)), _flushed_all),
)
