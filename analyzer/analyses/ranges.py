"""Ranges handed to a call: where their bounds are made, up the callers that only pass them on.

A range is a struct with two bounds and a filter, or two scalar arguments. An ``Origin`` is the call at which the
bounds are the function's own, or at which it decides the filter of a range it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.analyses.alignment import callers
from analyzer.callgraph.names import NameGraph
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Binary, Call, Deref, Expr, Field, Function, Init, Name, Return

Way = tuple[tuple[Key, Call], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a range, and the words that make a filter wanted."""

    start: str
    end: str
    filter: str
    wanted: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class RangeOrigin:
    """``bounds`` is None for a range that the function was given and whose filter it decides."""

    key: Key
    call: Call
    bounds: tuple[Expr, Expr] | None
    way: Way  # from here down to the call that takes the range


class Ranges:
    """Climbs from the calls that take ranges."""

    def __init__(self, program: Program, names: NameGraph, shape: Shape) -> None:
        self.program = program
        self.names = names
        self.shape = shape
        self.found: list[RangeOrigin] = []
        self.seen: set[tuple[int, str]] = set()

    def climb(self, function: Function, call: Call, arg: Expr, way: Way) -> None:
        """A struct that a call takes."""
        if (id(call), arg.text) in self.seen or len(way) > 8:
            return
        self.seen.add((id(call), arg.text))
        way = ((function.key, call), *way)
        name = arg.root
        index = next((i for i, p in enumerate(function.params) if p.name == name), None)
        fields = {f: _field_values(function, name, f) for f in (self.shape.start, self.shape.end, self.shape.filter)}
        filters = fields[self.shape.filter]
        if index is not None:
            if filters:
                if any(self.wants(function, f) for f in filters):
                    self.found.append(RangeOrigin(function.key, call, None, way))
                return
            for caller, above in callers(self.program, self.names, function.key):
                at = _slot(above, function, index)
                if at is not None:
                    self.climb(caller, above, above.args[at], way)
            return
        starts, ends = fields[self.shape.start], fields[self.shape.end]
        if not (starts or ends or filters):
            self._by_value(function, call, name, way)
        if starts and ends and filters:
            self.bounds(function, call, (starts[-1], ends[-1]), filters[-1], way)

    def _by_value(self, function: Function, call: Call, name: str, way: Way) -> None:
        """A struct that a helper returns, made of its parameters."""
        for made in function.calls():
            if not (isinstance(made.result, Name) and made.result.id == name):
                continue
            for key in self.program.resolve(made.callee, function.path) if made.callee else ():
                helper = self.program.lower(key)
                entries = _returned(helper) if helper is not None else {}
                index = {p.name: i for i, p in enumerate(helper.params)} if helper is not None else {}
                ends = [entries.get(self.shape.start), entries.get(self.shape.end)]
                keep = entries.get(self.shape.filter)
                if helper is None or None in ends or keep is None or not self.wants(helper, keep):
                    continue
                at = [self._parameter(helper, e, index) for e in ends if e is not None]
                if None not in at and all(i is not None and i < len(made.args) for i in at):
                    new = (made.args[at[0] or 0], made.args[at[1] or 0])
                    self.bounds(function, call, new, None, way)

    def bounds(self, function: Function, call: Call, bounds: tuple[Expr, Expr], keep: Expr | None, way: Way) -> None:
        """Two bounds and a filter (None: known to matter): up to the callers while the bounds are parameters."""
        index = {p.name: i for i, p in enumerate(function.params)}
        first, last = (self._parameter(function, b, index) for b in bounds)
        kept = index.get(keep.id) if isinstance(keep, Name) else None
        if keep is not None and kept is None and not self.wants(function, keep):
            return
        above = list(callers(self.program, self.names, function.key)) if len(way) <= 10 else []
        if first is None or last is None or not above:
            if keep is None or self.wants(function, keep):
                self.found.append(RangeOrigin(function.key, call, bounds, way))
            return
        for caller, upper in above:
            slots = [_slot(upper, function, i) for i in (first, last)]
            at = None if kept is None else _slot(upper, function, kept)
            if slots[0] is None or slots[1] is None or (kept is not None and at is None):
                continue
            new = (upper.args[slots[0]], upper.args[slots[1]])
            self.bounds(caller, upper, new, None if at is None else upper.args[at], ((caller.key, upper), *way))

    def _parameter(self, function: Function, expr: Expr, index: dict[str, int]) -> int | None:
        """The one parameter that a bound is, or is translated from (through min, max and offsets)."""
        names = set(expr.names)
        made = {c.result.id: c for c in function.calls() if isinstance(c.result, Name)}
        for name in [n for n in names if n.startswith("%") and n in made]:
            names |= {m for a in made[name].args for m in a.names}
        scalar = [n for n in names if n in index and "*" not in function.params[index[n]].type]
        return index[scalar[0]] if len(scalar) == 1 else None

    def wants(self, function: Function, expr: Expr, depth: int = 0) -> bool:
        """Whether a filter may be one of those that matter."""
        if self.shape.wanted(expr.text):
            return True
        if depth > 6:
            return False
        match expr:
            case Binary():
                return self.wants(function, expr.left, depth + 1) or self.wants(function, expr.right, depth + 1)
            case Name():
                return self._variable(function, expr, depth)
            case _:
                return False

    def _variable(self, function: Function, name: Name, depth: int) -> bool:
        for block in function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assign) and instr.target is name and self.wants(function, instr.value, depth + 1):
                    return True
                if isinstance(instr, Call) and instr.result is name and self._result(function, instr, depth):
                    return True
        index = next((i for i, p in enumerate(function.params) if p.name == name.id), None)
        if index is None:
            return False
        return any(
            index < len(c.args) and self.wants(caller, c.args[index], depth + 1)
            for caller, c in callers(self.program, self.names, function.key)
        )

    def _result(self, function: Function, call: Call, depth: int) -> bool:
        for key in self.program.resolve(call.callee, function.path) if call.callee else ():
            callee = self.program.lower(key)
            for instr in [i for b in callee.blocks for i in b.instrs] if callee is not None else []:
                value = instr.value if isinstance(instr, Return) else None
                if value is not None and callee is not None and self.wants(callee, value, depth + 1):
                    return True
        return False


def _slot(call: Call, function: Function, index: int) -> int | None:
    """The argument of a call for a parameter; a callback that is handed over has none."""
    if call.callee and call.callee != function.name:
        return None
    return index if index < len(call.args) else None


def _field_values(function: Function, name: str, field: str) -> list[Expr]:
    """What a field of a variable (a struct, or a pointer to one) is set to in a function."""
    found: list[Expr] = []
    for block in function.blocks:
        for instr in block.instrs:
            if not isinstance(instr, Assign):
                continue
            target = instr.target
            if isinstance(target, Name) and target.id == name and isinstance(instr.value, Init):
                found += [v for f, v in instr.value.entries if f == field]
            if isinstance(target, Field) and target.name == field and _of(target.base, name):
                found.append(instr.value)
    return found


def _of(base: Expr, name: str) -> bool:
    return isinstance(base.base if isinstance(base, Deref) else base, Name) and base.root == name


def _returned(function: Function) -> dict[str, Expr]:
    """The fields of the struct that a function returns."""
    for block in function.blocks:
        for instr in block.instrs:
            value = instr.value if isinstance(instr, Return) else None
            if isinstance(value, Init):
                return dict(value.entries)
            if isinstance(value, Name):
                found = [
                    i.value
                    for b in function.blocks
                    for i in b.instrs
                    if isinstance(i, Assign) and i.target is value and isinstance(i.value, Init)
                ]
                return dict(found[-1].entries) if found and isinstance(found[-1], Init) else {}
    return {}
