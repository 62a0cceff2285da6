"""The TDX module: what each SEAMCALL checks and changes. Statuses as in the module's source, branch tdx_1.5."""

from __future__ import annotations

from analyzer.model.expr import TRUE, Effect, Expr, all_of, any_of, when
from analyzer.model.kvm_tdx.world import (
    BLKD,
    CUR,
    FREE,
    LEAF,
    MAPD,
    NL,
    NONP,
    OUT,
    PBLK,
    PEND,
    PREV,
    TABLE,
    World,
)


def blocked(entry: Expr) -> Expr:
    """PENDING_BLOCKED or BLOCKED."""
    return any_of(entry == PBLK, entry == BLKD)


def tracked(w: World, age: Expr) -> Expr:
    """TLB tracking of a blocked entry has completed."""
    if w.scope.lax_module:
        return TRUE
    return any_of(age == 2, all_of(age == 1, w.none_previous))


def block(w: World, entry: Expr, age: Expr, small: bool) -> tuple[Effect, ...]:
    """RANGE.BLOCK; ``small`` is a 4K entry, which needs a table above it."""
    other = w.broken("BLOCK_STATE")
    if small:
        other_ = when(w.sept != NL, w.broken("BLOCK_WALK"), otherwise=(other,))
    else:
        other_ = when(entry == NL, w.broken("BLOCK_WALK"), otherwise=(other,))
        if w.protocol.seamcall_level == "4k":
            return (when(entry == FREE, other, otherwise=(w.broken("BLOCK_WALK"),)),)
    twice = when(blocked(entry), w.broken("BLOCK_TWICE"), otherwise=(other_,))
    mapped = when(entry == MAPD, entry.to(BLKD), age.to(0), otherwise=(twice,))
    return (when(entry == PEND, entry.to(PBLK), age.to(0), otherwise=(mapped,)),)


def track(w: World) -> tuple[Effect, ...]:
    """MEM.TRACK: the epoch advances. A vCPU that is outside flushes when it enters, so its TLB is empty from now on."""
    effects: list[Effect] = [when(w.none_previous, otherwise=(w.broken("TRACK_BUSY"),))]
    for v in w.vcpus:
        flushed = when(v.mode == OUT, *(t.to(0) for t in v.tlb))
        effects.append(when(v.mode == CUR, v.mode.to(PREV), otherwise=(flushed,)))
    for entry, age in ((w.sept, w.age), *zip(w.entry, w.ages, strict=True)):
        effects.append(when(all_of(blocked(entry), age < 2), age.to(age + 1)))
    return tuple(effects)


def demote(w: World) -> tuple[Effect, ...]:
    """PAGE.DEMOTE: 512 unblocked children, each like the parent; KVM then has a table in the mirror."""
    done: list[Effect] = []
    for entry, age in zip(w.entry, w.ages, strict=True):
        done += [when(w.sept == PBLK, entry.to(PEND), otherwise=(entry.to(MAPD),)), age.to(0)]
    done += [w.sept.to(NL), w.age.to(0), *_set(w.sept_page, 1)]
    if w.protocol.pamt_after_demote == "set":
        done += [w.pamt.to(w.scope.pages), w.pinned.to(1), *_set(w.stuck, 0)]
    done += split_mirror(w)
    return _checked(w, "DEMOTE", w.sept, w.age, tuple(done))


def _set(layer: Expr, value: int) -> tuple[Effect, ...]:
    """An assignment to a variable that only some scopes have."""
    return (layer.to(value),) if layer.op == "var" else ()


def split_mirror(w: World) -> tuple[Effect, ...]:
    """The mirror gets a table of leaves in place of the huge one."""
    return (w.top.to(TABLE), *(leaf.to(LEAF) for leaf in w.leaf))


def remove_huge(w: World) -> tuple[Effect, ...]:
    """PAGE.REMOVE of a 2M leaf."""
    return _checked(w, "REMOVE", w.sept, w.age, (w.sept.to(FREE), w.age.to(0), w.top.to(NONP)))


def remove_small(w: World, i: int, put: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """PAGE.REMOVE of a 4K leaf, and the put of its PAMT reference."""
    gone: tuple[Effect, ...] = (w.entry[i].to(FREE), w.ages[i].to(0), w.leaf[i].to(NONP), *put)
    if w.scope.teardown and w.protocol.sept_page_free == "with-last-leaf":
        gone += (when(all_of(*(e == FREE for e in w.entry)), w.sept_page.to(0)),)
    checked = _checked(w, "REMOVE", w.entry[i], w.ages[i], gone)
    return (when(w.sept != NL, w.broken("REMOVE_WALK"), otherwise=checked),)


def _checked(w: World, call: str, entry: Expr, age: Expr, done: tuple[Effect, ...]) -> tuple[Effect, ...]:
    untracked = when(~tracked(w, age), w.broken(f"{call}_UNTRACKED"), otherwise=done)
    return (when(~blocked(entry), w.broken(f"{call}_UNBLOCKED"), otherwise=(untracked,)),)


def aug_huge(w: World) -> tuple[Effect, ...]:
    """PAGE.AUG at 2M: no 4K PAMT entry of the range may be in use. Pages left by a failed PAMT.REMOVE do no harm."""
    unused = w.pamt == w.stuck if w.stuck.op == "var" else w.pamt == 0
    owned = when(unused, w.sept.to(PEND), otherwise=(w.broken("AUG_OWNED"),))
    return (when(w.sept == FREE, owned, otherwise=(w.broken("AUG_STATE"),)),)


def aug_small(w: World, i: int, got: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """PAGE.AUG at 4K; ``got`` is what happens to the PAMT count in the same step."""
    free = all_of(w.sept == NL, w.entry[i] == FREE)
    if w.scope.pamt_steps:
        present = when(w.pinned == 1, w.entry[i].to(PEND), otherwise=(w.broken("AUG_NO_PAMT"),))
        return (when(free, present, otherwise=(w.broken("AUG_STATE"),)),)
    return (when(free, w.entry[i].to(PEND), *got, otherwise=(w.broken("AUG_STATE"),)),)


def sept_add(w: World) -> Effect:
    """MEM.SEPT.ADD of a table below the 2M entry."""
    return when(w.sept == FREE, w.sept.to(NL), *_set(w.sept_page, 1), otherwise=(w.broken("SEPT_ADD_STATE"),))


def pamt_get(w: World) -> tuple[Effect, ...]:
    """Take a PAMT reference in one step."""
    return (w.pamt.to(w.pamt + 1), w.pinned.to(1))


def pamt_put(w: World, fails: bool = False) -> tuple[Effect, ...]:
    """Drop a PAMT reference in one step; where PAMT.REMOVE fails, the count stays up and the pages stay in."""
    last: tuple[Effect, ...] = (w.pinned.to(0),)
    if fails:
        last = (w.pamt.to(1), w.stuck.to(1))
    down = when(w.pamt == 0, *last)
    return (when(w.pamt == 0, w.broken("PAMT_UNDERFLOW"), otherwise=(w.pamt.to(w.pamt - 1), down)),)


def huge_leaf(w: World) -> Expr:
    """The TD owns the region as one 2M leaf."""
    return w.sept.among((PEND, MAPD, PBLK, BLKD))


def owned(w: World, i: int) -> Expr:
    """The TD owns a page."""
    return any_of(huge_leaf(w), w.entry[i] != FREE)
