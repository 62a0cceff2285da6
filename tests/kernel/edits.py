"""Edits of real files, applied in memory over an unpacked kernel, and the findings of the result."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding
from analyzer.engine.registry import choose, load_rules, load_vocabulary
from analyzer.engine.run import run_rules
from analyzer.frontend.load import UnitCache, load
from analyzer.review import PATHS
from analyzer.tree.repo import open_tree
from analyzer.tree.snapshot import Snapshot, SourceFile


@dataclass(frozen=True, slots=True)
class Edit:
    """``old`` becomes ``new`` in the body or heading of ``inside`` (no name: anywhere in the file)."""

    path: str
    old: str
    new: str
    inside: str = ""


def swap(path: str, inside: str, old: str, new: str) -> Edit:
    """One text of a function by another."""
    return Edit(path, old, new, inside)


def drop(path: str, inside: str, old: str) -> Edit:
    """One text of a function taken out."""
    return Edit(path, old, "", inside)


def changing(*edits: Edit) -> tuple[Edit, ...]:
    """Those that change something: for tables whose rows differ in one place."""
    return tuple(e for e in edits if e.old != e.new)


def before(path: str, function: str, text: str) -> Edit:
    """New definitions in front of a function."""
    return Edit(path, "", textwrap.dedent(text).lstrip("\n") + "\n", function)


def after_line(path: str, line: str, text: str) -> Edit:
    """New lines behind a line of a file."""
    return Edit(path, line, line + "\n" + textwrap.dedent(text).strip("\n"))


def _span(text: str, function: str) -> tuple[int, int]:
    """The definition of a function, from its heading to the brace in the first column."""
    pattern = rf"^[a-zA-Z_][^;{{}}#/=]*?\b{re.escape(function)}\([^;{{}}]*\)\n\{{"
    found = list(re.finditer(pattern, text, re.M))
    assert len(found) == 1, f"{len(found)} definitions of {function}"
    end = text.index("\n}", found[0].end())
    return found[0].start(), end + 3


def edited(text: str, edit: Edit) -> str:
    """The text after an edit; the old text must be there exactly once."""
    assert edit.old != edit.new, f"nothing changes in {edit.path} {edit.inside}"
    start, end = _span(text, edit.inside) if edit.inside else (0, len(text))
    if not edit.old:
        return text[:start] + edit.new + text[start:]
    part = text[start:end]
    assert part.count(edit.old) == 1, f"{part.count(edit.old)} times in {edit.path} {edit.inside}: {edit.old!r}"
    return text[:start] + part.replace(edit.old, edit.new) + text[end:]


@dataclass(slots=True)
class Kernel:
    """The unpacked kernel; files that no edit touches are parsed once."""

    root: Path
    units: UnitCache = field(default_factory=UnitCache)
    paths: list[str] = field(default_factory=list)
    clean: Counter[str] = field(default_factory=Counter)  # what cannot be read as it is, once that was looked at

    def overlay(self, edits: Iterable[Edit]) -> dict[str, SourceFile]:
        """The edited files."""
        texts: dict[str, str] = {}
        for edit in edits:
            assert (self.root / edit.path).is_file(), f"{edit.path} is not in this tree"
            text = texts.get(edit.path) or (self.root / edit.path).read_text(encoding="latin-1")
            texts[edit.path] = edited(text, edit)
        return {path: SourceFile(path, text.encode("latin-1")) for path, text in texts.items()}

    @contextmanager
    def facts(self, overlay: dict[str, SourceFile]) -> Iterator[Facts]:
        """The kernel with some files replaced."""
        with open_tree(self.root) as tree:
            snapshot = Snapshot("edited", tree.worktree_files(), overlay)
            self.paths = self.paths or [p for p in snapshot.paths(PATHS) if p.endswith((".c", ".h"))]
            yield Facts(load(snapshot, self.paths, self.units), load_vocabulary())

    def findings(self, edits: Iterable[Edit], rules: tuple[str, ...] = ()) -> list[tuple[Finding, str]]:
        """The errors and warnings of the edited kernel, each with the text of its line; all rules if none is named."""
        overlay = self.overlay(edits)
        with self.facts(overlay) as facts:
            outcome = run_rules(choose(load_rules(), rules), facts)
        crashed = [p for p in outcome.problems if p.kind == "crashed"]
        unread = [p for p in facts.program.problems if p.kind == "unparsed"]
        if not overlay:
            self.clean = Counter(p.where.split(":")[0] for p in unread)
        more = Counter(p.where.split(":")[0] for p in unread) - self.clean
        broken = crashed + [p for p in unread if overlay.keys() & more.keys() & {p.where.split(":")[0]}]
        assert not broken, broken
        found = [f for f in outcome.findings if f.severity != "info"]
        return [(f, self.line(overlay, f.location.path, f.location.line)) for f in found]

    def line(self, overlay: dict[str, SourceFile], path: str, number: int) -> str:
        """The text of a line."""
        text = overlay[path].text if path in overlay else (self.root / path).read_bytes()
        return text.decode("latin-1").split("\n")[number - 1].strip()


@dataclass(frozen=True, slots=True)
class At:
    """Where a finding is due: the file, the function, words on the line."""

    path: str
    function: str
    line: str


@dataclass(frozen=True, slots=True)
class Case:
    """A violation put into the kernel, and its near-miss twin.

    ``due``: all places where the rule must speak, and the only ones. ``path``: names that the trace of the first must
    hold, in this order. ``twin``: edits that must give no finding of any rule. ``known_miss`` and
    ``known_alarm`` say why the analysis does not see the one or reports the other; the test fails once it does not.
    """

    name: str
    rule: str
    edits: tuple[Edit, ...]
    due: tuple[At, ...]
    path: tuple[str, ...]
    twin: tuple[Edit, ...]
    known_miss: str = ""
    known_alarm: str = ""


@dataclass(frozen=True, slots=True)
class Same:
    """An edit that changes no meaning."""

    name: str
    edits: tuple[Edit, ...]


_DEFINED = re.compile(r"^(?:#define\s+|[a-z][\w \t]*[ \t*])(\w+)\(", re.M)


def batches(rows: Iterable[tuple[Edit, ...]]) -> list[tuple[Edit, ...]]:
    """Rows of edits put together where they touch and define different things."""
    made: list[tuple[list[Edit], set[tuple[str, str]]]] = []
    for row in rows:
        places = {(e.path, e.inside or e.old) for e in row}
        places |= {(e.path, name) for e in row for name in _DEFINED.findall(e.new)}
        for edits, taken in made:
            if taken.isdisjoint(places):
                edits += row
                taken |= places
                break
        else:
            made.append((list(row), places))
    return [tuple(edits) for edits, _ in made]


def hits(place: At, finding: Finding, line: str) -> bool:
    """Whether a finding is at a place."""
    return finding.location.path == place.path and finding.function == place.function and place.line in line


def follows(finding: Finding, names: tuple[str, ...]) -> bool:
    """Whether the trace goes through the names in their order."""
    words = " ".join(f"{step.function} {step.note} {step.location.path}" for step in finding.trace)
    at = 0
    for name in names:
        found = re.compile(rf"\b{re.escape(name)}\b").search(words, at)
        if found is None:
            return False
        at = found.start()
    return True


def told(findings: Iterable[tuple[Finding, str]]) -> str:
    """Findings for a message of a failed test."""
    return "\n".join(
        f"{f.location} {f.function} {f.rule} [{line}] {f.message}\n"
        + "\n".join(f"      {s.location} {s.function}: {s.note}" for s in f.trace)
        for f, line in findings
    )
