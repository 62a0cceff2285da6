"""Expressions and effects of the model: operators build a tree, back ends write it out in their language.

Values are small unsigned integers or truth values, and the two never mix: C, Promela and NumPy disagree on what
``(a == b) + (c == d)`` means, so counting is an operator of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["int", "bool"]
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")


@dataclass(frozen=True, slots=True, eq=False)
class Expr:
    """A node: ``op`` with operands, or a constant (``value``), or a variable (``name``)."""

    op: str
    kind: Kind
    args: tuple[Expr, ...] = ()
    value: int = 0
    name: str = ""
    values: tuple[int, ...] = ()  # of "in": the set

    # Any, because object's own __eq__ must return a bool; the values are Exprs.
    def __eq__(self, other: object) -> Any:
        return _compare("eq", self, other)

    def __ne__(self, other: object) -> Any:
        return _compare("ne", self, other)

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError("an expression of the model has no truth value here; use & | ~")

    def __lt__(self, other: Expr | int) -> Expr:
        return _compare("lt", self, other)

    def __le__(self, other: Expr | int) -> Expr:
        return _compare("le", self, other)

    def __gt__(self, other: Expr | int) -> Expr:
        return _compare("gt", self, other)

    def __ge__(self, other: Expr | int) -> Expr:
        return _compare("ge", self, other)

    def __add__(self, other: Expr | int) -> Expr:
        return Expr("add", "int", (_int(self), _int(other)))

    def __sub__(self, other: Expr | int) -> Expr:
        return Expr("sub", "int", (_int(self), _int(other)))

    def __and__(self, other: Expr) -> Expr:
        return all_of(self, other)

    def __or__(self, other: Expr) -> Expr:
        return any_of(self, other)

    def __invert__(self) -> Expr:
        if self.op == "const":
            return FALSE if self.value else TRUE
        return self.args[0] if self.op == "not" else Expr("not", "bool", (_bool(self),))

    def among(self, values: tuple[int, ...] | frozenset[int]) -> Expr:
        """Whether this variable has one of the values."""
        if self.op != "var":
            raise TypeError("only a variable is among values")
        chosen = tuple(sorted(set(values)))
        if len(chosen) <= 1:
            return _compare("eq", self, chosen[0]) if chosen else FALSE
        return Expr("in", "bool", (self,), values=chosen)

    def to(self, value: Expr | int) -> Assign:
        """The effect of giving this variable a value."""
        if self.op != "var":
            raise TypeError("only a variable takes a value")
        return Assign(self.name, _int(value))


def const(value: int) -> Expr:
    """A number."""
    return Expr("const", "int", value=value)


def var(name: str) -> Expr:
    """A variable."""
    return Expr("var", "int", name=name)


TRUE = Expr("const", "bool", value=1)
FALSE = Expr("const", "bool", value=0)


def _int(value: object) -> Expr:
    if isinstance(value, Expr) and value.kind == "int":
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return const(value)
    raise TypeError(f"a number is needed, not {value!r}")


def _bool(value: object) -> Expr:
    if isinstance(value, Expr) and value.kind == "bool":
        return value
    raise TypeError(f"a truth value is needed, not {value!r}")


def _compare(op: str, left: object, right: object) -> Expr:
    return Expr(op, "bool", (_int(left), _int(right)))


def _flat(op: str, terms: tuple[Expr, ...]) -> Iterator[Expr]:
    for term in terms:
        if _bool(term).op == op:
            yield from term.args
        else:
            yield term


def all_of(*terms: Expr) -> Expr:
    """Every one holds."""
    left = tuple(t for t in _flat("and", terms) if t is not TRUE)
    if any(t is FALSE for t in left):
        return FALSE
    return left[0] if len(left) == 1 else Expr("and", "bool", left) if left else TRUE


def any_of(*terms: Expr) -> Expr:
    """At least one holds."""
    left = tuple(t for t in _flat("or", terms) if t is not FALSE)
    if any(t is TRUE for t in left):
        return TRUE
    return left[0] if len(left) == 1 else Expr("or", "bool", left) if left else FALSE


def iff(left: Expr, right: Expr) -> Expr:
    """Both hold or neither does."""
    return Expr("iff", "bool", (_bool(left), _bool(right)))


def implies(left: Expr, right: Expr) -> Expr:
    """The right one holds where the left one does."""
    return any_of(~left, right)


def count(*terms: Expr) -> Expr:
    """How many hold, as a number."""
    left = tuple(_bool(t) for t in terms if t is not FALSE)
    return Expr("count", "int", left) if left else const(0)


@dataclass(frozen=True, slots=True)
class Assign:
    """A variable takes a value."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class If:
    """Effects under a condition."""

    test: Expr
    then: tuple[Effect, ...]
    otherwise: tuple[Effect, ...] = ()


Effect = Assign | If


def when(test: Expr, *then: Effect, otherwise: tuple[Effect, ...] = ()) -> If:
    """Effects that happen only where the test holds; they run in order, like statements."""
    return If(_bool(test), then, otherwise)


def reads(node: Expr) -> frozenset[str]:
    """The variables an expression looks at."""
    found = {node.name} if node.op == "var" else set()
    for child in node.args:
        found |= reads(child)
    return frozenset(found)


def writes(effects: tuple[Effect, ...]) -> tuple[str, ...]:
    """The variables that effects may change, in order of first mention."""
    found: dict[str, None] = {}
    for effect in effects:
        if isinstance(effect, Assign):
            found[effect.name] = None
        else:
            found.update(dict.fromkeys((*writes(effect.then), *writes(effect.otherwise))))
    return tuple(found)
