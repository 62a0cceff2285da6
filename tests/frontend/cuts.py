"""Files of which only hunks are known, cut as git cuts them, and what must be found again in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.ir.program import Program
from analyzer.ir.types import Assign, Call, Function, Return
from analyzer.tree.snapshot import SourceFile

LABEL = re.compile(rb"^[ \t]*[A-Za-z_]\w*:[ \t]*($|/[/*])")
CONTEXT = 3
Fact = tuple[int, str, str]  # (line, "call" | "return" | "assign", name)


def heading_before(lines: list[bytes], at: int, *, labels: bool = False) -> str:
    """What git writes behind ``@@``: the last line before line ``at`` that begins with a letter, ``_`` or ``$``.

    The kernel's attributes (``*.c diff=cpp``) leave labels out.
    """
    for line in reversed(lines[: at - 1]):
        if (line[:1].isalpha() or line[:1] in (b"_", b"$")) and (labels or not LABEL.match(line)):
            return line[:80].rstrip().decode("latin-1")
    return ""


def cut(path: str, text: bytes, changed: Iterable[int], *, labels: bool = False) -> tuple[SourceFile, set[int]]:
    """The file as known from hunks around the changed lines (from 1), and the numbers of the known lines."""
    lines = text.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    hunks: list[list[int]] = []
    for number in sorted(changed):
        first, last = max(1, number - CONTEXT), min(len(lines), number + CONTEXT)
        if hunks and first <= hunks[-1][1] + 1:
            hunks[-1][1] = max(last, hunks[-1][1])
        else:
            hunks.append([first, last])
    known = {n for first, last in hunks for n in range(first, last + 1)}
    rows = [lines[n - 1] if n in known else b"" for n in range(1, hunks[-1][1] + 1)]
    starts = [1, *(last + 1 for _, last in hunks)]
    ends = [*(first - 1 for first, _ in hunks), 10**9]
    holes = tuple((a, b) for a, b in zip(starts, ends, strict=True) if a <= b)
    headed = ((first, heading_before(lines, first, labels=labels)) for first, _ in hunks)
    return SourceFile(path, b"\n".join(rows) + b"\n", holes, tuple((n, s) for n, s in headed if s)), known


def facts(function: Function, lines: list[bytes], *, results: bool = False) -> set[Fact]:
    """The statements of a function that can be told from the line they stand on; those of macros are left out."""
    out: set[Fact] = set()
    for block in function.blocks:
        for instr in block.instrs:
            line = lines[instr.line - 1] if 0 < instr.line <= len(lines) else b""
            if instr.frames:
                continue
            if isinstance(instr, Call):
                if instr.name.encode() in line:
                    out.add((instr.line, "call", instr.name))
                if results and instr.result is not None:
                    out.add((instr.line, "assign", instr.result.text))
            elif isinstance(instr, Return) and instr.value is not None:
                out.add((instr.line, "return", ""))
            elif isinstance(instr, Assign) and "%" not in instr.target.text and re.search(rb"=|\+\+|--", line):
                out.add((instr.line, "assign", instr.target.text))
    return out


def placed(program: Program, path: str, lines: list[bytes], *, results: bool = False) -> dict[Fact, set[str]]:
    """Each fact of a file, with the functions it is found in."""
    found: dict[Fact, set[str]] = {}
    for definition in program.definitions.values():
        if definition.path == path and definition.kind == "function":
            function = program.lower(definition.key)
            for fact in facts(function, lines, results=results) if function else ():
                found.setdefault(fact, set()).add(definition.name)
    return found


def unread(program: Program) -> list[str]:
    """The problems that speak of text in bodies that could not be read."""
    return [p.detail for p in program.problems if "could not be parsed" in p.detail or "cannot read" in p.detail]
