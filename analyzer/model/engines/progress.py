"""Progress: whether a goal can be reached from every reachable state (AG EF), by a walk back from the goal."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

from analyzer.model.engines.outcome import NO_LIMITS, Discovery, Limits
from analyzer.model.engines.python import canonical, predicate, replay, successors
from analyzer.model.machine import Goal, Machine


@dataclass(frozen=True, slots=True)
class Progress:
    """The answer for one goal: how many states cannot reach it, and the shortest way into such a state."""

    goal: Goal
    states: int
    lost: int
    complete: bool
    discovery: Discovery | None


class Graph:
    """All reachable states in breadth-first order and the edges between them."""

    def __init__(self, machine: Machine, limits: Limits = NO_LIMITS) -> None:
        self.machine = machine
        step, order = successors(machine), canonical(machine) or bytes
        self.states = [order(machine.init)]
        self.parents = array("q", [-1])
        self.sources, self.targets = array("q"), array("q")
        index, at = {self.states[0]: 0}, 0
        while at < len(self.states) and len(self.states) <= limits.states:
            out: list[bytes] = []
            step(self.states[at], out.append)
            for after in map(order, out):
                number = index.setdefault(after, len(self.states))
                if number == len(self.states):
                    self.states.append(after)
                    self.parents.append(at)
                self.sources.append(at)
                self.targets.append(number)
            at += 1
        self.complete = at == len(self.states)

    def can_reach(self, goal: Goal) -> bytearray:
        """One byte for each state: whether some path leads to the goal."""
        heads, links = array("q", [-1]) * len(self.states), array("q", [-1]) * len(self.sources)
        for edge, target in enumerate(self.targets):
            links[edge], heads[target] = heads[target], edge
        holds = predicate(self.machine, goal.goal)
        good = bytearray(len(self.states))
        work = [n for n, state in enumerate(self.states) if holds(state)]
        for n in work:
            good[n] = 1
        while work:
            edge = heads[work.pop()]
            while edge >= 0:
                before = self.sources[edge]
                if not good[before]:
                    good[before] = 1
                    work.append(before)
                edge = links[edge]
        return good

    def answer(self, goal: Goal) -> Progress:
        """Whether every state can reach a goal; meaningless where the exploration was cut."""
        good = self.can_reach(goal)
        lost, found = good.count(0), None
        if lost and self.complete:
            chain = self._loop(max(n for n, fine in enumerate(good) if not fine))
            whole = replay(self.machine, goal.id, [self.states[n] for n in chain])
            found = replace(whole, loop=chain.index(chain[-1]) if chain.index(chain[-1]) < len(chain) - 1 else None)
        return Progress(goal, len(self.states), lost, self.complete, found)

    def _loop(self, far: int) -> list[int]:
        """The way to a lost state far out, and from there the shortest way back to a state on it, if there is one."""
        chain = [far]
        while self.parents[chain[-1]] >= 0:
            chain.append(self.parents[chain[-1]])
        chain.reverse()
        after: dict[int, list[int]] = {}
        for source, target in zip(self.sources, self.targets, strict=True):
            after.setdefault(source, []).append(target)
        on_way, before, work = set(chain), {far: -1}, [far]
        for state in work:
            for target in after.get(state, ()):
                if target in on_way:
                    back = [target]
                    while state != far:
                        back.append(state)
                        state = before[state]
                    return chain + back[::-1]
                if target not in before:
                    before[target] = state
                    work.append(target)
        return chain


def progress(machine: Machine, limits: Limits = NO_LIMITS) -> tuple[Progress, ...]:
    """The answer for each goal of the machine."""
    graph = Graph(machine, limits)
    return tuple(graph.answer(goal) for goal in machine.goals)
