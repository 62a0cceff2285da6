"""Facts about values: what expressions are known to be, what branches, stores and calls do to that; laws."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.dataflow import values
from analyzer.dataflow.store import escape, store
from analyzer.dataflow.values import ERRPTR, MAYBE, MIXED, NEG, NZ, UNKNOWN, ZEROED, Alias, Facts, Fn, Pred, Value
from analyzer.ir.types import Addr, Binary, Const, Deref, Expr, Field, Init, Name, Unary

CONSTANTS = {"PG_LEVEL_4K": 1, "PG_LEVEL_2M": 2}
A, B, P = Name("a"), Name("b"), Name("p")
PA = Field(Deref(P), "a")


def const(value: int) -> Const:
    return Const(str(value), value)


@pytest.mark.parametrize(
    ("expr", "known"),
    [
        (const(3), 3),
        (Name("PG_LEVEL_2M"), 2),
        (Unary("!", const(0)), 1),
        (Unary("-", Name("EINVAL")), NEG),
        (Binary("==", Name("PG_LEVEL_2M"), Name("PG_LEVEL_4K")), 0),
        (Binary("<", Unary("-", Name("EINVAL")), const(0)), 1),
        (Binary("&", A, const(0)), 0),
        (Binary("|", A, const(4)), NZ),
        (Binary("<<", const(1), const(200)), None),
        (Addr(A), NZ),
        (Binary("!=", Addr(A), const(0)), 1),
        (A, None),
        (Binary("==", A, const(0)), None),
    ],
    ids=lambda case: getattr(case, "text", str(case)),
)
def test_without_facts(expr: Expr, known: Value | None) -> None:
    assert values.evaluate(expr, {}, CONSTANTS) == known


def test_an_alias_is_followed() -> None:
    facts: Facts = {A: Alias(B), B: 4}
    assert values.evaluate(A, facts, {}) == 4
    assert values.canonical(A, facts, {}) == ("b", 4)


@pytest.mark.parametrize("word", [MAYBE, MIXED, UNKNOWN])
def test_what_is_not_known_decides_no_branch(word: str) -> None:
    for holds in (True, False):
        facts: Facts = {A: word}
        assert values.truth(values.evaluate(A, facts, {})) is None
        assert values.assume(A, holds, facts, {})


@pytest.mark.parametrize(
    ("value", "true"), [(0, False), (7, True), (NZ, True), (NEG, True), (ERRPTR, True), (Fn("f"), True)]
)
def test_truth(value: Value, true: bool) -> None:
    assert values.truth(value) is true
    for holds in (True, False):
        assert values.assume(A, holds, {A: value}, {}) is (holds is true)


def test_branches_teach() -> None:
    facts: Facts = {}
    assert values.assume(Binary("==", A, Name("PG_LEVEL_2M")), True, facts, CONSTANTS)
    assert facts[A] == 2
    assert not values.assume(Binary("==", A, Name("PG_LEVEL_4K")), True, facts, CONSTANTS)
    facts = {}
    assert values.assume(Binary("<", A, const(0)), True, facts, {})
    assert facts[A] == NEG
    facts = {}
    assert values.assume(Unary("!", A), True, facts, {})
    assert facts[A] == 0
    facts = {}
    assert values.assume(Binary("!=", A, const(0)), True, facts, {})
    assert values.truth(facts[A]) is True


def test_a_branch_teaches_about_what_the_variable_was_copied_from() -> None:
    flag = Pred("is_mirror_sp", (P,))
    facts: Facts = {A: Alias(flag)}
    assert values.assume(A, False, facts, {})
    assert values.evaluate(flag, facts, {}) == 0
    assert not values.assume(A, True, facts, {})


def test_a_store_forgets_what_was_said_with_the_variable() -> None:
    facts: Facts = {A: 1, Binary("+", A, B): 3, B: Alias(A), P: NZ}
    store(A, const(2), facts, {}, {})
    assert facts == {A: 2, P: NZ}


def test_a_store_to_a_field_forgets_it_under_every_pointer() -> None:
    other = Field(Deref(Name("q")), "a")
    facts: Facts = {PA: 1, other: 1, Field(Deref(P), "b"): 1}
    store(PA, const(5), facts, {}, {})
    assert facts == {PA: 5, Field(Deref(P), "b"): 1}


def test_an_initialised_struct_has_zeros_in_the_fields_that_are_not_named() -> None:
    facts: Facts = {}
    store(A, Init((("shared", const(1)), ("hook", Name("f")), ("n", B))), facts, {}, {"f": ()})
    assert facts[A] == ZEROED
    assert values.evaluate(Field(A, "shared"), facts, {}) == 1
    assert facts[Field(A, "hook")] == Fn("f")
    assert values.evaluate(Field(A, "n"), facts, {}) is None
    assert values.evaluate(Field(A, "other"), facts, {}) == 0


def test_an_unknown_store_hides_the_zero_of_a_field() -> None:
    facts: Facts = {}
    store(Name("args"), Init(()), facts, {}, {})
    store(Field(Name("args"), "list"), Name("%1"), facts, {}, {})
    assert values.evaluate(Field(Name("args"), "list"), facts, {}) is None
    assert values.evaluate(Field(Name("args"), "other"), facts, {}) == 0


def test_a_call_may_change_what_it_gets_a_pointer_to() -> None:
    facts: Facts = {A: 1, PA: 1, B: 1}
    escape(facts, (Addr(A), P), frozenset())
    assert facts == {B: 1}
    kept: Facts = {PA: 1}
    escape(kept, (P,), frozenset("p"))
    assert kept == {PA: 1}


# -- laws ----------------------------------------------------------------------------------------------------------

exprs = st.sampled_from(
    [
        A,
        B,
        P,
        PA,
        Unary("!", A),
        Unary("-", B),
        Binary("==", A, const(0)),
        Binary("!=", A, const(2)),
        Binary("<", A, const(0)),
        Binary("&", A, B),
        Binary("|", A, const(1)),
        Binary("==", A, Name("PG_LEVEL_2M")),
        Pred("is_mirror_sp", (P,)),
    ]
)
plain: st.SearchStrategy[Value] = st.sampled_from(
    [0, 1, 2, -1, NZ, NEG, ERRPTR, MAYBE, MIXED, UNKNOWN, ZEROED, Fn("f")]
)
any_facts = st.dictionaries(exprs, plain, max_size=6)
aliased = st.dictionaries(exprs, st.one_of(plain, st.sampled_from([Alias(A), Alias(B), Alias(PA)])), max_size=6)


@given(any_facts)
def test_meet_is_idempotent(facts: Facts) -> None:
    assert values.meet(facts, facts) == facts
    assert values.meet(facts, dict(facts)) == facts


@given(any_facts, any_facts)
def test_meet_is_commutative(left: Facts, right: Facts) -> None:
    assert values.meet(left, right) == values.meet(right, left)


@given(any_facts, any_facts, any_facts)
@settings(max_examples=300)
def test_meet_is_associative(one: Facts, two: Facts, three: Facts) -> None:
    assert values.meet(values.meet(one, two), three) == values.meet(one, values.meet(two, three))


@given(any_facts, any_facts, exprs)
def test_meet_knows_nothing_that_one_side_does_not(left: Facts, right: Facts, expr: Expr) -> None:
    met = values.meet(left, right)
    assert set(met) <= set(left) & set(right)
    if expr in met:
        known = values.truth(met[expr])
        assert known is None or known is values.truth(left[expr]) is values.truth(right[expr])


@given(aliased.filter(lambda facts: not any(isinstance(v, Alias) and v.expr in facts for v in facts.values())), exprs)
@settings(max_examples=300)
def test_one_side_of_a_branch_can_be_taken(facts: Facts, cond: Expr) -> None:
    """What is known may rule one side out, never both."""
    sides = [values.assume(cond, holds, dict(facts), CONSTANTS) for holds in (True, False)]
    assert any(sides)


@given(any_facts, exprs, st.booleans())
@settings(max_examples=300)
def test_what_was_assumed_stays_true(facts: Facts, cond: Expr, holds: bool) -> None:
    after = dict(facts)
    if values.assume(cond, holds, after, CONSTANTS):
        assert values.assume(cond, holds, dict(after), CONSTANTS)
        assert values.truth(values.evaluate(cond, after, CONSTANTS)) is not (not holds)


@given(any_facts, st.sampled_from([A, B, P]), plain.filter(lambda v: isinstance(v, int)))
def test_a_stored_constant_is_what_is_read(facts: Facts, target: Name, value: int) -> None:
    after = dict(facts)
    store(target, const(value), after, {}, {})
    assert values.evaluate(target, after, {}) == value
    assert all(expr == target or target.id not in expr.names for expr in after)
