"""A lock that an interrupt takes as well is taken with interrupts on.

RCU callbacks, timers and tasklets run in softirqs, IPIs, hrtimers and wake-ups of waitqueues in hard interrupts. Where
such a handler takes a spinlock that other code takes with plain spin_lock(), the interrupt can arrive on the CPU that
holds the lock and spin for ever; a mutex cannot be taken there at all.

Take the lock with interrupts (for a softirq: at least bottom halves) off everywhere, or do the work elsewhere: S-EPT
pages are better not freed by RCU callbacks.

May be false: a handler that reaches the lock only under a condition that never holds in an interrupt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.author import (
    Call,
    Certainty,
    Facts,
    Finding,
    Function,
    LockField,
    LockFields,
    Needs,
    Provenance,
    Reached,
    RegionChange,
    Rule,
    Severity,
    Step,
    Unmet,
    handlers,
    one_sided_helpers,
    reached,
    shown,
    spelled,
    step,
)
from rules.vocabulary.contexts import BH, HARD, IRQ, LOCK_TYPES, MASKING, MUTEXES, PLAIN, RUNS_IN, SOFT, SPIN_TAKES

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "include/linux/kvm*")
_MASKS = {HARD: frozenset((IRQ,)), SOFT: frozenset((IRQ, BH))}
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Taken:
    """A lock that a handler takes: which, where, and whether only to read."""

    lock: LockField
    reached: Reached
    function: Function
    call: Call

    @property
    def reads(self) -> bool:
        """Whether it is shared with other readers."""
        return self.call.callee.startswith("read_")


@dataclass(slots=True)
class Interrupts:
    """What handlers take; ``needs``: who takes one of these locks elsewhere, and how."""

    taken: dict[LockField, list[Taken]] = field(default_factory=dict)
    mutexes: list[tuple[Reached, Function, Call]] = field(default_factory=list)
    handlers: int = 0
    needs: Needs | None = None


def _locks(facts: Facts, fields: LockFields) -> Interrupts:
    """The locks that run in interrupts."""
    program, names = facts.program, facts.names
    found = Interrupts()
    known = handlers(program, names, RUNS_IN, SOFT)
    found.handlers = len(known)
    takes = spelled(SPIN_TAKES | MUTEXES)
    within = names.reaching(names.where(lambda d: not d.mentions.isdisjoint(takes)))
    for here in reached(program, facts.vocabulary, known, within):
        function = program.lower(here.key)
        for call in function.calls() if function is not None else ():
            if function is None or not call.args:
                continue
            if call.callee in MUTEXES:
                found.mutexes.append((here, function, call))
            elif call.callee in SPIN_TAKES:
                meant = fields.meant(call.args[0], function)
                if len({lock.words for lock in meant}) == 1:
                    found.taken.setdefault(meant[0], []).append(Taken(meant[0], here, function, call))
    return found


def _masks(found: Interrupts, lock: LockField, reads: bool) -> frozenset[str]:
    """What must be masked where a lock is taken elsewhere; two readers do not exclude each other."""
    there = [t for t in found.taken.get(lock, ()) if not (reads and t.reads)]
    hard = any(t.reached.handler.where == HARD for t in there)
    return _NONE if not there else _MASKS[HARD if hard else SOFT]


def _solve(facts: Facts, fields: LockFields) -> Interrupts:
    found = _locks(facts, fields)
    if not found.taken:
        return found
    labels = frozenset(lock.name for lock in found.taken)

    def need(call: Call, function: Function) -> frozenset[str]:
        if call.callee not in PLAIN or not call.args:
            return _NONE
        lock = _one(fields, call, function)
        masks = _NONE if lock is None else _masks(found, lock, call.callee.startswith("read_"))
        return _NONE if call.callee.endswith("_bh") and BH in masks else masks

    def changes(call: Call, function: Function | None) -> Iterator[RegionChange]:
        for table, take, said in ((MASKING.takes, True, False), (MASKING.gives, False, False),
                                  (MASKING.asserts, True, True)):  # fmt: skip
            if call.callee in table:
                yield RegionChange(table[call.callee], take, said=said)

    names = facts.names
    plain = spelled(PLAIN)
    direct = names.where(lambda d: not d.mentions.isdisjoint(labels) and not d.mentions.isdisjoint(plain))
    wrappers = one_sided_helpers(names, frozenset(MASKING.takes), frozenset(MASKING.gives))
    found.needs = Needs(facts.program, names, facts.vocabulary, need, changes, direct, wrappers).solve()
    return found


def _one(fields: LockFields, call: Call, function: Function) -> LockField | None:
    meant = fields.meant(call.args[0], function)
    return meant[0] if len({lock.words for lock in meant}) == 1 else None


def _way(facts: Facts, here: Reached, function: Function, call: Call) -> tuple[Step, ...]:
    """From the registration of a handler to what it takes."""
    handler = here.handler
    return (
        step(handler.function, handler.call, f"{handler.key[1]}() runs in {handler.where}: {handler.what}"),
        *(step(f, c, f"calls {c.name}()") for f, c in here.calls),
        step(function, call, f"{shown(call)} in {handler.where}"),
    )


def _plain(facts: Facts, fields: LockFields, found: Interrupts, unmet: Unmet) -> Finding | None:
    function = facts.program.lower(unmet.context.key)
    lock = _one(fields, unmet.call, function) if function is not None else None
    if function is None or lock is None:
        return None
    other = min(found.taken[lock], key=lambda t: (t.reached.handler.where != HARD, len(t.reached.calls)))
    calls = [
        step(f, leaving, f"calls {leaving.name}()")
        for seen, leaving in unmet.context.path()[:-1]
        if leaving is not None and (f := facts.program.lower(seen.key)) is not None
    ]
    where = other.reached.handler.where
    masked = "interrupts on" if where == HARD else "softirqs on"
    return facts.finding(
        function,
        unmet.call,
        f"{lock.words} with {masked}",
        f"{lock.name} is taken with {masked}, and {other.reached.handler.key[1]}() takes it in {where}",
        trace=(
            *calls,
            step(function, unmet.call, f"{shown(unmet.call)} with {masked}"),
            *_way(facts, other.reached, other.function, other.call),
        ),
        certainty=None if facts.program.whole else Certainty.MAY,  # callers that are not shown may mask interrupts
    )


def _sleeping(facts: Facts, here: Reached, function: Function, call: Call) -> Finding:
    handler = here.handler
    return facts.finding(
        function,
        call,
        f"{call.callee} in {handler.where}",
        f"{shown(call)} is taken in {handler.where}, where nothing may sleep",
        trace=_way(facts, here, function, call),
    )


def check(facts: Facts) -> Iterator[Finding]:
    """Every plain taking of a lock that a handler takes; every mutex that a handler takes."""
    fields = facts.solve("lock fields", lambda: LockFields(facts.program, LOCK_TYPES))
    found = facts.solve("interrupt locks", lambda: _solve(facts, fields))
    facts.count("handlers of interrupts and softirqs", found.handlers)
    facts.count("locks that handlers take", len(found.taken))
    yield from (_sleeping(facts, *m) for m in found.mutexes)
    if found.needs is None:
        return
    unmet = [(None, u) for u in found.needs.broken.values()] + list(found.needs.entries())
    started = {t.reached.handler.key: t.reached.handler.where for ts in found.taken.values() for t in ts}
    best: dict[int, Unmet] = {}
    for entry, one in unmet:
        where = started.get(entry) if entry is not None else None
        if where == HARD or (where == SOFT and BH in one.labels):
            continue
        if id(one.call) not in best or one.length < best[id(one.call)].length:
            best[id(one.call)] = one
    for one in best.values():
        made = _plain(facts, fields, found, one)
        if made is not None:
            yield made


RULE = Rule(
    id="kvm-softirq-lock-unsafe",
    catalog=22,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="declared locks",
    provenance=(
        Provenance(
            "mail", "aYW5CbUvZrLogsWF@yzhao56-desk.sh.intel.com", "Yan Zhao", "2026-02-06", "a lock of an RCU callback"
        ),
        Provenance("mail", "aYYCOiMvWfSJR1AL@google.com", "Sean Christopherson", "2026-02-06"),
    ),
    bad=(
        """
        static DEFINE_SPINLOCK(pamt_lock);

        static void free_rcu(struct rcu_head *head)
        {
                spin_lock(&pamt_lock);
                pamt_put(head);
                spin_unlock(&pamt_lock);
        }

        static void drop_table(struct kvm_mmu_page *sp)
        {
                call_rcu(&sp->rcu_head, free_rcu);
        }

        static int add_table(struct kvm_mmu_page *sp)
        {
                int ret;

                spin_lock(&pamt_lock);  // expect "pamt_lock is taken with softirqs on"
                ret = pamt_get(sp);
                spin_unlock(&pamt_lock);
                return ret;
        }
        """,
    ),
    good=(
        """
        static DEFINE_SPINLOCK(pamt_lock);

        static void free_rcu(struct rcu_head *head)
        {
                spin_lock(&pamt_lock);
                pamt_put(head);
                spin_unlock(&pamt_lock);
        }

        static void drop_table(struct kvm_mmu_page *sp)
        {
                call_rcu(&sp->rcu_head, free_rcu);
        }

        static int add_table(struct kvm_mmu_page *sp)
        {
                int ret;

                spin_lock_bh(&pamt_lock);
                ret = pamt_get(sp);
                spin_unlock_bh(&pamt_lock);
                return ret;
        }
        """,
    ),
)
