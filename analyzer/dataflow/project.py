"""Facts of a caller in the words of the callee."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.dataflow.store import value_of
from analyzer.dataflow.values import ERRPTR, NEG, NZ, ZEROED, Alias, Constants, Facts, Fn, Pred, Value
from analyzer.ir.types import Addr, Binary, Deref, Expr, Field, Function, Index, Name, Param, Unary

_SCALARS = frozenset(["bool", "int", "unsigned", "long", "u8", "u16", "u32", "size_t"])


def substitute(expr: Expr, name: str, by: Expr) -> Expr:
    """``expr`` with the variable ``name`` replaced; ``*&x`` folds to ``x``."""
    if name not in expr.names:
        return expr
    match expr:
        case Name():
            return by
        case Field():
            return Field(substitute(expr.base, name, by), expr.name)
        case Deref():
            base = substitute(expr.base, name, by)
            return base.base if isinstance(base, Addr) else Deref(base)
        case Addr():
            base = substitute(expr.base, name, by)
            return base.base if isinstance(base, Deref) else Addr(base)
        case Index():
            return Index(substitute(expr.base, name, by), substitute(expr.index, name, by))
        case Unary():
            return Unary(expr.op, substitute(expr.operand, name, by))
        case Binary():
            return Binary(expr.op, substitute(expr.left, name, by), substitute(expr.right, name, by))
        case Pred():
            return Pred(expr.callee, tuple(substitute(a, name, by) for a in expr.args))
        case _:
            return expr


def scalar(param: Param) -> bool:
    """Whether a parameter's constant value can select behaviour: booleans, enums, plain integers."""
    words = param.type.replace("const ", "").split()
    return "*" not in param.type and bool(words) and (words[0] == "enum" or all(w in _SCALARS for w in words))


def into_callee(
    function: Function,
    args: tuple[Expr, ...],
    facts: Facts,
    constants: Constants,
    functions: Mapping[str, object],
) -> Facts:
    """What the callee knows on entry: constants of scalars, function pointers, initialised structs, predicates."""
    out: Facts = {}
    for param, arg in zip(function.params, args, strict=False):
        if not param.name:
            continue
        value = value_of(arg, facts, constants, functions)
        telling = (
            isinstance(value, Fn) or value == 0 or (scalar(param) and (isinstance(value, int) or value in (NZ, NEG)))
        )
        if telling and value is not None:
            out[Name(param.name)] = value
        _object(Name(param.name), arg, facts, out)
    return out


def _object(param: Name, arg: Expr, facts: Facts, out: Facts) -> None:
    """Fields of ``&local`` (or of a pointer to an initialised struct), and predicates about the argument."""
    by: Expr
    if isinstance(arg, Addr) and isinstance(arg.base, Name):
        name, by = arg.base.id, Deref(param)
        if facts.get(arg.base) == ZEROED:
            _fields(facts, arg.base, by, out)
    elif isinstance(arg, Name):
        name, by = arg.id, param
        if facts.get(Deref(arg)) == ZEROED:
            _fields(facts, Deref(arg), Deref(param), out)
    else:
        return
    for expr, value in facts.items():
        if isinstance(expr, Pred) and expr.names == {name}:
            said = facts.get(value.expr) if isinstance(value, Alias) else value
            if said is not None:
                out[substitute(expr, name, by)] = said


def _fields(facts: Facts, of: Expr, target: Expr, out: Facts) -> None:
    out[target] = ZEROED
    for expr, value in facts.items():
        if isinstance(expr, Field) and expr.base == of:
            out[Field(target, expr.name)] = value


def result_class(value: Value | None) -> Value | None:
    """What a summary keeps of a returned value."""
    return value if isinstance(value, int) or value in (NZ, NEG, ERRPTR) else None
