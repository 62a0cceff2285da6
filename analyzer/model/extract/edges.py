"""Which ends of a range a split reaches: where its bounds go, from the flow that takes the range away to the walk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Call, Expr, Field, Function, Name, children
from analyzer.model.extract import words as w
from analyzer.model.extract.walk import Seen, leading

ENDS = frozenset(("start", "end"))
NONE: frozenset[str] = frozenset()
DEEPEST = 8
Carried = Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Bounds:
    """The ends that arrive at a walk; functions that were looked into with the same ends are not looked into again."""

    facts: Facts
    splitting: frozenset[Key]
    seen: set[tuple[Key, tuple[tuple[str, frozenset[str]], ...]]] = field(default_factory=set)

    def of(self, key: Key, carried: Carried, deep: int = 0) -> frozenset[str]:
        """What arrives from one function, whose variables carry some ends."""
        known = (key, tuple(sorted(carried.items())))
        function = self.facts.program.lower(key)
        if function is None or known in self.seen or deep > DEEPEST:
            return NONE
        self.seen.add(known)
        names = _inside(function, dict(carried))
        if any(c.callee in w.WALK_ON for c in function.calls()):
            return frozenset().union(*(carried.values()))
        found = NONE
        for call in function.calls():
            found |= self.through(call, key, names, deep)
        return found

    def through(self, call: Call, key: Key, names: Carried, deep: int = 0) -> frozenset[str]:
        """What arrives through one call."""
        found = NONE
        for callee in self.facts.program.resolve(call.callee, key[0]) if call.callee else ():
            function = self.facts.program.lower(callee)
            if callee in self.splitting and function is not None:
                handed = {p.name: _carries(a, names) for p, a in zip(function.params, call.args, strict=False)}
                found |= self.of(callee, {n: ends for n, ends in handed.items() if ends}, deep + 1)
        return found


def reached(facts: Facts, splits: Iterable[Seen]) -> frozenset[str]:
    """The ends of a range that the splits of a flow reach."""
    bounds = Bounds(facts, leading(facts, (w.SMALL_SPTE,)))
    found = NONE
    for seen in splits:
        function = facts.program.lower(seen.context.key)
        names = _inside(function, {e: frozenset((e,)) for e in ENDS}) if function is not None else {}
        found |= bounds.through(seen.call, seen.context.key, names)
    return found


def _inside(function: Function, carried: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The variables of a function that carry an end."""
    instrs = [i for b in function.blocks for i in b.instrs]
    for _ in range(2):  # values go up a loop once
        for instr in instrs:
            if isinstance(instr, Assign):
                target, ends = instr.target, _carries(instr.value, carried)
            elif isinstance(instr, Call) and instr.result is not None:
                target, ends = instr.result, frozenset().union(*(_carries(a, carried) for a in instr.args))
            else:
                continue
            if isinstance(target, Name) and ends:
                carried[target.id] = carried.get(target.id, NONE) | ends
    return carried


def _carries(expr: Expr, carried: Carried) -> frozenset[str]:
    if isinstance(expr, Field) and expr.name in ENDS:
        return frozenset((expr.name,))
    own = carried.get(expr.id, NONE) if isinstance(expr, Name) else NONE
    return own.union(*(_carries(c, carried) for c in children(expr)))
