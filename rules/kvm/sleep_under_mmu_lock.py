"""Something sleeps where a spinning lock is held or an RCU read section is open.

mmu_lock, tdp_mmu_pages_lock and the other spinlocks of KVM are held with preemption off, and an RCU read section holds
grace periods up: an allocation that may reclaim, a mutex, a copy from user space or cond_resched() there schedules with
the lock held, and whoever wants it spins for ever.

Fill the caches before the lock is taken, allocate with GFP_ATOMIC or GFP_NOWAIT where failing is fine, or drop the lock
to sleep; code that drops it in the middle of a walk marks the iterator yielded and looks at everything again.

May be false: a helper that sleeps only under a condition that its caller rules out by data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from analyzer.author import (
    AtomicWords,
    Call,
    Facts,
    Finding,
    Function,
    Location,
    LockChanges,
    LockFields,
    Provenance,
    RegionChange,
    Rule,
    Severity,
    Slept,
    Stale,
    Staleness,
    lock_path,
    recalled,
    shown,
    solve_atomic,
    step,
)
from rules.vocabulary.contexts import (
    ASSERTIONS,
    LOCK_TYPES,
    PROTECTS_TABLES,
    RCU,
    RCU_GIVES,
    RCU_TAKES,
    SLEEPERS,
    SPINLOCK_NAMES,
    SPINNING,
    WALKS,
)

SCOPE = ("arch/x86/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/*", "virt/kvm/*", "include/linux/kvm*")
WORDS = AtomicWords(SPINNING | RCU_TAKES | RCU_GIVES, ASSERTIONS, SLEEPERS)


def _held(label: str) -> str:
    return "in an RCU read section" if label == RCU else f"with {label} held"


def _finding(facts: Facts, slept: Slept) -> Finding | None:
    function = facts.program.lower(slept.context.key)
    if function is None:
        return None
    trace = lock_path(facts.program, slept.context, slept.label, slept.call)
    holder = trace[0].function if trace else function.name
    what = shown(slept.call)
    return facts.finding(
        function,
        slept.call,
        f"{slept.call.name} under {slept.label} of {holder}",
        f"{slept.call.name}() may sleep {_held(slept.label)}",
        trace=(*trace, step(function, slept.call, f"{what} may sleep {_held(slept.label)}")),
    )


def _leaves(found: Finding) -> Location:
    """Where the code that holds the lock calls what sleeps: one finding is enough for all that sleeps in there."""
    calls = [s.location for s in found.trace if s.note.startswith("calls ")]
    return calls[0] if calls else found.location


def _shortest(found: Iterable[tuple[object, Finding]]) -> list[Finding]:
    """Of the findings with one key the one with the shortest path."""
    best: dict[object, Finding] = {}
    for key, finding in found:
        if key not in best or len(finding.trace) < len(best[key].trace):
            best[key] = finding
    return list(best.values())


def check(facts: Facts) -> Iterator[Finding]:
    """Every sleeping call seen with something held; the shortest path of each to a lock."""
    fields = facts.solve("lock fields", lambda: LockFields(facts.program, LOCK_TYPES))

    def spins(name: str) -> bool:
        known = fields.spins(name)
        return name in SPINLOCK_NAMES if known is None else known

    result = facts.solve("atomic", lambda: solve_atomic(facts.program, facts.names, facts.vocabulary, WORDS, spins))
    facts.count("functions that take spinning locks", result.regions)
    facts.count("sleeping calls reached from them", result.calls)
    made = [_finding(facts, slept) for slept in result.slept]
    once = _shortest((_leaves(f), f) for f in made if f is not None)
    yield from _shortest((f.location, f) for f in once)
    yield from _old_values(facts)


def _old_values(facts: Facts) -> Iterator[Finding]:
    """What was read under mmu_lock or RCU, used after the lock was dropped in between."""
    locks = LockChanges(facts.vocabulary, WORDS.spinning)
    gives = frozenset(n for n in WORDS.spinning if "unlock" in n.lower()) | SLEEPERS.unless_holding
    droppers = facts.names.reaching(facts.names.where(lambda d: not d.mentions.isdisjoint(gives)))
    words = WALKS.fields | WALKS.reads | WALKS.loops | WALKS.starts | {WALKS.mark}

    def changes(call: Call, function: Function) -> list[RegionChange]:
        return [c for c in locks(call, function) if c.label in PROTECTS_TABLES]

    rules = Staleness(facts.program, WALKS, changes, droppers, SLEEPERS.unless_holding)
    for key in sorted(k for k in droppers if not facts.program.definitions[k].mentions.isdisjoint(words)):
        function = facts.program.lower(key) if facts.program.definitions[key].kind == "function" else None
        if function is not None:
            facts.count("functions whose walks may drop the lock")
            near = rules.looks_into(facts.names, key)
            found = recalled(facts, f"old values in {key}", near, (), partial(rules.uses, function), lambda f: not f)
            yield from (_old(facts, stale) for stale in found)


def _old(facts: Facts, stale: Stale) -> Finding:
    what = f"the walk of {stale.what} goes on" if stale.step else f"{stale.what} is used"
    how = "and is not marked yielded" if stale.step else "and not read again"
    return facts.finding(
        stale.function,
        stale.instr,
        f"{stale.what} {'walked on' if stale.step else 'used'} after a drop",
        f"{what} after the lock was dropped {how}",
        trace=(
            step(stale.function, stale.drop, "the lock is dropped"),
            step(stale.function, stale.instr, f"{what} {how}"),
        ),
    )


RULE = Rule(
    id="kvm-sleep-under-mmu-lock",
    catalog=19,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="declared locks",
    provenance=(
        Provenance("doc", "Documentation/virt/kvm/locking.rst", "KVM", "", "mmu_lock is a spinning lock"),
        Provenance("mail", "aW_Aith2qkYQ3fGY@google.com", "Sean Christopherson", "", "a mutex for the split cache"),
        Provenance(
            "mail",
            "b9487eba19c134c1801a536945e8ae57ea93032f.camel@intel.com",
            "Kai Huang",
            "2026-01-21",
            "drop the topup-then-consume design",
        ),
    ),
    bad=(
        """
        static int map(struct kvm *kvm, struct kvm_mmu_page *sp)
        {
                read_lock(&kvm->mmu_lock);
                sp->external_spt = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);  // expect "with mmu_lock held"
                read_unlock(&kvm->mmu_lock);
                return sp->external_spt ? 0 : -ENOMEM;
        }
        """,
    ),
    good=(
        """
        static int map(struct kvm *kvm, struct kvm_mmu_page *sp)
        {
                read_lock(&kvm->mmu_lock);
                sp->external_spt = (void *)get_zeroed_page(GFP_NOWAIT | __GFP_ACCOUNT);
                read_unlock(&kvm->mmu_lock);
                return sp->external_spt ? 0 : -ENOMEM;
        }
        """,
    ),
)
