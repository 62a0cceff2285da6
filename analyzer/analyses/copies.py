"""Copies: which variables are one object, and which functions put an object where it outlives them."""

from __future__ import annotations

from analyzer.dataflow.values import Alias, Facts, Pred
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Call, Deref, Expr, Field, Function, Index, Name


def copy_of(name: str) -> Pred:
    """The fact that a variable is a copy; it does not name the variable, so that storing to this one keeps it."""
    return Pred(f"copy {name}", ())


def note_copy(instr: Assign | Call, facts: Facts) -> None:
    """Copies are known even of what is known not to be NULL."""
    target = instr.target if isinstance(instr, Assign) else instr.result
    if not isinstance(target, Name):
        return
    value = instr.value if isinstance(instr, Assign) else None
    of = facts.get(copy_of(value.id)) if isinstance(value, Name) else None
    facts.pop(copy_of(target.id), None)
    if isinstance(value, Name) and value.id != target.id:
        facts[copy_of(target.id)] = of if isinstance(of, Alias) else Alias(value)


def bare(expr: Expr) -> Expr:
    """An expression without the address or dereference around it."""
    return expr.base if isinstance(expr, Addr | Deref) and not isinstance(expr.base, Name) else expr


def argument(call: Call, slot: int) -> Expr | None:
    """An argument, if the call has it."""
    return call.args[slot] if slot < len(call.args) else None


def in_memory(expr: Expr | None) -> bool:
    """Whether something is stored where others can find it."""
    return expr is not None and (expr.memory or isinstance(expr, Field | Index | Deref))


def constant_params(function: Function) -> dict[str, str]:
    """Parameters that are never written -> their place, as ``#2``."""
    written = function.assigned | {c.result.text for c in function.calls() if c.result is not None}
    return {p.name: f"#{n}" for n, p in enumerate(function.params) if p.name and p.name not in written}


def copies(function: Function) -> dict[str, str]:
    """Variables that are set to another one -> that one."""
    instrs = (i for b in function.blocks for i in b.instrs if isinstance(i, Assign))
    return {i.target.id: i.value.id for i in instrs if isinstance(i.target, Name) and isinstance(i.value, Name)}


def stores_away(program: Program, key: Key, index: int, depth: int) -> bool:
    """Whether a function puts a parameter (or what it points to) where it outlives the call."""
    function = program.lower(key)
    if function is None or index >= len(function.params) or not depth:
        return False
    names = {function.params[index].name}
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and instr.value.text in names:
                if isinstance(instr.target, Name):
                    names.add(instr.target.id)
                elif in_memory(instr.target):
                    return True
            elif isinstance(instr, Call) and instr.callee != function.name:
                for place, arg in enumerate(instr.args):
                    if arg.text in names and any(
                        stores_away(program, k, place, depth - 1) for k in program.resolve(instr.callee, key[0])
                    ):
                        return True
    return False
