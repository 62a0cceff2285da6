"""Files rebuilt from hunks alone: every known line at its line number, holes between (DESIGN D3).

What a later patch shows of a file is taken back through the patches in between, so that the states of a series know
the same parts of it: a state differs from the one before by its patch, not by what happened to be shown by then.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.series.types import FileDiff, FileStatus, Hunk
from analyzer.tree.snapshot import SourceFile

_HEADING = re.compile(r"[A-Za-z_][^;=]*\(")  # the first line of the heading of a function
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
    """What the diffs tell of each file; ``before`` then ``after`` for each diff in order.

    ``problems`` grows as knowledge is contradicted or left out.
    """

    def __init__(self, limits: Limits = DEFAULT, coming: Sequence[FileDiff] = ()) -> None:
        """Nothing is known but what the ``coming`` diffs, in their order and none missing, will show."""
        self.problems: list[Problem] = []
        self._known: dict[str, _Known] = {}
        self._coming = coming
        self._limits = limits
        self._last_line = limits.file_bytes // _BYTES_PER_LINE
        self._left = limits.input_bytes  # bytes of images that may still be made
        self._current: tuple[FileDiff, list[_Edit]] | None = None

    @cached_property
    def _ahead(self) -> dict[int, _Ahead]:
        """For each diff (by ``id``): the series read from its end, each diff turned round."""
        back = Rebuilt(self._limits)
        out: dict[int, _Ahead] = {}
        for diff in reversed(self._coming):
            after = back.of(diff.new)
            back.absorb(_turned(diff))
            out[id(diff)] = _Ahead(_Known() if diff.status is FileStatus.COPIED else back.of(diff.old), after)
        return out

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

    def of(self, path: str | None) -> _Known:
        """What is known of a file now."""
        return self._known.get(path or "", _Known())

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
        known = _joined(_apply(known, edits, self._last_line), self._ahead.get(id(diff), _NOTHING).after)
        self._known[diff.new] = known
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
        known = self.of(path)
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
        self._known[path] = known = _joined(known, self._ahead.get(id(diff), _NOTHING).before)
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


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What a diff and those behind it show of its file before it, and those behind it of its file after it."""

    before: _Known
    after: _Known


_NOTHING = _Ahead(_Known(), _Known())


_TURNED = {
    FileStatus.ADDED: FileStatus.DELETED,
    FileStatus.COPIED: FileStatus.DELETED,
    FileStatus.DELETED: FileStatus.ADDED,
}
_OTHER = {"+": "-", "-": "+"}


def _turned(diff: FileDiff) -> FileDiff:
    """From the after-image to the before-image; what is known of a copy is not known of the file it was taken from."""
    status = _TURNED.get(diff.status, diff.status)
    new = None if status is FileStatus.DELETED else diff.old
    return replace(diff, old=diff.new, new=new, status=status, hunks=tuple(map(_turned_hunk, diff.hunks)))


def _turned_hunk(hunk: Hunk) -> Hunk:
    turned = [_OTHER.get(line[:1], line[:1]) + line[1:] for line in hunk.lines]
    runs = [list(run) for _, run in groupby(turned, lambda line: line[:1] in _OTHER)]
    return Hunk(
        old_start=hunk.new_start,
        old_count=hunk.new_count,
        new_start=hunk.old_start,
        new_count=hunk.old_count,
        section=hunk.section,
        lines=tuple(line for run in runs for line in sorted(run, key=lambda line: line[:1] == "+")),  # removed first
        old_no_newline=hunk.new_no_newline,
        new_no_newline=hunk.old_no_newline,
    )


def _joined(known: _Known, more: _Known) -> _Known:
    """With what else is known, unless that contradicts."""
    ends = {end for end in (known.end, more.end) if end is not None}
    last = max((*known.lines, *more.lines), default=0)
    if len(ends) > 1 or any(last > end for end in ends):
        return known
    if any(known.lines.get(number, text) != text for number, text in more.lines.items()):
        return known
    end = known.end if more.end is None else more.end
    return _Known(known.lines | more.lines, known.sections | more.sections, end, known.bare or more.bare)


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
    headed = [(moves.any(number), text) for number, text in sorted(known.sections.items())]
    headed += [(edit.new_at, edit.hunk.section) for edit in edits if edit.hunk.section]
    names = _renamed(edits)
    sections = {place: _named(text, names) for place, text in headed if 0 < place <= last_line}
    last = edits[-1]
    if last.hunk.new_no_newline and last.new:
        return _Known(lines, sections, last.new_end - 1, True)
    if known.end is None:
        return _Known(lines, sections)
    return _Known(lines, sections, known.end + last.new_end - last.old_end, known.bare and last.old_end <= known.end)


def _renamed(edits: list[_Edit]) -> dict[str, str]:
    """The headings of functions that the hunks change, as they were and as they are."""
    found: dict[str, str] = {}
    for edit in edits:
        old = ""
        for line in edit.hunk.lines:
            if line[:1] == "-" and _HEADING.match(line[1:]):
                old = line[1:]
            elif line[:1] == "+" and old and _HEADING.match(line[1:]):
                found[old], old = line[1:], ""
    return found


def _named(section: str, renamed: dict[str, str]) -> str:
    """A section text as it is behind the diff, which names it as it was."""
    return next((new for old, new in renamed.items() if old.startswith(section)), section)


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
