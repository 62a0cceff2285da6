"""Programs made of texts."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.frontend.load import load
from analyzer.ir.program import Program
from analyzer.ir.types import Function, Hole, Instr
from analyzer.tree.snapshot import Snapshot, SourceFile

PATH = "virt/kvm/made.c"


def program(*texts: str | SourceFile) -> Program:
    """Each text is a file: ``virt/kvm/made.c``, then ``made1.h`` and so on."""
    sources = [
        text if isinstance(text, SourceFile) else SourceFile(PATH if not n else f"virt/kvm/made{n}.h", text.encode())
        for n, text in enumerate(texts)
    ]
    return load(Snapshot("tree", None, {s.path: s for s in sources}), [s.path for s in sources])


def lowered(made: Program, name: str, path: str = PATH) -> Function:
    found = made.lower((path, name))
    assert found is not None, made.problems
    return found


def instrs(function: Function) -> list[Instr]:
    return [instr for block in function.blocks for instr in block.instrs]


def called(function: Function) -> list[tuple[int, str]]:
    """(line, callee) of all calls, by line."""
    return sorted((call.line, call.name) for call in function.calls())


def holes(function: Function) -> list[int]:
    return [i.line for i in instrs(function) if isinstance(i, Hole)]


def partial(text: str, known: Iterable[tuple[int, int]], sections: dict[int, str] | None = None) -> SourceFile:
    """A file of which only the lines in ``known`` (inclusive ranges) are known; it may go on behind the last."""
    lines = text.split("\n")
    kept = {n for first, last in known for n in range(first, last + 1)}
    end = max(kept)
    rows = [lines[n - 1] if n in kept else "" for n in range(1, end + 1)]
    ranges: list[tuple[int, int]] = []
    for number in range(1, end + 1):
        if number in kept:
            continue
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    ranges.append((end + 1, 10**9))
    shown = "".join(f"{row}\n" for row in rows).encode()
    return SourceFile(PATH, shown, tuple(ranges), tuple(sorted((sections or {}).items())))
