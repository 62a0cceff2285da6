"""A lock is taken that nothing initialises.

A spinlock or mutex in zeroed memory happens to work in some configurations and splats under lockdep and
DEBUG_SPINLOCK; a mutex or rwsem in it has no wait list, and the first waiter dereferences NULL.

Initialise every lock where its structure is made, before anybody can take it.

May be false: a structure that code outside of KVM makes and initialises.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    Call,
    Facts,
    Finding,
    Function,
    Location,
    LockField,
    LockFields,
    LockInits,
    Provenance,
    Rule,
    Severity,
    Step,
    shown,
    step,
)
from rules.vocabulary.contexts import ALL_TAKES, LOCK_INITS, LOCK_TYPES, MADE_BY

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/*", "include/linux/kvm*")


def _finding(facts: Facts, lock: LockField, function: Function, call: Call) -> Finding:
    declared = Step(Location(lock.path, lock.line), lock.owner, f"{lock.type} {lock.name} is declared")
    return facts.finding(
        function,
        call,
        f"{lock.words} never initialised",
        f"{lock.words} is taken, and nothing initialises it",
        trace=(declared, step(function, call, shown(call))),
    )


def _early(facts: Facts, lock: LockField, function: Function, call: Call, init: Call) -> Finding:
    return facts.finding(
        function,
        call,
        f"{lock.words} before it is initialised",
        f"{lock.words} is taken before it is initialised",
        trace=(step(function, call, shown(call)), step(function, init, f"{shown(init)} comes later")),
    )


def _one_sided(
    facts: Facts, lock: LockField, function: Function, call: Call, side: str, way: tuple[Step, ...]
) -> Finding:
    return facts.finding(
        function,
        call,
        f"{lock.words} initialised on one side",
        f"{lock.words} is initialised only if {side}, and taken otherwise too",
        trace=way,
    )


def _made(facts: Facts, lock: LockField) -> bool:
    """Whether the code that makes the structure is among what is looked at."""
    maker = MADE_BY.get(lock.name, "") if lock.owner else ""
    return not maker or maker in facts.program.by_name


def check(facts: Facts) -> Iterator[Finding]:
    """Every declared lock that is taken."""
    fields = facts.solve("lock fields", lambda: LockFields(facts.program, LOCK_TYPES))
    inits = facts.solve("lock inits", lambda: LockInits(facts.program, facts.names, fields, LOCK_INITS, ALL_TAKES))
    facts.count("locks that are declared", sum(len(v) for v in fields.declared.values()))
    for lock, function, call in inits.bare():
        if _made(facts, lock) and (facts.program.whole or lock.path not in facts.program.partial_files):
            yield _finding(facts, lock, function, call)
    for lock, function, call, init in inits.early():
        yield _early(facts, lock, function, call, init)
    for lock, function, call, side, way in inits.one_sided(facts):
        yield _one_sided(facts, lock, function, call, side, way)


RULE = Rule(
    id="kvm-lock-uninitialised",
    catalog=32,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="declared locks",
    provenance=(
        Provenance(
            "mail",
            "20260129011517.3545883-1-seanjc@google.com",
            "Yan Zhao",
            "2026-02-06",
            "in the thread of v5: a new lock without its init",
        ),
    ),
    bad=(
        """
        struct kvm_pamt {
                spinlock_t refs_lock;
                int refs;
        };

        int kvm_pamt_get(struct kvm_pamt *pamt)
        {
                int refs;

                spin_lock(&pamt->refs_lock);  // expect "nothing initialises it"
                refs = ++pamt->refs;
                spin_unlock(&pamt->refs_lock);
                return refs;
        }
        """,
    ),
    good=(
        """
        struct kvm_pamt {
                spinlock_t refs_lock;
                int refs;
        };

        void kvm_pamt_init(struct kvm_pamt *pamt)
        {
                spin_lock_init(&pamt->refs_lock);
        }

        int kvm_pamt_get(struct kvm_pamt *pamt)
        {
                int refs;

                spin_lock(&pamt->refs_lock);
                refs = ++pamt->refs;
                spin_unlock(&pamt->refs_lock);
                return refs;
        }
        """,
    ),
)
