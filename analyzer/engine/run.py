"""Run rules on facts; a check that raises becomes a Problem."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding
from analyzer.core.problem import Problem, ProblemKind
from analyzer.engine.rule import Rule
from analyzer.engine.series import SeriesFacts


@dataclass(slots=True)
class Outcome:
    """Findings, problems, and what each rule looked at."""

    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    sites: dict[str, int] = field(default_factory=dict)


def stamp(rule: Rule, finding: Finding) -> Finding:
    """What the engine knows of a finding: its rule, provenance and stage; a check may lower the severity."""
    severity = finding.severity if finding.severity != rule.severity and finding.severity == "info" else rule.severity
    return finding.stamped(rule=rule.id, severity=severity, stage=rule.stage, provenance=rule.provenance)


def run_rules(rules: Iterable[Rule], facts: Facts) -> Outcome:
    """The findings of all code rules on one snapshot, in scope, in order of place."""
    out = Outcome()
    for rule in rules:
        if rule.check is None:
            continue
        started, seen = time.perf_counter(), sum(facts.counts.values())
        try:
            found = [stamp(rule, f) for f in rule.check(facts)]
            out.findings += [f for f in found if rule.covers(f.location.path)]
        except Exception as error:  # one check must not hide the findings of the others
            if os.environ.get("NAK_RAISE") == "1":
                raise
            out.problems.append(Problem(ProblemKind.CRASHED, rule.id, f"{type(error).__name__}: {error}"))
        out.seconds[rule.id] = time.perf_counter() - started
        out.sites[rule.id] = sum(facts.counts.values()) - seen
    return in_order(out)


def in_order(out: Outcome) -> Outcome:
    """Findings by place."""
    out.findings.sort(key=lambda f: (f.location, f.rule, f.subject))
    return out


def run_series_rules(rules: Iterable[Rule], facts: SeriesFacts) -> Outcome:
    """The findings of all rules about the shape of a series."""
    out = Outcome()
    for rule in rules:
        if rule.series_check is None:
            continue
        try:
            out.findings += [stamp(rule, f) for f in rule.series_check(facts)]
        except Exception as error:  # one check must not hide the findings of the others
            if os.environ.get("NAK_RAISE") == "1":
                raise
            out.problems.append(Problem(ProblemKind.CRASHED, rule.id, f"{type(error).__name__}: {error}"))
    return out
