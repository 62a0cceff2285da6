"""Files rebuilt from hunks alone: every line known so far at its line number, holes between (DESIGN D3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.series.types import FileDiff, FileStatus, Hunk
from analyzer.tree.snapshot import SourceFile

_UNTIL_END = 10**9  # the last line of a hole that reaches to the end of the file
_BYTES_PER_LINE = 32  # a file of fewer bytes a line is none: bounds the line numbers a diff may name


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one file: text by line number, and where hunks with a section text begin.

    ``end`` is the number of lines when that is known; ``bare`` means that the last line has no LF.
    """

    lines: dict[int, bytes] = field(default_factory=dict)
    sections: dict[int, str] = field(default_factory=dict)
    end: int | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class _Edit:
    """One hunk as line numbers: ``old`` lines from ``old_at`` become ``new`` lines from ``new_at``."""

    old_at: int
    new_at: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    hunk: Hunk

    @property
    def old_end(self) -> int:
        return self.old_at + len(self.old)

    @property
    def new_end(self) -> int:
        return self.new_at + len(self.new)


class Rebuilt:
    """What the diffs seen so far tell of each file; ``before`` then ``after`` for each diff in order.

    ``problems`` grows as knowledge is contradicted or left out.
    """

    def __init__(self, limits: Limits = DEFAULT) -> None:
        """Nothing is known yet."""
        self.problems: list[Problem] = []
        self._known: dict[str, _Known] = {}
        self._last_line = limits.file_bytes // _BYTES_PER_LINE
        self._left = limits.input_bytes  # bytes of images that may still be made
        self._current: tuple[FileDiff, list[_Edit]] | None = None

    def before(self, diff: FileDiff) -> SourceFile | None:
        """The file at ``diff.old`` as the diff finds it; None for a new file."""
        if diff.old is None or diff.status is FileStatus.ADDED:
            return None
        return self._image(diff.old, self._learn(diff, self._edits(diff)))

    def after(self, diff: FileDiff) -> SourceFile | None:
        """The file at ``diff.new`` with the diff applied, which is remembered; None for a deletion."""
        known = self._advance(diff)
        return None if known is None or diff.new is None else self._image(diff.new, known)

    def absorb(self, diff: FileDiff) -> None:
        """As ``after``, without making the image."""
        self._advance(diff)

    def _advance(self, diff: FileDiff) -> _Known | None:
        edits = self._edits(diff)
        if diff.status is FileStatus.ADDED or diff.old is None:
            self._expect_none(diff)
            known = _Known(end=0)
        else:
            known = self._learn(diff, edits)
        if diff.status in (FileStatus.RENAMED, FileStatus.DELETED) and diff.old is not None:
            self._known.pop(diff.old, None)
        if diff.new is None or diff.status is FileStatus.DELETED:
            return None
        self._known[diff.new] = known = _apply(known, edits, self._last_line)
        return known

    def _expect_none(self, diff: FileDiff) -> None:
        if diff.path in self._known:
            self._report(ProblemKind.MALFORMED, diff.path, "created, but an earlier patch of the series changed it")

    def _edits(self, diff: FileDiff) -> list[_Edit]:
        """The hunks that can be placed, in order of lines; problems are told once per diff."""
        if self._current is not None and self._current[0] is diff:
            return self._current[1]
        out: list[_Edit] = []
        for number, hunk in enumerate(() if diff.binary else diff.hunks, 1):
            edit = _edit(hunk)
            old_end, new_end = (out[-1].old_end, out[-1].new_end) if out else (1, 1)
            if max(edit.old_end, edit.new_end) > self._last_line:
                self._report(ProblemKind.TOO_LARGE, diff.path, f"hunk {number} is beyond line {self._last_line}")
            elif edit.old_at < old_end or edit.new_at < new_end:
                self._report(ProblemKind.MALFORMED, diff.path, f"hunk {number} overlaps the one before; left out")
            else:
                if edit.old_at - old_end != edit.new_at - new_end:
                    wrong = f"the line numbers of hunk {number} do not follow from the hunks before"
                    self._report(ProblemKind.MALFORMED, diff.path, wrong)
                out.append(edit)
        self._current = (diff, out)
        return out

    def _learn(self, diff: FileDiff, edits: list[_Edit]) -> _Known:
        """The state of ``diff.old`` with the before-image of the hunks added; the hunks win."""
        path = diff.old or diff.path
        known = self._known.get(path, _Known())
        seen = {n: text for edit in edits for n, text in enumerate(edit.old, edit.old_at)}
        end = edits[-1].old_end - 1 if edits else 0
        closed = bool(edits) and edits[-1].hunk.old_no_newline and bool(edits[-1].old)
        wrong = sorted(n for n, text in known.lines.items() if seen.get(n, text) != text or (closed and n > end))
        if wrong:
            known = _without(known, wrong)
            detail = f"line {wrong[0]} differs from what earlier patches show; the lines around it are forgotten"
            self._report(ProblemKind.PARTIAL, path, detail)
        if closed:
            known = replace(known, end=end, bare=True)
        elif known.end is not None and end > known.end:
            self._report(ProblemKind.PARTIAL, path, f"longer than the {known.end} lines that earlier patches leave")
            known = replace(known, end=None, bare=False)
        elif known.bare and end == known.end:
            known = replace(known, bare=False)
        headings = {edit.old_at: edit.hunk.section for edit in edits if edit.hunk.section}
        known = replace(known, lines=known.lines | seen, sections=known.sections | headings)
        self._known[path] = known
        return known

    def _image(self, path: str, known: _Known) -> SourceFile:
        size = sum(map(len, known.lines.values())) + max(known.lines, default=0)
        if size > self._left:
            self._report(ProblemKind.TOO_LARGE, path, "the rebuilt files are too large; this one is left out")
            known = _Known()
        else:
            self._left -= size
        return _source(path, known)

    def _report(self, kind: ProblemKind, path: str, detail: str) -> None:
        self.problems.append(Problem(kind, path, detail))


def _edit(hunk: Hunk) -> _Edit:
    """An empty side names the line before the change, hence one more."""
    old = tuple(_encode(line) for line in hunk.lines if line[:1] != "+")
    new = tuple(_encode(line) for line in hunk.lines if line[:1] != "-")
    return _Edit(max(hunk.old_start + (not old), 1), max(hunk.new_start + (not new), 1), old, new, hunk)


def _encode(line: str) -> bytes:
    return line[1:].encode("utf-8", "surrogateescape")


def _without(known: _Known, wrong: Iterable[int]) -> _Known:
    """Without the unbroken runs of known lines that hold the wrong ones."""
    lines = dict(known.lines)
    dropped: set[int] = set()
    for number in wrong:
        for step in (-1, 1):
            at = number if step < 0 else number + 1
            while at in lines:
                del lines[at]
                dropped.add(at)
                at += step
    sections = {n: text for n, text in known.sections.items() if n not in dropped}
    return _Known(lines, sections)


def _apply(known: _Known, edits: list[_Edit], last_line: int) -> _Known:
    """The state after the hunks: known lines between them move, section headings with their lines."""
    if not edits:
        return known
    moves = _Moves(edits)
    placed = ((moves.outside(number), text) for number, text in known.lines.items())
    lines = {place: text for place, text in placed if place is not None and 0 < place <= last_line}
    lines |= {n: text for edit in edits for n, text in enumerate(edit.new, edit.new_at)}
    headed = ((moves.any(number), text) for number, text in sorted(known.sections.items()))
    sections = {place: text for place, text in headed if 0 < place <= last_line}
    sections |= {edit.new_at: edit.hunk.section for edit in edits if edit.hunk.section}
    last = edits[-1]
    if last.hunk.new_no_newline and last.new:
        return _Known(lines, sections, last.new_end - 1, True)
    if known.end is None:
        return _Known(lines, sections)
    return _Known(lines, sections, known.end + last.new_end - last.old_end, known.bare and last.old_end <= known.end)


class _Moves:
    """Where lines of the before-image stand in the after-image."""

    def __init__(self, edits: list[_Edit]) -> None:
        self._edits = edits
        self._starts = [edit.old_at for edit in edits]

    def _edit_before(self, number: int) -> _Edit | None:
        """The last hunk that begins at or above the line (an insertion at the line stands above it)."""
        at = bisect_right(self._starts, number)
        return self._edits[at - 1] if at else None

    def outside(self, number: int) -> int | None:
        """The new number of a line that no hunk shows, else None."""
        edit = self._edit_before(number)
        if edit is None:
            return number
        return None if number < edit.old_end else number + edit.new_end - edit.old_end

    def any(self, number: int) -> int:
        """The new number of a line; for a removed line that of the next line kept."""
        edit = self._edit_before(number)
        if edit is None or number >= edit.old_end:
            return self.outside(number) or number
        old, new = edit.old_at, edit.new_at
        for line in edit.hunk.lines:
            if old >= number and line[:1] != "+":
                break
            old += line[:1] != "+"
            new += line[:1] != "-"
        return new


def _source(path: str, known: _Known) -> SourceFile:
    numbers = sorted(known.lines)
    holes: list[tuple[int, int]] = []
    rows: list[bytes] = []
    for number in numbers:
        gap = number - len(rows) - 1
        if gap:
            holes.append((len(rows) + 1, number - 1))
            rows.extend([b""] * gap)
        rows.append(known.lines[number])
    if known.end is None:
        holes.append((len(rows) + 1, _UNTIL_END))
    elif known.end > len(rows):
        holes.append((len(rows) + 1, known.end))
    text = b"\n".join(rows)
    if rows and not (known.bare and known.end == len(rows)):
        text += b"\n"
    return SourceFile(path, text, tuple(holes), tuple(sorted(known.sections.items())))
