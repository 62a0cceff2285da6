"""Completeness: every invariant, mutation, choice, status and step is there for a reason that some run shows."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from analyzer.core.problem import AnalyzerError
from analyzer.engine.registry import load_rules
from analyzer.model.engines import python
from analyzer.model.engines.outcome import Limits
from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build, only
from analyzer.model.kvm_tdx.claims import GOALS, TEXTS
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation, named
from analyzer.model.kvm_tdx.protocol import CORRECT, differing, possible, values
from analyzer.model.kvm_tdx.scope import DEFAULT, FAULTS, FULL, SCOPES, Scope
from analyzer.model.kvm_tdx.status import BUGS, STATUSES
from analyzer.model.kvm_tdx.unmodelled import UNMODELLED
from analyzer.model.matrix import Row, chosen, run
from analyzer.model.trace.status import NAMES
from analyzer.model.trace.table import RULES

# The claim that each mutation breaks first, and by how many steps.
FIRST = {
    "split_read": ("I14", 14), "folio_first": ("I3", 12), "no_track": ("I6", 15), "no_track_lax": ("I1", 18),
    "no_kick": ("I6", 17), "no_kick_lax": ("I1", 19), "demote_ignored": ("I4", 19), "no_stale_check": ("I12", 12),
    "late_invalidate": ("I3", 16), "no_split_zap": ("I11", 18), "attr_first": ("I2", 12), "free_first": ("I2", 12),
    "pamt_2m_get": ("I5", 10), "pamt_leak_busy": ("I5", 13), "pamt_no_set": ("I5", 19), "no_freeze": ("I6", 18),
    "no_wait_flag": ("I6", 16), "inv_leak": ("I7", 13), "errno_as_bool": ("I3", 15), "pamt_cache_two": ("I15", 25),
    "poison_split": ("I3", 10), "merge_ok": ("I6", 42), "accept_ignored": ("P1", 25), "frozen_left": ("I9", 10),
    "old_kept": ("I4", 10), "new_kept": ("I4", 10),
    "split_read_inhibit": ("I8", 15), "flag_left": ("I10", 21), "create_unchecked": ("I6", 16),
    "fastpath_spin": ("P3", 17), "lock_left": ("I13", 10), "inhibit_unread": ("I14", 11),
    "inhibit_cleared": ("I14", 16), "pair_leaked": ("I15", 34), "topup_no_rewalk": ("I6", 26), "no_block": ("I6", 16),
    "reblock": ("I6", 19), "level_4k": ("I6", 14), "restart_once": ("I6", 18), "restart_error": ("I6", 17),
    "not_free_fatal": ("I6", 31), "pamt_no_recheck": ("I6", 33), "sept_page_early": ("I16", 21),
    "reclaim_early": ("I16", 26), "pfnmap_no_retry": ("I17", 15), "pfnmap_untied": ("I17", 14),
    "pfn_to_page": ("I6", 10), "table_unfrozen": ("I6", 19), "wrong_root": ("I3", 15), "root_kept": ("I18", 13),
    "rcu_left": ("I19", 5), "stale_compare": ("P1", 21), "running_vcpu": ("I6", 22),
}  # fmt: skip

# Steps that the correct protocol never takes: they are what it must not come to, or what nobody is there to provoke.
NEVER = re.compile(
    r"vcpu\d needs_split|vcpu\d pamt_put_below|converter nothing_left|destroyer zap_\w+\.\w+_(busy|retry)"
)


@cache
def explored(name: str) -> Row:
    mutation = named(name)
    assert mutation is not None
    return run(mutation, "python")


@cache
def fired(scope: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """All steps, those that fire, and the statuses they return, of the correct protocol."""
    machine = prepared(build(SCOPES[scope][0]), True)
    hit = python.reached(machine, Limits(states=400_000))
    called = [f"{m.actor} {m.name}" for m in machine.moves]
    statuses = frozenset(machine.moves[n].status for n in hit)
    return frozenset(called), frozenset(called[n] for n in hit), statuses


# The scopes that between them take every step; the others repeat what these do.
TELLING = ("2x2-no-zapper", "1x2", "accept-4k", "pamt", "poison", "pfnmap", "split-cache", "teardown", "enomem",
           "pamt-remove", "second-busy-accept", "roots", "lockless")  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_every_mutation_is_killed_or_equivalent_as_declared(mutation: Mutation) -> None:
    row = explored(mutation.name)
    assert row.as_declared
    if mutation.equivalent:
        assert row.outcome.complete
        assert row.verdict == "equivalent"
    else:
        assert row.discovery is not None
        assert (row.verdict, len(row.discovery.moves)) == FIRST[mutation.name]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_reductions_change_no_verdict(mutation: Mutation) -> None:
    """Exchanged vCPUs and forgotten values: broken or not as before, after as many steps, of no more states.

    Of two claims that break after as many steps, either may be met first.
    """
    whole, reduced = explored(mutation.name), run(mutation, "python", reduce=True)
    assert (reduced.discovery is None) == (whole.discovery is None)
    assert mutation.equivalent == "" or reduced.verdict == whole.verdict
    assert steps(reduced) == steps(whole)
    assert mutation.progress or reduced.outcome.states <= whole.outcome.states


def steps(row: Row) -> int:
    return len(row.discovery.moves) if row.discovery is not None else 0


def test_every_invariant_is_the_first_to_break_somewhere() -> None:
    broken = {explored(m.name).verdict for m in MUTATIONS}
    assert set(TEXTS) <= broken
    assert {"P1", "P3"} <= broken  # P2 is lost with P3, which is found first; test_engines looks at it
    assert broken <= set(TEXTS) | set(GOALS) | {"equivalent"}


def test_all_mutations_are_cheap() -> None:
    assert sum(explored(m.name).outcome.seconds for m in MUTATIONS) < 30


def test_every_choice_of_the_protocol_is_somebodys_mutation() -> None:
    used = {(field, value) for m in MUTATIONS for field, value in differing(m.protocol).items()}
    wanted = {(field, value) for field, choices in values().items() for value in choices[1:]}
    assert wanted == used
    assert all(getattr(CORRECT, field) == choices[0] for field, choices in values().items())


def test_mutations_differ_in_one_decision_and_name_a_rule() -> None:
    for m in MUTATIONS:
        assert len(differing(m.protocol)) == 1, m.name
        assert m.rules
        assert all(re.fullmatch(r"(kvm|tdx|series)(-[a-z0-9]+)+", rule) for rule in m.rules)
    assert len({m.name for m in MUTATIONS}) == len(MUTATIONS)


def test_every_rule_has_a_mutation_or_a_reason() -> None:
    """A new rule that speaks of run time needs a mutation; one that does not is listed with the reason."""
    broken = {rule for m in MUTATIONS for rule in m.rules}
    assert broken | UNMODELLED.keys() == {rule.id for rule in load_rules()}
    assert not broken & UNMODELLED.keys()
    assert all(len(reason) > 20 for reason in UNMODELLED.values())
    with pytest.raises(AnalyzerError, match="the model has no interrupts"):
        chosen("kvm-softirq-lock-unsafe")


def test_a_rule_that_the_model_is_silent_of_is_silent_on_traces_or_has_a_monitor_of_its_own() -> None:
    assert {rule for rule in UNMODELLED if rule in RULES} == {"kvm-softirq-lock-unsafe"}


def test_statuses_have_their_codes() -> None:
    assert set(STATUSES) <= set(NAMES.values())
    assert {bug.status for bug in BUGS} - {""} <= set(STATUSES)


def test_layers_that_are_off_change_nothing() -> None:
    full = build(replace(FULL, vcpus=1))
    names = {v.name for v in full.variables}
    assert not names & {"root_users", "rcu_readers", "pointer", "table", "cache", "hkid", "vma_pte"}
    assert not {a.name for a in full.actors} & {"reader", "freer", "destroyer", "host"}


def test_undecided_fields_stand_for_every_protocol() -> None:
    found = list(possible({"track": ("track", "none"), "kick": ("kick", "none")}))
    assert len(set(found)) == 4
    assert found[0] == CORRECT
    with pytest.raises(ValueError, match="no such choice"):
        list(possible({"track": ("maybe",)}))


def test_every_status_is_produced_by_some_run() -> None:
    seen = set().union(*(fired(scope)[2] for scope in TELLING))
    for m in MUTATIONS:
        seen |= produced(explored(m.name))
    lax = named("no_kick_lax")  # a second TRACK is BUSY only where a module lets the first one pass
    assert lax is not None
    machine = only(replace(build(lax.scope, lax.protocol), symmetric=()), ("I6",))
    seen |= produced(Row(lax, machine, python.search(machine), python.search(machine).discovery))
    assert seen - {""} == set(STATUSES)


def produced(row: Row) -> set[str]:
    if row.discovery is None:
        return set()
    word = row.machine.show(row.discovery.states[-1])["bug"]
    return {row.machine.moves[n].status for n in row.discovery.moves} | {b.status for b in BUGS if b.word == word}


def test_every_step_is_taken_somewhere() -> None:
    known = set().union(*(fired(scope)[0] for scope in TELLING))
    taken = set().union(*(fired(scope)[1] for scope in TELLING))
    assert {step for step in known - taken if not NEVER.fullmatch(step)} == set()
    assert {step for step in taken if NEVER.fullmatch(step)} == set()


@pytest.mark.parametrize("scope", ["accept-4k", "teardown", "pfnmap", "enomem", "restartable", "second-busy-accept"])
def test_the_correct_protocol_holds(scope: str) -> None:
    assert python.search(prepared(build(SCOPES[scope][0]), True)).complete


def test_every_layer_and_failure_is_in_a_default_scope() -> None:
    scopes = [SCOPES[name][0] for name in DEFAULT]
    assert {fault for s in scopes for fault in s.faults} == set(FAULTS)
    for layer in ("poison", "split_cache", "pamt_steps", "late_vcpu", "teardown", "roots", "lockless", "pfnmap",
                  "guest_errors"):  # fmt: skip
        assert any(getattr(s, layer) for s in scopes), layer


def test_scopes_are_bounded() -> None:
    with pytest.raises(ValueError, match="vCPUs"):
        Scope(vcpus=9)
    with pytest.raises(ValueError, match="inject"):
        Scope(faults=("gremlins",))
