"""A series, step by step: the findings of every state, each state analysed once, on all cores where it is worth it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding
from analyzer.core.limits import Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.engine.history import State
from analyzer.engine.registry import load_vocabulary
from analyzer.engine.rule import Rule
from analyzer.engine.run import run_rules
from analyzer.engine.series import SeriesStep
from analyzer.frontend.load import UnitCache, load
from analyzer.ir.program import Program
from analyzer.tree.snapshot import Files, Snapshot, sources

if TYPE_CHECKING:
    from analyzer.tree.steps import PatchStep

Progress = Callable[[str, int, int], None]
WORTH_A_PROCESS = 4  # states a process must have to do


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules said of one state."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    counts: dict[str, int]
    whole: bool = True


@dataclass(slots=True)
class Stepwise:
    """Analyses the states of a series; those whose C files of interest are equal are one."""

    rules: tuple[Rule, ...]
    paths: tuple[str, ...]
    limits: Limits
    progress: Progress | None = None
    model: str = "off"
    units: UnitCache = field(default_factory=UnitCache)
    programs: dict[object, Program] = field(default_factory=dict)
    seen: dict[object, Seen] = field(default_factory=dict)
    listed: dict[int, list[str]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def states(self, steps: Sequence[PatchStep]) -> list[State]:
        """The findings around each patch."""
        wanted: dict[object, Snapshot] = {}
        for step in steps:
            for snapshot in (step.before, step.after):
                wanted.setdefault(self.key(snapshot), snapshot)
        self.analyse(list(wanted.values()))
        whole = [s for s in steps if self.seen[self.key(s.before)].whole and self.seen[self.key(s.after)].whole]
        return [self.state(step) for step in steps[: len(whole)]]

    def analyse(self, snapshots: list[Snapshot]) -> None:
        """Fill ``seen``; many states are shared out to forked processes, which have the files parsed so far."""
        workers = min(os.cpu_count() or 1, len(snapshots) // WORTH_A_PROCESS)
        if workers < 2 or not hasattr(os, "fork"):
            for done, snapshot in enumerate(snapshots, start=1):
                self.tell(done, len(snapshots))
                self.seen[self.key(snapshot)] = self.look(snapshot)
            return
        self.program(snapshots[0])
        for done, (snapshot, seen) in enumerate(_forked(self, snapshots, workers), start=1):
            self.tell(done, len(snapshots))
            self.seen[self.key(snapshot)] = seen

    def tell(self, done: int, total: int) -> None:
        """Say how far the work is."""
        if self.progress:
            self.progress("state", done, total)

    def look(self, snapshot: Snapshot) -> Seen:
        """Run the rules on one state; nothing once the time is up."""
        if time.monotonic() - self.started > self.limits.seconds:
            late = Problem(
                ProblemKind.TOO_LARGE, snapshot.label, f"not analysed: more than {self.limits.seconds:.0f} s"
            )
            return Seen((), (late,), {}, whole=False)
        program = self.program(snapshot)
        facts = Facts(program, load_vocabulary())
        outcome = run_rules(self.rules, facts)
        found = with_verdicts(outcome.findings, facts, self.rules, self.model)
        return Seen(tuple(found), (*program.problems, *outcome.problems, *facts.problems), dict(facts.counts))

    def state(self, step: PatchStep) -> State:
        """What came and went with one patch."""
        from analyzer.series.diff import line_map

        files = step.patch.files if step.patch else ()
        lines = {f.old: line_map(f) for f in files if f.old is not None}
        before, after = self.seen[self.key(step.before)], self.seen[self.key(step.after)]
        return State(step.patch.index if step.patch else 0, before.findings, after.findings, step.renames, lines)

    def series_step(self, step: PatchStep) -> SeriesStep:
        """One patch for the rules about the shape of a series."""
        from analyzer.series.diff import added_lines

        patch = step.patch
        added = {f.path: added_lines(f) for f in patch.files} if patch else {}
        index, title, log = (patch.index, patch.title, patch.log) if patch else (0, "", "")
        return SeriesStep(index, title, log, self.program(step.before), self.program(step.after), added, step.touched)

    def key(self, snapshot: Snapshot) -> object:
        """Equal for snapshots whose C files of interest are equal."""
        return frozenset((p, s.digest if s else "") for p, s in snapshot.overlay.items() if _ours(p))

    def program(self, snapshot: Snapshot) -> Program:
        """The program of a snapshot."""
        key = self.key(snapshot)
        if key not in self.programs:
            overlay = {p: s for p, s in snapshot.overlay.items() if _ours(p)}
            gone = {p for p, s in overlay.items() if s is None}
            paths = sorted({*self.of_tree(snapshot.files), *overlay} - gone)
            self.programs[key] = load(snapshot, paths, self.units, self.limits)
        return self.programs[key]

    def of_tree(self, files: Files | None) -> list[str]:
        """The C files of the tree that are read, listed once."""
        if files is None:
            return []
        if id(files) not in self.listed:
            self.listed[id(files)] = sources(files.paths(self.paths))
        return self.listed[id(files)]


def with_verdicts(findings: list[Finding], facts: Facts, rules: Sequence[Rule], model: str) -> list[Finding]:
    """The findings with what the runtime model says of them; with ``explore``, also what it found and no rule did."""
    if model == "off" or not facts.program.whole or not (findings or model == "explore"):
        return findings
    from analyzer.model.extract.verdict import judged, unreported

    live = model == "explore"
    found = judged(findings, facts, live)
    if live:
        found += unreported(findings, facts, rules)
        found.sort(key=lambda f: (f.location, f.rule, f.subject))
    return found


def _ours(path: str) -> bool:
    """C files; those of other architectures are applied but not analysed."""
    return path.endswith((".c", ".h")) and (not path.startswith("arch/") or path.startswith("arch/x86/"))


_AT_WORK: list[tuple[Stepwise, list[Snapshot]]] = []  # what forked processes inherit


def _look_at(index: int) -> Seen:
    stepwise, snapshots = _AT_WORK[-1]
    return stepwise.look(snapshots[index])


def _forked(stepwise: Stepwise, snapshots: list[Snapshot], workers: int) -> Iterable[tuple[Snapshot, Seen]]:
    """The states in order, each looked at by one of ``workers`` processes."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _AT_WORK.append((stepwise, snapshots))
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
            yield from zip(snapshots, pool.map(_look_at, range(len(snapshots))), strict=True)
    finally:
        _AT_WORK.pop()
