"""IR to text, for goldens and for ``nak dump ir``."""

from __future__ import annotations

from analyzer.ir.types import Asm, Assign, Assume, Call, Function, Hole, Instr, Return


def show_instr(instr: Instr) -> str:
    """One instruction on one line."""
    match instr:
        case Assign():
            return f"{instr.target} = {instr.value}"
        case Call():
            name = instr.callee or (f"ops.{instr.table}" if instr.table else f"*{instr.target}")
            args = ", ".join(a.text for a in instr.args)
            return f"{instr.result} = {name}({args})" if instr.result is not None else f"{name}({args})"
        case Assume():
            wraps = f"  [{' '.join(instr.wraps)}]" if instr.wraps else ""
            return f"assume {'' if instr.truth else 'not '}{instr.cond}{wraps}"
        case Return():
            return f"return {instr.value}" if instr.value is not None else "return"
        case Asm():
            return f"asm -> {', '.join(o.text for o in instr.outputs)}"
        case Hole():
            return "hole"
        case _:
            return "?"


def show(function: Function) -> str:
    """A function: heading, then blocks with line numbers and successors."""
    params = ", ".join(f"{p.type} {p.name}".strip() for p in function.params)
    out = [f"{function.kind} {function.name}({params}) -> {function.returns or '-'}  {function.path}:{function.line}"]
    for index, block in enumerate(function.blocks):
        out.append(f"  {index}: -> {' '.join(map(str, block.successors)) or 'exit'}")
        for instr in block.instrs:
            via = "".join(f" <{f.macro}:{f.line}>" for f in instr.frames)
            out.append(f"    {instr.line:5}  {show_instr(instr)}{via}")
    return "\n".join(out) + "\n"
