"""The converter: page 0 becomes shared, or private again."""

from __future__ import annotations

from analyzer.model.expr import Effect, Expr, all_of, when
from analyzer.model.kvm_tdx.sequence import (
    Sequence,
    add_split,
    sequence_start,
    split_start,
    zap_huge_job,
    zap_small_job,
)
from analyzer.model.kvm_tdx.world import CONV, FREE, HUGE, LEAF, NONP, TABLE, World
from analyzer.model.machine import ActorBuilder

SOURCE = "kvm_vm_set_mem_attributes"


def begins(w: World) -> tuple[Effect, ...]:
    """What of the invalidation's begin happens with the zap."""
    return (w.inv.to(w.inv + 1),) if w.protocol.invalidate_begin == "with-zap" else ()


def unlocks(w: World) -> tuple[Effect, ...]:
    """The end of the critical section of the zap."""
    late = w.protocol.invalidate_begin == "end-of-section"
    return (w.writer.to(0), *((w.inv.to(w.inv + 1),) if late else ()))


def ends(w: World) -> tuple[Effect, ...]:
    """The invalidation ends: its counter drops and the sequence grows."""
    return (w.inv.to(w.inv - 1), *w.all_stale())


def add_converter(w: World) -> ActorBuilder:
    """The actor."""
    actor = w.builder.actor("converter", "idle")
    move, in_place = actor.move, w.scope.in_place
    idle = all_of(w.inode == 0, w.stays) if in_place else w.stays
    move("lock", "idle", "locked", *((w.inode.to(1),) if in_place else ()), when=idle, source=SOURCE)
    if w.fails("enomem"):
        move("reserve_enomem", "locked", "unlock", source=SOURCE)
    _begin(w, actor)
    if w.protocol.zap_crossing == "whole-leaf":
        writing = over_zap(w, actor, w.top == HUGE, "rest_done")
        move("over_zapped", "rest_done", "zapped", *over_zapped(w), source="kvm_arch_pre_set_memory_attributes")
        writing += ("rest_done",)
    elif w.protocol.zap_root == "direct":  # which has nothing at a private GFN
        writing = ()
    else:
        writing = _split(w, actor)
    writing += _zap(w, actor)
    _finish(w, actor)
    held = ("walk", "rest", "zapped", "private_zapped", *writing)
    actor.section("writing", held)
    waiting = ("split.topup", "split.relock", "enomem")
    late = ("late_begin", "private_late_begin")
    rest = ("store", "end", "private_store", "folio")
    open_ = (*held, *rest, *waiting) if w.protocol.invalidate_begin == "with-zap" else rest
    actor.section("invalidating", open_)
    actor.section("inode", (*held, *rest, *waiting, *late, "locked", "unlock", "early_zap"))
    return actor


def _begin(w: World, actor: ActorBuilder) -> None:
    move, free = actor.move, w.lock_free
    lock = (w.writer.to(CONV), *begins(w))
    to_shared, to_private = all_of(free, w.shared[0] == 0), all_of(free, w.shared[0] == 1)
    first: tuple[Effect, ...] = ()
    if w.protocol.split_order == "folio-first":
        first = (w.folio.to(0),)
    if w.protocol.attribute_store == "before-zap":
        first = (*first, w.shared[0].to(1))
    unmap: tuple[Effect, ...] = ()
    if w.scope.pfnmap:
        unmap = (w.direct.to(0), *(v.direct_tlb.to(0) for v in w.vcpus))
    source = "kvm_mmu_invalidate_start"
    move("begin", "locked", "walk", *first, *lock, when=to_shared, source=source)
    move("begin_private", "locked", "private_zapped", *lock, *unmap, when=to_private, source=source)


def _split(w: World, actor: ActorBuilder) -> tuple[str, ...]:
    move, source = actor.move, "split_before_zap"
    move("need_split", "walk", split_start(w, "split"), when=w.top == HUGE, source=source)
    split = add_split(w, actor, "split", "walk", "rest", CONV, "enomem")
    if w.fails("enomem") or w.protocol.split_errno == "bool" or w.protocol.invalidate_end == "not-on-error":
        _split_fails(w, actor)
    leaf = all_of(w.top == TABLE, w.leaf[0] == LEAF)
    move("zap", "rest", sequence_start(w, "zap"), when=leaf, source="kvm_arch_pre_set_memory_attributes")
    move("nothing_left", "rest", "zapped", when=~leaf, source="kvm_arch_pre_set_memory_attributes")
    return ("split.need", *split.places())


def _split_fails(w: World, actor: ActorBuilder) -> None:
    """The split finds no memory; the ioctl must fail and leave everything as it was."""
    move, huge = actor.move, w.top == HUGE
    if w.protocol.split_errno == "bool":
        move("split_enomem_narrowed", "walk", "zapped", when=huge, source="split_before_zap")
        return
    leaks = w.protocol.invalidate_end == "not-on-error"
    move("split_enomem", "walk", "unlock" if leaks else "enomem", w.writer.to(0), when=huge, source="split_before_zap")
    move("end_after_error", "enomem", "unlock", *ends(w), when=w.lock_free, source="kvm_mmu_invalidate_end")


def over_zap(w: World, actor: ActorBuilder, crossing: Expr, after: str) -> tuple[str, ...]:
    """The mutation that removes the whole crossing leaf."""
    over = Sequence(w, actor, "over", zap_huge_job(w), after)
    actor.move("need_over_zap", "walk", over.build(), when=crossing, source="kvm_arch_pre_set_memory_attributes")
    return over.places()


def over_zapped(w: World) -> tuple[Effect, ...]:
    """More went than was asked for."""
    return (when(all_of(w.top == NONP, w.sept == FREE), w.broken("OVERZAP")),)


def _zap(w: World, actor: ActorBuilder) -> tuple[str, ...]:
    move, source = actor.move, "kvm_arch_pre_set_memory_attributes"
    leaf = all_of(w.top == TABLE, w.leaf[0] == LEAF)
    if w.protocol.zap_root == "direct":
        move("nothing", "walk", "zapped", source=source)
        return ()
    zap = Sequence(w, actor, "zap", zap_small_job(w, 0), "zapped")
    start = zap.build()
    move("need_zap", "walk", start, when=leaf, source=source)
    move("nothing", "walk", "zapped", when=all_of(w.top != HUGE, ~leaf), source=source)
    return zap.places()


def _finish(w: World, actor: ActorBuilder) -> None:
    move, free = actor.move, w.lock_free
    late = w.protocol.invalidate_begin == "after-zap"
    unlock, unlocked = "kvm_pre_set_memory_attributes", unlocks(w)
    move("unlock_mmu", "zapped", "late_begin" if late else "folio", *unlocked, source=unlock)
    move(
        "unlock_mmu_private",
        "private_zapped",
        "private_late_begin" if late else "private_store",
        *unlocked,
        source=unlock,
    )
    if late:
        begun = w.inv.to(w.inv + 1)
        source = "kvm_mmu_invalidate_start"
        move("late_begin", "late_begin", "folio", begun, when=free, source=source)
        move("late_begin_private", "private_late_begin", "private_store", begun, when=free, source=source)
    # Only where shared and private memory are one folio is there a folio to split.
    move("folio_split", "folio", "store", *((w.folio.to(0),) if w.scope.in_place else ()), source="gmem_split")
    move("store_shared", "store", "end", w.shared[0].to(1), source=SOURCE)
    if w.fails("enomem") and not w.scope.huge:  # no split is there to fail, but what comes after the zap may
        leaks = w.protocol.invalidate_end == "not-on-error"
        move("store_enomem", "store", "unlock" if leaks else "end", source=SOURCE)
    move("store_private", "private_store", "end", w.shared[0].to(0), *_clear_inhibit(w), source=SOURCE)
    move("end", "end", "unlock", *ends(w), when=free, source="kvm_mmu_invalidate_end")
    move("unlock", "unlock", "idle", *((w.inode.to(0),) if w.scope.in_place else ()), source=SOURCE)


def _clear_inhibit(w: World) -> tuple[Effect, ...]:
    return (when(w.inhibit == 1, w.inhibit.to(2)),) if w.protocol.inhibit == "cleared" else ()
