"""The whole pipeline on one page: mails or commits in, Review out; a tree in, Review out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import analyzer
from analyzer.core.finding import Finding, Stage
from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.core.result import PatchInfo, Review, SeriesInfo
from analyzer.kept import Kept, address
from analyzer.tree.snapshot import Snapshot, sources

# The analysis is imported where it runs: what was kept of an earlier run is told without it.
if TYPE_CHECKING:
    from analyzer.analyses.facts import Facts
    from analyzer.engine.rule import Rule
    from analyzer.engine.run import Outcome
    from analyzer.ir.program import Program
    from analyzer.series.types import Series
    from analyzer.tree.base import Base
    from analyzer.tree.repo import Tree
    from analyzer.tree.snapshot import Files

# What is read by default: KVM for x86, generic KVM, TDX, and the headers that hold their interfaces.
PATHS = (
    "arch/x86/kvm",
    "virt/kvm",
    "arch/x86/virt/vmx/tdx",
    "arch/x86/include/asm/tdx.h",
    "arch/x86/include/asm/kvm_host.h",
    "arch/x86/include/asm/kvm-x86-ops.h",
    "include/linux/kvm_dirty_ring.h",
    "include/linux/kvm_host.h",
    "include/linux/kvm_irqfd.h",
    "include/linux/kvm_types.h",
)


Progress = Callable[[str, int, int], None]
VERDICTS = "verdicts"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose: rules by id (none: all), whether trial rules count, paths (none: ``PATHS``), limits.

    ``kept``: where outcomes of earlier runs are looked up, and this one is put. ``model``: whether the runtime model
    is asked for verdicts (``verdicts``), explored for each and for what no rule reported (``explore``), or left alone
    (``off``).
    """

    rules: tuple[str, ...] = ()
    trial: bool = False
    paths: tuple[str, ...] = ()
    limits: Limits = DEFAULT
    progress: Progress | None = None
    kept: Kept | None = None
    model: str = VERDICTS

    def with_progress(self, progress: Progress | None) -> Options:
        """The same with somebody to tell how far the work is."""
        return replace(self, progress=progress)

    def selected(self) -> tuple[Rule, ...]:
        """The rules to run. Raises AnalyzerError for an unknown name."""
        from analyzer.engine.registry import choose, load_rules

        chosen = choose(load_rules(), self.rules)
        return tuple(r for r in chosen if self.trial or self.rules or r.stage is Stage.STABLE)

    def recalled(self, make: Callable[[], Review], *parts: object) -> Review:
        """The outcome of an earlier run on the same ``parts``, or what ``make`` gives."""
        if self.kept is None:
            return make()
        started = time.perf_counter()
        at = address(self.rules, self.trial, self.paths, self.limits, self.model, *parts)
        found = self.kept.get(at)
        if found is not None:
            seconds = round(time.perf_counter() - started, 3)
            return replace(found, stats={**found.stats, "seconds": seconds, "kept from an earlier run": True})
        made = make()
        late = time.perf_counter() - started > self.limits.seconds
        if not late and all(p.kind is not ProblemKind.CRASHED for p in made.problems):
            self.kept.put(at, made)
        return made


def check_tree(tree: Path, options: Options = Options()) -> Review:
    """All findings of the tree as it is. Raises AnalyzerError where ``tree`` is no kernel or a path is not in it."""
    from analyzer.tree.repo import open_tree

    with open_tree(tree, options.limits) as opened:
        files = opened.worktree_files()
        snapshot = Snapshot("tree", files)
        found = sources(snapshot.paths(options.paths or PATHS))
        if not found:
            raise AnalyzerError(f"no C file below {', '.join(options.paths or PATHS)} in {tree}", exit_code=3)
        contents = _contents(files, found) if options.kept else ()
        return options.recalled(lambda: _checked(snapshot, found, options, files.problems), "check", contents)


def _contents(files: Files, paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Some files by path and digest."""
    snapshot = Snapshot("contents", files)
    return tuple((p, s.digest) for p in paths if (s := snapshot.read(p)) is not None)


def _checked(snapshot: Snapshot, paths: list[str], options: Options, unread: list[Problem]) -> Review:
    """All findings of one state; ``unread`` grows while its files are read."""
    from analyzer.analyses.facts import Facts
    from analyzer.engine.cores import run_on_cores
    from analyzer.engine.registry import load_vocabulary
    from analyzer.frontend.load import load
    from analyzer.stepwise import with_verdicts

    started = time.perf_counter()
    rules = options.selected()
    program = load(snapshot, paths, None, options.limits)
    [part] = run_on_cores(rules, [lambda: Facts(program, load_vocabulary())], program.lines)
    found = with_verdicts(part.outcome.findings, Facts(program, load_vocabulary()), rules, options.model)
    problems = (*unread, *part.problems, *part.outcome.problems)
    stats = _stats(program, part.outcome, started, part.counts)
    return Review(analyzer.__version__, None, tuple(found), _once(problems), stats, _ids(rules))


@contextmanager
def facts_of(tree: Path, options: Options = Options()) -> Iterator[Facts]:
    """The tree as it is, for questions that are no rules. Raises AnalyzerError like ``check_tree()``."""
    from analyzer.analyses.facts import Facts
    from analyzer.engine.registry import load_vocabulary
    from analyzer.frontend.load import load
    from analyzer.tree.repo import open_tree

    with open_tree(tree, options.limits) as opened:
        snapshot = Snapshot("tree", opened.worktree_files())
        found = sources(snapshot.paths(options.paths or PATHS))
        if not found:
            raise AnalyzerError(f"no C file below {', '.join(options.paths or PATHS)} in {tree}", exit_code=3)
        yield Facts(load(snapshot, found, None, options.limits), load_vocabulary())


def lock_report(tree: Path, options: Options = Options()) -> str:
    """How many lock assertions the held analysis proves from callers, leaves open, contradicts."""
    from analyzer.analyses.held import solve_held
    from analyzer.graphs.lockreport import render

    with facts_of(tree, options) as facts:
        program = facts.program
        labels = frozenset(("mmu_lock", "slots_lock"))
        return render(solve_held(program, facts.names, facts.vocabulary, labels, frozenset()))


def review_series(
    inputs: Sequence[str | Path],
    tree: Path | None = None,
    options: Options = Options(),
    stdin: BinaryIO | None = None,
) -> Review:
    """Review the series in mails, mboxes, folders, or the commits ``A..B`` of the tree.

    Raises AnalyzerError where nothing can be read at all; everything less is a Problem.
    """
    from analyzer.tree.base import choose_base
    from analyzer.tree.repo import open_tree

    opened = open_tree(tree, options.limits) if tree is not None else None
    try:
        series, base, problems = _series_and_base(inputs, opened, options, stdin)
        if base is None and opened is not None:
            base = choose_base(series, opened)
        parts = ("review", series, problems, *_of_base(series, base, options)) if options.kept else ()
        return options.recalled(lambda: _reviewed(series, base, options, problems), *parts)
    finally:
        if opened is not None:
            opened.close()


def _of_base(series: Series, base: Base | None, options: Options) -> tuple[object, ...]:
    """What a review depends on besides the mails: a commit says all of its files."""
    if base is None or base.commit:
        return () if base is None else (base.commit, base.reason, base.problems)
    touched = {path for p in series.patches for f in p.files for path in (f.old, f.new) if path}
    paths = sorted({*sources(base.files.paths(options.paths or PATHS)), *touched})
    return (base.reason, base.problems, _contents(base.files, paths))


def is_range(text: str) -> bool:
    """Whether an argument is a range of commits and no file."""
    return ".." in text and not Path(text).exists() and "/.." not in text and not text.startswith("../")


def _series_and_base(
    inputs: Sequence[str | Path], tree: Tree | None, options: Options, stdin: BinaryIO | None
) -> tuple[Series, Base | None, list[Problem]]:
    from analyzer.series.assemble import load_series, series_from_text

    if len(inputs) == 1 and is_range(str(inputs[0])):
        from analyzer.tree.base import Base
        from analyzer.tree.repo import range_patches

        spec = str(inputs[0])
        if tree is None:
            raise AnalyzerError(f"{spec} is a range of commits, but there is no kernel tree here; give one with --tree")
        found, problems = series_from_text(range_patches(tree, spec), spec, options.limits)
        commit = tree.need(spec.split("..")[0] or "HEAD")
        return _one(found, problems, spec), Base(commit, f"the start of {spec}", tree.files_at(commit)), problems
    found, problems = load_series(inputs, stdin, options.limits)
    return _one(found, problems, "the input"), None, problems


def _one(found: list[Series], problems: list[Problem], where: str) -> Series:
    """The newest series; the others are named in a Problem."""
    if not found:
        raise AnalyzerError(f"no patch found in {where}", exit_code=3)
    for other in found[:-1]:
        detail = f"v{other.revision} with {len(other.patches)} patches is not reviewed: the input has a newer series"
        problems.append(Problem(ProblemKind.NOT_A_PATCH, other.title or other.id, detail))
    return found[-1]


def _reviewed(
    series: Series,
    base: Base | None,
    options: Options,
    problems: list[Problem],
) -> Review:
    """Analyse every state, subtract, attribute."""
    from analyzer.engine.history import History
    from analyzer.engine.registry import load_vocabulary
    from analyzer.engine.run import run_series_rules
    from analyzer.engine.series import SeriesFacts
    from analyzer.stepwise import Stepwise
    from analyzer.tree.steps import walk

    started = time.perf_counter()
    rules = options.selected()
    steps = walk(series, base, options.limits)
    stepwise = Stepwise(rules, options.paths or PATHS, options.limits, options.progress, options.model)
    history = History()
    history.walk(stepwise.states(steps))
    shape = run_series_rules(rules, SeriesFacts(tuple(stepwise.series_step(s) for s in steps), load_vocabulary()))
    found = stepwise.judged([*history.findings(), *shape.findings], steps)
    findings = sorted(found, key=_order)
    problems = [*problems, *series.problems, *shape.problems, *(base.problems if base else ())]
    for step in steps:
        problems += step.problems
    for seen in stepwise.seen.values():
        problems += seen.problems
    last = steps[-1].after if steps else None
    counts = stepwise.seen[stepwise.key(last)].counts if last else {}
    stats = _stats(stepwise.program(last) if last else None, None, started, counts)
    info = _info(series, base)
    return Review(analyzer.__version__, info, tuple(findings), _once(problems), stats, _ids(rules))


def _info(series: Series, base: Base | None) -> SeriesInfo:
    """The series in the words of the reports."""
    patches = tuple(PatchInfo(p.index, p.title, p.message_id, p.label) for p in series.patches)
    reason = base.reason if base else "no tree: the changed files are rebuilt from the patches"
    return SeriesInfo(series.title, series.revision, base.commit if base else "", reason, patches, series.total or 0)


def _order(finding: Finding) -> tuple[object, ...]:
    return (finding.patch is None, finding.patch or 0, finding.location, finding.rule, finding.subject)


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems)))


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(r.id for r in rules)


def _stats(
    program: Program | None, outcome: Outcome | None, started: float, counts: dict[str, int]
) -> dict[str, object]:
    stats: dict[str, object] = {"seconds": round(time.perf_counter() - started, 3)}
    if program is not None:
        kinds = [d.kind for d in program.definitions.values()]
        stats |= {"files": len(program.files), "lines": program.lines, "functions": kinds.count("function")}
        stats |= {"macros": kinds.count("macro"), "files known in parts": len(program.partial_files)}
    if outcome is not None:
        stats["seconds by rule"] = {k: round(v, 3) for k, v in outcome.seconds.items()}
        stats["sites by rule"] = dict(outcome.sites)
    stats["looked at"] = dict(counts)
    return stats
