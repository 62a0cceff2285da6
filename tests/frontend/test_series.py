"""A real series without its tree: every added line of a body is lowered in the function it stands in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer.core.limits import DEFAULT
from analyzer.frontend.load import load
from analyzer.ir.program import Program
from analyzer.series.assemble import load_series
from analyzer.series.types import FileDiff, Hunk
from analyzer.tree.snapshot import Snapshot
from analyzer.tree.steps import walk

HEADING = re.compile(r"^(?!typedef|struct \w+ \{|enum|union|[A-Z])[A-Za-z_][\w \t*]*?\b([A-Za-z_]\w*)\(")
STATEMENT = re.compile(r"^(?:return\b.*;|[\w>.\-\[\]]+ ?=[^=].*;|(?!BUILD|for|while|goto|if)[a-z_]\w*\(.*\);)")


@pytest.fixture(scope="module")
def images(shared: Path) -> list[tuple[FileDiff, Program]]:
    found, _ = load_series(sorted((shared / "corpus/lore/tdx-hugepage-v3").glob("*.eml")), None, DEFAULT)
    out = []
    for step in walk(found[0], None):
        for diff in step.patch.files if step.patch else ():
            source = step.after.read(diff.path) if diff.new else None
            if source is not None and diff.path.endswith((".c", ".h")):
                out.append((diff, load(Snapshot("x", None, {diff.path: source}), [diff.path])))
    return out


def begins_in_body(hunk: Hunk) -> bool:
    """By the first line with something in column 0 that is no label."""
    for _, text in hunk.new_lines():
        if text[:1] in ("}", "{"):
            return text[0] == "}"
        if re.match(r"[A-Za-z_]", text) and not re.match(r"\w+:", text):
            return False
    return HEADING.match(hunk.section) is not None


def added(hunk: Hunk) -> set[int]:
    numbers, line = set(), hunk.new_start
    for text in hunk.lines:
        if text[:1] == "+":
            numbers.add(line)
        line += text[:1] != "-"
    return numbers


def in_bodies(hunk: Hunk) -> list[tuple[int, str, str]]:
    """(line, text, function) of the added lines of code in bodies, by layout alone."""
    heading = HEADING.match(hunk.section)
    name = heading.group(1) if heading else ""
    inside, comment, macro, out = begins_in_body(hunk), False, False, []
    new = added(hunk)
    for number, text in hunk.new_lines():
        bare = text.strip()
        if macro or bare.startswith("#"):
            macro = text.endswith("\\")
        elif comment or bare.startswith(("/*", "*")):
            comment = "*/" not in text
        elif text[:1] in ("{", "}"):
            inside = text[0] == "{"
        elif not inside and (heading := HEADING.match(text)) and not bare.endswith(";"):
            name = heading.group(1)
        elif inside and bare and number in new and name:
            out.append((number, bare, name))
    return out


def test_nothing_is_left_unread(images: list[tuple[FileDiff, Program]]) -> None:
    assert len(images) > 50
    assert [p for _, program in images for p in program.problems] == []
    for _, program in images:
        assert all(program.lower(key) for key in program.definitions)


def test_added_lines_are_in_the_right_function(images: list[tuple[FileDiff, Program]]) -> None:
    count, wrong = 0, []
    for diff, program in images:
        spans = [(d.line, d.end_line, d.name) for d in program.definitions.values() if d.kind == "function"]
        for hunk in diff.hunks:
            for number, text, name in in_bodies(hunk):
                count += 1
                if name not in [n for first, last, n in spans if first <= number <= last]:
                    wrong.append((diff.path, number, text, name))
    assert wrong == []
    assert count > 300


def test_added_statements_are_in_the_ir(images: list[tuple[FileDiff, Program]]) -> None:
    count, lost = 0, []
    for diff, program in images:
        for hunk in diff.hunks:
            for number, text, name in in_bodies(hunk):
                if not STATEMENT.match(text):
                    continue
                count += 1
                function = program.lower((diff.path, name))
                if function is None or not any(i.line == number for b in function.blocks for i in b.instrs):
                    lost.append((diff.path, number, text, name))
    assert lost == []
    assert count > 100
