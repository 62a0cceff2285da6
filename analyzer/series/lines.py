"""Diffs written out, and line numbers carried over them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from analyzer.series.names import NULL, quote
from analyzer.series.types import FileDiff, FileStatus, Hunk

_NO_NEWLINE = "\\ No newline at end of file"


def format_diff(files: Iterable[FileDiff]) -> str:
    """The diff as git writes it (``diff -u`` for a new or deleted file without mode); parse_diff gives the files back.

    The content of binary patches is not kept, so they come out as ``Binary files ... differ``.
    """
    lines = [line for diff in files for line in _file_lines(diff)]
    return "".join(f"{line}\n" for line in lines)


def line_map(diff: FileDiff) -> Callable[[int], int | None]:
    """Old line number (from 1) to new one; None for a deleted line and everywhere in an added or deleted file."""
    if diff.status in {FileStatus.ADDED, FileStatus.DELETED}:
        return lambda line: None
    inside: dict[int, int | None] = {}
    starts: list[int] = []  # first old line behind each hunk
    shifts: list[int] = []
    for hunk in sorted(diff.hunks, key=lambda h: h.old_start):
        old, new = _first(hunk.old_start, hunk.old_count), _first(hunk.new_start, hunk.new_count)
        for line in hunk.lines:
            mark = line[:1]
            if mark != "+":
                inside[old] = None if mark == "-" else new
                old += 1
            new += mark != "-"
        starts.append(old)
        shifts.append(new - old)

    def new_line(line: int) -> int | None:
        if line in inside:
            return inside[line]
        at = bisect_right(starts, line)
        return line + (shifts[at - 1] if at else 0)

    return new_line


def added_lines(diff: FileDiff, image: Sequence[str] = ()) -> frozenset[int]:
    """The new line numbers of the ``+`` lines, where they stand in ``image``: the lines of the file after the patch."""
    return frozenset(_added(diff.hunks, image))


def _added(hunks: tuple[Hunk, ...], image: Sequence[str]) -> Iterator[int]:
    for hunk in hunks:
        number = _place(hunk, _first(hunk.new_start, hunk.new_count), image)
        for line in hunk.lines:
            mark = line[:1]
            if mark == "+":
                yield number
            number += mark != "-"


def _place(hunk: Hunk, wanted: int, image: Sequence[str]) -> int:
    """Where what a hunk leaves stands, next to the place that it names."""
    new = [line[1:] for line in hunk.lines if line[:1] != "-"]
    heads = (n for n, line in enumerate(image, 1) if new and line == new[0])
    places = sorted(heads, key=lambda n: (abs(n - wanted), n))
    return next((n for n in places if list(image[n - 1 : n - 1 + len(new)]) == new), wanted)


def _first(start: int, count: int) -> int:
    """The line a range begins at; an empty range names the line in front of it."""
    return start if count else start + 1


def _file_lines(diff: FileDiff) -> Iterator[str]:
    old = f"a/{diff.old}" if diff.old is not None else NULL
    new = f"b/{diff.new}" if diff.new is not None else NULL
    is_plain = diff.status in {FileStatus.ADDED, FileStatus.DELETED} and not (diff.old_mode or diff.new_mode)
    if is_plain:
        yield ""  # keeps the names apart from a header without hunks above
    else:
        yield f"diff --git {quote(f'a/{diff.old or diff.new}')} {quote(f'b/{diff.new or diff.old}')}"
        yield from _extended(diff)
    if diff.binary:
        yield f"Binary files {quote(old)} and {quote(new)} differ"
    elif diff.hunks:
        yield f"--- {_ended(old)}"
        yield f"+++ {_ended(new)}"
        for hunk in diff.hunks:
            yield from _hunk_lines(hunk)


def _extended(diff: FileDiff) -> Iterator[str]:
    blobs = f"index {diff.old_blob}..{diff.new_blob}" if diff.old_blob else ""
    if diff.status is FileStatus.ADDED:
        yield f"new file mode {diff.new_mode}"
    elif diff.status is FileStatus.DELETED:
        yield f"deleted file mode {diff.old_mode}"
    elif blobs and diff.old_mode == diff.new_mode != "":
        blobs += f" {diff.new_mode}"
    else:
        if diff.old_mode:
            yield f"old mode {diff.old_mode}"
        if diff.new_mode:
            yield f"new mode {diff.new_mode}"
    if diff.similarity is not None:
        yield f"similarity index {diff.similarity}%"
    if diff.status in {FileStatus.RENAMED, FileStatus.COPIED}:
        word = "rename" if diff.status is FileStatus.RENAMED else "copy"
        yield f"{word} from {quote(diff.old or '')}"
        yield f"{word} to {quote(diff.new or '')}"
    if blobs:
        yield blobs


def _ended(name: str) -> str:
    """git puts a tab behind a name with a blank, so that no timestamp is read into it."""
    text = quote(name)
    return f"{text}\t" if " " in name and text == name else text


def _hunk_lines(hunk: Hunk) -> Iterator[str]:
    section = f" {hunk.section}" if hunk.section else ""
    yield f"@@ -{_range(hunk.old_start, hunk.old_count)} +{_range(hunk.new_start, hunk.new_count)} @@{section}"
    last_old = max((i for i, line in enumerate(hunk.lines) if line[:1] != "+"), default=-1)
    last_new = max((i for i, line in enumerate(hunk.lines) if line[:1] != "-"), default=-1)
    for i, line in enumerate(hunk.lines):
        yield line
        if (hunk.old_no_newline and i == last_old) or (hunk.new_no_newline and i == last_new):
            yield _NO_NEWLINE


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"
