"""What the programs of one run share: parsed files, lowered bodies, and what analyses leave to the next program."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from analyzer.frontend.macros import Macro
from analyzer.frontend.unit import Unit
from analyzer.ir.program import Definition, Key
from analyzer.ir.types import Block, Frame, Function, Instr

Asked = dict[tuple[str, str], Macro | None]  # (name, path) -> the macro that was found


@dataclass(frozen=True, slots=True)
class Lowered:
    """A body with the macros that lowering it asked for: nothing else outside of the file matters."""

    asked: Asked
    function: Function
    names: frozenset[str]  # of the macros


@dataclass(frozen=True, slots=True)
class Used:
    """What a program made of a definition: where it stands there, and what the body is kept under (``text``)."""

    text: object
    made: Lowered
    function: Function


@dataclass(slots=True)
class UnitCache:
    """``units`` by digest or place, ``bodies`` by path, name and text; ``left`` is ``Program.left``.

    ``last``: the files of the program made last; ``used``: the bodies that it used.
    """

    units: dict[str, Unit] = field(default_factory=dict)
    bodies: dict[object, list[Lowered]] = field(default_factory=dict)
    left: dict[object, object] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))
    last: Mapping[str, Unit] = field(default_factory=dict)
    used: dict[Key, Used] = field(default_factory=dict)

    def next(self, units: Mapping[str, Unit]) -> dict[Key, Used]:
        """Begin a program: what the one before made of bodies whose macros are surely what they were.

        ``used`` begins with those in files that are the same.
        """
        old, self.last = self.last, units
        changed = _changed_macros(old, units) if self.used else frozenset()
        still = {key: of for key, of in self.used.items() if of.made.names.isdisjoint(changed)}
        same = {path for path, unit in units.items() if old.get(path) is unit}
        self.used = {key: of for key, of in still.items() if key[0] in same}
        return still


def _changed_macros(old: Mapping[str, Unit], units: Mapping[str, Unit]) -> frozenset[str]:
    """The macros that may not be what they were, by name."""
    differing = [
        unit for path in old.keys() | units.keys() if old.get(path) is not units.get(path)
        for unit in (old.get(path), units.get(path)) if unit is not None
    ]  # fmt: skip
    names = {macro.name for unit in differing for macro in unit.macros}
    more = bool(names)
    while more:  # what a macro does it may do through others
        using = {m.name for unit in units.values() for m in unit.macros if not names.isdisjoint(m.calls)} - names
        names |= using
        more = bool(using)
    return frozenset(names)


def text_of(definition: Definition, unit: Unit) -> object:
    """What a body is kept under; the lines count, too, for macros, and what is missing where parts are."""
    place: tuple[object, ...] = ()
    if definition.kind == "macro":
        place = (definition.line, definition.end_line)
    elif unit.partial:
        place = (definition.end_line - definition.line, *_missing(definition, unit))
    return (definition.key, definition.digest, definition.kind, place)


def _missing(definition: Definition, unit: Unit) -> tuple[object, ...]:
    """Where a function and the holes in it begin and end, counted from its line."""
    node, line = unit.nodes[definition.name], definition.line
    start, end = node.start_point[0] + 1, node.end_point[0] + 1
    holes = tuple((max(a, start) - line, min(b, end) - line) for a, b in unit.holes if a <= end and start <= b)
    return (start - line, *holes)


Lines = Mapping[tuple[str, str], int]  # (macro, path) -> by how many lines it moved


def moved(function: Function, lines: int, macros: Lines) -> Function:
    """The same body further down, with macros that moved, too."""
    blocks = tuple(Block([_moved(i, lines, macros) for i in b.instrs], b.successors) for b in function.blocks)
    return replace(function, line=function.line + lines, end_line=function.end_line + lines, blocks=blocks)


def _moved(instr: Instr, lines: int, macros: Lines) -> Instr:
    made = copy.copy(instr)
    made.line += lines
    if macros and made.frames:
        made.frames = tuple(Frame(f.macro, f.path, f.line + macros.get((f.macro, f.path), 0)) for f in made.frames)
    return made


def macros_moved(asked: Asked, answers: Mapping[tuple[str, str], Macro | None]) -> dict[tuple[str, str], int] | None:
    """By how many lines the macros moved that a body asked for; None where one of them is another macro."""
    out: dict[tuple[str, str], int] = {}
    for question, old in asked.items():
        new = answers[question]
        if old == new:
            continue
        if old is None or new is None or replace(old, line=new.line) != new:
            return None
        out[old.name, old.path] = new.line - old.line
    return out
