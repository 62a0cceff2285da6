"""Facts about values on one path: constants, truth, sign, function pointers, fields of initialised structs.

A fact maps an expression to a value: an int; NZ (not zero); NEG (negative); a ``Fn`` (the address of a function);
an ``Alias`` (the same value as another expression, used for results of predicates); or ZEROED (an object whose
fields are zero unless another fact says otherwise).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from analyzer.ir.types import Addr, Binary, Const, Expr, Field, Name, Unary

NZ: Final = "nonzero"
NEG: Final = "negative"
ZEROED: Final = "zeroed"
ERRPTR: Final = "error pointer"
MAYBE: Final = "maybe"  # true for some callers, false for others
MIXED: Final = "mixed"  # true for some objects of a walk, false for others
UNKNOWN: Final = "unknown"  # hides what ZEROED would say of a field


@dataclass(frozen=True, slots=True)
class Fn:
    """The address of the function of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Alias:
    """The value of another expression."""

    expr: Expr


class Pred(Expr):
    """The value of a predicate call: depends on its arguments only."""

    __slots__ = ("args", "callee")

    def __init__(self, callee: str, args: tuple[Expr, ...]) -> None:
        names = frozenset().union(*(a.names for a in args)) if args else frozenset()
        super().__init__(f"{callee}({', '.join(a.text for a in args)})", names)
        self.callee = callee
        self.args = args


Value = int | str | Fn | Alias
Facts = dict[Expr, Value]
Constants = Mapping[str, int]
_COMPARE = {"==", "!=", "<", ">", "<=", ">="}


def evaluate(expr: Expr, facts: Facts, constants: Constants) -> Value | None:
    """What is known of the value of an expression; None when nothing is."""
    known = facts.get(expr)
    if known is not None:
        if isinstance(known, Alias):
            return evaluate(known.expr, facts, constants)
        return None if known in (UNKNOWN, MAYBE, MIXED) else known
    match expr:
        case Const():
            return expr.value
        case Name():
            return constants.get(expr.id)
        case Unary(op="!"):
            value = evaluate(expr.operand, facts, constants)
            return None if value is None else int(not value) if isinstance(value, int) else 0
        case Unary(op="-"):
            return _negative(expr, evaluate(expr.operand, facts, constants))
        case Field():
            return 0 if facts.get(expr.base) == ZEROED else None
        case Binary():
            return _binary(expr, facts, constants)
        case Addr():
            return NZ
        case _:
            return None


def _negative(expr: Unary, value: Value | None) -> Value | None:
    """``-x``; ``-EIO`` is negative whatever EIO is."""
    if isinstance(value, int):
        return -value
    return NEG if isinstance(expr.operand, Name) and expr.operand.id[:1] == "E" else None


def _binary(expr: Binary, facts: Facts, constants: Constants) -> Value | None:
    left, right = evaluate(expr.left, facts, constants), evaluate(expr.right, facts, constants)
    if isinstance(left, int) and isinstance(right, int):
        return _compute(expr.op, left, right)
    if expr.op in ("==", "!="):
        never_equal = (_not_zero(left) and right == 0) or (_not_zero(right) and left == 0)
        return int(expr.op == "!=") if never_equal else None
    if expr.op in _COMPARE:
        return int(expr.op in ("<", "<=")) if left == NEG and right == 0 else None
    if expr.op == "|":
        return NZ if _not_zero(left) or _not_zero(right) else None
    return 0 if expr.op == "&" and 0 in (left, right) else None


def _not_zero(value: Value | None) -> bool:
    return value in (NZ, NEG) or isinstance(value, Fn) or (isinstance(value, int) and value != 0)


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


def _compute(op: str, a: int, b: int) -> int | None:
    if op in ("<<", ">>"):
        if not 0 <= b < 64:
            return None
        return a << b if op == "<<" else a >> b
    made = _ARITHMETIC.get(op)
    return made(a, b) if made else None


def canonical(expr: Expr, facts: Facts, constants: Constants) -> tuple[str, int | None]:
    """A name for the value of an expression that its copies share, and the value if it is a known number."""
    for _ in range(8):
        known = facts.get(expr)
        if not isinstance(known, Alias):
            break
        expr = known.expr
    value = evaluate(expr, facts, constants)
    return expr.text, value if isinstance(value, int) else None


def truth(value: Value | None) -> bool | None:
    """Whether a value is surely true or surely false."""
    if value is None or value in (ZEROED, UNKNOWN, MAYBE, MIXED):
        return None
    return value != 0 if isinstance(value, int) else True


def assume(cond: Expr, holds: bool, facts: Facts, constants: Constants) -> bool:
    """Add what a branch tells; False when the branch cannot be taken. Changes ``facts``."""
    known = truth(evaluate(cond, facts, constants))
    if known is not None:
        return known is holds
    if isinstance(cond, Unary) and cond.op == "!":
        return assume(cond.operand, not holds, facts, constants)
    alias = facts.get(cond)
    if isinstance(alias, Alias):
        while isinstance(further := facts.get(alias.expr), Alias):
            alias = further
        _learn(alias.expr, holds, facts)
        return True
    if isinstance(cond, Binary) and cond.op in _COMPARE:
        _compare(cond, holds, facts, constants)
    _learn(cond, holds, facts)
    return True


def _learn(expr: Expr, holds: bool, facts: Facts) -> None:
    before = facts.get(expr)
    if before is not None and before in (MAYBE, MIXED):
        facts[Pred("was", (expr,))] = before
    if not holds:
        facts[expr] = 0
    elif not isinstance(before, int) or before == 0:
        facts[expr] = NZ


def _compare(cond: Binary, holds: bool, facts: Facts, constants: Constants) -> None:
    right = evaluate(cond.right, facts, constants)
    target = cond.left
    alias = facts.get(target)
    if isinstance(alias, Alias):
        target = alias.expr
    if isinstance(target, Const) or not isinstance(right, int):
        return
    equal = (cond.op == "==") is holds
    if cond.op in ("==", "!="):
        if equal:
            facts[target] = right
        elif right == 0:
            facts[target] = NZ
    elif cond.op == "<" and right == 0 and holds:
        facts[target] = NEG


def meet(left: Facts, right: Facts) -> Facts:
    """What is known on both paths; what is true for some only is so again where the sides of a test of it join."""
    if left is right:
        return left
    out: Facts = {}
    for expr, value in left.items():
        other = right.get(expr)
        if other == value:
            out[expr] = value
        elif other is not None and _not_zero(value) and _not_zero(other):
            out[expr] = NEG if {value, other} == {NEG} else NZ
    for expr, value in [(e, v) for e, v in out.items() if isinstance(e, Pred) and e.callee == "was"]:
        assert isinstance(expr, Pred)
        out.setdefault(expr.args[0], value)
    return out
