"""Rules on all cores: processes that are forked from the one that has read the tree, each with some of the rules."""

from __future__ import annotations

import os
from collections.abc import Iterable

from analyzer.analyses.facts import Facts
from analyzer.core.problem import Problem
from analyzer.engine.rule import Rule
from analyzer.engine.run import Outcome, in_order, run_rules

WORTH_LINES = 20_000  # lines of C below which starting processes costs more than it gains
_AT_WORK: list[tuple[Facts, list[tuple[Rule, ...]]]] = []  # what forked processes inherit
_Part = tuple[Outcome, dict[str, int], list[Problem]]


def run_on_cores(rules: tuple[Rule, ...], facts: Facts) -> Outcome:
    """What ``run_rules`` gives, on as many processes as there are cores; ``facts.counts`` and problems are joined."""
    bundles = bundled(rules)
    workers = min(len(os.sched_getaffinity(0)), len(bundles))
    if workers < 2 or facts.program.lines < WORTH_LINES:
        return run_rules(rules, facts)
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _AT_WORK.append((facts, bundles))
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
            return _joined(rules, facts, list(pool.map(_run, range(len(bundles)))))
    finally:
        _AT_WORK.pop()


def bundled(rules: Iterable[Rule]) -> list[tuple[Rule, ...]]:
    """Rules that share a long analysis together, those first; every other one alone."""
    together: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.check is not None:
            together.setdefault(rule.solves or f"{rule.id} alone", []).append(rule)
    return [tuple(some) for some in sorted(together.values(), key=lambda some: not some[0].solves)]


def _run(index: int) -> _Part:
    """One bundle, in a process of the pool."""
    facts, bundles = _AT_WORK[-1]
    facts.counts.clear()
    known = len(facts.program.problems), len(facts.problems)
    outcome = run_rules(bundles[index], facts)
    return outcome, dict(facts.counts), [*facts.program.problems[known[0] :], *facts.problems[known[1] :]]


def _joined(rules: Iterable[Rule], facts: Facts, parts: list[_Part]) -> Outcome:
    out = Outcome()
    for outcome, counts, problems in parts:
        out.findings += outcome.findings
        out.problems += [*outcome.problems, *problems]
        out.seconds |= outcome.seconds
        out.sites |= outcome.sites
        for what, number in counts.items():
            facts.count(what, number)
    order = [rule.id for rule in rules if rule.id in out.seconds]
    out.seconds = {rule: out.seconds[rule] for rule in order}
    out.sites = {rule: out.sites[rule] for rule in order}
    return in_order(out)
