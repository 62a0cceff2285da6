"""A guest PFN is made reachable without the retry check that ties it to invalidation.

Between the lookup of a PFN and the moment the guest or the hardware can reach it, guest_memfd may punch a hole, memory
may be converted or the primary MMU may take the page back; the invalidation has zapped what was mapped then and
nothing will zap what is mapped late. So mmu_invalidate_seq is snapshot first, with a read barrier before the lookup,
and mmu_invalidate_retry*() is asked again under mmu_lock, which the invalidation holds, before the PFN is published.
A snapshot that is younger than the PFN never differs; the lockless check has false negatives; a check without
mmu_lock, or before it was dropped, is out of date when the PFN is published.

Take the snapshot and smp_rmb() before the lookup, recheck under mmu_lock and publish before it is released.

May be false: what publishes a PFN is known by name (mappings, VMCS fields) or by the physical address that is stored in
a control structure. Code that holds the invalidate lock of the file instead is not meant.
Not seen: the shadow pagers of paging_tmpl.h, a header that calls static functions of the file that includes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from analyzer.author import (
    ACQUIRED,
    PUBLISH,
    SNAPSHOT,
    Addr,
    Assign,
    Breach,
    Call,
    Carriers,
    Certainty,
    Deref,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Name,
    Provenance,
    Rule,
    SequenceResult,
    Severity,
    Step,
    Verb,
    has_hole,
    homes,
    inward,
    last_name,
    lock_helpers,
    marked,
    marker,
    recalled,
    shown,
    snapshot_of,
    solve_sequence,
    step,
)
from rules.vocabulary.fault import INVALIDATION as WORDS
from rules.vocabulary.fault import LOOKUPS, MAPPERS, WRITERS
from rules.vocabulary.guest import GMEM

SCOPE = ("arch/*/kvm/*", "virt/kvm/*", "include/linux/kvm*.h")
PFN_SLOT = 3  # of kvm_gmem_get_pfn()
Key = tuple[str, str]


def _lookups(facts: Facts) -> dict[str, bool]:
    """The lookups of this tree: a function that has the name and gives no PFN is one that looks up by another."""
    return {name: fails for name, fails in LOOKUPS.items() if fails or facts.gives(name, "pfn_t")}


def _places(function: Function, lookups: Collection[str]) -> list[Expr]:
    """The places of a function that have a PFN it looked up, or the snapshot."""
    found: list[Expr] = []
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Call) and instr.callee in lookups:
                found += _looked_up(instr)
            elif isinstance(instr, Call) and instr.callee in WORDS.rechecks and len(instr.args) > 1:
                found.append(instr.args[1])
    return found


def _looked_up(call: Call) -> list[Expr]:
    if not LOOKUPS[call.callee]:
        return [] if call.result is None else [call.result]
    if len(call.args) <= PFN_SLOT:
        return []
    arg = call.args[PFN_SLOT]
    return [arg.base if isinstance(arg, Addr) else Deref(arg)]


def _publishes(function: Function, instr: Instr, carried: Carriers) -> bool:
    """Whether an instruction puts a looked-up PFN, or an address made of it, where the hardware looks."""
    match instr:
        case Call():
            target = instr.target.text if instr.target is not None else ""
            known = instr.callee in WRITERS or any(m in target for m in MAPPERS)
            stored = isinstance(instr.result, Field) and carried.passes(instr.callee)
            if stored and "*" not in function.locals.get((instr.result or instr.args[0]).root, "*"):
                return False
            return (known or stored) and any(carried.carries(a) for a in instr.args)
        case Assign(target=Field() as target) if carried.carries(instr.value):
            own = target.root
            if carried.computed(instr.value):
                return "*" in function.locals.get(own, "*")
            mine = {p.name for p in function.params}
            made = any(isinstance(c.result, Name) and c.result.id == own for c in function.calls())
            return own not in mine and made and "*" in function.locals.get(own, "")
        case _:
            return False


def _solve(facts: Facts) -> SequenceResult | None:
    program, names = facts.program, facts.names
    lookups = _lookups(facts)
    protocol = replace(WORDS, lookups=lookups)
    makers = names.where(lambda d: d.kind == "function" and not d.mentions.isdisjoint(lookups))
    makers -= {k for k in makers if k[1] in lookups}
    if not makers:
        return None
    passes = frozenset(n for n in facts.vocabulary.names(Verb.PASS, GMEM))
    tops, known = homes(program, names, makers, lambda f: _places(f, lookups), passes.__contains__)
    carriers = inward(program, known, passes.__contains__, MAPPERS | WRITERS)
    words = WORDS.rechecks | WORDS.prechecks | lookups.keys() | MAPPERS | {WORDS.counter, *WORDS.failures}
    inner = names.reachable(tops)
    wanted = {k for k in inner if not program.definitions[k].mentions.isdisjoint(words)} | set(carriers)
    wanted |= lock_helpers(program, facts.vocabulary, WORDS, inner - wanted)

    def mark(function: Function, instr: Instr) -> Call | None:
        taken = snapshot_of(instr, WORDS.counter)
        if taken in (SNAPSHOT, ACQUIRED):
            return marker(instr, taken, shown=f"the snapshot of {WORDS.counter}")
        carried = carriers.get(function.key)
        if carried and _publishes(function, instr, carried):
            said = f"{instr.target.text} is set" if isinstance(instr, Assign) else ""
            return marker(instr, PUBLISH, shown=shown(instr) if isinstance(instr, Call) else said)
        return None

    relevant = names.reaching(wanted) & inner | frozenset(wanted)
    return recalled(
        facts,
        "gmem sequence",
        relevant | set(tops) | set(known),
        tuple(tops),
        lambda: solve_sequence(marked(program, mark), facts.vocabulary, protocol, tops, relevant),
        lambda result: not result.breaches,
    )


_WHY = {
    "no snapshot": "{lookup}() looks up a PFN that is made reachable with no snapshot of mmu_invalidate_seq before",
    "no barrier": "{lookup}() looks up a PFN without a read barrier behind the snapshot of mmu_invalidate_seq",
    "late snapshot": "mmu_invalidate_seq is snapshot after {lookup}() looked up the PFN that it is to guard",
    "no check": "the PFN from {lookup}() is made reachable without a check for an invalidation since",
    "lockless": "the PFN from {lookup}() is made reachable after the lockless check only",
    "unlocked": "the check for an invalidation since {lookup}() runs without mmu_lock",
    "dropped": "mmu_lock is dropped between the check for an invalidation and the use of the PFN from {lookup}()",
    "fresh": "the check for an invalidation since {lookup}() compares mmu_invalidate_seq with itself",
    "stale": "the PFN from {lookup}() is made reachable though the check says that it was invalidated",
}
_AT_LOOKUP = ("no snapshot", "no barrier", "late snapshot")


def _trace(facts: Facts, breach: Breach) -> tuple[Step, ...]:
    """The calls, the snapshot, the lookup and the check in the order of the path, then where it is published."""
    steps: list[Step] = []
    for seen, leaving in breach.context.path()[:-1]:
        function = facts.program.lower(seen.key)
        if function is not None and leaving is not None:
            steps.append(step(function, leaving, f"calls {leaving.name}()"))
    stand = breach.stand
    calls = [stand.at_snapshot, stand.at_lookup, stand.at_check]
    if breach.why == "late snapshot":
        calls = [stand.at_lookup, stand.at_snapshot, stand.at_check]
    for call in calls:
        if call is None:
            continue
        at = stand.homes[[stand.at_snapshot, stand.at_lookup, stand.at_check].index(call)]
        function = facts.program.lower(at)
        if function is not None:
            steps.append(step(function, call, shown(call)))
    last = facts.program.lower(breach.context.key)
    if last is not None:
        held = "with mmu_lock held" if stand.locked else "without mmu_lock"
        steps.append(step(last, breach.call, f"{shown(breach.call)}, {held}"))
    return tuple(steps)


def _place(facts: Facts, result: SequenceResult, breach: Breach, lookup: Call) -> tuple[Key, Call]:
    """Where it goes wrong: the use, a late snapshot, or the call to the lookup in the function that keeps the count."""
    stand = breach.stand
    if breach.why == "late snapshot" and stand.at_snapshot is not None:
        return stand.homes[0], stand.at_snapshot
    if breach.why not in _AT_LOOKUP:
        return breach.context.key, breach.call
    way = result.tracked.lookups.get(id(lookup), [])
    if stand.at_snapshot is not None:
        return next(((k, c) for k, c in way if k == stand.homes[0]), (stand.homes[1], lookup))
    count = last_name(stand.at_check.args[1]) if stand.at_check is not None and len(stand.at_check.args) > 1 else ""
    keeping = [(k, c) for k, c in way if count in facts.program.definitions[k].mentions]
    return keeping[-1] if keeping else (stand.homes[1], lookup)


def _finding(facts: Facts, result: SequenceResult, breach: Breach) -> Finding | None:
    lookup = breach.stand.at_lookup
    if lookup is None:
        return None
    key, at = _place(facts, result, breach, lookup)
    home = facts.program.lower(key)
    if home is None:
        return None
    words = _WHY[breach.why].format(lookup=lookup.callee)
    certainty = Certainty.MAY if has_hole(home) or not facts.program.whole else Certainty.MUST
    return facts.finding(
        home,
        at,
        f"{lookup.callee if breach.why in _AT_LOOKUP else 'use'}: {breach.why}",
        words,
        trace=_trace(facts, breach),
        certainty=certainty,
    )


def _unseen(facts: Facts, breach: Breach) -> bool:
    """In a review of mails, what is missing may stand in code that is not shown."""
    if facts.program.whole:
        return False
    if breach.why in ("late snapshot", "lockless", "unlocked", "fresh", "stale", "dropped", "no barrier"):
        return False
    top = breach.context.path()[0][0].key
    function = facts.program.lower(top)
    return function is None or has_hole(function) or breach.stand.homes[1] != top


def check(facts: Facts) -> Iterator[Finding]:
    """Follow each looked-up PFN to where it is made reachable."""
    result = _solve(facts)
    if result is None:
        return
    facts.count("lookups of guest PFNs followed", len(result.tracked.lookups))
    facts.count("places that make a looked-up PFN reachable", len(result.tracked.published))
    told: set[tuple[object, ...]] = set()
    for breach in result.breaches:
        found = None if _unseen(facts, breach) else _finding(facts, result, breach)
        if found is not None and (found.location, found.subject) not in told:
            told.add((found.location, found.subject))
            yield found


RULE = Rule(
    id="kvm-gmem-fault-without-retry",
    catalog=14,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("doc", "include/linux/kvm_host.h:mmu_invalidate_retry_gfn_unsafe", "KVM", "", "only a pre-check"),
        Provenance("doc", "arch/x86/kvm/mmu/mmu.c:is_page_fault_stale", "KVM", "", "the recheck under mmu_lock"),
    ),
    bad=(
        """
        void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
        {
                struct kvm *kvm = vcpu->kvm;
                unsigned long mmu_seq;
                struct page *page;
                kvm_pfn_t pfn;

                mmu_seq = kvm->mmu_invalidate_seq;
                smp_rmb();
                if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
                        return;
                if (!mmu_invalidate_retry_gfn_unsafe(kvm, mmu_seq, gfn))
                        vmcs_write64(APIC_ACCESS_ADDR, pfn_to_hpa(pfn));  // expect "lockless"
                kvm_release_page_clean(page);
        }
        """,
    ),
    good=(
        """
        void load_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn)
        {
                struct kvm *kvm = vcpu->kvm;
                unsigned long mmu_seq;
                struct page *page;
                kvm_pfn_t pfn;

                mmu_seq = kvm->mmu_invalidate_seq;
                smp_rmb();
                if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, NULL))
                        return;
                read_lock(&kvm->mmu_lock);
                if (!mmu_invalidate_retry_gfn(kvm, mmu_seq, gfn))
                        vmcs_write64(APIC_ACCESS_ADDR, pfn_to_hpa(pfn));
                read_unlock(&kvm->mmu_lock);
                kvm_release_page_clean(page);
        }
        """,
    ),
)
