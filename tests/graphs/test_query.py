"""Callers, callees, paths, roots, differences, and the names they are asked with."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.callgraph.graph import CallGraph
from analyzer.core.problem import AnalyzerError
from analyzer.graphs import query
from analyzer.graphs.query import Answer
from tests.callgraph.made import graph

MACRO = "#define retry(func, x) ({ check(); func(x); })\n\n"
FILES = {
    "a.c": MACRO
    + """\
void check(void)
{
}

void leaf(int x)
{
}

void other(int x)
{
}

static void twin(int x)
{
	leaf(x);
}

void middle(int x)
{
	twin(x);
	leaf(x);
	retry(leaf, x);
}

void aside(int x)
{
	retry(other, x);
}

void top(int x)
{
	middle(x);
	kfree(x);
}
""",
    "b.c": "static void twin(int x)\n{\n\ttop(x);\n}\n\nvoid loop(int x)\n{\n\ttwin(x);\n\tloop(x);\n}\n",
}


@pytest.fixture(scope="module")
def made() -> CallGraph:
    return graph(FILES)


def pairs(answer: Answer) -> set[tuple[str, str]]:
    return {(e.caller[1], e.callee[1]) for e in answer.edges}


def routes(answer: Answer) -> list[list[str]]:
    return [[p[0].caller[1], *(e.callee[1] for e in p)] for p in answer.paths]


def test_callers_by_depth(made: CallGraph) -> None:
    one = pairs(query.callers(made, "leaf", 1))
    assert one == {("twin", "leaf"), ("middle", "leaf"), ("retry", "leaf")}
    assert pairs(query.callers(made, "leaf", 2)) == one | {("middle", "twin"), ("top", "middle")}
    everything = query.callers(made, "leaf")
    assert ("loop", "twin") in pairs(everything)
    assert everything.complete


def test_users_of_a_macro_are_asked_for_by_its_name_only(made: CallGraph) -> None:
    assert pairs(query.callers(made, "retry", 1)) == {("middle", "retry"), ("aside", "retry")}
    assert ("aside", "retry") not in pairs(query.callers(made, "leaf"))


def test_callees_end_at_the_use_of_a_macro(made: CallGraph) -> None:
    assert pairs(query.callees(made, "aside")) == {("aside", "check"), ("aside", "other"), ("aside", "retry")}
    assert pairs(query.callees(made, "retry")) == {("retry", "check"), ("retry", "leaf"), ("retry", "other")}
    assert pairs(query.callees(made, "top", 1)) == {("top", "middle")}


def test_paths_come_shortest_first(made: CallGraph) -> None:
    answer = query.paths(made, "top", "leaf")
    assert routes(answer) == [["top", "middle", "leaf"], ["top", "middle", "twin", "leaf"]]
    assert routes(query.paths(made, "top", "leaf", limit=1)) == [["top", "middle", "leaf"]]
    assert routes(query.paths(made, "leaf", "top")) == []
    assert routes(query.paths(made, "top", "retry")) == [["top", "middle", "retry"]]


def test_roots_are_where_nobody_calls(made: CallGraph) -> None:
    assert routes(query.roots(made, "leaf")) == [["loop", "twin", "top", "middle", "leaf"]]
    assert query.roots(made, "aside").paths == ((),)


def test_a_name_may_carry_its_path(made: CallGraph) -> None:
    assert query.find(made, "b.c:twin") == ("b.c", "twin")
    assert query.find([("x/b.c", "f"), ("b.c", "f")], "b.c:f") == ("b.c", "f")
    assert query.find([("x/y/b.c", "f"), ("z/b.c", "f")], "y/b.c:f") == ("x/y/b.c", "f")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("twin", "twin is defined 2 times, say which: a.c:twin, b.c:twin"),
        ("midle", "no function or macro midle in the files read; did you mean middle, aside?"),
        ("b.c:leaf", "no function or macro b.c:leaf in the files read; did you mean a.c:leaf?"),
        ("kfree", "kfree is called once but defined in none of the files read"),
        ("", "no function or macro  in the files read"),
    ],
)
def test_a_name_that_is_not_one_function(made: CallGraph, name: str, words: str) -> None:
    with pytest.raises(AnalyzerError) as caught:
        query.callers(made, name)
    assert (str(caught.value), caught.value.exit_code) == (words, 2)


def test_a_difference_says_what_came_and_went(made: CallGraph) -> None:
    changed = {
        **FILES,
        "a.c": "\n\n" + FILES["a.c"].replace("\ttwin(x);\n", "\tfresh(x);\n") + "void fresh(int x)\n{\n}\n",
    }
    answer = query.diff(made, graph(changed))
    assert {(e.caller[1], e.callee[1], answer.changes[e]) for e in answer.edges} == {
        ("middle", "twin", "removed"),
        ("middle", "fresh", "added"),
    }
    assert [(k, answer.changes[k]) for k in answer.start] == [(("a.c", "fresh"), "added")]


def test_lines_are_no_difference(made: CallGraph) -> None:
    moved = graph({path: "\n\n" + text for path, text in FILES.items()})
    assert query.diff(made, moved).edges == ()
    assert query.diff(made, moved).changes == {}


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14))
def test_paths_are_all_simple_paths_in_order(links: set[tuple[int, int]]) -> None:
    bodies = ("".join(f"\tf{b}();\n" for a, b in sorted(links) if a == n) for n in range(6))
    made = graph({"a.c": "\n".join(f"void f{n}(void)\n{{\n{body}}}\n" for n, body in enumerate(bodies))})
    answer = query.paths(made, "f0", "f5", limit=1000)
    inner = (p for n in range(5) for p in itertools.permutations(range(1, 5), n))
    wanted = {(0, *p, 5) for p in inner if all(step in links for step in itertools.pairwise((0, *p, 5)))}
    found = [tuple(int(name[1]) for name in route) for route in routes(answer)]
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert [len(p) for p in found] == sorted(len(p) for p in found)


def test_a_search_that_is_cut_says_so(made: CallGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MAX_STEPS", 1)
    assert not query.paths(made, "top", "leaf").complete
    monkeypatch.setattr(query, "MAX_EDGES", 1)
    assert not query.callers(made, "leaf").complete
