"""What a value is carried in: the variables and fields of one function that are made of it, in any order of its lines.

Cheaper than taint, and blind to order: it serves to tell which instructions hand a value on, not what is on a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from analyzer.ir.types import Assign, Binary, Call, Expr, Field, Function, Init, Name, parts


def struct_of(function: Function, expr: Expr) -> str:
    """The struct tag of the variable that a place starts from, or ``""``."""
    words = function.locals.get(expr.root, "").replace("*", " ").replace("const ", "").split()
    return words[1] if len(words) > 1 and words[0] in ("struct", "union") else ""


class Carriers:
    """The expressions of a function that carry a value; ``made`` are those that a computation gave."""

    def __init__(self, function: Function, seeds: Iterable[Expr], passes: Callable[[str], bool]) -> None:
        self.function = function
        self.passes = passes
        self.plain: set[str] = {s.text for s in seeds}
        self.made: set[str] = set()
        while self._round():
            pass

    def __bool__(self) -> bool:
        return bool(self.plain or self.made)

    def carries(self, expr: Expr) -> bool:
        """Whether an expression has the value, or is computed from it."""
        return any(p.text in self.plain or p.text in self.made for p in parts(expr))

    def computed(self, expr: Expr) -> bool:
        """Whether an expression is computed from the value rather than the value itself."""
        if any(p.text in self.made for p in parts(expr)):
            return True
        return any(isinstance(p, Binary) and p.op in ("<<", "*") and self.carries(p) for p in parts(expr))

    def _round(self) -> bool:
        before = len(self.plain) + len(self.made)
        for block in self.function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assign) and self.carries(instr.value) and not isinstance(instr.value, Init):
                    self._add(instr.target, self.computed(instr.value))
                elif isinstance(instr, Call) and instr.result is not None and self._passed(instr):
                    self._add(instr.result, True)
        return len(self.plain) + len(self.made) > before

    def _passed(self, call: Call) -> bool:
        return self.passes(call.callee) and any(self.carries(a) for a in call.args)

    def _add(self, target: Expr, computed: bool) -> None:
        if isinstance(target, Name | Field):
            (self.made if computed else self.plain).add(target.text)
