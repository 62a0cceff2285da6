"""All engines give the same counts, and the same way to a broken claim."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from analyzer.core.problem import AnalyzerError
from analyzer.model.engines import native, python
from analyzer.model.engines.outcome import Limits, Outcome, names
from analyzer.model.engines.progress import progress
from analyzer.model.explore import explore
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import named
from analyzer.model.kvm_tdx.scope import SCOPES, SMALL
from analyzer.model.machine import Machine
from analyzer.model.reduce import dead_places, forget_dead, plain
from tests.model.machines import machines, window

needs_cc = pytest.mark.skipif(native.compiler() is None, reason="no C compiler here")

# States, transitions and depth without reductions. Spin on the model written by hand has them too (test_export).
KNOWN = {"1x2": (54_174, 115_225, 72), "1x3": (210_460, 455_335, 86)}
SMALL_SCOPES = ("accept-4k", "pfnmap", "teardown")


def numpy_search(machine: Machine, limits: Limits | None = None, exact: bool = False) -> Outcome:
    pytest.importorskip("numpy")
    from analyzer.model.engines import frontier

    return frontier.search(machine, limits or Limits(), exact)


def counts(outcome: Outcome) -> tuple[int, int, int]:
    assert outcome.complete, outcome
    return outcome.states, outcome.transitions, outcome.depth


@pytest.mark.parametrize("scope", KNOWN)
def test_counts_are_the_known_ones(scope: str) -> None:
    assert counts(python.search(plain(build(SCOPES[scope][0])))) == KNOWN[scope]


@pytest.mark.parametrize("scope", ["1x2", *SMALL_SCOPES])
def test_numpy_counts_like_python(scope: str) -> None:
    for machine in (plain(build(SCOPES[scope][0])), forget_dead(build(SCOPES[scope][0]))):
        expected = counts(python.search(machine))
        assert counts(numpy_search(machine)) == expected
        assert counts(numpy_search(machine, exact=True)) == expected


@needs_cc
@pytest.mark.parametrize("scope", ["1x2", *SMALL_SCOPES])
def test_c_counts_like_python(scope: str) -> None:
    machine = forget_dead(build(SCOPES[scope][0])) if scope == "accept-4k" else plain(build(SCOPES[scope][0]))
    outcome = native.search(machine)
    assert counts(outcome) == counts(python.search(machine))
    assert scope != "1x2" or outcome.bytes_per_state <= 32


@settings(max_examples=60, deadline=None)
@given(machines())
def test_numpy_agrees_on_any_machine(machine: Machine) -> None:
    agree(python.search(machine), numpy_search(machine))


@needs_cc
@settings(max_examples=4, deadline=None)
@given(machines())
def test_c_agrees_on_any_machine(machine: Machine) -> None:
    agree(python.search(machine), native.search(machine))


def agree(left: Outcome, right: Outcome) -> None:
    assert left.complete == right.complete
    if left.complete:
        assert counts(left) == counts(right)
    else:
        assert left.discovery is not None
        assert right.discovery is not None
        assert len(left.discovery.moves) == len(right.discovery.moves)


@pytest.mark.parametrize("name", ["folio_first", "pamt_2m_get", "pfnmap_no_retry", "fastpath_spin"])
def test_engines_find_the_same_shortest_way(name: str) -> None:
    mutation = named(name)
    assert mutation is not None
    machine = plain(build(mutation.scope, mutation.protocol))
    first = python.search(machine).discovery
    assert first is not None
    found = numpy_search(machine).discovery
    assert found is not None
    assert (found.claim, len(found.moves)) == (first.claim, len(first.moves))
    if native.compiler():
        assert native.search(machine).discovery == first  # the same order of moves, so the same way


def test_a_leak_is_found_by_the_shortest_way() -> None:
    assert python.search(window(False)).complete
    found = python.search(window(True)).discovery
    assert found is not None
    assert names(window(True), found) == [("worker", "open"), ("worker", "fail")]


def test_progress_is_lost_where_no_way_leads_to_the_goal() -> None:
    assert [p.lost for p in progress(window(False))] == [0]
    spin = named("fastpath_spin")
    assert spin is not None
    lost = {p.goal.text: p.lost for p in progress(plain(build(spin.scope, spin.protocol)))}
    assert all(lost.values()), lost  # nobody finishes anything once the converter waits for a vCPU that waits for it


# -- reductions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SMALL_SCOPES)
def test_exchanging_vcpus_visits_one_state_of_each_class(scope: str) -> None:
    machine = build(SCOPES[scope][0])
    order = python.canonical(machine) or bytes
    full, reduced = everything(plain(machine)), everything(machine)
    assert {order(state) for state in full} == reduced


@pytest.mark.parametrize("scope", ["accept-4k", "pfnmap"])
def test_forgetting_dead_values_visits_the_same_states_without_them(scope: str) -> None:
    machine = plain(build(SCOPES[scope][0]))
    full, reduced = everything(machine), everything(forget_dead(machine))
    assert len(reduced) < len(full)
    without_dead = forgetter(machine)
    assert {without_dead(state) for state in full} == reduced


def forgetter(machine: Machine) -> Callable[[bytes], bytes]:
    at = {v.name: n for n, v in enumerate(machine.variables)}
    zero = [
        (at[machine.pc(actor)], {place: [at[name] for name in names] for place, names in places.items()})
        for actor, places in dead_places(machine).items()
    ]

    def forget(state: bytes) -> bytes:
        changed = bytearray(state)
        for pc, places in zero:
            for n in places[state[pc]]:
                changed[n] = 0
        return bytes(changed)

    return forget


def test_reductions_keep_verdict_and_length() -> None:
    for name in ("no_track", "demote_ignored", "no_wait_flag"):
        mutation = named(name)
        assert mutation is not None
        machine = build(mutation.scope, mutation.protocol)
        first, second = python.search(plain(machine)), python.search(forget_dead(machine))
        assert first.discovery and second.discovery
        assert (first.discovery.claim, len(first.discovery.moves)) == (
            second.discovery.claim,
            len(second.discovery.moves),
        )
        assert second.states < first.states


def everything(machine: Machine) -> set[bytes]:
    run = python.Search(machine)
    assert run.explore()
    return set(run.seen)


# -- limits and what is missing ----------------------------------------------------------------------------------------


def test_a_limit_stops_with_what_is_known() -> None:
    for search in (python.search, numpy_search, *([native.search] if native.compiler() else [])):
        outcome = search(plain(build(SMALL)), Limits(states=1000))
        assert not outcome.complete
        assert outcome.discovery is None
        assert 1000 < outcome.states < 5000


def test_an_interrupt_stops_with_what_is_known() -> None:
    def tick(states: int, depth: int) -> None:
        if states > 5000:
            raise KeyboardInterrupt

    for search in (python.search, numpy_search, *([native.search] if native.compiler() else [])):
        outcome = search(plain(build(SMALL)), Limits(tick=tick))
        assert not outcome.complete
        assert outcome.states > 5000


def test_values_stay_in_their_range() -> None:
    for scope in ("1x2", *SMALL_SCOPES):
        machine = forget_dead(build(SCOPES[scope][0]))
        tops = [max(column) for column in zip(*everything(machine), strict=True)]
        assert [v.name for v, top in zip(machine.variables, tops, strict=True) if top > v.top] == []


def test_without_a_compiler_the_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AnalyzerError, match="no C compiler"):
        explore(window(False), "c")


def test_without_numpy_the_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "numpy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(AnalyzerError, match="needs numpy"):
        explore(window(False), "numpy")
