"""Answers as text, JSON, DOT, GraphML, SVG."""

from __future__ import annotations

import json
import shutil
import stat
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.callgraph.graph import CallGraph, Edge, Node
from analyzer.core.problem import AnalyzerError
from analyzer.graphs import draw, picture, query
from analyzer.graphs.query import Answer
from tests.callgraph.made import graph

FILES = {
    "a.c": """\
#define retry(func, x) ({ check(); func(x); })

static int aug(int x)
{
	return x;
}

void check(void)
{
}

struct ops tdx_ops = {
	.set_spte = aug,
};

void set(struct ops *ops, int x)
{
	ops->set_spte(x);
	ops->gone(x);
	retry(aug, x);
}

void zap(struct ops *ops, int x)
{
	set(ops, x);
	set(ops, x + 1);
	zap(ops, x);
}
"""
}
GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture(scope="module")
def made() -> CallGraph:
    return graph(FILES)


def test_a_tree_has_place_and_kind_of_each_call(made: CallGraph) -> None:
    assert draw.text(query.callees(made, "zap")).splitlines() == [
        "zap  a.c:23",
        "  set  direct  a.c:25,26",
        "    aug  table .set_spte  a.c:18",
        "    unknown  unknown ops->gone  a.c:19",
        "    aug  macro retry  a.c:20",
        "    check  macro retry  a.c:20",
        "    retry  macro use  a.c:20",
        "  zap  direct  a.c:27  (shown elsewhere)",
    ]


def test_paths_show_what_is_held(made: CallGraph) -> None:
    held = {("a.c", "zap"): ("mmu_lock write",), ("a.c", "set"): ("mmu_lock read or write", "slots_lock held")}
    assert draw.text(query.paths(made, "zap", "aug"), lambda k: held.get(k, ())) == (
        "1. 2 calls\n"
        "  zap  a.c:23  [mmu_lock write]\n"
        "    -> set  direct  a.c:25  [mmu_lock read or write, slots_lock held]\n"
        "    -> aug  table .set_spte  a.c:18\n"
    )
    assert draw.text(query.paths(made, "aug", "zap")) == "no path\n"


def test_each_path_has_states_of_its_own(made: CallGraph) -> None:
    answer = query.paths(made, "zap", "check")
    words = draw.text(answer, along=lambda keys: {keys[-1]: (f"after {len(keys) - 1} calls",)})
    assert words.splitlines()[-1] == "    -> check  macro retry  a.c:20  [after 2 calls]"
    data = json.loads(draw.to_json(answer, along=lambda keys: {keys[0]: ("nothing held",)}))
    assert data["path_held"] == [{"a.c:zap": ["nothing held"]}]


def test_a_difference_is_signed(made: CallGraph) -> None:
    after = graph({"a.c": FILES["a.c"].replace("\tset(ops, x);\n\tset(ops, x + 1);\n", "")})
    assert draw.text(query.diff(made, after)) == "- zap -> set  direct  a.c:25\n"
    assert draw.text(query.diff(made, made)) == "no difference\n"


def test_unresolved_calls_are_listed(made: CallGraph) -> None:
    assert draw.text_unresolved(made) == "a.c:19: set(): ops->gone\n"


def test_json_refers_to_nodes_and_edges(made: CallGraph) -> None:
    data = json.loads(draw.to_json(query.paths(made, "zap", "aug"), lambda key: [f"held in {key[1]}"]))
    ids = {n["id"] for n in data["nodes"]}
    assert data["start"] == ["a.c:zap", "a.c:aug"]
    assert ids == {"a.c:zap", "a.c:set", "a.c:aug"}
    assert [[data["edges"][i]["callee"] for i in path] for path in data["paths"]] == [["a.c:set", "a.c:aug"]]
    assert data["edges"][1] == {
        "caller": "a.c:set",
        "callee": "a.c:aug",
        "kind": "table",
        "path": "a.c",
        "line": 18,
        "via": "set_spte",
        "through": [],
        "expanded": False,
    }
    assert {n["id"]: n["held"] for n in data["nodes"]}["a.c:set"] == ["held in set"]


def test_graphml_is_well_formed(made: CallGraph) -> None:
    root = ET.fromstring(picture.graphml(draw.whole(made)))
    assert len(root.findall(f".//{GRAPHML}node")) == len(made.nodes())
    assert len(root.findall(f".//{GRAPHML}edge")) == len(made.edges())


def test_dot_has_all_nodes_and_edges(made: CallGraph) -> None:
    lines = picture.dot(draw.whole(made)).splitlines()
    assert sum(" -> " in line for line in lines) == len(made.edges())
    assert sum("[label=" in line for line in lines) == len(made.nodes())


HOSTILE = ("a\x1b[2J.c", 'f"\\]\udcff\u202e')


def hostile() -> Answer:
    edge = Edge(HOSTILE, HOSTILE, "table", HOSTILE[0], 1, 'x\x07"\n')
    return Answer("paths", (HOSTILE, HOSTILE), (edge,), {HOSTILE: Node("function", 1)}, ((edge,),))


@pytest.mark.parametrize("form", [draw.text, picture.dot, picture.graphml, draw.to_json])
def test_nothing_a_terminal_acts_on_comes_out(form: Callable[[Answer], str]) -> None:
    written = form(hostile())
    assert not {c for c in written if not c.isprintable()} - {"\n", "\u202e"}
    assert written.encode()


def test_hostile_names_stay_inside_their_quotes() -> None:
    (line,) = (x for x in picture.dot(hostile()).splitlines() if " -> " in x)
    assert line.startswith('  "a\\\\x1b[2J.c:f\\"\\\\]\\\\xff\\\\u202e" -> "')
    ET.fromstring(picture.graphml(hostile()))


@pytest.mark.parametrize("form", ["text", "json", "dot", "graphml"])
def test_the_same_graph_gives_the_same_bytes(form: str) -> None:
    backward = {"z.c": FILES["a.c"].replace("zap", "zip").replace("void set", "static void set"), **FILES}
    forward = dict(sorted(backward.items()))
    assert draw.draw(draw.whole(graph(backward)), form) == draw.draw(draw.whole(graph(forward)), form)


def test_an_unknown_format_is_refused(made: CallGraph) -> None:
    with pytest.raises(AnalyzerError, match="no format gif; there are text, json, dot, graphml, svg"):
        draw.draw(draw.whole(made), "gif")


# -- SVG -------------------------------------------------------------------------------------------------------------


def program(place: Path, script: str) -> None:
    path = place / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_without_graphviz_svg_says_so(made: CallGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnalyzerError, match="SVG needs graphviz") as caught:
        picture.svg(draw.whole(made))
    assert caught.value.exit_code == 2


def test_graphviz_gets_the_source_on_its_input(
    made: CallGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cat = shutil.which("cat")
    program(tmp_path, f'[ "$1" = -Tsvg ] && exec {cat}')
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = query.callees(made, "zap")
    assert picture.svg(answer) == picture.dot(answer)


def test_a_failure_of_graphviz_is_one_line(made: CallGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo 'syntax error' >&2; echo more >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnalyzerError, match=r"^`dot` failed: syntax error$"):
        picture.svg(query.callees(made, "zap"))


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_real_graphviz_draws(made: CallGraph) -> None:
    root = ET.fromstring(picture.svg(draw.whole(made)))
    assert root.tag.endswith("svg")
