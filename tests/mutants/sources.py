"""Clean code to derive mutants from: the files, their functions, and places in them that a pattern matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.kernel.edits import Edit

_HEADING = re.compile(r"^[a-zA-Z_][^;{}#/=]*?\b(\w+)\([^;{}]*\)\n\{", re.M)


@dataclass(frozen=True, slots=True)
class Site:
    """A match of a pattern in a function: ``start`` and ``end`` are offsets in ``text``, the whole definition."""

    path: str
    function: str
    text: str
    start: int
    end: int
    groups: tuple[str, ...]

    @property
    def matched(self) -> str:
        """The text that the pattern matched."""
        return self.text[self.start : self.end]

    def replaced(self, new: str) -> Edit:
        """The function with other text in place of the match."""
        return Edit(self.path, self.text, self.text[: self.start] + new + self.text[self.end :])


@dataclass(slots=True)
class Sources:
    """A tree that is clean; ``root`` is its folder."""

    root: Path
    texts: dict[str, str] = field(default_factory=dict)
    spans: dict[str, dict[str, str]] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """The text of a file; empty for one that is not there."""
        if path not in self.texts:
            file = self.root / path
            self.texts[path] = file.read_text(encoding="latin-1") if file.is_file() else ""
        return self.texts[path]

    def functions(self, path: str) -> dict[str, str]:
        """The definitions of a file by name, from the heading to the closing brace."""
        if path not in self.spans:
            text = self.text(path)
            found: dict[str, str] = {}
            for match in _HEADING.finditer(text):
                end = text.find("\n}", match.end())
                if end >= 0:
                    found[match.group(1)] = text[match.start() : end + 2]
            self.spans[path] = found
        return self.spans[path]

    def sites(self, path: str, pattern: str, functions: str = r"\w+") -> Iterator[Site]:
        """Every match of a pattern in the functions of a file whose name matches."""
        compiled = re.compile(pattern, re.M)
        for name, text in self.functions(path).items():
            if re.fullmatch(functions, name):
                for match in compiled.finditer(text):
                    groups = tuple(g or "" for g in match.groups())
                    yield Site(path, name, text, match.start(), match.end(), groups)


@dataclass(frozen=True, slots=True)
class Mutant:
    """Clean code with one rule broken.

    ``operator`` names the kind of edit; a finding of ``rule`` in one of the functions of ``due``, as (path, name), is a
    hit. ``why`` says, where a miss is known, what the analysis does not see.
    """

    rule: str
    operator: str
    edits: tuple[Edit, ...]
    due: tuple[tuple[str, str], ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Same:
    """An edit that keeps the meaning; no rule may say anything new.

    ``rules``: the only ones that the edit means nothing to (it adds a feature that others want more code for).
    """

    operator: str
    edits: tuple[Edit, ...]
    rules: tuple[str, ...] = ()


Operator = Callable[[Sources], Iterator[Mutant]]
