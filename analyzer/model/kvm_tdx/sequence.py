"""BLOCK, TRACK and kick, then DEMOTE or REMOVE: each SEAMCALL with the one retry after BUSY that the kernel allows."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.model.expr import TRUE, Effect, Expr, when
from analyzer.model.kvm_tdx import seamcall
from analyzer.model.kvm_tdx.world import NONP, World
from analyzer.model.machine import ActorBuilder

STEPS = ("block", "block_retry", "track", "track_retry", "kick", "last", "last_retry", "last_again")


@dataclass(frozen=True, slots=True)
class Job:
    """What the sequence is for: an S-EPT entry, the last SEAMCALL, and what KVM does to its mirror."""

    name: str  # of the last SEAMCALL
    entry: Expr
    age: Expr
    small: bool
    last: tuple[Effect, ...]
    mirror: tuple[Effect, ...]
    source: str
    variants: tuple[tuple[str, Expr, tuple[Effect, ...]], ...] = ()  # other outcomes of the last call


def split_job(w: World) -> Job:
    """Split the 2M leaf."""
    mirror = seamcall.split_mirror(w)
    return Job("demote", w.sept, w.age, False, seamcall.demote(w), mirror, "demote")


def zap_huge_job(w: World) -> Job:
    """Remove the 2M leaf."""
    mirror = (w.top.to(NONP),)
    return Job("remove", w.sept, w.age, False, seamcall.remove_huge(w), mirror, "tdx_sept_remove_leaf_spte")


def zap_small_job(w: World, i: int) -> Job:
    """Remove one 4K leaf."""
    variants: tuple[tuple[str, Expr, tuple[Effect, ...]], ...] = ()
    if w.fails("pamt-remove"):
        kept = seamcall.remove_small(w, i, seamcall.pamt_put(w, fails=True))
        variants = (("put_fails", w.pamt == 1, kept),)
    last = seamcall.remove_small(w, i, seamcall.pamt_put(w))
    mirror = (w.leaf[i].to(NONP),)
    return Job("remove", w.entry[i], w.ages[i], True, last, mirror, "tdx_sept_remove_leaf_spte", variants)


@dataclass(slots=True)
class Sequence:
    """The steps of one job by one actor, from place ``<prefix>.block`` to place ``after``."""

    w: World
    actor: ActorBuilder
    prefix: str
    job: Job
    after: str
    shared: bool = False  # under mmu_lock held for read: nobody can be kicked, so BUSY gives up with nothing undone

    def build(self) -> str:
        """Add the moves; the place to start at."""
        w, job, protocol = self.w, self.job, self.w.protocol
        first = "last" if protocol.track == "none" else "track"
        tracked = "kick" if protocol.kick == "kick" else "last"
        if protocol.block == "block":
            self._call("block", seamcall.block(w, job.entry, job.age, job.small), self._place(first), job.source)
        if protocol.track == "track":
            self._call("track", seamcall.track(w), self._place(tracked), "tdx_track")
            if protocol.kick == "kick":
                self._move("kick", "kick", "last", when=w.none_previous, source="kvm_make_all_cpus_request")
        self._last()
        return sequence_start(w, self.prefix)

    def places(self) -> tuple[str, ...]:
        """All places of the sequence."""
        return tuple(self._place(step) for step in STEPS)

    def _place(self, step: str) -> str:
        return f"{self.prefix}.{step}"

    def _move(
        self, name: str, at: str, to: str, *effects: Effect, when: Expr = TRUE, source: str, status: str = ""
    ) -> None:
        place = self._place(at)
        self.actor.move(
            f"{self.prefix}.{name}",
            place,
            self._place(to) if to in STEPS else to,
            *effects,
            when=when,
            source=source,
            status=status,
        )

    def _call(self, step: str, done: tuple[Effect, ...], to: str, source: str) -> None:
        """A SEAMCALL; BUSY keeps vCPUs out and tries once more."""
        w = self.w
        self._move(step, step, to, *done, source=source)
        if not w.scope.busy:
            return
        if self.shared:
            self._move(
                f"{step}_busy", step, self.after, when=w.any_inside, source="shared_split", status="OPERAND_BUSY"
            )
            return
        self._busy(step, f"{step}_retry")
        if w.protocol.retry_unit == "sequence" and step == "track":
            self._move("track_retry", "track_retry", "block", w.window.to(0), when=w.none_inside, source=source)
            return
        self._move(f"{step}_retry", f"{step}_retry", to, *done, *self._reopen(), when=w.none_inside, source=source)
        self._give_up(step)

    def _last(self) -> None:
        w, job, protocol = self.w, self.job, self.w.protocol
        demotes = job.name == "demote"
        done = cached(w, job.last) if demotes else job.last
        if demotes and protocol.cache_of == "running-vcpu" and not self.actor.name.startswith("vcpu"):
            done = (w.broken("NO_VCPU"),)
        source = "demote_pages" if demotes and w.scope.split_cache else job.source
        self._move(job.name, "last", self.after, *done, source=source)
        for name, guard, effects in job.variants:
            self._move(f"{job.name}_{name}", "last", self.after, *effects, when=guard, source="pamt_put")
        if w.scope.busy and self.shared:
            self._move(
                f"{job.name}_busy", "last", self.after, when=w.any_inside, source="shared_split", status="OPERAND_BUSY"
            )
        elif w.scope.busy:
            self._busy(job.name, "last_retry", *(spend(w) if demotes else ()), at="last")
            again = cached_again(w, job.last) if demotes else job.last
            self._move(
                f"{job.name}_retry",
                "last_retry",
                self.after,
                *again,
                *self._reopen(),
                when=w.none_inside,
                source="tdh_do_no_vcpus",
            )
            self._give_up(job.name, "last_retry")
        if demotes:
            self._interrupted()
            if protocol.demote_error == "dropped":
                self._move("demote_failure_ignored", "last", self.after, *job.mirror, source="split_callback")

    def _busy(self, step: str, to: str, *effects: Effect, at: str = "") -> None:
        w = self.w
        close = () if w.protocol.no_vcpu_window == "kick-only" else (w.window.to(1),)
        self._move(
            f"{step}_busy",
            at or step,
            to,
            *close,
            *effects,
            when=w.any_inside,
            source="tdh_do_no_vcpus",
            status="OPERAND_BUSY",
        )

    def _reopen(self) -> tuple[Effect, ...]:
        return () if self.w.protocol.no_vcpu_window == "flag-left" else (self.w.window.to(0),)

    def _give_up(self, step: str, at: str = "") -> None:
        """The retry itself may meet a vCPU where nothing keeps them out, or be BUSY where that is injected."""
        w, place = self.w, at or f"{step}_retry"
        if w.protocol.no_vcpu_window in ("kick-only", "not-for-new"):
            self._move(
                f"{step}_retry_busy",
                place,
                self.after,
                w.broken("RETRY_BUSY"),
                when=w.any_inside,
                source="tdh_do_no_vcpus",
            )
        if w.fails("second-busy"):
            freed = (
                (w.taken.to(0),) if w.scope.split_cache else ()
            )  # a DEMOTE that failed for good gives its pages back
            self._move(
                f"{step}_retry_busy_bugs_vm",
                place,
                self.after,
                w.dead.to(1),
                *self._reopen(),
                *self.job.mirror,
                *freed,
                source="tdh_do_no_vcpus",
                status="OPERAND_BUSY",
            )

    def _interrupted(self) -> None:
        """DEMOTE saw a pending interrupt: nothing was committed, the call must start over."""
        w, choice = self.w, self.w.protocol.restartable
        if not w.fails("restartable") or self.shared:
            return
        status, bug = "INTERRUPTED_RESTARTABLE", w.broken("DEMOTE_RESTART")
        if choice == "error":
            self._move("demote_interrupted", "last", self.after, bug, source="demote", status=status)
        elif choice == "retry":
            self._move("demote_interrupted", "last", "last", source="demote", status=status)
        elif choice == "retry-once":
            self._move("demote_interrupted", "last", "last_again", source="demote", status=status)
            self._move("demote_again", "last_again", self.after, *cached(w, self.job.last), source="demote")
            self._move("demote_interrupted_again", "last_again", self.after, bug, source="demote", status=status)


def pairs_needed(w: World) -> int:
    """PAMT page pairs a split must find in the cache: the S-EPT page's, the range's, and one for a second attempt."""
    return 3 if w.protocol.split_cache == "three-pairs" else 2


def spend(w: World) -> tuple[Effect, ...]:
    """A DEMOTE attempt that failed has taken its pairs from the cache."""
    if not w.scope.split_cache:
        return ()
    # The range's pair is freed with the attempt that failed, unless it is kept for the next one.
    freed = w.protocol.split_cache in ("three-pairs", "two-pairs")
    return (w.cache.to(w.cache - 2), w.taken.to(1 if freed else 2))


def cached(w: World, done: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """DEMOTE with pairs from the cache."""
    if not w.scope.split_cache:
        return done
    enough = when(w.cache < 2, w.broken("CACHE_EMPTY"), otherwise=(w.cache.to(w.cache - 2), *done))
    return (enough,)


def cached_again(w: World, done: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The second attempt of DEMOTE."""
    if not w.scope.split_cache:
        return done
    if w.protocol.split_cache in ("three-pairs", "two-pairs"):
        more = when(w.cache == 0, w.broken("CACHE_EMPTY"), otherwise=(w.cache.to(w.cache - 1), *done, w.taken.to(0)))
        return (more,)
    return (*done, w.taken.to(1 if w.protocol.split_cache == "pair-leaked" else 0))


def add_split(w: World, actor: ActorBuilder, prefix: str, back: str, after: str, kind: int, fail: str) -> Sequence:
    """Split from place ``back`` where the mirror has a huge leaf, with the cache topped up; -ENOMEM goes to ``fail``.

    The callers guard further: this adds the moves for a huge leaf under mmu_lock held for write by ``kind``.
    """
    sequence = Sequence(w, actor, prefix, split_job(w), after)
    start = sequence.build()
    if not w.scope.split_cache:
        return sequence
    need, source = pairs_needed(w), "split_cache"
    top_up = f"{prefix}.topup"
    actor.move(f"{prefix}.topup_unlock", f"{prefix}.need", top_up, w.writer.to(0), when=w.cache < need, source=source)
    actor.move(f"{prefix}.cache_full", f"{prefix}.need", start, when=w.cache >= need, source=source)
    actor.move(f"{prefix}.topup", top_up, f"{prefix}.relock", w.cache.to(need), source=source)
    if w.fails("enomem"):
        actor.move(f"{prefix}.topup_enomem", top_up, fail, source=source)
    rewalk = w.protocol.after_topup == "rewalk"
    actor.move(
        f"{prefix}.relock",
        f"{prefix}.relock",
        back if rewalk else start,
        w.writer.to(kind),
        when=w.lock_free,
        source="tdp_mmu_split_huge_pages_root",
    )
    return sequence


def sequence_start(w: World, prefix: str) -> str:
    """The first place of a sequence."""
    if w.protocol.block == "block":
        return f"{prefix}.block"
    return f"{prefix}.{'last' if w.protocol.track == 'none' else 'track'}"


def split_start(w: World, prefix: str) -> str:
    """The place where a split begins: the look into the cache, where there is one."""
    return f"{prefix}.need" if w.scope.split_cache else sequence_start(w, prefix)
