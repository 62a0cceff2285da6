"""History: who brought a defect, who took it away, over all patches of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.finding import Change, Finding, Severity
from analyzer.engine.history import History, State
from analyzer.engine.subtract import LineMap
from tests.engine.findings import PATHS, any_findings, finding, gone, shifted


def told(states: list[list[Finding]], **more: Mapping[int, Mapping[str, LineMap] | Mapping[str, str]]) -> list[Finding]:
    """The history of a series whose patch ``n`` leads from ``states[n - 1]`` to ``states[n]``."""
    lines, renames = more.get("lines", {}), more.get("renames", {})
    history = History()
    history.walk(
        State(n, tuple(states[n - 1]), tuple(states[n]), renames.get(n, {}), lines.get(n, {}))  # type: ignore[arg-type]
        for n in range(1, len(states))
    )
    return history.findings()


def words(found: list[Finding]) -> list[tuple[str, int | None, int | None]]:
    return [(f.change, f.patch, f.fixed_by) for f in found]


def test_introduced() -> None:
    assert words(told([[], [], [finding()], [finding()]])) == [(Change.INTRODUCED, 2, None)]


def test_introduced_and_fixed_by_the_same_series() -> None:
    assert words(told([[], [finding()], [finding()], []])) == [(Change.INTRODUCED, 1, 3)]


def test_existing_before_the_series() -> None:
    assert words(told([[finding()], [finding()], [finding()]])) == [(Change.EXISTING, None, None)]


def test_fixed_by_the_series() -> None:
    assert words(told([[finding()], [finding()], []])) == [(Change.FIXED, None, 2)]


def test_reintroduced_is_a_defect_of_its_own() -> None:
    found = told([[], [finding()], [], [finding()]])
    assert words(found) == [(Change.INTRODUCED, 1, 2), (Change.INTRODUCED, 3, None)]


def test_fixed_and_brought_back() -> None:
    found = told([[finding()], [], [finding()]])
    assert words(found) == [(Change.FIXED, None, 1), (Change.INTRODUCED, 2, None)]


def test_who_takes_the_guard_away_brings_the_defect() -> None:
    guarded = replace(finding(), severity=Severity.INFO)
    (found,) = told([[], [guarded], [guarded], [finding()]])
    assert words([found]) == [(Change.INTRODUCED, 3, None)]
    assert found.severity is Severity.ERROR


def test_who_puts_a_guard_before_a_defect_mends_it() -> None:
    guarded = replace(finding(), severity=Severity.INFO)
    bad, left = told([[], [finding()], [guarded], [guarded]])
    assert words([bad, left]) == [(Change.INTRODUCED, 1, 2), (Change.INTRODUCED, 2, None)]
    assert [bad.severity, left.severity] == [Severity.ERROR, Severity.INFO]


def test_it_stands_where_its_patch_put_it() -> None:
    """Later patches move it; the mail to answer is the one that added the line."""
    (found,) = told([[], [finding(10)], [finding(25)]], lines={2: {PATHS[0]: shifted(15)}})
    assert (found.patch, found.location.line) == (1, 10)


def test_an_existing_one_stands_where_it_is_now() -> None:
    (found,) = told([[finding(10)], [finding(25)]], lines={1: {PATHS[0]: shifted(15)}})
    assert (found.change, found.location.line) == (Change.EXISTING, 25)


def test_moved_to_another_file_and_renamed_there() -> None:
    new = "virt/kvm/new.c"
    states = [[], [finding(10)], [finding(3, path=new)], [finding(3, path=new, function="map_huge_leaf")], []]
    found = told(states, lines={2: {PATHS[0]: gone(10)}})
    assert words(found) == [(Change.INTRODUCED, 1, 4)]


def test_through_a_rename_of_the_file() -> None:
    new = "virt/kvm/new.c"
    found = told([[], [finding(10)], [finding(10, path=new)]], renames={2: {PATHS[0]: new}})
    assert words(found) == [(Change.INTRODUCED, 1, None)]


def test_two_of_a_kind_are_two() -> None:
    found = told([[], [finding(10)], [finding(10), finding(20)], [finding(20)]], lines={3: {PATHS[0]: gone(10)}})
    assert sorted(words(found), key=repr) == [(Change.INTRODUCED, 1, 3), (Change.INTRODUCED, 2, None)]


def test_what_only_the_before_image_shows_was_there() -> None:
    """A rebuilt file knows more lines before patch 2 than after patch 1: such a finding is old, not new."""
    history = History()
    history.walk([State(1, (), (), {}, {}), State(2, (finding(50),), (finding(50),), {}, {})])
    assert words(history.findings()) == [(Change.EXISTING, None, None)]


@given(st.lists(any_findings, min_size=2, max_size=5))
def test_every_state_can_be_read_back(states: list[list[Finding]]) -> None:
    """The number of defects alive after each patch is the number of findings of that state."""
    states = [[replace(f) for f in state] for state in states]  # as checks make them: no object twice
    found = told(states)
    for n, state in enumerate(states):
        born = [f for f in found if (f.patch or 0) <= n]
        alive = [f for f in born if f.fixed_by is None or f.fixed_by > n]
        assert len(alive) == len(state)
