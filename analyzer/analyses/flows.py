"""The flow summaries of all functions, callees first; those of an earlier program stay where nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from analyzer.analyses.origins import FunctionFlow
from analyzer.core.finding import Step
from analyzer.ir.change import Change, change
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Function

Flows = dict[Key, FunctionFlow]
Make = Callable[[Function, Mapping[Key, FunctionFlow]], FunctionFlow]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the flow of a function depends on besides its body: what it calls, and what it is handed."""

    below: tuple[Key, ...]
    handed: tuple[tuple[int, frozenset[Key]], ...]
    populated: bool


@dataclass(slots=True)
class Left:
    """What is left for the next program."""

    program: Program
    inputs: dict[Key, Inputs]
    flows: Flows


@dataclass(slots=True)
class Summaries:
    """The solver: ``make`` gives the flow of one function from the flows of those below it."""

    program: Program
    functions: Mapping[Key, Function]
    inputs: dict[Key, Inputs]
    make: Make
    left: Left | None = None
    flows: Flows = field(default_factory=dict)
    since: Change | None = None

    def solve(self) -> Flows:
        """Once in order, once more where a callee came later: recursion."""
        if self.left is not None:
            self.since = change(self.left.program, self.program)
        order = callees_first({k: i.below for k, i in self.inputs.items()})
        place = {key: index for index, key in enumerate(order)}
        for key in order:
            self.flows[key] = self.kept(key) or self.make(self.functions[key], self.flows)
        for key in order:
            later = [callee for callee in self.inputs[key].below if place[callee] > place[key]]
            if later and not self.unchanged(key, later):
                self.flows[key] = self.make(self.functions[key], self.flows)
        return self.flows

    def unchanged(self, key: Key, below: list[Key]) -> bool:
        """Whether a function and the summaries of some that it calls are as they were."""
        left, since = self.left, self.since
        if left is None or since is None or left.inputs.get(key) != self.inputs[key] or not since.same(key):
            return False
        return all(callee in left.flows and self.flows[callee].equals(left.flows[callee]) for callee in below)

    def kept(self, key: Key) -> FunctionFlow | None:
        """The flow of an earlier program, as far as the callees are known by now."""
        if not self.unchanged(key, [c for c in self.inputs[key].below if c in self.flows]):
            return None
        assert self.left is not None
        assert self.since is not None
        return _moved(self.left.flows[key], key, self.since)


def _moved(flow: FunctionFlow, key: Key, since: Change) -> FunctionFlow:
    """A flow where the function stands now."""
    old, new = since.old.lower(key), since.new.lower(key)
    if old is new or old is None or new is None:
        return flow
    lines = new.line - old.line

    def step(of: Step) -> Step:
        return replace(of, location=replace(of.location, line=of.location.line + lines))

    return replace(
        flow,
        edges=[(a, b, step(s)) for a, b, s in flow.edges],
        sources=[(origin, step(s)) for origin, s in flow.sources],
        sinks=[(since.moved(key, instr), expr, origins) for instr, expr, origins in flow.sinks],
    )


def callees_first(below: Mapping[Key, tuple[Key, ...]]) -> list[Key]:
    """An order in which callees come before callers, but for recursion."""
    order: list[Key] = []
    seen: set[Key] = set()
    for root in below:
        stack: list[tuple[Key, bool]] = [(root, False)]
        while stack:
            key, done = stack.pop()
            if done:
                order.append(key)
            elif key not in seen:
                seen.add(key)
                stack.append((key, True))
                stack += [(k, False) for k in below[key] if k not in seen]
    return order
