"""Where something stands in a tree."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file of the tree; path is relative to the tree, lines and columns count from 1.

    ``line`` 0 means the whole file (or mail).
    """

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@cache
def covers(patterns: tuple[str, ...], path: str) -> bool:
    """Whether a path matches one of some shell patterns, in which ``*`` also stands for folders."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)
