"""Each folder of cases: a few C files, and exactly the edges they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.callgraph.made import folder, graph, words

CASES = sorted(p for p in (Path(__file__).parent / "cases").iterdir() if p.is_dir())


@pytest.mark.parametrize("place", CASES, ids=lambda p: p.name)
def test_edges(place: Path) -> None:
    wanted = json.loads((place / "expect.json").read_text())
    made = graph(folder(place))
    assert sorted({words(e) for e in made.edges()}) == sorted(wanted["edges"]), wanted["sentence"]
    unresolved = [f"{u.path}:{u.function} {u.expression}" for u in made.unresolved]
    assert unresolved == wanted.get("unresolved", []), wanted["sentence"]


def test_there_are_cases_and_each_says_what_it_shows() -> None:
    sentences = [json.loads((place / "expect.json").read_text())["sentence"] for place in CASES]
    assert len(sentences) >= 14
    assert all(s.endswith(".") for s in sentences)
