"""The front end on the real kernel: what the parser cannot read before normalising, and that all is lowered."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import tree_sitter

from analyzer.core.problem import ProblemKind
from analyzer.frontend.load import load
from analyzer.frontend.normalize import normalize
from analyzer.frontend.parser import parse
from analyzer.ir.program import Program
from analyzer.ir.types import Hole
from analyzer.tree.snapshot import Snapshot, SourceFile

FOLDERS = ("arch/x86/kvm", "virt/kvm", "arch/x86/virt/vmx/tdx")


@cache
def sources(kernel: Path) -> dict[str, bytes]:
    files = sorted(p for folder in FOLDERS for p in (kernel / folder).rglob("*.[ch]"))
    return {str(p.relative_to(kernel)): p.read_bytes() for p in files}


@cache
def whole(kernel: Path) -> Program:
    snapshot = Snapshot("tree", None, {name: SourceFile(name, text) for name, text in sources(kernel).items()})
    return load(snapshot, sources(kernel))


def errors_in_bodies(node: tree_sitter.Node, inside: bool = False) -> int:
    found = int(inside and (node.type == "ERROR" or node.is_missing))
    inside = inside or node.type == "function_definition"
    return found + sum(errors_in_bodies(c, inside) for c in node.children if c.has_error or c.is_missing)


def test_no_error_is_left_inside_a_body(kernel: Path) -> None:
    before = sum(errors_in_bodies(parse(text).root_node) for text in sources(kernel).values())
    after = {name: errors_in_bodies(parse(normalize(text).text).root_node) for name, text in sources(kernel).items()}
    assert len(after) == 109
    assert before > 500
    assert {name: count for name, count in after.items() if count} == {}


def test_every_function_is_lowered(kernel: Path) -> None:
    program = whole(kernel)
    functions = [d for d in program.definitions.values() if d.kind == "function"]
    assert len(functions) > 4000
    assert [d.key for d in functions if program.lower(d.key) is None] == []


def test_no_hole_in_a_whole_file(kernel: Path) -> None:
    program = whole(kernel)
    functions = (program.lower(d.key) for d in program.definitions.values() if d.kind == "function")
    holed = [f.key for f in functions if f and any(isinstance(i, Hole) for b in f.blocks for i in b.instrs)]
    assert holed == []


def test_macros_that_make_definitions_are_told(kernel: Path) -> None:
    program = whole(kernel)
    macros = [d for d in program.definitions.values() if d.kind == "macro"]
    lost = {d.name for d in macros if program.lower(d.key) is None}
    told = {p.detail.split("(")[0] for p in program.problems if "definitions it makes" in p.detail}
    assert told == {n for n in lost if any(b"\n" + n.encode() + b"(" in text for text in sources(kernel).values())}
    assert told
    assert len(lost) < len(macros) / 3
    assert {p.kind for p in program.problems} == {ProblemKind.UNPARSED}


def test_lines_are_those_of_the_source(kernel: Path) -> None:
    program = whole(kernel)
    for definition in program.definitions.values():
        function = program.lower(definition.key) if definition.kind == "function" else None
        text = sources(kernel)[definition.path].split(b"\n")
        if not definition.name.startswith("class_"):  # made of DEFINE_CLASS(name, ...)
            assert definition.name.split("_")[0].encode() in text[definition.line - 1]
        for block in function.blocks if function else ():
            assert all(definition.line <= i.line <= definition.end_line for i in block.instrs)
