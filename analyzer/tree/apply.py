"""Apply one file's diff in memory, as ``git apply`` does, without fuzz."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.series.types import FileDiff, FileStatus, Hunk

_WORK = 5_000_000  # lines compared per file before the search for a hunk is given up


class ApplyError(Exception):
    """A diff that does not apply.

    ``hunk_number`` counts from 1; 0 means the file as a whole. ``already`` is True when the change is in the
    file already.
    """

    def __init__(self, path: str, hunk_number: int, reason: str, already: bool = False) -> None:
        """``reason`` is a short clause without the path."""
        super().__init__(f"{path}: hunk {hunk_number}: {reason}" if hunk_number else f"{path}: {reason}")
        self.path = path
        self.hunk_number = hunk_number
        self.reason = reason
        self.already = already


def apply_file(text: bytes | None, diff: FileDiff) -> bytes | None:
    """The file after the diff; ``text`` is the file at ``diff.old`` (None when there is none).

    None is a deleted file. A hunk goes where its context and removed lines match exactly: at its line, or at
    the nearest other place. Raises ApplyError.
    """
    before = _before(text, diff)
    image = _Image(before, diff)
    for number, hunk in enumerate(diff.hunks, 1):
        image.apply(number, hunk)
    after = b"".join(image.lines)
    if diff.status is not FileStatus.DELETED:
        return after
    if after:
        raise ApplyError(diff.path, 0, "the deletion leaves lines of the file behind")
    return None


def _before(text: bytes | None, diff: FileDiff) -> bytes:
    """The text that the hunks are for, or ApplyError for a diff that is no edit of a text."""
    if diff.binary:
        raise ApplyError(diff.path, 0, "binary diff")
    if any(mode.startswith(("12", "16")) for mode in (diff.old_mode, diff.new_mode)):
        raise ApplyError(diff.path, 0, "symbolic link or submodule")
    if diff.status is FileStatus.ADDED:
        if text is None:
            return b""
        already = text == b"".join(_side(diff.hunks[0], "-") if len(diff.hunks) == 1 else ())
        raise ApplyError(diff.path, 0, "already applied" if already else "the new file exists already", already)
    if text is None:
        gone = diff.status is FileStatus.DELETED
        raise ApplyError(diff.path, 0, "the file does not exist" + (" any more" if gone else ""), gone)
    return text


class _Image:
    """The lines of a file (with their line ends) while hunks are applied."""

    def __init__(self, text: bytes, diff: FileDiff) -> None:
        self.lines = _split(text)
        self._path = diff.path
        self._fresh = [False] * len(self.lines)  # lines an earlier hunk of this diff put there
        self._work = 0
        # A mail transport turns CRLF to LF in a whole mail, so a patch of a CRLF file comes without CR.
        mixed = any(line.endswith("\r") for hunk in diff.hunks for line in hunk.lines)
        self._add_cr = not mixed and bool(self.lines) and all(line.endswith(b"\r\n") for line in self.lines)

    def apply(self, number: int, hunk: Hunk) -> None:
        """Put one hunk in place, or raise ApplyError."""
        old, new = self._sides(hunk)
        if not old and hunk.old_count:
            raise ApplyError(self._path, number, "the hunk is incomplete")
        wanted = max(hunk.new_start - 1, 0)
        if hunk.new_count == 0 and hunk.new_start:
            wanted = hunk.new_start  # "+n,0" names the line before the removed ones
        anchors = _anchors(hunk)
        place = self._find(number, old, wanted, anchors)
        if place is None:
            raise self._failure(number, (old, new), wanted, anchors)
        self.lines[place : place + len(old)] = new
        self._fresh[place : place + len(old)] = [True] * len(new)

    def _sides(self, hunk: Hunk) -> tuple[list[bytes], list[bytes]]:
        old, new = _side(hunk, "+"), _side(hunk, "-")
        if self._add_cr:
            old, new = ([_with_cr(line) for line in side] for side in (old, new))
        return old, new

    def _find(self, number: int, old: list[bytes], wanted: int, anchors: _Anchors) -> int | None:
        """The nearest place, forward first at equal distance, or None; as find_pos() of git's apply.c."""
        last = len(self.lines) - len(old)
        if last < 0 or (anchors.start and anchors.end and last):
            return None
        if anchors.only_place is not None:
            place = {"start": 0, "end": last, "line": wanted}[anchors.only_place]
            return place if place <= last and self._matches(place, old) else None
        start = min(wanted, last)
        for distance in range(max(last - start, start) + 1):
            for place in (start + distance, start - distance):
                if 0 <= place <= last and self._matches(place, old):
                    return place
            if self._work > _WORK:
                raise ApplyError(self._path, number, "the search for its place was given up")
        return None

    def _matches(self, place: int, old: list[bytes]) -> bool:
        if not old:
            return True
        self._work += 1
        if self.lines[place] != old[0]:
            return False
        self._work += len(old)
        return self.lines[place : place + len(old)] == old and not any(self._fresh[place : place + len(old)])

    def _failure(
        self, number: int, sides: tuple[list[bytes], list[bytes]], wanted: int, anchors: _Anchors
    ) -> ApplyError:
        old, new = sides
        try:
            done = bool(new) and self._find(number, new, wanted, anchors) is not None
        except ApplyError:
            done = False
        if done:
            return ApplyError(self._path, number, "already applied", already=True)
        for place, line in enumerate(old, wanted):
            if place >= len(self.lines):
                return ApplyError(self._path, number, f"the file ends at line {len(self.lines)}, before the hunk does")
            if self.lines[place] != line:
                return ApplyError(self._path, number, f"line {place + 1} differs, and the hunk fits nowhere else")
        where = "start" if anchors.start else "end"
        return ApplyError(self._path, number, f"the hunk belongs at the {where} of the file and does not fit there")


@dataclass(frozen=True, slots=True)
class _Anchors:
    """Whether a hunk must stand at the start or the end of the file (no context on that side)."""

    start: bool
    end: bool
    bare: bool  # no context on either side (``diff -U0``): only the line number tells its place

    @property
    def only_place(self) -> str | None:
        if self.start:
            return "start"
        if self.end:
            return "end"
        return "line" if self.bare else None


def _anchors(hunk: Hunk) -> _Anchors:
    kinds = [line[:1] for line in hunk.lines]
    leading = bool(kinds) and kinds[0] not in ("+", "-")
    trailing = bool(kinds) and kinds[-1] not in ("+", "-")
    start = hunk.old_start == 0 or (hunk.old_start == 1 and hunk.old_count > 0)
    return _Anchors(start, not trailing and (leading or start), not leading and not trailing)


def _split(text: bytes) -> list[bytes]:
    """Lines with their LF; only LF ends a line."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _side(hunk: Hunk, other: str) -> list[bytes]:
    """The lines of one side, as bytes with their LF; ``other`` marks the lines of the other side."""
    lines = [line[1:].encode("utf-8", "surrogateescape") + b"\n" for line in hunk.lines if line[:1] != other]
    bare = hunk.old_no_newline if other == "+" else hunk.new_no_newline
    if bare and lines:
        lines[-1] = lines[-1][:-1]
    return lines


def _with_cr(line: bytes) -> bytes:
    return line[:-1] + b"\r\n" if line.endswith(b"\n") else line
