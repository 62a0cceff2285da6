"""Expressions: what may be combined, what is folded, how each language writes it."""

from __future__ import annotations

import pytest

from analyzer.model.dialect import MURPHI, NUMPY, PROMELA, PYTHON, C, ranges, text
from analyzer.model.expr import (
    FALSE,
    TRUE,
    Assign,
    all_of,
    any_of,
    const,
    count,
    iff,
    implies,
    reads,
    var,
    when,
    writes,
)

A, B = var("a"), var("b")


def test_numbers_and_truth_values_do_not_mix() -> None:
    for wrong in (lambda: all_of(A), lambda: count(A), lambda: (A == 1) + 1, lambda: A + (B == 1), lambda: A == -1):
        with pytest.raises(TypeError):
            wrong()


def test_python_may_not_ask_for_the_truth_of_an_expression() -> None:
    with pytest.raises(TypeError):
        bool(A == B)
    with pytest.raises(TypeError):
        _ = 0 < A < 3


def test_only_variables_take_values() -> None:
    assert A.to(B) == Assign("a", B)
    with pytest.raises(TypeError):
        (A + 1).to(2)
    with pytest.raises(TypeError):
        const(1).among((1, 2))


def test_constants_are_folded() -> None:
    assert all_of() is TRUE
    assert any_of() is FALSE
    assert all_of(A == 1, FALSE) is FALSE
    assert any_of(A == 1, TRUE) is TRUE
    assert ~TRUE is FALSE
    assert (~~(A == 1)).op == "eq"
    assert len(all_of(all_of(A == 1, A == 2), A == 3).args) == 3


def test_every_language_writes_every_operator() -> None:
    test = implies(A.among((1, 2, 5)), iff(A == 1, ~(B > 2))) & (count(A == 1, B != 0) <= 1)
    assert (
        text(test, PYTHON)
        == "(((not (a in {1, 2, 5})) or ((a == 1) == (not (b > 2)))) and (((a == 1) + (b != 0)) <= 1))"
    )
    assert "((0x26ull >> a) & 1)" in text(test, C)
    assert "(((a >= 1) & (a <= 2)) | (a == 5))" in text(test, NUMPY)
    assert "(a == 1).view(np.uint8)" in text(test, NUMPY)
    assert "(((a >= 1) && (a <= 2)) || (a == 5))" in text(test, PROMELA)
    assert "((a = 1) ? 1 : 0) + ((b != 0) ? 1 : 0)" in text(test, MURPHI)


def test_ranges() -> None:
    assert ranges((0, 1, 2, 7, 9, 10)) == [(0, 2), (7, 7), (9, 10)]


def test_what_is_read_and_written() -> None:
    effects = (A.to(1), when(B == 2, var("c").to(A), otherwise=(B.to(0),)))
    assert writes(effects) == ("a", "c", "b")
    assert reads(all_of(A == 1, B + 1 > 2)) == {"a", "b"}
