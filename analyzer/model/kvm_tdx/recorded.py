"""The machine that a recorded trace is replayed on: the protocol as it is, with what nobody can see left open.

An exploration asks whether something can go wrong, a replay whether something could have happened. So what a trace
cannot show never refuses a step here: sizes of folios, what the guest touched and accepted, who caused a BUSY, faults
that give up, mmu_lock dropped and taken again between two entries. What is left refuses: the order of SEAMCALLs, their
levels and entries, the retry rule, what may be mapped while a range is invalidated, what an invalidation must remove.

A fault maps in one step, when its SEAMCALL is seen: under mmu_lock held for read no writer comes between, and what
other readers do is ordered by the events of their own SEAMCALLs. So hardly any step is hidden.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from analyzer.model.expr import TRUE, Assign, Effect, Expr, all_of, any_of, implies, when
from analyzer.model.kvm_tdx import seamcall
from analyzer.model.kvm_tdx.guest import leave
from analyzer.model.kvm_tdx.protocol import CORRECT
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.kvm_tdx.sequence import Job, Sequence, split_job, zap_huge_job, zap_small_job
from analyzer.model.kvm_tdx.world import (
    CONV,
    CUR,
    FREE,
    HUGE,
    LEAF,
    NL,
    NONP,
    PEND,
    PREV,
    TABLE,
    VCPU,
    ZAP,
    Vcpu,
    World,
)
from analyzer.model.machine import ActorBuilder, Machine, Move

VCPUS, PAGES, OPS = 4, 3, 2  # what a replay follows at most at a time
NONE, SHARED, PRIVATE = 0, 1, 2  # what an invalidation makes of its range
OUTSIDE, PART, WHOLE = 0, 1, 2  # how much of the region it reaches
# Restarting an interrupted DEMOTE until it is done is equivalent to refusing huge pages (mutation restart_forever).
PROTOCOL = replace(CORRECT, restartable="retry")


@dataclass(frozen=True, slots=True)
class Choice:
    """What an invalidation may be.

    ``mask`` are the followed pages in its range, ``reach`` how much of the region is (a part may be of pages that are
    not followed), ``zaps`` whether it removes anything, ``goal`` what the range becomes.
    """

    mask: int
    reach: int
    zaps: bool
    goal: int

    def __str__(self) -> str:
        return f"{self.mask}/{self.reach}{int(self.zaps)}{self.goal}"


def choices(pages: int) -> Iterator[Choice]:
    """All of them; a whole region holds every page."""
    every = (1 << pages) - 1
    for mask, zaps, goal in itertools.product(range(every + 1), (False, True), (NONE, SHARED, PRIVATE)):
        for reach in (OUTSIDE, PART) if not mask else (PART, WHOLE) if mask == every else (PART,):
            yield Choice(mask, reach, zaps, goal)


@lru_cache(maxsize=16)
def recorded(vcpus: int, pages: int) -> Machine:
    """The machine for so many vCPUs and pages of one 2M region."""
    scope = Scope(vcpus, pages, converter=False, zapper=False, in_place=False, faults=("restartable",))
    w = World(scope, PROTOCOL, "kvm-tdx as recorded")
    ops = [_op(w, number) for number in range(OPS)]
    for v in w.vcpus:
        _guest(w, v)
        _maps(w, v, ops)
        _accepts(w, v)
    for op in ops:
        _invalidates(w, op)
    _others(w)
    return w.builder.machine((), (), (), TRUE)


def at_rest(machine: Machine, inside: frozenset[int]) -> Iterator[bytes]:
    """Every state with nothing under way, whatever the region looks like; ``inside`` are vCPUs in guest mode."""
    names = [v.name for v in machine.variables]
    pages = sum(name.startswith("shared_") for name in names)
    counters = {a.pc: a for a in machine.actors}
    base = {v.name: v.init for v in machine.variables}
    for k in inside:
        base[f"mode_{k}"] = CUR
        base[f"pc_vcpu{k}"] = counters[f"pc_vcpu{k}"].places.index("guest")
    for found in _regions(pages):
        values = base | found
        yield bytes(values[name] for name in names)


def _regions(pages: int) -> Iterator[dict[str, int]]:
    """What a region can be at rest: nothing, a huge leaf, a table; each page free, shared or mapped."""
    for shared in itertools.product((0, 1), repeat=pages):
        wanted = {f"shared_{i}": one for i, one in enumerate(shared)}
        for inhibit in (0, 1):
            yield wanted | {"inhibit": inhibit}
    yield {"mirror_2m": HUGE, "sept_2m": PEND}
    for kinds in itertools.product((FREE, SHARED, LEAF), repeat=pages):
        found = {"mirror_2m": TABLE, "sept_2m": NL, "pamt_count": kinds.count(LEAF), "pamt_pages": int(LEAF in kinds)}
        for i, kind in enumerate(kinds):
            if kind == LEAF:
                found |= {f"mirror_{i}": LEAF, f"sept_{i}": PEND}
            found[f"shared_{i}"] = int(kind == SHARED)
        for inhibit in (0, 1):
            yield found | {"inhibit": inhibit}


# -- vCPUs -------------------------------------------------------------------------------------------------------------


def _guest(w: World, v: Vcpu) -> None:
    """In and out of the guest; a fault may be given up wherever it is. Not every way out of the guest is recorded."""
    move, source = v.actor.move, "tdx_handle_ept_violation"
    for place in ("outside", "guest", "fault", "asked", "accept"):
        move("exit", place, "outside", *leave(v), *v.forget(), source="tdx_handle_exit")
        move("enter", place, "guest", v.mode.to(CUR), *v.forget(), when=w.window == 0, source="tdx_vcpu_run")
        for i in w.pages:
            fresh = (*leave(v), *v.forget(), v.page.to(i))
            move(f"faults[{i}]", place, "fault", *fresh, source=source)
            move(f"faults_accepting[{i}]", place, "fault", *fresh, v.small.to(1), source=source)


def _maps(w: World, v: Vcpu, ops: list[_Op]) -> None:
    """The snapshot is as late as it can be, when the PFN is asked for; a map looks at it again under mmu_lock."""
    move = v.actor.move
    small = any_of(w.inhibit == 1, w.mixed)
    for i in w.pages:
        here = v.page == i
        for place in ("fault", "asked"):
            move(f"snapshot_private[{i}]", place, "asked", v.stale.to(0), when=here, source="kvm_mmu_faultin_pfn")
        fresh = all_of(here, v.stale == 0, *(op.want[i] == 0 for op in ops), w.shared[i] == 0, w.writer == 0)
        table = all_of(fresh, w.top == NONP)
        none = all_of(fresh, w.top == TABLE, w.leaf[i] == NONP)
        huge = all_of(table, *(any_of(op.reach == OUTSIDE, op.zaps == 0) for op in ops), ~small)
        added, source = (seamcall.sept_add(w), w.top.to(TABLE)), "tdx_sept_map_nonleaf_spte"
        move(f"sept_add[{i}]", "asked", "asked", *added, when=table, source=source)
        move(f"sept_add_busy[{i}]", "asked", "fault", when=table, source=source)
        mapped, source = (*seamcall.aug_small(w, i, seamcall.pamt_get(w)), w.leaf[i].to(LEAF)), "tdx_mem_page_aug"
        move(f"aug_4k[{i}]", "asked", "outside", *mapped, *v.forget(), when=none, source=source)
        move(f"aug_4k_busy[{i}]", "asked", "fault", when=none, source=source)
        mapped = (*seamcall.aug_huge(w), w.top.to(HUGE))
        move(f"aug_2m[{i}]", "asked", "outside", *mapped, *v.forget(), when=huge, source=source)
        move(f"aug_2m_busy[{i}]", "asked", "fault", when=huge, source=source)


def _accepts(w: World, v: Vcpu) -> None:
    """The split for an ACCEPT below the mapped level."""
    v.actor.move("accept_lock", "fault", "accept", when=v.small == 1, source="accept_level")
    here = _Place(v.actor, "accept", "fault", VCPU, (w.inhibit.to(1),))
    _sequence(w, here, "split", split_job(w), w.top == HUGE)


def _others(w: World) -> None:
    """Who works on pages of the region that are not followed: their faults put a table where nothing is."""
    actor = w.builder.actor("others", "here")
    table = (seamcall.sept_add(w), w.top.to(TABLE))
    actor.move("sept_add", "here", None, *table, when=w.top == NONP, source="tdx_sept_map_nonleaf_spte")


# -- SEAMCALL sequences ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """From where a sequence starts, where it comes back to, and what happens there."""

    actor: ActorBuilder
    at: str
    back: str
    kind: int
    after: tuple[Effect, ...] = ()


def _sequence(w: World, place: _Place, prefix: str, job: Job, need: Expr) -> None:
    """A sequence that takes mmu_lock with its first SEAMCALL and drops it with its last."""
    actor, first = place.actor, len(place.actor.moves)
    start = Sequence(w, actor, prefix, job, place.back).build()
    begin, back, origin = (actor.places.setdefault(name, len(actor.places)) for name in (start, place.back, place.at))
    for n in range(first, len(actor.moves)):
        move = actor.moves[n]
        effects, guard, at = move.effects, move.guard, move.at
        if at == begin:
            at, guard, effects = origin, all_of(need, w.writer == 0), (w.writer.to(place.kind), *effects)
        if move.name.endswith(("_busy", "_retry", "kick")):
            guard = guard if at == origin else TRUE
            effects = _seen(w, move, effects)
        if move.to == back:
            effects = (*effects, w.writer.to(0), *place.after)
        actor.moves[n] = replace(move, at=at, guard=guard, effects=effects)
    for step in ("block", "track", "last"):
        where = f"{prefix}.{step}_retry"
        if where in actor.places:
            actor.move(f"{prefix}.kick_{step}", where, where, w.window.to(1), source="tdh_do_no_vcpus")


def _seen(w: World, move: Move, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """A kick that returned shows that every vCPU left, whatever was recorded of them; only then are they kept out."""
    if move.name.endswith("_busy"):
        return tuple(e for e in effects if not (isinstance(e, Assign) and e.name == w.window.name))
    if move.name.endswith("kick"):
        return (*effects, *(when(v.mode == PREV, v.mode.to(CUR)) for v in w.vcpus))
    return effects


# -- invalidations -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Op:
    """An invalidation under way."""

    kind: int
    actor: ActorBuilder
    want: tuple[Expr, ...]
    reach: Expr
    zaps: Expr
    goal: Expr

    def over(self) -> tuple[Effect, ...]:
        """Everything about it is forgotten."""
        return tuple(one.to(0) for one in (*self.want, self.reach, self.zaps, self.goal))


def _op(w: World, number: int) -> _Op:
    name = f"op{number}"
    actor, var = w.builder.actor(name, "idle"), w.builder.var
    want = tuple(var(f"want_{number}{i}", 1, owner=name) for i in w.pages)
    reach, zaps = var(f"reach_{number}", 2, owner=name), var(f"zaps_{number}", 1, owner=name)
    return _Op((CONV, ZAP)[number], actor, want, reach, zaps, var(f"goal_{number}", 2, owner=name))


def _invalidates(w: World, op: _Op) -> None:
    move = op.actor.move
    for choice in choices(w.scope.pages):
        effects = [want.to(choice.mask >> i & 1) for i, want in enumerate(op.want)]
        effects += [op.reach.to(choice.reach), op.zaps.to(int(choice.zaps)), op.goal.to(choice.goal)]
        begun = (w.inv.to(w.inv + 1), *effects)
        move(f"begin[{choice}]", "idle", "walk", *begun, when=w.writer == 0, source="kvm_mmu_invalidate_start")
    crossing = all_of(w.top == HUGE, op.reach != OUTSIDE)
    here = _Place(op.actor, "walk", "walk", op.kind)
    _sequence(w, here, "split", split_job(w), all_of(op.zaps == 1, crossing))
    _sequence(w, here, "zap_2m", zap_huge_job(w), all_of(op.zaps == 1, w.top == HUGE, op.reach == WHOLE))
    left = [crossing]
    for i in w.pages:
        leaf = all_of(op.want[i] == 1, w.top == TABLE, w.leaf[i] == LEAF)
        _sequence(w, here, f"zap_{i}", zap_small_job(w, i), all_of(op.zaps == 1, leaf))
        left.append(leaf)
    stored = [when(all_of(op.want[i] == 1, op.goal == SHARED), w.shared[i].to(1)) for i in w.pages]
    stored += [when(all_of(op.want[i] == 1, op.goal == PRIVATE), w.shared[i].to(0)) for i in w.pages]
    ended = (w.inv.to(w.inv - 1), *op.over(), *w.all_stale())
    done = all_of(implies(op.zaps == 1, all_of(*(~one for one in left))), w.writer == 0)
    move("end", "walk", "idle", *stored, *ended, when=done, source="kvm_mmu_invalidate_end")
    move("end_of_many", "walk", "idle", *ended, when=w.writer == 0, source="kvm_mmu_invalidate_end")
    failed = all_of(op.zaps == 1, w.top == HUGE, op.reach == PART, w.writer == 0)
    move("end_after_error", "walk", "idle", *ended, when=failed, source="kvm_mmu_invalidate_end")
