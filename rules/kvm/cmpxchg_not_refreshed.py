"""A compare-exchange is tried again with the old value that has just lost.

When a compare-exchange fails, memory holds something else than what was expected. A loop that tries again without
reading the current value compares with the same stale value for ever: the vCPU hangs. A loop that does get the
fresh old value but writes a new one made of the stale one throws the other CPU's change away.

try_cmpxchg() brings the old value up to date by itself, in the variable it is given: pass the iterator's own field
or the caller's variable, not a copy. After cmpxchg() take its result as the next old value. Make the new value
inside the loop.

May be false: where the expected value is a fixed state that somebody else brings back (a lock bit that is awaited).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.author import (
    Assign,
    Call,
    Const,
    Exchange,
    Exchanges,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Name,
    Provenance,
    Rule,
    Severity,
    failing_sides,
    instrs_of,
    loops_of,
    refreshed_by,
    shown,
    step,
    words,
)

MANY = 3  # functions that retry alike: the helper that they share is to blame
SCOPE = ("arch/*/kvm/*", "virt/kvm/*", "include/linux/kvm*")


@dataclass(slots=True)
class _Check:
    facts: Facts
    exchanges: Exchanges
    told: set[tuple[object, ...]] = field(default_factory=set)
    stale: dict[tuple[object, int], tuple[Function, Call, list[Finding]]] = field(default_factory=dict)

    def function(self, function: Function, found: list[Exchange]) -> Iterator[Finding]:
        """All exchanges of a function."""
        for one in found:
            self.facts.count("compare-exchanges looked at")
            if not _variable(one.expected):
                continue
            if one.refreshes or one.expected.text == one.place.text:
                yield from self.stale_new(function, one)
            else:
                self.stale_old(function, one)

    def stale_old(self, function: Function, one: Exchange) -> None:
        """A failing side that comes back with nothing read in between."""
        for start, assume in failing_sides(function, one):
            at = function.blocks[start].instrs.index(assume)
            way = self.back(function, start, at + 1, one)
            key = (function.key, one.call.line)
            if way is not None and key not in self.told:
                self.told.add(key)
                old = words(function, one.expected)
                ways = self.ways(one, function)
                trace = (
                    *(step(*way) for way in ways),
                    step(function, assume, f"it failed: memory no longer holds {old}"),
                    *([step(function, way, "back to the next try")] if way is not one.call else []),
                    step(function, one.call, f"{old} is still the value that lost"),
                )
                message = f"{shown(one.call)} is tried again with {old} as it was when it failed"
                finding = self.facts.finding(function, one.call, one.call.name, message, trace=trace)
                home, call, _ = ways[-1]
                self.stale.setdefault((home.key, call.line), (home, call, []))[2].append(finding)

    def stale_olds(self) -> Iterator[Finding]:
        """What many retry with one helper is told once, where the helper forgets to refresh."""
        for home, call, findings in self.stale.values():
            if len({f.function for f in findings}) < MANY:
                yield from findings
                continue
            message = f"{shown(call)} fails, and {len(findings)} places try again with the value that lost"
            yield self.facts.finding(home, call, call.name, message, trace=findings[0].trace)

    def ways(self, one: Exchange, function: Function) -> list[tuple[Function, Call, str]]:
        """The helpers down to the instruction, each with what its call does to the value."""
        note = f"{one.call.name}() compares with {words(function, one.expected)}"
        out = [(function, one.call, note)]
        for _ in range(6):
            home, current, _ = out[-1]
            keys = self.facts.program.resolve(current.callee, home.path) if current.callee else ()
            inner = next((w for k in keys for w in self.exchanges.wrapped.get(k, ())), None)
            helper = self.facts.program.lower(inner.key) if inner is not None else None
            if inner is None or helper is None:
                break
            current = inner.through.call
            fresh = inner.through.refreshes and not inner.refreshes
            note = f"{current.name}() brings only {words(helper, inner.through.expected)} up to date" if fresh else ""
            out.append((helper, current, note or f"{current.name}() does not bring it up to date"))
        return out

    def back(self, function: Function, start: int, at: int, one: Exchange) -> Instr | None:
        """The instruction that leads back to the exchange without a fresh value; None when none does."""
        stack: list[tuple[int, int, Instr]] = [(start, at, one.call)]
        seen = {start}
        while stack:
            block, first, last = stack.pop()
            for instr in function.blocks[block].instrs[first:]:
                if instr is one.call:
                    return last
                if refreshed_by(self.exchanges, function, instr, one):
                    break
                last = instr
            else:
                for nxt in function.blocks[block].successors:
                    if nxt not in seen or (nxt == start and first):
                        seen.add(nxt)
                        stack.append((nxt, 0, last))
        return None

    def stale_new(self, function: Function, one: Exchange) -> Iterator[Finding]:
        """The old value is fresh in each round, the new one was made of it before the loop."""
        if one.new is None or one.call.result is None:
            return
        for loop in loops_of(function):
            inside = list(instrs_of(function, loop))
            if not any(i is one.call for i in inside) or not self.fails_into(function, one, loop.blocks):
                continue
            made = self.made_before(function, one, inside)
            key = (function.key, one.call.line)
            if made is not None and key not in self.told:
                self.told.add(key)
                new, old = words(function, one.new), words(function, one.expected)
                trace = (
                    step(function, made, f"{new} is made of {old} here, before the loop"),
                    step(function, one.call, f"{old} is fresh after a failure, {new} is not"),
                )
                message = f"{shown(one.call)} is tried again with {new} made of the old value before the loop"
                yield self.facts.finding(function, one.call, one.call.name, message, trace=trace)

    def fails_into(self, function: Function, one: Exchange, blocks: frozenset[int]) -> bool:
        return any(start in blocks for start, _ in failing_sides(function, one))

    def made_before(self, function: Function, one: Exchange, inside: list[Instr]) -> Instr | None:
        """Where the new value was made of the old one, if that is outside of the loop only."""
        assert one.new is not None
        if not isinstance(one.new, Name):
            return None
        name = one.new.id
        if any(name in _written(i) for i in inside):
            return None
        for block in function.blocks:
            for instr in block.instrs:
                if one.expected.text in _made_of(instr, name):
                    return instr
        return None


def _made_of(instr: Instr, name: str) -> set[str]:
    """What a variable is made of here."""
    if isinstance(instr, Assign) and instr.target.text == name:
        return _words_of(instr.value)
    if isinstance(instr, Call) and instr.result is not None and instr.result.text == name:
        return {a.text for a in instr.args}
    return set()


def _words_of(expr: Expr) -> set[str]:
    parts = {expr.text}
    for side in ("left", "right", "operand", "base"):
        inner = getattr(expr, side, None)
        if isinstance(inner, Expr):
            parts |= _words_of(inner)
    return parts


def _written(instr: Instr) -> frozenset[str]:
    target = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
    given = (
        frozenset(n for a in instr.args if a.text[:1] == "&" for n in a.names)
        if isinstance(instr, Call)
        else frozenset()
    )
    while isinstance(target, Field):
        target = target.base
    return given | (target.names if target is not None else frozenset())


def _variable(expr: Expr) -> bool:
    """A constant is awaited, not read; what is in capitals is one."""
    return not isinstance(expr, Const) and bool(expr.names) and not all(n.isupper() for n in expr.names)


def check(facts: Facts) -> Iterator[Finding]:
    """Every function that makes a compare-exchange, itself or through helpers."""
    exchanges = Exchanges(facts)
    checker = _Check(facts, exchanges)
    for function, found in exchanges.functions():
        if RULE.covers(function.path):
            yield from checker.function(function, found)
    yield from checker.stale_olds()


RULE = Rule(
    id="kvm-cmpxchg-not-refreshed",
    catalog=31,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("mail", "20260129011517.3545883-3-seanjc@google.com", "Sean Christopherson", "2026-01-29"),
        Provenance("doc", "arch/x86/kvm/mmu/tdp_mmu.c:__tdp_mmu_set_spte_atomic", "KVM"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static void tdp_set_bit(u64 *sptep, u64 bit)
        {
                u64 old = READ_ONCE(*sptep);

                while (cmpxchg64(sptep, old, old | bit) != old)  // expect "tried again with old"
                        cpu_relax();
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static void tdp_set_bit(u64 *sptep, u64 bit)
        {
                u64 old = READ_ONCE(*sptep);

                while (!try_cmpxchg64(sptep, &old, old | bit))
                        cpu_relax();
        }
        """,
    ),
)
