"""Rules on all cores: this process and forked ones, each with some of the rules for all states in a row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from analyzer.analyses.facts import Facts
from analyzer.core.problem import Problem
from analyzer.engine.rule import Rule
from analyzer.engine.run import Outcome, in_order, run_rules

WORTH_LINES = 20_000  # lines of C below which starting processes costs more than it gains


@dataclass(slots=True)
class Part:
    """What some rules said of a state. ``problems`` are those of reading it and of the analyses."""

    outcome: Outcome = field(default_factory=Outcome)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    late: bool = False

    def add(self, rules: Iterable[Rule], facts: Facts) -> None:
        """Run some more rules on the state."""
        facts.counts.clear()
        outcome = run_rules(rules, facts)
        self._join(outcome, facts.counts)
        self.problems = [*facts.program.problems, *facts.problems]

    def join(self, other: Part) -> None:
        """Add what other rules said of the same state."""
        self._join(other.outcome, other.counts)
        self.problems += other.problems
        self.late |= other.late

    def _join(self, outcome: Outcome, counts: dict[str, int]) -> None:
        self.outcome.findings += outcome.findings
        self.outcome.problems += outcome.problems
        self.outcome.seconds |= outcome.seconds
        self.outcome.sites |= outcome.sites
        for what, number in counts.items():
            self.counts[what] = self.counts.get(what, 0) + number


State = Callable[[], Facts | Problem]  # reads the state when its turn comes; a Problem: there is no time left
Tick = Callable[[int], None]


class _Next(Protocol):
    """The number of the next bundle of a state that nobody has taken."""

    def __call__(self, state: int) -> int: ...


_AT_WORK: list[tuple[Sequence[State], list[tuple[Rule, ...]], _Next]] = []  # what forked processes inherit


def run_on_cores(rules: tuple[Rule, ...], states: Sequence[State], lines: int, tick: Tick | None = None) -> list[Part]:
    """What all rules say of each state, ``lines`` of C in all; ``tick`` is told how many states are done.

    Rules with a long analysis stay with their process, which finds there what they left of the state before; the
    others go to who is free. This process is one of them.
    """
    bundles = bundled(rules)
    first = [0, *[_staying(bundles)] * (len(states) - 1)]
    workers = min(len(os.sched_getaffinity(0)), len(bundles))
    if workers < 2 or lines < WORTH_LINES:
        return [_sorted(rules, part) for part in _share(states, bundles, partial(_take, first), tick)]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    fork = get_context("fork")
    taken: Any = fork.Array("i", first)

    def following(state: int) -> int:
        with taken.get_lock():
            return _take(taken.get_obj(), state)

    _AT_WORK.append((states, bundles, following))
    try:
        with ProcessPoolExecutor(workers - 1, mp_context=fork) as pool:
            others = [pool.submit(_work) for _ in range(workers - 1)]
            parts = list(_share(states, bundles, following, tick))
            for other in others:
                for part, more in zip(parts, other.result(), strict=True):
                    part.join(more)
    finally:
        _AT_WORK.pop()
    return [_sorted(rules, part) for part in parts]


def _take(taken: MutableSequence[int], state: int) -> int:
    number = taken[state]
    taken[state] = number + 1
    return number


def _staying(bundles: list[tuple[Rule, ...]]) -> int:
    """How many bundles stay with their process."""
    return sum(bool(bundle[0].solves) for bundle in bundles)


def bundled(rules: Iterable[Rule]) -> list[tuple[Rule, ...]]:
    """Rules that share a long analysis together, those first; every other one alone."""
    together: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.check is not None:
            together.setdefault(rule.solves or f"{rule.id} alone", []).append(rule)
    return [tuple(some) for some in sorted(together.values(), key=lambda some: not some[0].solves)]


def _work() -> list[Part]:
    """The share of a forked process."""
    return list(_share(*_AT_WORK[-1], None))


def _share(
    states: Sequence[State], bundles: list[tuple[Rule, ...]], following: _Next, tick: Tick | None
) -> Iterator[Part]:
    """For each state the bundles that stay here, as the first state gave them out, and what nobody else takes."""
    mine: list[Rule] = []
    staying = _staying(bundles)
    for number, state in enumerate(states):
        part, facts = Part(), state()
        if isinstance(facts, Problem):
            part = Part(problems=[facts], late=True)
        else:
            part.add(mine, facts)
            while (index := following(number)) < len(bundles):
                part.add(bundles[index], facts)
                mine += bundles[index] if index < staying else ()
        if tick is not None:
            tick(number + 1)
        yield part


def _sorted(rules: Iterable[Rule], part: Part) -> Part:
    """The same whoever ran what."""
    outcome = in_order(part.outcome)
    order = [rule.id for rule in rules if rule.id in outcome.seconds]
    outcome.seconds = {rule: outcome.seconds[rule] for rule in order}
    outcome.sites = {rule: outcome.sites[rule] for rule in order}
    return part
