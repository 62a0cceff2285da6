"""Expressions written in the languages of the back ends, every operation in parentheses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analyzer.model.expr import Expr

Name = Callable[[str], str]
SIGNS: Mapping[str, str] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "add": "+",
    "sub": "-",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one language writes the operators; ``among`` writes membership of a variable in a sorted set."""

    both: str
    either: str
    negate: str
    same: str  # equality of truth values
    equal: str
    true: str
    false: str
    counted: str  # a truth value as a number
    among: Callable[[str, tuple[int, ...]], str]


def ranges(values: tuple[int, ...]) -> list[tuple[int, int]]:
    """Sorted numbers as closed intervals."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and value == found[-1][1] + 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def intervals(equal: str, both: str, either: str) -> Callable[[str, tuple[int, ...]], str]:
    """Membership as a disjunction of intervals."""

    def among(name: str, values: tuple[int, ...]) -> str:
        parts = [
            f"({name} {equal} {low})" if low == high else f"(({name} >= {low}) {both} ({name} <= {high}))"
            for low, high in ranges(values)
        ]
        return f"({f' {either} '.join(parts)})"

    return among


def _bits(name: str, values: tuple[int, ...]) -> str:
    if values[-1] < 64:
        return f"(({sum(1 << v for v in values):#x}ull >> {name}) & 1)"
    return intervals("==", "&&", "||")(name, values)


PYTHON = Dialect(
    "and", "or", "not ", "==", "==", "True", "False", "{}", lambda name, values: f"({name} in {set(values)})"
)
NUMPY = Dialect(
    "&",
    "|",
    "~",
    "==",
    "==",
    "np.True_",
    "np.False_",
    "{}.view(np.uint8)",
    intervals("==", "&", "|"),
)
C = Dialect("&&", "||", "!", "==", "==", "1", "0", "{}", _bits)
PROMELA = Dialect("&&", "||", "!", "==", "==", "true", "false", "{}", intervals("==", "&&", "||"))
MURPHI = Dialect("&", "|", "!", "=", "=", "true", "false", "({} ? 1 : 0)", intervals("=", "&", "|"))
PEOPLE = Dialect("and", "or", "not ", "==", "==", "always", "never", "{}", intervals("==", "and", "or"))


def text(node: Expr, dialect: Dialect, name: Name = str) -> str:
    """The expression in a language; ``name`` says what a variable is called there."""
    if node.op == "const":
        return str(node.value) if node.kind == "int" else (dialect.true if node.value else dialect.false)
    if node.op == "var":
        return name(node.name)
    if node.op == "in":
        return dialect.among(name(node.args[0].name), node.values)
    args = [text(a, dialect, name) for a in node.args]
    if node.op == "not":
        return f"({dialect.negate}{args[0]})"
    if node.op == "count":
        return f"({' + '.join(dialect.counted.format(a) for a in args)})"
    signs = {**SIGNS, "eq": dialect.equal, "and": dialect.both, "or": dialect.either, "iff": dialect.same}
    return f"({f' {signs[node.op]} '.join(args)})"
