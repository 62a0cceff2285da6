"""Expressions know their text and their names; equal ones are one object."""

from __future__ import annotations

from analyzer.ir.types import (
    FALSE,
    TRUE,
    Addr,
    Assign,
    Binary,
    Block,
    Call,
    Const,
    Deref,
    Field,
    Function,
    Hole,
    Index,
    Init,
    Name,
    Opaque,
    Param,
    Return,
    Unary,
)

A, B = Name("a"), Name("b")
AT = (3, 1, ())


def test_texts() -> None:
    texts = {
        Field(A, "x"): "a.x",
        Field(Deref(A), "x"): "a->x",
        Field(Field(Deref(A), "x"), "y"): "a->x.y",
        Index(A, Binary("+", B, TRUE)): "a[b + 1]",
        Deref(Binary("+", A, B)): "*(a + b)",
        Addr(Field(Deref(A), "x")): "&a->x",
        Unary("!", Binary("==", A, B)): "!(a == b)",
        Binary("*", Binary("+", A, B), A): "(a + b) * a",
        Init((("x", A), ("", B))): "{.x = a, b}",
    }
    assert {expr.text: text for expr, text in texts.items() if expr.text != text} == {}


def test_names() -> None:
    assert Field(Deref(Index(A, B)), "x").names == {"a", "b"}
    assert Init((("x", A), ("y", B))).names == {"a", "b"}
    assert Init(()).names == Opaque("a").names == Const("3", 3).names == frozenset()


def test_equal_expressions_are_one_object() -> None:
    assert Field(Deref(A), "x") is Field(Deref(Name("a")), "x")
    assert len({TRUE, Const("1", 1), FALSE}) == 2
    assert isinstance(Opaque("x"), Opaque)


def test_temporaries() -> None:
    assert Name("%1").temporary
    assert not A.temporary


def test_the_name_of_a_call() -> None:
    assert Call(AT, "f", (A,), None).name == "f"
    assert Call(AT, "", (), None, table="op", target=Field(A, "op")).name == "op"
    assert Call(AT, "", (), None, target=A).name == "a"
    assert Call(AT, "f", (A, B), None).shown == "f(a, b)"
    assert Call(AT, "f", (), None, shown="g()").shown == "g()"


def test_calls_of_a_function() -> None:
    blocks = (Block([Call(AT, "f", (), None), Hole(*AT)], [1]), Block([Assign(AT, A, B), Call(AT, "g", (), B)], []))
    function = Function("x", "a.c", 1, 9, "int", (Param("a", "int"),), (*blocks, Block([Return(AT, A)], [])), {})
    assert [c.callee for c in function.calls()] == ["f", "g"]
    assert function.key == ("a.c", "x")
