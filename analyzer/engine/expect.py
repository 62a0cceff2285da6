"""The marks in C comments, for examples, tests and corpus alike.

``// expect`` (any rule), ``// expect: rule-id``, ``// expect "words"`` at the end of a line say that a finding is due
there; no mark says that none is. ``// todo: expect`` and ``// todo: ok`` are a known miss and a known false alarm.
A text may hold several virtual files, each begun by a line ``// path: some/file.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding
from analyzer.engine.rule import Rule
from analyzer.engine.run import run_rules
from analyzer.frontend.load import load
from analyzer.ir.effect import Vocabulary
from analyzer.tree.snapshot import Snapshot, SourceFile

_PATH = re.compile(r"^\s*//\s*path:\s*(\S+)\s*$")
_MARK = re.compile(r'//\s*(todo:\s*)?(expect|ok)\b(?::\s*([\w-]+))?(?:\s*"([^"]*)")?')


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: its place, and what must (or, for ``todo``, does not yet) hold there."""

    path: str
    line: int
    rule: str
    words: str
    todo: bool
    expected: bool


@dataclass(frozen=True, slots=True)
class Miss:
    """One difference between marks and findings, in words; ``kind`` is ``missed``, ``unexpected`` or ``todo done``."""

    kind: str
    path: str
    line: int
    text: str


def split(text: str, default: str) -> dict[str, str]:
    """The virtual files of a text; line numbers are kept by blank lines before each part."""
    files: dict[str, list[str]] = {}
    path = default
    for number, line in enumerate(text.split("\n")):
        match = _PATH.match(line)
        if match:
            path = match.group(1)
            continue
        lines = files.setdefault(path, [])
        lines.extend([""] * (number - len(lines)))
        lines.append(line)
    return {p: "\n".join(lines) + "\n" for p, lines in files.items() if any(x.strip() for x in lines)}


def marks(files: dict[str, str]) -> list[Mark]:
    """All marks of some virtual files."""
    found = []
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            for todo, word, rule, words in _MARK.findall(line):
                found.append(Mark(path, number, rule, words, bool(todo), word == "expect"))
    return found


def analyse(files: dict[str, str], rules: Iterable[Rule], vocabulary: Vocabulary) -> list[Finding]:
    """Run rules over virtual files as a whole program of their own."""
    overlay = {p: SourceFile(p, t.encode()) for p, t in files.items()}
    program = load(Snapshot("example", None, overlay), sorted(files))
    return run_rules(rules, Facts(program, vocabulary)).findings


def compare(expected: list[Mark], findings: Iterable[Finding], only: str = "") -> list[Miss]:
    """What differs; ``only`` restricts both sides to one rule."""
    rest = [f for f in findings if not only or f.rule == only]
    out: list[Miss] = []
    for mark in expected:
        hits = [f for f in rest if _hit(mark, f)]
        if not mark.expected:
            rest = [f for f in rest if f not in hits]
            if mark.todo and not hits:
                out.append(Miss("todo done", mark.path, mark.line, "no finding any more; drop the todo"))
            continue
        if only and mark.rule and mark.rule != only:
            continue
        rest = [f for f in rest if f not in hits]
        if hits and mark.todo:
            out.append(Miss("todo done", mark.path, mark.line, "found now; drop the todo"))
        elif not hits and not mark.todo:
            out.append(Miss("missed", mark.path, mark.line, mark.rule or mark.words or "a finding"))
    out += [
        Miss("unexpected", f.location.path, f.location.line, f"{f.rule}: {f.message}")
        for f in rest
        if f.severity != "info"
    ]
    return out


def _hit(mark: Mark, finding: Finding) -> bool:
    return (
        finding.location.path == mark.path
        and finding.location.line == mark.line
        and (not mark.rule or finding.rule == mark.rule)
        and mark.words in finding.message
    )
