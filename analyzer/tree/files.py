"""Files of a commit or of a folder, read by path; nothing outside the tree is ever read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind

_CACHE_BYTES = 64 * 1024 * 1024


class Objects(Protocol):
    """Where git objects come from."""

    def get(self, name: str) -> tuple[str, bytes | None] | None:
        """(type, content) of the object with that full hash; content None above the size limit."""
        ...


def is_safe(path: str) -> bool:
    """Whether a path from a diff may be looked up in a tree: relative, inside it, not in ``.git``, no NUL."""
    if not path or path.startswith("/") or "\0" in path:
        return False
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/"))


class _Cache:
    """Bytes read before, up to a total size; the same answer for the whole run."""

    def __init__(self) -> None:
        """Start empty."""
        self._held: dict[str, bytes | None] = {}
        self._size = 0

    def get(self, key: str, read: Callable[[str], bytes | None]) -> bytes | None:
        """What ``read(key)`` gave the first time."""
        if key in self._held:
            return self._held[key]
        data = read(key)
        self._size += len(data or b"")
        if self._size > _CACHE_BYTES:
            self._held.clear()
            self._size = len(data or b"")
        self._held[key] = data
        return data


class CommitFiles:
    """The regular files of one commit (Files protocol); symbolic links and submodules are not files.

    ``problems`` lists what could not be read or listed so far.
    """

    def __init__(self, objects: Objects, commit: str, limits: Limits) -> None:
        """``commit`` is a full hash."""
        self.commit = commit
        self.problems: list[Problem] = []
        self._objects = objects
        self._limits = limits
        self._folders: dict[str, dict[str, tuple[str, str]]] = {}
        self._cache = _Cache()

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None when there is no such file (or it is over the size limit)."""
        return self._cache.get(path, self._read)

    def _read(self, path: str) -> bytes | None:
        name = self.blob(path)
        if name is None:
            return None
        found = self._objects.get(name)
        if found is None:
            self.problems.append(Problem(ProblemKind.UNREADABLE, path, f"object {name} is not in this clone"))
            return None
        if found[1] is None:
            self.problems.append(Problem(ProblemKind.TOO_LARGE, path, f"over {self._limits.file_bytes} bytes"))
        return found[1]

    def blob(self, path: str) -> str | None:
        """The full blob hash of a regular file, or None."""
        if not is_safe(path):
            return None
        folder, _, name = path.rpartition("/")
        mode, blob = self._folder(folder).get(name, ("", ""))
        return blob if mode.startswith("100") else None

    def paths(self, prefixes: Iterable[str]) -> list[str]:
        """All files below any of the prefixes (a prefix may be a file; ``""`` is everything), sorted."""
        found: set[str] = set()
        for prefix in prefixes:
            place = prefix.rstrip("/")
            if self.blob(place) is not None:
                found.add(place)
            elif not place or is_safe(place):
                found.update(self._below(place, self._limits.files))
        if len(found) > self._limits.files:
            limit = f"more than {self._limits.files} files"
            self.problems.append(Problem(ProblemKind.TOO_LARGE, self.commit, limit))
        return sorted(found)[: self._limits.files]

    def _below(self, place: str, limit: int) -> list[str]:
        out: list[str] = []
        waiting = [place]
        while waiting and len(out) <= limit:
            folder = waiting.pop()
            for name, (mode, _) in self._folder(folder).items():
                path = f"{folder}/{name}" if folder else name
                if mode == "40000":
                    waiting.append(path)
                elif mode.startswith("100"):
                    out.append(path)
        return out

    def _folder(self, path: str) -> dict[str, tuple[str, str]]:
        """name -> (mode, hash) of a folder; empty when there is none. The root is ``""``."""
        known = self._folders.get(path)
        if known is None:
            known = self._folders[path] = self._entries(self._tree_of(path))
        return known

    def _tree_of(self, path: str) -> str:
        if path:
            parent, _, name = path.rpartition("/")
            mode, tree = self._folder(parent).get(name, ("", ""))
            return tree if mode == "40000" else ""
        commit = self._objects.get(self.commit)
        head = (commit[1] or b"").split(b"\n", 1)[0] if commit else b""
        return head[5:].decode("ascii", "replace") if head.startswith(b"tree ") else ""

    def _entries(self, tree: str) -> dict[str, tuple[str, str]]:
        found = self._objects.get(tree)
        data = (found[1] or b"") if found and found[0] == "tree" else b""
        out, at, width = {}, 0, len(tree) // 2
        while at < len(data):
            space, end = data.index(b" ", at), data.index(b"\0", at)
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            out[name] = (data[at:space].decode("ascii", "replace"), data[end + 1 : end + 1 + width].hex())
            at = end + 1 + width
        return out


class DirectoryFiles:
    """The files below a folder (Files protocol); a link that leaves the folder leads nowhere.

    ``problems`` lists what could not be read or listed so far.
    """

    def __init__(self, root: Path, limits: Limits = DEFAULT) -> None:
        """``root`` is the folder that paths are relative to."""
        self.problems: list[Problem] = []
        self._root = os.path.realpath(root)
        self._limits = limits
        self._cache = _Cache()

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file, or None when there is no such file (or it is over the size limit)."""
        return self._cache.get(path, self._read)

    def paths(self, prefixes: Iterable[str]) -> list[str]:
        """All regular files below any of the prefixes (a prefix may be a file; ``""`` is everything), sorted."""
        found: set[str] = set()
        for prefix in prefixes:
            for path in self._below(prefix.rstrip("/")):
                found.add(path)
                if len(found) > self._limits.files:
                    limit = f"more than {self._limits.files} files"
                    self.problems.append(Problem(ProblemKind.TOO_LARGE, prefix, limit))
                    return sorted(found)[: self._limits.files]
        return sorted(found)

    def _inside(self, path: str) -> str | None:
        """The real place of a path, or None when it is outside."""
        if path and not is_safe(path):
            return None
        place = os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118
        return place if place == self._root or place.startswith(self._root.rstrip("/") + "/") else None

    def _read(self, path: str) -> bytes | None:
        place = self._inside(path)
        if place is None:
            return None
        try:
            about = Path(place).stat()
            if not stat.S_ISREG(about.st_mode):
                return None
            if about.st_size > self._limits.file_bytes:
                self.problems.append(Problem(ProblemKind.TOO_LARGE, path, f"over {self._limits.file_bytes} bytes"))
                return None
            return Path(place).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.problems.append(Problem(ProblemKind.UNREADABLE, path, error.strerror or "not readable"))
            return None

    def _below(self, prefix: str) -> Iterator[str]:
        place = self._inside(prefix)
        if place is None:
            return
        if Path(place).is_file():
            yield prefix
            return
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders if name.lower() != ".git")
            inner = os.path.relpath(folder, place)
            base = "/".join(part for part in (prefix, "" if inner == "." else inner) if part)
            for name in sorted(names):
                if _is_regular(Path(folder, name)):
                    yield f"{base}/{name}" if base else name


def _is_regular(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.lstat().st_mode)
    except OSError:
        return False
