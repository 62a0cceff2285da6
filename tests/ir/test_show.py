"""IR as text."""

from __future__ import annotations

from analyzer.ir.show import show, show_instr
from analyzer.ir.types import Asm, Assign, Assume, Block, Call, Frame, Function, Hole, Instr, Name, Param, Return

A, AT = Name("a"), (7, 2, ())


def test_instructions() -> None:
    shown: dict[str, Instr] = {
        "a = b": Assign(AT, A, Name("b")),
        "a = f(b)": Call(AT, "f", (Name("b"),), A),
        "f()": Call(AT, "f", (), None),
        "ops.run(a)": Call(AT, "", (A,), None, table="run"),
        "*a()": Call(AT, "", (), None, target=A),
        "assume a": Assume(AT, A, True),
        "assume not a  [WARN_ON likely]": Assume(AT, A, False, ("WARN_ON", "likely")),
        "return a": Return(AT, A),
        "return": Return(AT, None),
        "asm -> a": Asm(AT, (A,)),
        "hole": Hole(*AT),
        "?": Instr(*AT),
    }
    assert {show_instr(instr): text for text, instr in shown.items() if show_instr(instr) != text} == {}


def test_a_function() -> None:
    framed = Call((8, 2, (Frame("M", "a.h", 3),)), "f", (), None)
    blocks = (Block([Assign(AT, A, Name("b"))], [1]), Block([framed], []))
    function = Function("run", "a.c", 5, 9, "", (Param("x", "struct x *"), Param("y", "")), blocks, {})
    assert show(function) == (
        "function run(struct x * x, y) -> -  a.c:5\n  0: -> 1\n        7  a = b\n  1: -> exit\n        8  f() <M:3>\n"
    )
