"""PatchStep: the tree before and after each patch of a series, in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.series.types import FileDiff, FileStatus, Patch, Series
from analyzer.tree.apply import ApplyError, apply_file
from analyzer.tree.base import Base
from analyzer.tree.files import is_safe
from analyzer.tree.rebuild import Rebuilt
from analyzer.tree.snapshot import Snapshot, SourceFile


@dataclass(frozen=True, slots=True)
class PatchStep:
    """One patch and the two states around it.

    ``touched`` are paths in the after-image (in the before-image of a deletion); ``renames`` maps old to new
    path. Both states know the same parts of a rebuilt file, so what differs between them is the patch's doing;
    ``before`` may therefore know more of such a file than ``after`` of the step before.
    """

    patch: Patch | None
    before: Snapshot
    after: Snapshot
    touched: tuple[str, ...]
    renames: Mapping[str, str]
    problems: tuple[Problem, ...]


def walk(series: Series, base: Base | None, limits: Limits = DEFAULT) -> list[PatchStep]:
    """The states before and after every patch, in order; never raises on what the patches say.

    On a base, patches are applied to its files; a file to which one does not apply is known from the hunks
    alone from then on (Problem NOT_APPLIED). Without a base that holds for every file (one Problem PARTIAL).
    """
    numbers = [patch.index for patch in series.patches]
    gapless = all(b - a == 1 for a, b in pairwise(numbers))  # else line numbers of later patches say nothing of earlier
    walker = _Walker(base, limits, [diff for patch in series.patches for diff in patch.files] if gapless else [])
    steps = [walker.step(patch) for patch in series.patches]
    if base is None and steps:
        partial = walker.partial_files()
        if partial:
            detail = f"no tree: {len(partial)} of {walker.file_count()} files are known only in parts"
            told = Problem(ProblemKind.PARTIAL, series.title or series.id, detail)
            steps[0] = replace(steps[0], problems=(told, *steps[0].problems))
    return steps


class Overlay(Mapping[str, SourceFile | None]):
    """The changed files at one moment; all overlays of a series share one table of versions.

    Without a base the files that a later patch changes are among them, as far as the series shows them.
    """

    __slots__ = ("_moment", "_table")

    def __init__(self, table: dict[str, _Versions], moment: int) -> None:
        """``table`` may grow with later moments; they are not seen here."""
        self._table = table
        self._moment = moment

    def __getitem__(self, path: str) -> SourceFile | None:
        """The file, or None for one that is deleted; KeyError for one that is not changed so far."""
        versions = self._table[path]
        at = bisect_right(versions.moments, self._moment)
        if not at:
            raise KeyError(path)
        return versions.files[at - 1]

    def __iter__(self) -> Iterator[str]:
        """The changed paths, in order of their first change."""
        return (path for path, versions in self._table.items() if versions.moments[0] <= self._moment)

    def __len__(self) -> int:
        """How many files are changed so far."""
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class _Versions:
    """The states of one file, by ascending moment."""

    moments: list[int] = field(default_factory=list)
    files: list[SourceFile | None] = field(default_factory=list)

    def put(self, moment: int, file: SourceFile | None) -> None:
        """Set the state at a moment; a moment before the last one known is history and stays as it is."""
        if not self.moments or self.moments[-1] < moment:
            self.moments.append(moment)
            self.files.append(file)
        elif self.moments[-1] == moment:
            self.files[-1] = file


class _Walker:
    """The state of one walk: moments count 2 to a step, its before and its after."""

    def __init__(self, base: Base | None, limits: Limits, coming: Sequence[FileDiff]) -> None:
        self._base = base
        self._rebuilt = Rebuilt(limits, coming)
        self._left = limits.input_bytes  # bytes of patched files that may still be kept
        self._table: dict[str, _Versions] = {}
        self._in_parts: set[str] = set()  # files known from hunks only
        self._applied: dict[str, list[FileDiff]] = {}  # what a file's hunks taught, should it fall back
        self._label = "base"
        self._moment = 0
        self._problems: list[Problem] = []

    def step(self, patch: Patch) -> PatchStep:
        """Apply one patch."""
        before, after = self._moment, self._moment + 1
        last_label, self._label = self._label, f"patch {_number(patch)}"
        told = len(self._rebuilt.problems)
        self._problems = []
        touched: dict[str, None] = {}
        renames: dict[str, str] = {}
        for diff in patch.files:
            if not self._change(diff, after):
                continue
            touched[diff.path] = None
            if diff.status is FileStatus.RENAMED and diff.old is not None and diff.new is not None:
                renames[diff.old] = diff.new
        self._moment += 2
        rebuilt = (replace(p, detail=f"{self._label}: {p.detail}") for p in self._rebuilt.problems[told:])
        problems = (*self._problems, *rebuilt)
        return PatchStep(
            patch,
            self._snapshot(last_label, before),
            self._snapshot(self._label, after),
            tuple(touched),
            renames,
            problems,
        )

    def partial_files(self) -> list[str]:
        """The files that any state knows only in parts."""
        return [path for path, seen in self._table.items() if any(file and file.partial for file in seen.files)]

    def file_count(self) -> int:
        """How many files the series names."""
        return len(self._table)

    def _snapshot(self, label: str, moment: int) -> Snapshot:
        files, commit = (self._base.files, self._base.commit) if self._base else (None, "")
        return Snapshot(label, files, Overlay(self._table, moment), commit)

    def _change(self, diff: FileDiff, moment: int) -> bool:
        """Bring one file forward; False when the diff is none of a text file inside the tree."""
        if not all(is_safe(path) for path in (diff.old, diff.new) if path is not None) or not diff.path:
            self._tell(ProblemKind.MALFORMED, diff.path, "the path leads out of the tree; left out")
            return False
        if diff.binary or any(mode.startswith(("12", "16")) for mode in (diff.old_mode, diff.new_mode)):
            self._tell(ProblemKind.NOT_APPLIED, diff.path, "no text file (binary, link or submodule); left out")
            return False
        if self._base is None or _source_path(diff) in self._in_parts or not self._apply(diff, moment):
            self._rebuild(diff, moment)
        return True

    def _apply(self, diff: FileDiff, moment: int) -> bool:
        """Apply to the whole file; False (and a Problem) when that fails."""
        old = _source_path(diff)
        source = self._snapshot("", moment).read(old)
        try:
            text = apply_file(None if source is None else source.text, diff)
        except ApplyError as error:
            where = f"hunk {error.hunk_number}: " if error.hunk_number else ""
            self._tell(
                ProblemKind.NOT_APPLIED, error.path, f"{where}{error.reason}; known from the patches from here on"
            )
            return False
        self._left -= len(text or b"")
        if self._left < 0:
            self._tell(ProblemKind.TOO_LARGE, diff.path, "the patched files are too large; known from the patches only")
            return False
        self._put(diff, moment, None if text is None else SourceFile(diff.path, text))
        lineage = self._applied.pop(old, []) if diff.status is not FileStatus.COPIED else []
        if text is not None:
            self._applied[diff.path] = [*lineage, diff]
        return True

    def _rebuild(self, diff: FileDiff, moment: int) -> None:
        """Take the file from what the hunks say, in both states of the step."""
        old = _source_path(diff)
        in_parts = self._base is None or old in self._in_parts
        if not in_parts and diff.status is not FileStatus.COPIED:
            for earlier in self._applied.pop(old, ()):
                self._rebuilt.absorb(earlier)
        image = self._rebuilt.before(diff)
        if in_parts or diff.status is not FileStatus.COPIED:  # a copy leaves the file it copies as it is
            # without a base the file was as little known before any patch
            first = self._base is None and image is not None and old not in self._table
            self._version(old, 0 if first else moment - 1, image)
        self._in_parts.add(diff.path)
        if diff.status in (FileStatus.RENAMED, FileStatus.DELETED):
            self._in_parts.discard(old)
        self._put(diff, moment, self._rebuilt.after(diff))

    def _put(self, diff: FileDiff, moment: int, after: SourceFile | None) -> None:
        if diff.status in (FileStatus.RENAMED, FileStatus.DELETED):
            self._version(_source_path(diff), moment, None)
        if diff.new is not None and diff.status is not FileStatus.DELETED:
            self._version(diff.new, moment, after)

    def _version(self, path: str, moment: int, file: SourceFile | None) -> None:
        self._table.setdefault(path, _Versions()).put(moment, file)

    def _tell(self, kind: ProblemKind, path: str, detail: str) -> None:
        self._problems.append(Problem(kind, path, f"{self._label}: {detail}"))


def _source_path(diff: FileDiff) -> str:
    """The path whose text the diff starts from (for a new file the one that should be free)."""
    return diff.path if diff.status is FileStatus.ADDED or diff.old is None else diff.old


def _number(patch: Patch) -> str:
    """The number as written, without leading zeros when it is a plain one."""
    return patch.label if patch.label and not patch.label.isdecimal() else str(patch.index)
