"""Callees first, and what a change affects."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.callgraph.order import NOW, affected, callees_first, recursive
from analyzer.ir.program import Key
from tests.callgraph.made import graph


def calls(pairs: set[tuple[int, int]], size: int) -> dict[str, str]:
    bodies = (
        f"void f{n}(void)\n{{\n" + "".join(f"\tf{b}();\n" for a, b in sorted(pairs) if a == n) + "}\n"
        for n in range(size)
    )
    return {"a.c": "\n".join(bodies)}


def key(name: str) -> Key:
    return ("a.c", name)


def test_cycles_are_one_component_behind_what_they_call() -> None:
    made = graph(calls({(0, 1), (1, 2), (2, 1), (2, 3), (3, 3)}, 4))
    assert callees_first(made) == ((key("f3"),), (key("f1"), key("f2")), (key("f0"),))
    assert [recursive(made, c) for c in callees_first(made)] == [True, True, False]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_every_callee_comes_no_later(pairs: set[tuple[int, int]]) -> None:
    made = graph(calls(pairs, 7))
    order = callees_first(made)
    place = {k: index for index, component in enumerate(order) for k in component}
    assert sorted(place) == sorted(made)
    assert all(place[e.callee] <= place[e.caller] for e in made.edges() if e.kind in NOW)


def test_what_runs_later_sets_no_order() -> None:
    made = graph({"a.c": "void cb(int x)\n{\n\tgo(x);\n}\n\nvoid go(int x)\n{\n\tcall_rcu(x, cb);\n}\n"})
    assert callees_first(made) == ((key("go"),), (key("cb"),))


def test_a_change_affects_all_callers() -> None:
    made = graph(calls({(0, 1), (1, 2), (3, 2), (2, 4)}, 5))
    assert affected(made, [key("f2")]) == {key(f"f{n}") for n in (0, 1, 2, 3)}
    assert affected(made, [("x.c", "gone")]) == frozenset()


MACROS = "#define M(f) ({ check(); f(); })\n\n" + "".join(
    f"void {name}(void)\n{{\n{body}}}\n\n"
    for name, body in {"check": "", "a": "", "b": "", "use_a": "\tM(a);\n", "use_b": "\tM(b);\n"}.items()
)


def test_a_macro_affects_its_users_and_an_argument_only_those_who_pass_it() -> None:
    made = graph({"a.c": MACROS})
    assert affected(made, [key("M")]) == {key("M"), key("use_a"), key("use_b")}
    assert affected(made, [key("a")]) == {key("a"), key("M"), key("use_a")}
