"""The fault path: honour an ACCEPT level, snapshot, get the PFN, mmu_lock for read, stale check, map."""

from __future__ import annotations

from analyzer.model.expr import FALSE, Effect, Expr, all_of, any_of, when
from analyzer.model.kvm_tdx import seamcall
from analyzer.model.kvm_tdx.sequence import Sequence, add_split, split_job, split_start
from analyzer.model.kvm_tdx.world import FROZEN, HUGE, LEAF, NONP, TABLE, VCPU, Vcpu, World

READING = (
    "check",
    "walk",
    "comparing",
    "aug_2m",
    "mapped_2m",
    "sept_add",
    "aug_4k",
    "mapped_4k",
    "pamt_get",
    "pamt_add",
    "pamt_put",
    "pamt_remove",
    "shared_accept",
    "shared_give_up",
)
MAPPING = ("aug_2m", "mapped_2m", "sept_add", "aug_4k", "mapped_4k", "pamt_get", "pamt_add")


def add_fault(w: World, v: Vcpu) -> None:
    """Everything from the violation back to user space."""
    _accept(w, v)
    _prepare(w, v)
    _check(w, v)
    _map_2m(w, v)
    for i in w.pages:
        _map_4k(w, v, i)
    v.actor.section("reading", READING)
    v.actor.section("mapping", MAPPING)
    v.actor.section("frozen_2m", ("aug_2m", "mapped_2m", "sept_add"))
    v.actor.section("frozen_4k", ("aug_4k", "mapped_4k", "pamt_get", "pamt_add", "pamt_put", "pamt_remove"))


def retry(w: World, v: Vcpu, failed: bool = True) -> tuple[Effect, ...]:
    """RET_PF_RETRY: drop mmu_lock and start over."""
    keeps = failed and w.protocol.unlock == "not-on-error"
    return (*(() if keeps else (w.readers.to(w.readers - 1),)), v.stale.to(0), v.level.to(0))


def done(w: World, v: Vcpu) -> tuple[Effect, ...]:
    """The fault is over; mmu_lock is dropped."""
    return (w.readers.to(w.readers - 1), *v.forget())


# -- the level the guest accepts at ----------------------------------------------------------------------------------


def _accept(w: World, v: Vcpu) -> None:
    move = v.actor.move
    if w.protocol.accept_level == "ignored" or not w.scope.accept:
        move("fault", "fault", "snapshot", source="kvm_tdp_mmu_page_fault")
        return
    wants = all_of(v.small == 1, w.inhibit != 1)
    move("fault", "fault", "snapshot", when=~wants, source="kvm_tdp_mmu_page_fault")
    if w.protocol.split_lock != "write":
        _accept_shared(w, v, wants)
        return
    move("accept_lock", "fault", "accept", w.writer.to(VCPU), when=all_of(wants, w.lock_free), source="accept_level")
    move("accept_need_split", "accept", split_start(w, "split"), when=w.top == HUGE, source="split_crossing")
    split = add_split(w, v.actor, "split", "accept", "accept", VCPU, "accept_failed")
    release = (w.inhibit.to(1), w.writer.to(0))
    move("accept_inhibit", "accept", "snapshot", *release, when=w.top != HUGE, source="inhibit")
    if w.fails("enomem"):
        move("accept_enomem", "accept", "accept_failed", w.writer.to(0), when=w.top == HUGE, source="split_crossing")
        move("accept_return", "accept_failed", "outside", *v.forget(), source="accept_level")
    v.actor.section("writing", ("accept", "split.need", *split.places()))


def _accept_shared(w: World, v: Vcpu, wants: Expr) -> None:
    """The split under mmu_lock held for read, as the mutation has it."""
    move, back = v.actor.move, w.readers.to(w.readers - 1)
    taken = w.readers.to(w.readers + 1)
    move("accept_read_lock", "fault", "shared_accept", taken, when=all_of(wants, w.writer == 0), source="accept_level")
    move("accept_need_split", "shared_accept", "split.block", when=w.top == HUGE, source="split_crossing")
    split = Sequence(w, v.actor, "split", split_job(w), "shared_give_up", shared=True)
    split.build()
    if w.protocol.split_lock == "read":
        move("accept_inhibit", "shared_accept", "snapshot", w.inhibit.to(1), back, when=w.top != HUGE, source="inhibit")
    else:
        move("accept_relock", "shared_accept", "relock", back, when=w.top != HUGE, source="inhibit")
        move("accept_inhibit", "relock", "snapshot", w.inhibit.to(1), when=w.lock_free, source="inhibit")
    move("accept_give_up", "shared_give_up", "outside", back, *v.forget(), source="shared_split")
    v.actor.section("reading", split.places())


# -- before mmu_lock ---------------------------------------------------------------------------------------------------


def _prepare(w: World, v: Vcpu) -> None:
    move = v.actor.move
    for i in w.pages:
        here = v.page == i
        private, shared = all_of(here, w.shared[i] == 0), all_of(here, w.shared[i] == 1) if i == 0 else FALSE
        move(f"snapshot_private[{i}]", "snapshot", "pfn", v.stale.to(0), when=private, source="kvm_mmu_faultin_pfn")
        move(f"snapshot_shared[{i}]", "snapshot", "outside", *v.forget(), when=shared, source="kvm_mmu_faultin_pfn")
        source = "refuse_huge" if w.scope.huge and refuses_huge(w) else "kvm_gmem_get_pfn"
        move(f"get_pfn[{i}]", "pfn", "lock", *_get_pfn(w, v, i), when=here, source=source)
        if w.fails("enomem"):
            fresh = all_of(here, w.backed[i] == 0)
            move(f"gmem_enomem[{i}]", "pfn", "outside", *v.forget(), when=fresh, source="kvm_gmem_get_folio")
    if w.fails("enomem"):
        move("topup_enomem", "pfn", "outside", *v.forget(), source="mmu_topup_memory_caches")
    taken = w.readers.to(w.readers + 1)
    move("read_lock", "lock", "check", taken, when=w.writer == 0, source="kvm_tdp_mmu_page_fault")


def refuses_huge(w: World) -> bool:
    """There are no 2M mappings: KVM has none, or the module may interrupt DEMOTE."""
    return not w.scope.huge or (w.fails("restartable") and w.protocol.restartable == "refuse-huge")


def _get_pfn(w: World, v: Vcpu, i: int) -> tuple[Effect, ...]:
    none = all_of(*(b == 0 for b in w.backed))
    huge: tuple[Effect, ...] = (w.folio.to(1), *(b.to(1) for b in w.backed))
    allocate = when(w.backed[i] == 0, when(none, *huge, otherwise=(w.backed[i].to(1),)))
    if refuses_huge(w):
        return (allocate, v.level.to(1))
    return (allocate, when(w.folio == 1, v.level.to(2), otherwise=(v.level.to(1),)))


# -- under mmu_lock ----------------------------------------------------------------------------------------------------


def _check(w: World, v: Vcpu) -> None:
    move = v.actor.move
    stale = any_of(w.inv > 0, v.stale == 1) if w.protocol.stale_check == "under-lock" else FALSE
    move("stale", "check", "fault", *retry(w, v, False), when=stale, source="is_page_fault_stale")
    unwanted = w.inhibit == 1 if w.protocol.inhibit != "unread" else FALSE
    smaller = when(any_of(unwanted, w.mixed), v.level.to(1))
    move("fresh", "check", "walk", smaller, when=~stale, source="kvm_mmu_hugepage_adjust")
    huge, small = v.level == 2, v.level == 1
    _lost(w, v, "frozen_2m", w.top == FROZEN, "kvm_tdp_mmu_map")
    move(
        "spurious_2m",
        "walk",
        "outside",
        *done(w, v),
        when=all_of(w.top == HUGE, huge),
        source="tdp_mmu_map_handle_target_level",
    )
    move(
        "needs_split",
        "walk",
        "outside",
        w.broken("SPLIT_UNDER_READ"),
        *done(w, v),
        when=all_of(w.top == HUGE, small),
        source="kvm_tdp_mmu_map",
    )
    frozen = _freeze(w, w.top)
    source = "tdp_mmu_set_spte_atomic"
    move("freeze_2m", "walk", "aug_2m", *frozen, when=all_of(w.top == NONP, huge), source=source)
    linking = () if w.protocol.freeze == "leaf-only" else frozen
    move("freeze_table", "walk", "sept_add", *linking, when=all_of(w.top == NONP, small), source=source)
    if w.protocol.promotion == "allowed":
        move("promote", "walk", "aug_2m", w.top.to(FROZEN), when=all_of(w.top == TABLE, huge), source="no_promotion")


def _freeze(w: World, entry: Expr) -> tuple[Effect, ...]:
    return () if w.protocol.freeze == "none" else (entry.to(FROZEN),)


def _lost(w: World, v: Vcpu, name: str, when: Expr, source: str) -> None:
    """Another fault was faster: retry, unless the compare-exchange goes on with the old value for ever."""
    if w.protocol.cmpxchg == "refreshed":
        v.actor.move(name, "walk", "fault", *retry(w, v, False), when=when, source=source)
        return
    v.actor.move(name, "walk", "comparing", when=when, source=source)
    if name == "frozen_2m":
        v.actor.move("compare_again", "comparing", None, source="tdp_mmu_set_spte_atomic")


def rollback(w: World, entry: Expr, new: int) -> tuple[Effect, ...]:
    """The external update failed: the mirror entry gets its old value."""
    written = {"none": (), "never": (entry.to(new),)}
    return written.get(w.protocol.freeze_rollback, (entry.to(NONP),))


def thaw(w: World, entry: Expr, new: int) -> Effect:
    """The external update is done: the mirror entry gets its new value."""
    return entry.to(NONP if w.protocol.freeze_rollback == "always" else new)


def _map_2m(w: World, v: Vcpu) -> None:
    move = v.actor.move
    got = seamcall.pamt_get(w) if w.protocol.pamt_levels == "4k-and-2m" else ()
    move("aug_2m", "aug_2m", "mapped_2m", *seamcall.aug_huge(w), *got, source="tdx_mem_page_aug")
    move("unfreeze_2m", "mapped_2m", "outside", thaw(w, w.top, HUGE), *done(w, v), source="tdp_mmu_set_spte_atomic")
    linked = (seamcall.sept_add(w), thaw(w, w.top, TABLE))
    move("sept_add", "sept_add", "walk", *linked, source="tdx_sept_map_nonleaf_spte")
    if w.scope.busy:
        for place, new, source in (
            ("aug_2m", HUGE, "tdx_mem_page_aug"),
            ("sept_add", TABLE, "tdx_sept_map_nonleaf_spte"),
        ):
            failed = (*rollback(w, w.top, new), *retry(w, v))
            move(f"{place}_busy", place, "fault", *failed, when=w.any_inside, source=source, status="OPERAND_BUSY")


def _map_4k(w: World, v: Vcpu, i: int) -> None:
    move, leaf = v.actor.move, w.leaf[i]
    here = all_of(w.top == TABLE, v.page == i)
    if w.protocol.promotion == "allowed":
        here = all_of(here, v.level == 1)
    source, missing = "tdp_mmu_map_handle_target_level", all_of(here, leaf == NONP)
    _lost(w, v, f"frozen_4k[{i}]", all_of(here, leaf == FROZEN), source)
    move(f"spurious_4k[{i}]", "walk", "outside", *done(w, v), when=all_of(here, leaf == LEAF), source=source)
    first, frozen = "pamt_get" if w.scope.pamt_steps else "aug_4k", _freeze(w, leaf)
    move(f"freeze_4k[{i}]", "walk", first, *frozen, when=missing, source="tdp_mmu_set_spte_atomic")
    _aug_4k(w, v, i)
    thawed = (thaw(w, leaf, LEAF), *done(w, v))
    move(f"unfreeze_4k[{i}]", "mapped_4k", "outside", *thawed, when=v.page == i, source="tdp_mmu_set_spte_atomic")


def _aug_4k(w: World, v: Vcpu, i: int) -> None:
    """The external update of a 4K entry: PAMT reference, SEAMCALL, and the way back from a failure."""
    move, leaf, here = v.actor.move, w.leaf[i], v.page == i
    got = seamcall.pamt_get(w)
    move(f"aug_4k[{i}]", "aug_4k", "mapped_4k", *seamcall.aug_small(w, i, got), when=here, source="tdx_mem_page_aug")
    back = (*rollback(w, leaf, LEAF), *retry(w, v))
    if w.scope.busy:
        puts = w.protocol.pamt_on_error == "put"
        to, effects = "fault", (*(() if puts or w.scope.pamt_steps else got), *back)
        if w.scope.pamt_steps and puts:
            to, effects = "pamt_put", ()
        busy, name = all_of(here, w.any_inside), f"aug_4k_busy[{i}]"
        move(name, "aug_4k", to, *effects, when=busy, source="tdx_mem_page_aug", status="OPERAND_BUSY")
    if w.fails("enomem"):
        failed = (*rollback(w, leaf, LEAF), *done(w, v))
        move(f"pamt_enomem[{i}]", "aug_4k", "outside", *failed, when=here, source="pamt_get")
    if w.scope.pamt_steps:
        _pamt_after_failure(w, v, i, back)
        if i == 0:
            _pamt_before_map(w, v)


# -- the PAMT count, step by step --------------------------------------------------------------------------------------


def _pamt_before_map(w: World, v: Vcpu) -> None:
    """Get: an increment where the count is up, else under the PAMT lock PAMT.ADD, which may find the pages there."""
    move, up = v.actor.move, w.pamt.to(w.pamt + 1)
    move("pamt_get", "pamt_get", "aug_4k", up, when=w.pamt > 0, source="pamt_get")
    move("pamt_get_slow", "pamt_get", "pamt_add", when=w.pamt == 0, source="pamt_get")
    move("pamt_add_not_needed", "pamt_add", "aug_4k", up, when=w.pamt > 0, source="pamt_get")
    empty = all_of(w.pamt == 0, w.pinned == 0)
    move("pamt_add", "pamt_add", "aug_4k", w.pamt.to(1), w.pinned.to(1), when=empty, source="pamt_get")
    lost = w.pamt.to(1) if w.protocol.pamt_not_free == "lost-race" else w.broken("PAMT_NOT_FREE")
    move(
        "pamt_add_lost_race",
        "pamt_add",
        "aug_4k",
        lost,
        when=all_of(w.pamt == 0, w.pinned == 1),
        source="pamt_race",
        status="HPA_RANGE_NOT_FREE",
    )


def _pamt_after_failure(w: World, v: Vcpu, i: int, back: tuple[Effect, ...]) -> None:
    """Put: the count drops outside the PAMT lock; PAMT.REMOVE under it, if the count is still zero."""
    move, here = v.actor.move, v.page == i
    down = w.pamt.to(w.pamt - 1)
    move(f"pamt_put[{i}]", "pamt_put", "fault", down, *back, when=all_of(here, w.pamt > 1), source="pamt_put")
    if i == 0:
        move("pamt_put_last", "pamt_put", "pamt_remove", down, when=w.pamt == 1, source="pamt_put")
        move(
            "pamt_put_below", "pamt_put", "pamt_remove", w.broken("PAMT_UNDERFLOW"), when=w.pamt == 0, source="pamt_put"
        )
    zero = when(w.pamt == 0, w.pinned.to(0))
    remove = zero if w.protocol.pamt_recheck == "under-lock" else w.pinned.to(0)
    move(f"pamt_remove[{i}]", "pamt_remove", "fault", remove, *back, when=here, source="pamt_race")
