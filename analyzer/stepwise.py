"""A series, step by step: the findings of every state, each state analysed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding, Severity
from analyzer.core.limits import Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.engine.cores import run_on_cores
from analyzer.engine.history import State
from analyzer.engine.registry import load_vocabulary
from analyzer.engine.rule import Rule
from analyzer.engine.series import SeriesStep
from analyzer.frontend.load import UnitCache, load
from analyzer.ir.program import Program
from analyzer.tree.snapshot import Files, Snapshot, sources

if TYPE_CHECKING:
    from analyzer.tree.steps import PatchStep

Progress = Callable[[str, int, int], None]


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
    changed: frozenset[str] = frozenset()  # files that the series changes are read before it does, too
    started: float = field(default_factory=time.monotonic)

    def states(self, steps: Sequence[PatchStep]) -> list[State]:
        """The findings around each patch."""
        wanted: dict[object, Snapshot] = {}
        old = {f.old for step in steps if step.patch for f in step.patch.files}
        there = ((path, steps[0].before.read(path)) for path in old if path is not None and _ours(path))
        self.changed = frozenset(path for path, source in there if source is not None)
        for step in steps:
            for snapshot in (step.before, step.after):
                wanted.setdefault(self.key(snapshot), snapshot)
        self.analyse(list(wanted.values()))
        whole = [s for s in steps if self.seen[self.key(s.before)].whole and self.seen[self.key(s.after)].whole]
        return [self.state(step) for step in steps[: len(whole)]]

    def analyse(self, snapshots: list[Snapshot]) -> None:
        """Fill ``seen``."""
        if not snapshots:
            return
        # what all processes need is read before they start; the first state last: the second one goes on from it
        ends = self.program(snapshots[-1]), self.program(snapshots[0])
        lines = max(end.lines for end in ends) * len(snapshots)
        states = [partial(self.facts, snapshot) for snapshot in snapshots]
        parts = run_on_cores(self.rules, states, lines, lambda done: self.tell(done, len(snapshots)))
        for snapshot, part in zip(snapshots, parts, strict=True):
            problems = (*part.problems, *part.outcome.problems)
            found = part.outcome.findings
            if self.model == "explore" and not part.late:
                found = with_verdicts(found, Facts(self.program(snapshot), load_vocabulary()), self.rules, self.model)
            self.seen[self.key(snapshot)] = Seen(tuple(found), problems, part.counts, not part.late)

    def tell(self, done: int, total: int) -> None:
        """Say how far the work is."""
        if self.progress:
            self.progress("state", done, total)

    def facts(self, snapshot: Snapshot) -> Facts | Problem:
        """What the rules ask of one state; a Problem once the time is up."""
        if time.monotonic() - self.started > self.limits.seconds:
            what = f"not analysed: more than {self.limits.seconds:.0f} s"
            return Problem(ProblemKind.TOO_LARGE, snapshot.label, what)
        return Facts(self.program(snapshot), load_vocabulary())

    def state(self, step: PatchStep) -> State:
        """What came and went with one patch."""
        from analyzer.series.diff import line_map

        files = step.patch.files if step.patch else ()
        lines = {f.old: line_map(f) for f in files if f.old is not None}
        before, after = self.seen[self.key(step.before)], self.seen[self.key(step.after)]
        return State(step.patch.index if step.patch else 0, before.findings, after.findings, step.renames, lines)

    def judged(self, findings: list[Finding], steps: Sequence[PatchStep]) -> list[Finding]:
        """What patches introduced, with what the model says of it in the state behind the patch."""
        if self.model != "verdicts":
            return findings
        behind = {step.patch.index: step.after for step in steps if step.patch is not None}
        out = [f for f in findings if f.patch not in behind]
        for patch, after in behind.items():
            mine = [f for f in findings if f.patch == patch]
            facts = Facts(self.program(after), load_vocabulary())
            out += with_verdicts(mine, facts, self.rules, self.model)
        return out

    def series_step(self, step: PatchStep) -> SeriesStep:
        """One patch for the rules about the shape of a series."""
        from analyzer.series.diff import added_lines

        patch = step.patch
        files = [(f, step.after.read(f.path)) for f in patch.files] if patch else []
        added = {f.path: added_lines(f, source.text.decode(errors="replace").split("\n") if source else ())
                 for f, source in files}  # fmt: skip
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
            paths = sorted({*self.of_tree(snapshot.files), *overlay, *self.changed} - gone)
            program = self.programs[key] = load(snapshot, paths, self.units, self.limits)
            program.alone = snapshot.files is None
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
    if model == "off" or (model != "explore" and all(f.severity is Severity.INFO for f in findings)):
        return findings
    if not facts.program.whole:
        from analyzer.model.kvm_tdx.answers import in_part

        return [f if f.severity is Severity.INFO else f.stamped(verdict=in_part(f.rule)) for f in findings]
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
