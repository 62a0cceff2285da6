"""Snapshot: one state of the tree, read only; SourceFile: one file of it, perhaps with holes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from analyzer.core.problem import Problem


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a snapshot.

    ``holes`` are inclusive line ranges whose text is unknown (they stand as empty lines in ``text``, so
    line numbers are right). ``sections`` are (line, text) pairs: the function heading that a hunk header
    gave for the hunk that starts at that line. A whole file has neither.
    """

    path: str
    text: bytes
    holes: tuple[tuple[int, int], ...] = ()
    sections: tuple[tuple[int, str], ...] = ()

    @property
    def partial(self) -> bool:
        """Whether parts of the file are unknown."""
        return bool(self.holes)

    @property
    def digest(self) -> str:
        """Hash of everything an analysis can see of the file."""
        seen = hashlib.sha1(self.text, usedforsecurity=False)
        seen.update(repr((self.path, self.holes, self.sections)).encode())
        return seen.hexdigest()


class Files(Protocol):
    """Where whole files come from: a git commit or a plain directory."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None when there is no such file."""
        ...

    def paths(self, prefixes: Iterable[str]) -> list[str]:
        """All files below any of the prefixes (a prefix may be a file), sorted."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """One state of the tree: ``files`` (None without a tree) under an ``overlay`` of changed files.

    An overlay value of None is a deleted file.
    """

    label: str  # "base", "patch 3", "tree"
    files: Files | None
    overlay: Mapping[str, SourceFile | None] = field(default_factory=dict)
    commit: str = ""
    problems: tuple[Problem, ...] = ()

    def read(self, path: str) -> SourceFile | None:
        """The file at ``path``, or None when there is none (or nothing is known of it)."""
        if path in self.overlay:
            return self.overlay[path]
        if self.files is None:
            return None
        text = self.files.read(path)
        return None if text is None else SourceFile(path, text)

    def paths(self, prefixes: Iterable[str]) -> list[str]:
        """All known files below any of the prefixes, sorted."""
        wanted = tuple(prefixes)
        found = set(self.files.paths(wanted)) if self.files is not None else set()
        for path, source in self.overlay.items():
            if any(path == p or path.startswith(p.rstrip("/") + "/") for p in wanted):
                (found.discard if source is None else found.add)(path)
        return sorted(found)


def sources(paths: Iterable[str]) -> list[str]:
    """The C files among some paths."""
    return [p for p in paths if p.endswith((".c", ".h"))]
