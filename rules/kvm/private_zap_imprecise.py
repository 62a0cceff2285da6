"""Private memory is zapped by a range that a huge mapping may straddle.

Taking away a private S-EPT leaf destroys what the guest has there, and mapping it again needs a new ACCEPT. A huge
leaf that reaches over an end of the range is zapped whole, so memory that the guest did not give up is lost under it.
Every huge mapping that crosses an end is split first, and the zap is not done where the split failed.

Split at the two ends and look at the result before the zap, or make the range a multiple of the largest mapping.

May be false: alignment is known where it is computed or tested on the way; whether private memory can be mapped huge is
read off the hook that limits the level. Whole files and whole slots have no huge mapping across their ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from analyzer.author import (
    ARM,
    DISARM,
    EXEMPT,
    LEFT,
    Alignment,
    Arriving,
    Assign,
    Call,
    Certainty,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Name,
    PriorProperty,
    Provenance,
    RangeOrigin,
    Ranges,
    Return,
    Rule,
    Severity,
    Step,
    before,
    callers,
    covers,
    has_hole,
    hides_failure,
    marked,
    marker,
    shown,
    skipped_loop,
    step,
    words,
)
from rules.vocabulary.private import (
    RANGE,
    SCALAR_ZAPS,
    TD_ZAPS,
    UNIT,
    ZAPS,
    private_huge,
    splits_mappings,
    whole_folio,
)
from rules.vocabulary.seamcall import DEMOTE, SPLIT_MARKS, is_tdx

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*")
Key = tuple[str, str]
ENDS = frozenset(("start", "end"))


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


class _Splits:
    """Which calls split the mappings at the ends of a range."""

    def __init__(self, facts: Facts, origin: RangeOrigin) -> None:
        self.facts = facts
        self.origin = origin
        named = facts.names.where(
            lambda d: (
                splits_mappings(d.name)
                or not d.mentions.isdisjoint(DEMOTE | SPLIT_MARKS)
                or any("split" in m and splits_mappings(m) for m in d.mentions)
            )
        )
        zapping = facts.names.reaching(facts.names.where(lambda d: not d.mentions.isdisjoint(ZAPS)))
        self.helpers = facts.names.reaching(named) - zapping
        self.on_way = {k for k, _ in origin.way}

    def step(self, call: Call, path: str) -> bool:
        """Whether a call splits, itself or through helpers that zap nothing."""
        name = call.callee or call.table
        if not name or name in ZAPS:
            return False
        keys = self.facts.program.resolve(name, path) if call.callee else ()
        if not keys:
            return splits_mappings(name)
        return any(k in self.helpers and k not in self.on_way and self._about(k) for k in keys)

    def _about(self, key: Key) -> bool:
        """Whether a helper is there to split (and not one of the many that reach everything)."""
        if splits_mappings(key[1]):
            return True
        mentions = self.facts.program.definitions[key].mentions
        if any("split" in m and splits_mappings(m) for m in mentions):
            return True
        inner = [k for m in mentions for k in self.facts.program.resolve(m, key[0])]
        return any(
            any("split" in m and splits_mappings(m) for m in self.facts.program.definitions[k].mentions)
            for k in inner
            if k[1].startswith(("kvm_arch_gmem", "kvm_gmem", "tdx_", "kvm_mmu", "kvm_tdp"))
        )

    def parts(self, call: Call, key: Key) -> frozenset[str] | None:
        """The ends that a call splits at; None for a call that does not split."""
        if not self.step(call, key[0]):
            return None
        if key != self.origin.key or self.origin.bounds is None:
            return ENDS
        function = self.facts.program.lower(key)
        text = [words(function, a) for a in call.args] if function is not None else []
        found = {
            end
            for end, bound in zip(("start", "end"), self.origin.bounds, strict=True)
            if isinstance(bound, Name) and any(bound.id in t for t in text)
        }
        return frozenset(found) if found else ENDS

    def sound(self, call: Call, key: Key, depth: int = 0) -> bool:
        """Whether the result of a split tells that it failed, through helpers too."""
        found = [f for k in self.facts.program.resolve(call.callee, key[0]) if (f := self.facts.program.lower(k))]
        return all(self._honest(f, depth) for f in found) if call.callee else True

    def _honest(self, function: Function, depth: int) -> bool:
        if function.returns.split()[-1:] == ["void"]:
            return False
        if depth > 3 or function.path.startswith("arch/x86/kvm/mmu/tdp_") or not _covers(function.path):
            return True  # the walk itself tries again what it could not split
        key = function.key
        if hides_failure(self.facts.program, self.facts.vocabulary, key, lambda c, k: self.step(c, k[0])):
            return False
        return all(self.sound(c, key, depth + 1) for c in function.calls() if self.step(c, key[0]))


def _marking(origin: RangeOrigin) -> Callable[[Function, Instr], Call | tuple[Call, Call] | None]:
    """Marks where a filter is set, where a function is left, and around the call that hands on the range."""

    def mark(function: Function, instr: Instr) -> Call | tuple[Call, Call] | None:
        if instr is origin.call:
            return marker(instr, ARM), marker(instr, DISARM)
        if isinstance(instr, Return):
            return marker(instr, LEFT)
        if isinstance(instr, Assign) and isinstance(instr.target, Field) and instr.target.name == RANGE.filter:
            text = instr.value.text  # a range that is not private needs no split
            known = "KVM_FILTER" in text and not RANGE.wanted(text)
            return marker(instr, EXEMPT, shown="exempt" if known else "wanted")
        return None

    return mark


def _above(facts: Facts, key: Key, depth: int = 0) -> set[Key]:
    """The functions that lead to one, a few calls up."""
    found = {key}
    if depth < 5:
        for caller, _ in callers(facts.program, facts.names, key):
            if caller.key not in found and caller.path.startswith(("virt/kvm/", "arch/x86/kvm/")):
                found |= _above(facts, caller.key, depth + 1)
    return found


def _target(origin: RangeOrigin) -> Call:
    """The call on the way that zaps."""
    return next((c for _, c in origin.way if c.callee in ZAPS), origin.way[-1][1])


def _late(facts: Facts, origin: RangeOrigin) -> Arriving | None:
    """A state in which the zap is reached without the split at both ends."""
    splits = _Splits(facts, origin)
    chain = _above(facts, origin.key)
    tops = [k for k in chain if not any(c.key in chain for c, _ in callers(facts.program, facts.names, k))]
    target = _target(origin)
    tracked = PriorProperty(target, splits.parts, lambda c, k: splits.sound(c, k), ENDS)
    program = marked(facts.program, _marking(origin))
    relevant = frozenset(chain | {k for k, _ in origin.way})
    arrivals = before(program, facts.vocabulary, tracked, tops or [origin.key], relevant)
    facts.count("states in which a private range is zapped", len(arrivals))
    wrong = [
        a
        for a in arrivals
        if not a.state.exempt
        and not a.state.lost
        and (a.state.failed or a.state.covered != ENDS)
        and not _around_loop(facts, splits, a, target)
    ]
    return min(wrong, key=lambda a: (not a.state.failed, len(a.context.path())), default=None)


def _around_loop(facts: Facts, splits: _Splits, arriving: Arriving, target: Call) -> bool:
    """Whether the split is in a loop over what the zap is done for as well, which this path runs no time."""
    if arriving.state.failed or arriving.state.covered:
        return False
    for seen, leaving in arriving.context.path():
        function = facts.program.lower(seen.key)
        for call in function.calls() if function is not None else ():
            to = target if leaving is None else leaving
            if function is not None and splits.step(call, seen.key[0]) and skipped_loop(function, call, to):
                return True
    return False


def _origins(facts: Facts) -> list[RangeOrigin]:
    """Where the ranges of private zaps come from."""
    ranges = Ranges(facts.program, facts.names, RANGE)
    for function in facts.mentioning(frozenset(ZAPS) | SCALAR_ZAPS.keys() | TD_ZAPS.keys()):
        if not _covers(function.path):
            continue
        for call in function.calls():
            slot = ZAPS.get(call.callee)
            if slot is not None and slot < len(call.args):
                ranges.climb(function, call, call.args[slot], ())
            bounds = SCALAR_ZAPS.get(call.callee)
            if bounds is not None and facts.program.resolve(call.callee, function.path):
                bounds = None
            if is_tdx(function.path):
                bounds = TD_ZAPS.get(call.callee, bounds)
            if bounds and len(call.args) > bounds[1]:
                ends = (call.args[bounds[0]], call.args[bounds[1]])
                ranges.bounds(function, call, ends, None, ((function.key, call),))
    known: dict[int, RangeOrigin] = {}
    for origin in ranges.found:
        known.setdefault(id(origin.call), origin)
    return [known[k] for k in known]


def _aligned(facts: Facts, origin: RangeOrigin, function: Function) -> bool:
    if origin.bounds is None:
        return False
    alignment = Alignment(facts.program, facts.names, UNIT)
    return all(alignment.ask(function, bound, origin.call) for bound in origin.bounds)


def _widened(facts: Facts, origin: RangeOrigin, function: Function) -> Instr | None:
    """Where a bound is rounded away from the range that was asked for."""
    alignment = Alignment(facts.program, facts.names, UNIT)
    bounds = zip(origin.bounds or (), (False, True), strict=False)
    moved = (alignment.outward(function, bound, origin.call, end) for bound, end in bounds)
    return next((m for m in moved if m is not None), None)


def check(facts: Facts) -> Iterator[Finding]:
    """Each range by which private memory is zapped, where it is made."""
    possible = private_huge(facts)
    if possible is None:
        return
    origins = _origins(facts)
    uses = Counter(id(c) for o in origins for c in {id(c): c for _, c in o.way}.values())
    for origin in origins:
        function = facts.program.lower(origin.key)
        facts.count("ranges of private zaps looked at")
        moved = _widened(facts, origin, function) if function is not None else None
        if function is not None and moved is not None:
            words = f"{shown(origin.call)} zaps private memory around what was asked for"
            trace = (step(function, moved, "rounds outwards"), *(_at(facts, k, c) for k, c in origin.way))
            yield facts.finding(function, origin.call, "zap too wide", words, trace=trace, severity=possible[0])
            continue
        if function is None or _aligned(facts, origin, function) or whole_folio(facts, origin, function):
            continue
        late = _late(facts, origin)
        if late is None:
            continue
        found = _finding(facts, origin, _place(origin, uses), late, *possible)
        if found is not None:
            yield found


def _place(origin: RangeOrigin, uses: Counter[int]) -> tuple[Key, Call]:
    """The last call on the way that this range alone goes through: what is below serves others as well."""
    stop = next((n for n, (_, c) in enumerate(origin.way) if c is _target(origin)), len(origin.way) - 1)
    own = [(k, c) for k, c in origin.way[: stop + 1] if uses[id(c)] == 1]
    return own[-1] if own else (origin.key, origin.call)


def _why(late: Arriving) -> str:
    state = late.state
    if state.failed:
        return (
            f"after a split of which {state.failed}"
            if state.failed.startswith("its")
            else f"after a split, and {state.failed}"
        )
    if state.covered:
        return f"with huge mappings split at its {min(state.covered)} only"
    return "with no split of the huge mappings that cross its ends"


def _finding(
    facts: Facts, origin: RangeOrigin, place: tuple[Key, Call], late: Arriving, severity: Severity, guard: str
) -> Finding | None:
    function, call = facts.program.lower(place[0]), place[1]
    if function is None:
        return None
    what = f"{shown(call)} zaps private memory by a range not known to be aligned, {_why(late)}"
    if guard:
        what += f"; {guard} keeps private mappings small"
    sure = not has_hole(function) and facts.program.whole
    return facts.finding(
        function,
        call,
        f"zap by {call.name}",
        what,
        trace=_trace(facts, origin, late),
        severity=severity,
        certainty=Certainty.MUST if sure else Certainty.MAY,
    )


def _trace(facts: Facts, origin: RangeOrigin, late: Arriving) -> tuple[Step, ...]:
    steps: list[Step] = []
    for seen, leaving in late.context.path()[:-1]:
        caller = facts.program.lower(seen.key)
        if leaving is origin.call:
            break
        if caller is not None and leaving is not None:
            steps.append(step(caller, leaving, f"calls {leaving.name}()"))
    home = facts.program.lower(late.state.home)
    if late.state.at is not None and home is not None:
        steps.append(step(home, late.state.at, f"{shown(late.state.at)}: {late.state.failed or 'one end only'}"))
    function = facts.program.lower(origin.key)
    if origin.bounds is not None and function is not None:
        made = f"the range is [{words(function, origin.bounds[0])}, {words(function, origin.bounds[1])})"
        steps.append(step(function, origin.call, made))
    return (*steps, *(_at(facts, key, call) for key, call in origin.way))


def _at(facts: Facts, key: Key, call: Call) -> Step:
    function = facts.program.lower(key)
    assert function is not None  # it has the call
    return step(function, call, shown(call))


RULE = Rule(
    id="kvm-private-zap-imprecise",
    catalog=4,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("mail", "aWrMIeCw2eaTbK5Z@google.com", "Sean Christopherson", "2026-01-16", "head and tail"),
        Provenance("mail", "aW_Aith2qkYQ3fGY@google.com", "Sean Christopherson", "2026-01-20"),
        Provenance(
            "mail", "aW2Iwpuwoyod8eQc@yzhao56-desk.sh.intel.com", "Yan Zhao", "2026-01-19", "the error path as well"
        ),
    ),
    bad=(
        """
        int convert(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t first, gfn_t nr)
        {
                gfn_t last = first + nr;
                struct kvm_gfn_range range = {
                        .slot = slot,
                        .start = first,
                        .end = last,
                        .attr_filter = KVM_FILTER_PRIVATE,
                };

                kvm_split_cross_boundary_leafs(kvm, &range, false);
                return kvm_unmap_gfn_range(kvm, &range);  // expect "its result is thrown away"
        }
        """,
    ),
    good=(
        """
        int convert(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t first, gfn_t nr)
        {
                gfn_t last = first + nr;
                struct kvm_gfn_range range = {
                        .slot = slot,
                        .start = first,
                        .end = last,
                        .attr_filter = KVM_FILTER_PRIVATE,
                };
                int ret;

                ret = kvm_split_cross_boundary_leafs(kvm, &range, false);
                if (ret)
                        return ret;
                return kvm_unmap_gfn_range(kvm, &range);
        }
        """,
    ),
)
