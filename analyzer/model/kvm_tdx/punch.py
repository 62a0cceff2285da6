"""The zapper: punch holes of the last page or of the whole region, and memory failure on the last page."""

from __future__ import annotations

from analyzer.model.expr import TRUE, Effect, Expr, all_of, when
from analyzer.model.kvm_tdx.convert import begins, ends, over_zap, over_zapped, unlocks
from analyzer.model.kvm_tdx.sequence import Sequence, add_split, split_start, zap_huge_job, zap_small_job
from analyzer.model.kvm_tdx.world import HUGE, LEAF, NONP, TABLE, ZAP, World
from analyzer.model.machine import ActorBuilder


def add_zapper(w: World) -> ActorBuilder:
    """The actor."""
    actor = w.builder.actor("zapper", "idle")
    whole = w.builder.var("whole", 1, owner="zapper")
    index = w.builder.var("index", w.scope.pages, owner="zapper")
    poison = w.builder.var("poison", 1, owner="zapper") if w.scope.poison else None
    move, last = actor.move, w.scope.pages - 1
    _start(w, actor, whole, poison)
    crossing, all_ = all_of(w.top == HUGE, whole == 0), all_of(w.top == HUGE, whole == 1)
    if w.protocol.zap_crossing == "whole-leaf":
        writing: tuple[str, ...] = ("over_done", *over_zap(w, actor, crossing, "over_done"))
        move("over_zapped", "over_done", "zapped", *over_zapped(w), source="tdp_mmu_zap_leafs")
    else:
        move("need_split", "walk", split_start(w, "split"), when=crossing, source="gmem_split")
        split = add_split(w, actor, "split", "walk", "leaves", ZAP, "enomem")
        writing = ("split.need", *split.places())
        if w.fails("enomem"):
            put = w.put_root() if w.protocol.root_put == "every-path" else ()
            move("split_enomem", "walk", "enomem", w.writer.to(0), *put, when=crossing, source="gmem_split")
            move("end_after_error", "enomem", "unlock", *ends(w), when=w.lock_free, source="__kvm_gmem_invalidate_end")
    huge = Sequence(w, actor, "zap_2m", zap_huge_job(w), "zapped")
    move("need_zap_2m", "walk", huge.build(), when=all_, source="tdp_mmu_zap_leafs")
    move("walk_4k", "walk", "leaves", index.to(0), when=w.top == TABLE, source="tdp_mmu_zap_leafs")
    move("nothing", "walk", "zapped", when=w.top == NONP, source="tdp_mmu_zap_leafs")
    wanted = tuple(TRUE if i == last else whole == 1 for i in w.pages)
    writing += (*huge.places(), *add_leaves(w, actor, index, wanted, "zapped"))
    _finish(w, actor, whole, poison)
    _sections(w, actor, writing)
    return actor


def _start(w: World, actor: ActorBuilder, whole: Expr, poison: Expr | None) -> None:
    move = actor.move
    free, lock = all_of(w.inode == 0, w.stays), w.inode.to(2)
    move("punch_one", "idle", "locked", lock, whole.to(0), when=free, source="kvm_gmem_punch_hole")
    if w.scope.whole_punch:
        move("punch_all", "idle", "locked", lock, whole.to(1), when=free, source="kvm_gmem_punch_hole")
    if w.protocol.poison == "folio-only":
        move("poison", "idle", "idle", w.folio.to(0), when=free, source="poison_split")
    elif poison is not None:
        move("poison", "idle", "locked", lock, whole.to(0), poison.to(1), when=free, source="kvm_gmem_error_folio")
    early: tuple[Effect, ...] = ()
    if w.protocol.split_order == "folio-first":
        early = (when(whole == 0, w.folio.to(0)),)
    if w.protocol.truncate == "before-zap":
        early = (*early, when(whole == 0, w.folio.to(0)), *_truncate(w, whole))
    move(
        "begin",
        "locked",
        "walk",
        *early,
        w.writer.to(ZAP),
        *w.get_root(),
        *begins(w),
        when=w.lock_free,
        source="__kvm_gmem_invalidate_start",
    )


def _truncate(w: World, whole: Expr) -> tuple[Effect, ...]:
    """Free the pages. A folio that is covered in part is split (a racing fault may have made a huge one again)."""
    everything = tuple(b.to(0) for b in w.backed)
    return (w.folio.to(0), when(whole == 1, *everything, otherwise=(w.backed[-1].to(0),)))


def add_leaves(w: World, actor: ActorBuilder, index: Expr, wanted: tuple[Expr, ...], after: str) -> tuple[str, ...]:
    """Walk the 4K leaves from place ``leaves`` and remove the wanted ones; the places where mmu_lock is held."""
    move, source, places = actor.move, "tdp_mmu_zap_leafs", ["leaves", "next"]
    for i in w.pages:
        here, there = index == i, all_of(wanted[i], w.leaf[i] == LEAF, w.top == TABLE)
        zap = Sequence(w, actor, f"zap_{i}", zap_small_job(w, i), "next")
        move(f"leaf[{i}]", "leaves", zap.build(), when=all_of(here, there), source=source)
        move(f"skip[{i}]", "leaves", "leaves", index.to(index + 1), when=all_of(here, ~there), source=source)
        places += zap.places()
    move("next", "next", "leaves", index.to(index + 1), source=source)
    move("walked", "leaves", after, index.to(0), when=index == w.scope.pages, source=source)
    return tuple(places)


def _finish(w: World, actor: ActorBuilder, whole: Expr, poison: Expr | None) -> None:
    move = actor.move
    late = w.protocol.invalidate_begin == "after-zap"
    source, unlocked = "__kvm_gmem_invalidate_start", (*unlocks(w), *w.put_root())
    move("unlock_mmu", "zapped", "late_begin" if late else "folio", *unlocked, source=source)
    if late:
        move(
            "late_begin",
            "late_begin",
            "folio",
            w.inv.to(w.inv + 1),
            when=w.lock_free,
            source="kvm_mmu_invalidate_start",
        )
    move("folio_split", "folio", "truncate", when(whole == 0, w.folio.to(0)), source="gmem_split")
    freed: tuple[Effect, ...] = _truncate(w, whole)
    if poison is not None:
        freed = (when(poison == 0, *freed),)  # memory failure leaves the page where it is, marked
    move("truncate", "truncate", "end", *freed, source="kvm_gmem_punch_hole")
    move("end", "end", "unlock", *ends(w), when=w.lock_free, source="__kvm_gmem_invalidate_end")
    over = (poison.to(0),) if poison is not None else ()
    move("unlock", "unlock", "idle", w.inode.to(0), whole.to(0), *over, source="kvm_gmem_punch_hole")


def _sections(w: World, actor: ActorBuilder, writing: tuple[str, ...]) -> None:
    held, waiting = ("walk", "zapped", *writing), ("split.topup", "split.relock", "enomem")
    rest = ("folio", "truncate", "end")
    actor.section("writing", held)
    actor.section("root", (*held, "split.topup", "split.relock"))
    open_ = (*held, *rest, *waiting) if w.protocol.invalidate_begin == "with-zap" else rest
    actor.section("invalidating", open_)
    actor.section("inode", (*held, *rest, *waiting, "locked", "late_begin", "unlock"))
