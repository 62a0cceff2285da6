"""Unified diffs: an LF-only parser that believes hunk counts, not prefixes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.series.lines import added_lines, format_diff, line_map
from analyzer.series.names import NULL, bare, header_names, hostile, plain, same_file, strip_pair
from analyzer.series.types import FileDiff, FileStatus, Hunk

__all__ = ["DiffText", "added_lines", "format_diff", "line_map", "parse_diff", "read_diff"]

_RANGE = r"([0-9]{1,9})(?:,([0-9]{1,9}))?"
_HUNK = re.compile(rf"@@ -{_RANGE} \+{_RANGE} @@ ?([^\n]*)")
_EXTENDED = re.compile(
    r"(old mode|new mode|deleted file mode|new file mode|rename from|rename to|rename old|rename new|copy from|copy to"
    r"|similarity index|dissimilarity index|index) (.*)",
    re.DOTALL,
)
_INDEX = re.compile(r"([0-9a-f]{4,64})(?:,[0-9a-f]+)*\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?\s*\Z")
_BLOCK = re.compile(r"(?:literal|delta) [0-9]+\s*\Z")
_SIGNATURE = ("-- ", "--", "---", "--- ")


@dataclass(frozen=True, slots=True)
class DiffText:
    """A text read for diffs. ``outside`` are the (0-based number, line) that no file diff has claimed."""

    files: tuple[FileDiff, ...]
    problems: tuple[Problem, ...]
    outside: tuple[tuple[int, str], ...]


def parse_diff(text: str, limits: Limits = DEFAULT) -> tuple[tuple[FileDiff, ...], list[Problem]]:
    """The file diffs of a text, prose around them skipped as git apply does; what is broken is read as far as it goes.

    Files with hostile names (absolute, ``..``, inside ``.git``), context diffs and merges are left out with a Problem.
    """
    read = read_diff(text, limits)
    return read.files, list(read.problems)


def read_diff(text: str, limits: Limits = DEFAULT) -> DiffText:
    """As parse_diff, with the lines outside every file diff."""
    parser = _Parser(text, limits)
    parser.run()
    return DiffText(tuple(parser.files), tuple(parser.problems), tuple(parser.outside))


@dataclass(slots=True)
class _Header:
    """What the lines above the hunks of one file say."""

    line: int
    git: bool
    names: tuple[str, str] | None = None
    moved_from: str = ""
    moved_to: str = ""
    status: FileStatus = FileStatus.MODIFIED
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""
    similarity: int | None = None
    binary: bool = False

    def read(self, key: str, value: str) -> None:
        """One extended header line of git."""
        kind = key.partition(" ")[0]
        if key == "index":
            self._read_index(value)
        elif kind == "similarity":
            digits = value.rstrip().removesuffix("%")
            self.similarity = int(digits) if re.fullmatch(r"[0-9]{1,3}", digits) else None
        elif kind in {"rename", "copy"}:
            self.status = FileStatus.RENAMED if kind == "rename" else FileStatus.COPIED
            if key.endswith(("from", "old")):
                self.moved_from = bare(value)
            else:
                self.moved_to = bare(value)
        elif key in {"old mode", "deleted file mode"}:
            self.old_mode = value.strip()[:6]
            self.status = FileStatus.DELETED if kind == "deleted" else self.status
        elif kind == "new":
            self.new_mode = value.strip()[:6]
            self.status = FileStatus.ADDED if key == "new file mode" else self.status

    def name_sides(self, old: str, new: str) -> None:
        """Takes the names in git's ``---`` and ``+++`` lines, ``""`` where absent."""
        if NULL in {old, new}:
            self.void((old, new))
            # Beside /dev/null only the first line tells whether there are prefixes.
            named = new if old == NULL else old
            if not self.names or (named and named not in self.names):
                self.names = old, new
        elif old and new:
            self.names = old, new

    def void(self, names: tuple[str, str]) -> None:
        """Takes /dev/null on one side as the word for a new or deleted file."""
        if self.status is FileStatus.MODIFIED:
            self.status = FileStatus.ADDED if names[0] == NULL else FileStatus.DELETED

    def _read_index(self, value: str) -> None:
        match = _INDEX.match(value)
        if match:
            self.old_blob, self.new_blob = match[1], match[2]
            if match[3]:
                self.old_mode = self.new_mode = match[3]

    def paths(self) -> tuple[str | None, str | None]:
        """(old, new) without prefixes; settles the status of a diff without git's own words for it."""
        if self.moved_from and self.moved_to:
            return self.moved_from, self.moved_to
        old, new = strip_pair(*self.names) if self.names else (None, None)
        if self.names and NULL in self.names:
            self.void(self.names)
        if not self.git and old is not None and new is not None and old != new:
            old = new = same_file(old, new)
        if self.status is FileStatus.ADDED:
            return None, new
        return (old, None) if self.status is FileStatus.DELETED else (old, new)


class _Parser:
    """One pass over the lines of a text; ``at`` is the line to read next."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.at = 0
        self.limits = limits
        self.room = limits.hunk_lines
        self.files: list[FileDiff] = []
        self.problems: list[Problem] = []
        self.outside: list[tuple[int, str]] = []

    def run(self) -> None:
        lines, end = self.lines, len(self.lines)
        while self.at < end:
            line = lines[self.at]
            if line.startswith("diff --git "):
                self._git_file()
            elif line.startswith("--- ") and self._plain_ahead(self.at):
                self._plain_file()
            else:
                self._skip(line)
            if len(self.files) >= self.limits.files or self.room <= 0:
                self._lose(self.at, "", "diff over the limits; the rest is left out", ProblemKind.TOO_LARGE)
                return

    def _lose(self, at: int, path: str, detail: str, kind: ProblemKind = ProblemKind.MALFORMED) -> None:
        self.problems.append(Problem(kind, path or "diff", f"line {at + 1}: {detail}"))

    def _peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.lines[at] if at < len(self.lines) else ""

    def _plain_ahead(self, at: int) -> bool:
        below = self.lines[at + 1 : at + 3]
        return len(below) == 2 and below[0].startswith("+++ ") and _HUNK.match(below[1]) is not None

    def _skip(self, line: str) -> None:
        if line.startswith(("diff --cc ", "diff --combined ")):
            self._lose(self.at, line.partition(" ")[2][:200], "a merge (combined diff) cannot be read as a patch")
        elif line.startswith("@@ -") and _HUNK.match(line):
            self._lose(self.at, "", "hunk without a file header")
        elif line == "***************" and self.at and self._peek(1).startswith("*** "):
            self._lose(self.at, "", "context diff; a unified diff is needed")
        self.outside.append((self.at, line))
        self.at += 1

    def _git_file(self) -> None:
        header = _Header(self.at, git=True, names=header_names(self._peek()[len("diff --git ") :]))
        self.at += 1
        sides = ["", ""]
        while True:
            line = self._peek()
            match = _EXTENDED.match(line)
            if match:
                header.read(match[1], match[2])
            elif line.startswith(("--- ", "+++ ")):
                sides[line[0] == "+"] = bare(line[4:])
            else:
                break
            self.at += 1
        header.name_sides(sides[0], sides[1])
        if self._peek().startswith(("GIT binary patch", "Binary files ")):
            header.binary = True
            self._skip_binary()
        self._finish(header)

    def _plain_file(self) -> None:
        header = _Header(self.at, git=False, names=(plain(self._peek()[4:]), plain(self._peek(1)[4:])))
        self.at += 2
        self._finish(header)

    def _skip_binary(self) -> None:
        """Over ``Binary files ... differ``, or the one or two base-85 blocks of a binary patch."""
        self.at += 1
        while _BLOCK.match(self._peek()):
            self.at += 1
            while self._peek()[:1].isalpha():
                self.at += 1
            if self.at < len(self.lines) and not self._peek().strip():
                self.at += 1

    def _finish(self, header: _Header) -> None:
        """Reads the hunks and keeps the file, if its names may be used and it changes something."""
        old, new = header.paths()
        path = new if new is not None else old
        hunks = () if header.binary else tuple(self._hunks(path or ""))
        where = path or "diff"
        reason = next((hostile(name) for name in (old, new) if name is not None and hostile(name)), "")
        if path is None:
            self._lose(header.line, "", "file names cannot be read; the file is left out")
        elif reason:
            self._lose(header.line, ascii(where)[1:-1][:200], f"{reason}; the file is left out")
        elif not self._changes(header, hunks):
            self._lose(header.line, where, "file header without a change; the file is left out")
        else:
            if not hunks and self._announces(header):
                self._lose(header.line, where, "no hunk where one is announced")
            self.files.append(
                FileDiff(
                    old, new, header.status, hunks, header.binary, header.old_mode, header.new_mode,
                    header.old_blob, header.new_blob, header.similarity,
                )
            )  # fmt: skip

    @staticmethod
    def _changes(header: _Header, hunks: tuple[Hunk, ...]) -> bool:
        said = header.old_mode or header.new_mode or header.old_blob or header.binary
        return bool(hunks or said or header.status is not FileStatus.MODIFIED)

    @staticmethod
    def _announces(header: _Header) -> bool:
        """Whether the blob ids differ, so that text must have changed."""
        kept = header.status not in {FileStatus.ADDED, FileStatus.DELETED}
        return kept and not header.binary and header.old_blob != header.new_blob

    def _hunks(self, path: str) -> list[Hunk]:
        """The hunks at this place; after a broken one the next ``@@`` of the same file is looked for."""
        hunks: list[Hunk] = []
        broken = False
        while self.at < len(self.lines) and self.room > 0:
            line = self._peek()
            match = _HUNK.match(line)
            if match:
                hunk, broken = self._hunk(match, path)
                if hunk:
                    hunks.append(hunk)
            elif line.startswith("@@ "):
                self._lose(self.at, path, "broken hunk header")
                broken = True
                self.at += 1
            elif broken and not self._starts_file(line):
                self.outside.append((self.at, line))
                self.at += 1
            else:
                break
        return hunks

    def _starts_file(self, line: str) -> bool:
        return line.startswith(("diff -", "Index: ")) or (line.startswith("--- ") and self._plain_ahead(self.at))

    def _hunk(self, match: re.Match[str], path: str) -> tuple[Hunk | None, bool]:
        """(hunk, whether it was cut short) at this place."""
        start = self.at
        old_start, new_start = int(match[1]), int(match[3])
        old, new = int(match[2] or 1), int(match[4] or 1)
        got, ends, rest_old, rest_new = self._hunk_lines(old, new)
        cut = rest_old > 0 or rest_new > 0
        if cut:
            self._lose(start, path, f"hunk cut short or counted wrong: {rest_old} old, {rest_new} new lines missing")
            old, new = old - rest_old, new - rest_new
        elif self._peek()[:1] in {"+", "-"} and not self._ends_hunks():
            self._lose(self.at, path, "lines beyond the count of the hunk above; they are left out")
        if not got:
            return None, cut
        section = match[5].rstrip("\r")
        return Hunk(old_start, old, new_start, new, section, tuple(got), ends[0], ends[1]), cut

    def _ends_hunks(self) -> bool:
        line = self._peek()
        return line in _SIGNATURE or line.rstrip("\r") in _SIGNATURE or self._starts_file(line)

    def _hunk_lines(self, old: int, new: int) -> tuple[list[str], list[bool], int, int]:
        """(lines, [old side, new side without LF], old and new lines still missing); leaves ``at`` behind the hunk."""
        lines, i = self.lines, self.at + 1
        end = min(len(lines), i + self.room)
        got: list[str] = []
        ends = [False, False]
        while i < end:
            line = lines[i]
            mark = line[:1] or " "
            if mark == "\\" and got:
                ends[0] |= got[-1][0] != "+"
                ends[1] |= got[-1][0] != "-"
                i += 1
                continue
            takes_old, takes_new = mark in " -", mark in " +"
            if not (takes_old or takes_new) or (takes_old and old <= 0) or (takes_new and new <= 0):
                break
            old -= takes_old
            new -= takes_new
            if ends[0] or ends[1]:
                ends = [ends[0] and not takes_old, ends[1] and not takes_new]
            got.append(line or " ")
            i += 1
        self.room -= len(got)
        self.at = i
        return got, ends, old, new
