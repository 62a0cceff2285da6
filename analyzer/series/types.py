"""The values of a series: Hunk, FileDiff, Patch, Series."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyzer.core.problem import Problem
from analyzer.mail.types import Message


class FileStatus(StrEnum):
    """What a diff does to a file."""

    MODIFIED = "modified"
    ADDED = "added"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk. ``lines`` keep their first character (`` ``, ``-``, ``+``), without the line end.

    Starts count from 1 (0 for an empty side, as in ``@@ -0,0 +1,3 @@``). ``section`` is the text after
    the second ``@@``. ``old_no_newline``/``new_no_newline``: the last line of that side has no LF.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[str, ...]
    old_no_newline: bool = False
    new_no_newline: bool = False

    def old_lines(self) -> list[tuple[int, str]]:
        """(line number, text) of the before-image."""
        out, number = [], self.old_start
        for line in self.lines:
            if line[:1] != "+":
                out.append((number, line[1:]))
                number += 1
        return out

    def new_lines(self) -> list[tuple[int, str]]:
        """(line number, text) of the after-image."""
        out, number = [], self.new_start
        for line in self.lines:
            if line[:1] != "-":
                out.append((number, line[1:]))
                number += 1
        return out


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a diff. ``old``/``new`` are paths without ``a/``, ``b/``; None for /dev/null."""

    old: str | None
    new: str | None
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""  # abbreviated ids of the ``index`` line
    new_blob: str = ""
    similarity: int | None = None

    @property
    def path(self) -> str:
        """The path in the after-image, or in the before-image of a deletion."""
        return self.new if self.new is not None else (self.old or "")


@dataclass(frozen=True, slots=True)
class Trailer:
    """One trailer line, unfolded, order kept."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One member of a series.

    ``index`` is the number in the subject (n of n/m), or the position in a revision range, from 1.
    ``label`` is that number as written (``5.5``, ``05a``). ``log`` is the commit message without trailers'
    and cut lines removed: the text above ``---``. ``message`` is None for a commit of a revision range.
    """

    index: int
    label: str
    title: str
    log: str
    author: str
    trailers: tuple[Trailer, ...]
    files: tuple[FileDiff, ...]
    message: Message | None = None
    commit: str = ""
    notes: str = ""  # the text between ``---`` and the diff

    @property
    def message_id(self) -> str:
        """Without brackets; ``""`` for a commit."""
        return self.message.id if self.message else ""


@dataclass(frozen=True, slots=True)
class BaseHint:
    """What the mails say about the base: exact hashes only, never guessed."""

    base_commit: str = ""
    prerequisite_patch_ids: tuple[str, ...] = ()
    prerequisite_commits: tuple[str, ...] = ()
    change_id: str = ""
    based_on: tuple[str, ...] = ()  # message-ids of ``Based-on:``/``Depends-on:``


@dataclass(frozen=True, slots=True)
class Series:
    """The patches of one revision, in order; what is missing or odd is in ``problems``.

    ``id`` is the change-id, else the cover's message-id, else that of the first patch, else the range.
    ``revision`` is as written without the ``v`` (``"3"``, ``"3.1"``, ``"1"`` when unmarked).
    """

    id: str
    revision: str
    title: str
    cover: Message | None
    patches: tuple[Patch, ...]
    base: BaseHint
    total: int | None = None
    rfc: bool = False
    problems: tuple[Problem, ...] = ()
