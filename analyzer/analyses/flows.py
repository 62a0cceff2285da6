"""The flow summaries of all functions, callees first; those of an earlier program stay where nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    same: frozenset[Key] = frozenset()  # functions that are as they were, with what they are handed
    differing: set[Key] = field(default_factory=set)  # those that look different now to their callers

    def solve(self) -> Flows:
        """Once in order, once more where a callee came later: recursion."""
        left, since = self.left, change(self.left.program, self.program) if self.left is not None else None
        if left is not None and since is not None:
            stay = (key for key, i in self.inputs.items() if left.inputs.get(key) == i)
            self.same = frozenset(key for key in stay if since.same(key))
        order = callees_first({k: i.below for k, i in self.inputs.items()})
        place = {key: index for index, key in enumerate(order)}
        for key in order:
            if left is not None and since is not None and self.unchanged(key, self.inputs[key].below):
                self.flows[key] = _moved(left.flows[key], key, since)
            else:
                self.solved(key)
        for index, key in enumerate(order):
            later = [callee for callee in self.inputs[key].below if place[callee] > index]
            if later and not self.unchanged(key, later):
                self.solved(key)
        return self.flows

    def solved(self, key: Key) -> None:
        """Solve one function."""
        flow = self.flows[key] = self.make(self.functions[key], self.flows)
        before = self.left.flows.get(key) if self.left is not None else None
        if before is None or not flow.equals(before):
            self.differing.add(key)
        else:
            self.differing.discard(key)

    def unchanged(self, key: Key, below: Iterable[Key]) -> bool:
        """Whether a function, and the summaries of some that it calls, as far as they are known, are as they were."""
        return key in self.same and self.differing.isdisjoint(below)


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
        joins=[(a, b, step(s)) for a, b, s in flow.joins],
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
