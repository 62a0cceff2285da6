"""Whether a value is a multiple of a large unit: rounded, masked, a sum of such, or tested on every path to its use.

What counts as large is told by a test on words (``KVM_PAGES_PER_HPAGE(level)``, ``PMD_SIZE``) or numbers; boundaries
that no large unit crosses by construction (the ends of a slot, of a file) are given by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.analyses.facts import guarded_by, words
from analyzer.analyses.lifetime import calls_of
from analyzer.callgraph.names import NameGraph
from analyzer.ir.cfg import home_of, predecessors
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Assume, Binary, Call, Const, Expr, Field, Function, Instr, Name, Return, Unary

ROUNDING = frozenset(
    "round_down round_up ALIGN ALIGN_DOWN roundup rounddown gfn_round_for_level PTR_ALIGN "
    "round_up_to round_down_to __ALIGN_KERNEL".split()
)
UPWARD = frozenset("round_up ALIGN roundup round_up_to __ALIGN_KERNEL PTR_ALIGN".split())
DOWNWARD = ROUNDING - UPWARD
JOINING = frozenset("min max min_t max_t clamp clamp_t umin umax min_not_zero".split())
PASSING = frozenset("gpa_to_gfn gfn_to_gpa PHYS_PFN PFN_PHYS PFN_DOWN READ_ONCE".split())
TESTING = frozenset("IS_ALIGNED PTR_IS_ALIGNED".split())
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Unit:
    """``large`` is found in the words of a size that is large enough; ``bounds`` name fields and calls."""

    large: re.Pattern[str]
    bounds: frozenset[str]
    number: int = 512


class Alignment:
    """Answers for expressions of a program."""

    def __init__(self, program: Program, names: NameGraph, unit: Unit) -> None:
        self.program = program
        self.names = names
        self.unit = unit
        self.use: dict[Key, Instr] = {}  # where the value in question is used at last, by function

    def ask(self, function: Function, expr: Expr, at: Instr, depth: int = 0) -> bool:
        """Whether an expression is aligned where an instruction uses it."""
        before = self.use.get(function.key)
        self.use[function.key] = at
        found = self.aligned(function, expr, at, depth)
        if before is not None:
            self.use[function.key] = before
        return found

    def aligned(self, function: Function, expr: Expr, at: Instr, depth: int = 0) -> bool:
        """The same for a part, where another part of the value is made."""
        if depth > MAX_DEPTH:
            return False
        match expr:
            case Const():
                every = expr.text.replace(" ", "").rstrip("uUlL") == "-1"  # to the end of everything
                return every or (expr.value is not None and expr.value % self.unit.number == 0)
            case Unary(op="-"):
                last = isinstance(expr.operand, Const) and expr.operand.text.rstrip("uUlL") == "1"
                return last or self.aligned(function, expr.operand, at, depth + 1)
            case Unary(op="~"):
                return isinstance(expr.operand, Const) and expr.operand.value == 0
            case Field():
                return expr.name in self.unit.bounds or self._tested(function, expr, at)
            case Binary():
                return self._binary(function, expr, at, depth)
            case Name():
                return self._name(function, expr, at, depth)
            case _:
                return False

    def _binary(self, function: Function, expr: Binary, at: Instr, depth: int) -> bool:
        left, right = expr.left, expr.right
        match expr.op:
            case "+" | "-" | "|":
                return self.aligned(function, left, at, depth + 1) and self.aligned(function, right, at, depth + 1)
            case "&" | "*":
                return self.large(function, right) or self.large(function, left)
            case ">>" | "<<":
                return self.aligned(function, left, at, depth + 1)
            case _:
                return False

    def large(self, function: Function, expr: Expr) -> bool:
        """Whether a size is large enough."""
        if isinstance(expr, Const) and expr.value is not None:
            return expr.value >= self.unit.number and expr.value != 4096
        text = words(function, expr)
        for name in expr.names:
            if not name.startswith("%"):
                text += " " + " ".join(
                    words(function, v) if isinstance(v, Expr) else v.shown for v, _ in _set_to(function, name)
                )
        return self.unit.large.search(text) is not None

    def _name(self, function: Function, name: Name, at: Instr, depth: int) -> bool:
        if name.id in self.unit.bounds or (name.id.isupper() and self.unit.large.search(name.id)):
            return True
        if self._tested(function, name, at):
            return True
        values, entered = _reaching(function, name.id, at)
        index = next((i for i, p in enumerate(function.params) if p.name == name.id), None)
        if entered and not (index is not None and self._handed(function, index, depth)):
            return False
        return all(
            self._made(function, v, depth) if isinstance(v, Call) else self.aligned(function, v, where, depth + 1)
            for v, where in values
        )

    def _made(self, function: Function, call: Call, depth: int) -> bool:
        """The result of a call."""
        name = call.callee
        if name in self.unit.bounds or self.unit.large.search(name) is not None:
            return True
        if name in ROUNDING and len(call.args) > 1:
            return self.large(function, call.args[1])
        if name in JOINING:
            first = 1 if name.endswith("_t") else 0
            return all(self.aligned(function, a, call, depth + 1) for a in call.args[first:])
        if name in PASSING and call.args:
            return self.aligned(function, call.args[0], call, depth + 1)
        found = [f for k in self.program.resolve(name, function.path) if (f := self.program.lower(k)) is not None]
        return bool(found) and all(self._gives(f, depth + 1) for f in found)

    def outward(self, function: Function, expr: Expr, at: Instr, end: bool, depth: int = 0) -> Instr | None:
        """Where a bound (the end, or the start) is moved out of what it was made of, to a large unit."""
        if depth > MAX_DEPTH:
            return None
        if isinstance(expr, Binary):
            if expr.op == "&":
                moved = not end and self.large(function, expr.right) and not self.ask(function, expr.left, at)
                return at if moved else None
            found = self.outward(function, expr.left, at, end, depth + 1)
            if found is None and end and expr.op == "+" and self.large(function, expr.right):
                return self.outward(function, expr.left, at, False, depth + 1)
            return found
        for value, where in _reaching(function, expr.id, at)[0] if isinstance(expr, Name) else ():
            found = None
            if isinstance(value, Expr):
                found = self.outward(function, value, where, end, depth + 1)
            elif value.callee in (UPWARD if end else DOWNWARD) and len(value.args) > 1:
                moved = self.large(function, value.args[1]) and not self.ask(function, value.args[0], value)
                found = where if moved else None
            elif value.callee in JOINING | PASSING:
                ways = [(x, self.outward(function, x, value, end, depth + 1)) for x in value.args]
                back = value.callee in JOINING and not value.callee.startswith("max" if end else "min")
                held = back and any(w is None and not self.ask(function, x, value) for x, w in ways)
                found = None if held else next((w for _, w in ways if w is not None), None)
            if found is not None:
                return found
        return None

    def _gives(self, function: Function, depth: int) -> bool:
        returns = [i for b in function.blocks for i in b.instrs if isinstance(i, Return) and i.value is not None]
        return bool(returns) and all(r.value is not None and self.ask(function, r.value, r, depth) for r in returns)

    def _handed(self, function: Function, index: int, depth: int) -> bool:
        """A parameter: aligned in every call there is."""
        seen = False
        for caller, call in callers(self.program, self.names, function.key):
            seen = True
            if index >= len(call.args) or not self.ask(caller, call.args[index], call, depth + 1):
                return False
        return seen

    def _tested(self, function: Function, expr: Expr, at: Instr) -> bool:
        """Whether every path to a use has passed a test of the alignment."""
        tests = {c.result.id: c for c in function.calls() if isinstance(c.result, Name) and c.callee in TESTING}

        def test(assume: Assume) -> bool:
            cond = assume.cond
            if isinstance(cond, Name) and cond.id in tests:
                call = tests[cond.id]
                fits = len(call.args) > 1 and self.large(function, call.args[1])
                return assume.truth and fits and expr.text in _parts(call.args[0])
            if isinstance(cond, Binary) and cond.op == "&" and not assume.truth:
                return expr.text in _parts(cond.left) and self.large(function, cond.right)
            return False

        if guarded_by(function, at, test):
            return True
        kept = isinstance(expr, Name) and not _set_to(function, expr.id)  # the same wherever it is tested
        return kept and guarded_by(function, self.use.get(function.key, at), test)


def _parts(expr: Expr) -> set[str]:
    """What a test of a sum or a union speaks of."""
    if isinstance(expr, Binary) and expr.op in ("|", "+"):
        return _parts(expr.left) | _parts(expr.right)
    return {expr.text}


def _set_to(function: Function, name: str) -> list[tuple[Expr | Call, Instr]]:
    """What a variable is set to, each with where."""
    found: list[tuple[Expr | Call, Instr]] = []
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and isinstance(instr.target, Name) and instr.target.id == name:
                found.append((instr.value, instr))
            elif isinstance(instr, Call) and isinstance(instr.result, Name) and instr.result.id == name:
                found.append((instr, instr))
    return found


def _reaching(function: Function, name: str, at: Instr) -> tuple[list[tuple[Expr | Call, Instr]], bool]:
    """The settings of a variable that reach a use, and whether its value on entry does."""
    before = predecessors(function)
    made = {id(where): (value, where) for value, where in _set_to(function, name)}
    home = home_of(function, at) or 0
    upto = next((n for n, x in enumerate(function.blocks[home].instrs) if x is at), 0)
    found: dict[int, tuple[Expr | Call, Instr]] = {}
    entered, seen, work = False, set[int](), [(home, function.blocks[home].instrs[:upto])]
    while work:
        index, instrs = work.pop()
        last = next((i for i in reversed(instrs) if id(i) in made), None)
        if last is not None:
            found[id(last)] = made[id(last)]
            continue
        entered = entered or index == 0
        for above in before[index]:
            if above not in seen:
                seen.add(above)
                work.append((above, function.blocks[above].instrs))
    return list(found.values()), entered


def callers(program: Program, names: NameGraph, key: Key) -> Iterator[tuple[Function, Call]]:
    """The calls of a function, with the functions they are in."""
    for above in names.callers.get(key, ()):
        caller = program.lower(above)
        if caller is not None and caller.kind != "macro":
            for call in calls_of(program, caller, key):
                yield caller, call
