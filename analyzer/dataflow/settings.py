"""Local variables that have one meaning in all of a function: a callback out of a table, the address of one object."""

from __future__ import annotations

from analyzer.ir.types import Addr, Assign, Call, Expr, Field, Function, Name


def fetched(function: Function) -> dict[str, str]:
    """Variables that are only ever set from fields of one name (a callback of a table) -> that field."""
    found: dict[str, str] = {}
    for name, values in _values(function).items():
        fields = {v.name for v in values if isinstance(v, Field)}
        if len(fields) == 1 and all(isinstance(v, Field) for v in values):
            found[name] = fields.pop()
    return found


def pointees(function: Function) -> dict[str, Expr]:
    """Variables that are set once, to the address of something -> that."""
    values = _values(function)
    return {n: v[0].base for n, v in values.items() if len(v) == 1 and isinstance(v[0], Addr)}


def _values(function: Function) -> dict[str, list[Expr | None]]:
    """What each variable is set to; None is a value that is not known."""
    values: dict[str, list[Expr | None]] = {p.name: [None] for p in function.params}
    for block in function.blocks:
        for instr in block.instrs:
            match instr:
                case Assign(target=Name(id=name)):
                    values.setdefault(name, []).append(instr.value)
                case Call(result=Name(id=name)):
                    values.setdefault(name, []).append(None)
    return values
