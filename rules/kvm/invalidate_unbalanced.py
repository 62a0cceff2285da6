"""An invalidation of guest mappings is begun and not ended, ended and not begun, or changes its subject in between.

While mmu_invalidate_in_progress is not zero, faults retry. A start without its end makes them retry for ever; an end
without a start lets a fault map what is being taken away. Where both ends look up what they are about (bindings of
guest_memfd, memslots), it must be the same at both, so the lock that keeps it stable is held from one to the other.
A fault that sees an invalidation in progress looks at its range, which therefore is added before mmu_lock is dropped.

End every invalidation on every path, and keep the locks until then.

May be false: where one operation is split over handlers whose names do not tell that they belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Call,
    Certainty,
    Context,
    Facts,
    Finding,
    Function,
    Odd,
    Provenance,
    Rule,
    Severity,
    Span,
    Spans,
    Step,
    covers,
    has_hole,
    in_loop,
    shown,
    solve_spans,
    step,
)
from rules.vocabulary.pairs import INVALIDATE

SCOPE = ("virt/kvm/*", "arch/x86/kvm/*")
STABLE = frozenset(("invalidate_lock", "slots_lock"))
_LOCKS = {"invalidate_lock": "the filemap invalidate lock"}
ADDER = "kvm_mmu_invalidate_range_add"
_LOOKUP = frozenset(("bindings",))  # what an invalidation of guest_memfd looks up at both ends
_FIRST, _LAST = re.compile(r"start|begin|pre(?=_)"), re.compile(r"end|finish|post(?=_)|stop")
Key = tuple[str, str]


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def check(facts: Facts) -> Iterator[Finding]:
    """Invalidations that are left open, and what is out of order in them."""
    spans, tops = solve_spans(facts.program, facts.names, facts.vocabulary, INVALIDATE, _covers, STABLE, "mmu_lock")
    facts.count("events of invalidations followed", len(spans.seen))
    told: set[tuple[object, ...]] = set()
    left = [(f, site) for f, site in _open(facts, spans, set(tops))]
    odd = _odd(facts, spans, set(tops), {site for _, site in left})
    for finding in (*(f for f, _ in left), *odd, *_loose(facts, spans)):
        key = (finding.location.path, finding.location.line, finding.subject)
        if key not in told:
            told.add(key)
            yield finding


def _open(facts: Facts, spans: Spans, tops: set[Key]) -> Iterator[tuple[Finding, int]]:
    """Returns that leave one open where another path of the function ends it, and ones that nothing ends; where each
    began."""
    for context, instr, state in spans.ends:
        function = spans.program.lower(context.key)
        if state.deep <= context.state.deep or function is None:
            continue
        if spans.finished(context):
            message = "returns with an invalidation in progress that its other paths end"
            trace = (*_steps(spans, context, state), step(function, instr, message))
            yield facts.finding(function, instr, "invalidation not ended", message, trace=trace), state.site
        elif _outermost(facts, context, tops) and not _has_twin(facts, context.key, tops):
            yield from ((f, state.site) for f in _endless(facts, spans, state, context))


def _outermost(facts: Facts, context: Context[Span], tops: set[Key]) -> bool:
    """Whether nobody is left who could end it."""
    return facts.program.whole and context.key in tops and context.caller is None


def _endless(facts: Facts, spans: Spans, state: Span, top: Context[Span]) -> Iterator[Finding]:
    """A start that no path of its callers ends; told where a function calls what is only the first half of a pair."""
    context, call, _ = spans.sites[state.site]
    owner = top
    for _ in range(50):  # down to the last function that is not itself the first half of a pair
        inner = next((c for c in owner.entered if _leaves_open(c) and not _FIRST.search(c.key[1])), None)
        if inner is None:
            break
        owner = inner
    begun = next((made for c, made in owner.entered.items() if made is not None and _leaves_open(c)), None)
    if begun is not None:
        context, call = owner, begun
    function = spans.program.lower(context.key)
    if function is not None:
        message = "begins an invalidation that nothing ends"
        trace = (*_way(spans, context), step(function, call, f"{shown(call)}: {message}"))
        yield facts.finding(function, call, "invalidation never ended", message, trace=trace)


def _leaves_open(context: Context[Span]) -> bool:
    """Whether a function returns with more begun than it found."""
    return any(after.deep > context.state.deep for after, _ in context.exits)


def _odd(facts: Facts, spans: Spans, tops: set[Key], left: set[int]) -> Iterator[Finding]:
    """Ends without a start, locks dropped too early, ranges that come too late."""
    for odd in spans.odds.values():
        function = spans.program.lower(odd.context.key)
        if function is None or (odd.what == "unopened" and not _lone_end(facts, odd, tops)):
            continue
        if odd.what == "unlocked" and odd.state.site in left:
            continue  # it is not the lock that is wrong there
        if odd.what == "empty" and _added_in_a_loop(facts, function):
            continue  # that the loop runs no time is no path
        name = _LOCKS.get(odd.lock, odd.lock)
        subject, message = {
            "unopened": ("invalidation not begun", "ends an invalidation that this path has not begun"),
            "unlocked": (f"{odd.lock} dropped during invalidation", f"{name} is dropped before the invalidation ends"),
            "late": ("range added too late", f"{name} is dropped before the range of the invalidation is added"),
            "empty": ("no range added", "ends an invalidation without having added its range"),
        }[odd.what]
        words = shown(odd.instr) if isinstance(odd.instr, Call) else "here"
        trace = (*_steps(spans, odd.context, odd.state), step(function, odd.instr, f"{words}: {message}"))
        yield facts.finding(function, odd.instr, subject, message, trace=trace)


def _lone_end(facts: Facts, odd: Odd, tops: set[Key]) -> bool:
    """Whether an end has no start, and is not the second of two handlers."""
    if not facts.program.whole:
        return False
    top = odd.context.path()[0][0].key
    return not _has_twin(facts, top, tops)


def _added_in_a_loop(facts: Facts, function: Function) -> bool:
    """Whether a loop of the function adds ranges, itself or through helpers."""
    adders = facts.solve(
        "range adders",
        lambda: facts.names.reaching(facts.names.where(lambda d: d.name == "kvm_mmu_invalidate_range_add")),
    )
    return any(
        not adders.isdisjoint(facts.program.resolve(call.callee, function.path)) and in_loop(function, call)
        for call in function.calls()
        if call.callee
    )


def _locked_above(facts: Facts, key: Key) -> bool:
    """Whether a function that leads to one takes the lock: it is not explored where both ends lie below it."""
    takers = facts.solve(
        "bindings kept stable",
        lambda: facts.names.where(lambda d: any(w.startswith("filemap_invalidate_lock") for w in d.mentions)),
    )
    return not takers.isdisjoint(facts.names.reaching((key,)) - {key})


def _loose(facts: Facts, spans: Spans) -> Iterator[Finding]:
    """Invalidations of what a file is bound to, without the lock that keeps it bound."""
    for context, call, locks in spans.sites:
        chain = [c for c, _ in context.path()]
        looked_up = [c for c in chain if not facts.program.definitions[c.key].mentions.isdisjoint(_LOOKUP)]
        locked = "invalidate_lock" in locks or _locked_above(facts, chain[0].key)
        function = spans.program.lower(context.key)
        if looked_up and not locked and facts.program.whole and function is not None and not has_hole(function):
            message = "begins an invalidation of bindings without the filemap invalidate lock"
            trace = (*_way(spans, context), step(function, call, f"{shown(call)}: {message}"))
            yield facts.finding(function, call, "bindings not stable", message, trace=trace, certainty=Certainty.MUST)


def _has_twin(facts: Facts, key: Key, tops: set[Key]) -> bool:
    """Whether another handler has the same name but for the end of the operation that it is."""
    stored = [e for es in facts.program.tables.values() for e in es]
    names = {key[1]} | {e.field for e in stored if e.function == key[1]}
    others = {k[1] for k in tops if k != key}
    others |= {e.field for e in stored if (e.path, e.function) in tops and e.function != key[1]}
    return any(_same(name, other) or _same(other, name) for name in names for other in others)


def _same(first: str, last: str) -> bool:
    return first != last and _FIRST.search(first) is not None and _FIRST.sub("", first) == _LAST.sub("", last)


def _way(spans: Spans, context: Context[Span]) -> tuple[Step, ...]:
    """The calls that lead to a context."""
    steps = []
    for seen, leaving in context.path()[:-1]:
        function = spans.program.lower(seen.key)
        if function is not None and leaving is not None:
            steps.append(step(function, leaving, f"calls {leaving.name}()"))
    return tuple(steps)


def _steps(spans: Spans, context: Context[Span], state: Span) -> tuple[Step, ...]:
    """Where the open one began, then the calls that lead to a context."""
    steps = _way(spans, context)
    if state.deep > 0 and state.site >= 0:
        began, call, _ = spans.sites[state.site]
        function = spans.program.lower(began.key)
        if function is not None:
            held = ", ".join(sorted(state.then)) or "no lock that keeps its subject"
            steps = (*steps, step(function, call, f"{shown(call)} begins it with {held} held"))
    return steps


RULE = Rule(
    id="kvm-invalidate-unbalanced",
    catalog=15,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "doc",
            "virt/kvm/guest_memfd.c:kvm_gmem_punch_hole",
            "KVM",
            "",
            "bindings are stable so that both ends match",
        ),
        Provenance(
            "doc", "virt/kvm/kvm_main.c:kvm_mmu_invalidate_end", "KVM", "", "the count, and the range it asserts"
        ),
        Provenance(
            "doc", "include/linux/kvm_host.h:mmu_invalidate_retry_gfn", "KVM", "", "a range is set while in progress"
        ),
    ),
    bad=(
        """
        int zap_range(struct kvm *kvm, gfn_t start, gfn_t end)
        {
                int ret;

                write_lock(&kvm->mmu_lock);
                kvm_mmu_invalidate_start(kvm);
                kvm_mmu_invalidate_range_add(kvm, start, end);
                ret = zap_leafs(kvm, start, end);
                if (ret) {
                        write_unlock(&kvm->mmu_lock);
                        return ret;  // expect "returns with an invalidation in progress"
                }
                kvm_mmu_invalidate_end(kvm);
                write_unlock(&kvm->mmu_lock);
                return 0;
        }
        """,
    ),
    good=(
        """
        int zap_range(struct kvm *kvm, gfn_t start, gfn_t end)
        {
                int ret;

                write_lock(&kvm->mmu_lock);
                kvm_mmu_invalidate_start(kvm);
                kvm_mmu_invalidate_range_add(kvm, start, end);
                ret = zap_leafs(kvm, start, end);
                kvm_mmu_invalidate_end(kvm);
                write_unlock(&kvm->mmu_lock);
                return ret;
        }
        """,
    ),
)
