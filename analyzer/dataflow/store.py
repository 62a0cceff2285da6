"""Changing facts: stores, forgetting what a store or a call may have changed."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.dataflow.values import UNKNOWN, ZEROED, Alias, Constants, Facts, Fn, Pred, Value, evaluate
from analyzer.ir.types import Addr, Binary, Deref, Expr, Field, Index, Init, Name, Unary


def forget(facts: Facts, name: str) -> None:
    """The variable ``name`` changed: drop every fact that mentions it."""
    dead = [e for e, v in facts.items() if name in e.names or (isinstance(v, Alias) and name in v.expr.names)]
    for expr in dead:
        del facts[expr]


def escape(facts: Facts, args: tuple[Expr, ...], constant: frozenset[str]) -> None:
    """A call may have changed what its pointer arguments reach; ``constant`` names point to const objects."""
    reached: set[str] = set()
    for arg in args:
        if isinstance(arg, Addr):
            root = arg.base.root
            if isinstance(arg.base, Name | Index) or (isinstance(arg.base, Field) and not arg.base.memory):
                if root and root not in constant:
                    forget_object(facts, root)
                continue
        root = arg.root
        if root:
            reached.add(root)
    reached -= constant
    if not reached:
        return
    for expr in [e for e in facts if e.memory and not e.names.isdisjoint(reached)]:
        del facts[expr]


def forget_object(facts: Facts, name: str) -> None:
    """The variable and its fields may have changed; what a predicate said of it stays."""
    for expr in [e for e in facts if name in e.names and not isinstance(e, Pred)]:
        del facts[expr]


def store(target: Expr, value: Expr, facts: Facts, constants: Constants, functions: Mapping[str, object]) -> None:
    """``target = value``. Changes ``facts``."""
    known = value_of(value, facts, constants, functions)
    fields = _init_fields(target, value, facts, constants, functions)
    if isinstance(target, Name):
        forget(facts, target.id)
    else:
        for expr in [e for e in facts if e == target or _touches(e, target)]:
            del facts[expr]
    if isinstance(value, Init):
        facts[target] = ZEROED
        facts.update(fields)
    elif known is not None and not (isinstance(known, Alias) and not target.names.isdisjoint(known.expr.names)):
        facts[target] = known
    elif isinstance(target, Field) and facts.get(target.base) == ZEROED:
        facts[target] = UNKNOWN  # or the zero of the object would be read


def _touches(expr: Expr, target: Expr) -> bool:
    """Type-based aliasing: the same field name, reached through memory."""
    if isinstance(target, Field):
        return f"{target.name}" in expr.text and expr.memory and _mentions_field(expr, target.name)
    return expr.memory


def _mentions_field(expr: Expr, name: str) -> bool:
    match expr:
        case Field():
            return expr.name == name or _mentions_field(expr.base, name)
        case Deref() | Addr():
            return _mentions_field(expr.base, name)
        case Index():
            return _mentions_field(expr.base, name) or _mentions_field(expr.index, name)
        case Binary():
            return _mentions_field(expr.left, name) or _mentions_field(expr.right, name)
        case Unary():
            return _mentions_field(expr.operand, name)
        case _:
            return False


def value_of(value: Expr, facts: Facts, constants: Constants, functions: Mapping[str, object]) -> Value | None:
    """What is known of a value: a function, another expression it equals, a constant."""
    inner = value.base if isinstance(value, Addr) else value
    if isinstance(inner, Name) and inner.id in functions and inner not in facts:
        return Fn(inner.id)
    alias = facts.get(value)
    if isinstance(alias, Alias):
        return alias
    known = evaluate(value, facts, constants)
    return Alias(value) if known is None and isinstance(value, Name) and not value.temporary else known


def _init_fields(
    target: Expr, value: Expr, facts: Facts, constants: Constants, functions: Mapping[str, object]
) -> Facts:
    if not isinstance(value, Init):
        return {}
    out: Facts = {}
    for name, entry in value.entries:
        if name and "." not in name:
            known = value_of(entry, facts, constants, functions)
            out[Field(target, name)] = known if known is not None else UNKNOWN
    return out
