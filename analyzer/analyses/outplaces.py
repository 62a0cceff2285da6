"""Which parameters of a function are outputs, and what reads or writes the places that they point to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.analyses.locks import BUGS_VM
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Call,
    Deref,
    Expr,
    Field,
    Function,
    Index,
    Instr,
    Name,
    Opaque,
    Return,
)

SCALARS = frozenset(
    "u8 u16 u32 u64 s8 s16 s32 s64 int long unsigned size_t bool gpa_t gfn_t hpa_t kvm_pfn_t phys_addr_t".split()
)
INOUT = frozenset(("struct tdx_module_args *",))  # registers go in and out


def candidates(function: Function) -> dict[str, int]:
    """The out-parameters of a function, as the place each points to: written somewhere, or never looked at."""
    instrs = [i for b in function.blocks for i in b.instrs]
    found = {}
    for index, param in enumerate(function.params):
        if not param.name or not param.type.endswith("*") or "const" in param.type or param.type in INOUT:
            continue
        scalar = _pointee(param.type)
        idle = scalar and not function.partial and not any(param.name in _names(i) for i in instrs)
        if idle or any(_writes(i, param.name, scalar) for i in instrs):
            found[f"*{param.name}"] = index
    return found


def _names(instr: Instr) -> frozenset[str]:
    match instr:
        case Assign():
            return instr.target.names | instr.value.names
        case Call():
            result = instr.result.names if instr.result is not None else frozenset()
            return result.union(*(a.names for a in instr.args))
        case Assume():
            return instr.cond.names
        case Return():
            return instr.value.names if instr.value is not None else frozenset()
        case _:
            return frozenset()


def _pointee(text: str) -> bool:
    inner = text[:-1].strip()
    return inner.endswith("*") or all(w in SCALARS for w in inner.split())


def _writes(instr: Instr, name: str, scalar: bool) -> bool:
    """Stored through, or handed on."""
    match instr:
        case Assign():
            target = instr.target.text
            return target in (f"*{name}", f"{name}[0]") if scalar else target.startswith(f"{name}->")
        case Call():
            handed = scalar and any(a.text == name for a in instr.args) and instr.callee not in BUGS_VM
            return handed or (instr.result is not None and instr.result.text == f"*{name}")
        case _:
            return False


def place_of(arg: Expr) -> str:
    """The place that a callee writes through an argument."""
    if isinstance(arg, Addr):
        return arg.base.text
    return f"*{arg.text}" if isinstance(arg, Name) and not arg.temporary else ""


def touched(place: str, written: Iterable[str]) -> bool:
    """Whether a place, or what it is part of, is among what was written."""
    return any(place == w or place.startswith(f"{w}.") for w in written)


def reads_place(instr: Instr, place: str) -> bool:
    """Whether an instruction reads the value of a place."""
    match instr:
        case Assign():
            return _holds(instr.value, place)
        case Call():
            return any(_holds(a, place) for a in instr.args)
        case Assume():
            return _holds(instr.cond, place)
        case Return():
            return instr.value is not None and _holds(instr.value, place)
        case _:
            return False


def _holds(expr: Expr, place: str) -> bool:
    """Whether the value of a place is part of an expression; its address is not."""
    if expr.text == place:
        return True
    match expr:
        case Addr():
            return False
        case Opaque():  # an argument of a macro, as text
            return re.search(rf"(?<![\w.>&]){re.escape(place)}(?!\w)", expr.text) is not None
        case Field() | Deref():
            return _holds(expr.base, place)
        case Index():
            return _holds(expr.base, place) or _holds(expr.index, place)
        case _:
            parts = (getattr(expr, "left", None), getattr(expr, "right", None), getattr(expr, "operand", None))
            entries = (v for _, v in getattr(expr, "entries", ()))
            return any(p is not None and _holds(p, place) for p in (*parts, *entries))
