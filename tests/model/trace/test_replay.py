"""Replay on the model: walks of the correct model conform, mutations are refused, what cannot be seen is said."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.cli.model import LAYOUTS
from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import MUTATIONS, named
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.machine import Machine
from analyzer.model.matrix import run
from analyzer.model.trace import follow, unit, window
from analyzer.model.trace import probes as p
from analyzer.model.trace.ask import How
from analyzer.model.trace.ask import replay as ask_replay
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.generate import Scribe, counterexample, jittered, run_on, walks
from analyzer.model.trace.record import Format
from analyzer.model.trace.verdict import Outcome
from analyzer.model.trace.window import NEEDED, Answer, Keeper, replay
from analyzer.model.trace.write import CONVERTER, line
from tests.cli.nak import nak
from tests.model.trace.deeds import CASES, G, P
from tests.model.trace.synth import Story, fault, ordinary, remove

FORMATS = [f for f in Format if f is not Format.UNKNOWN]
ONE_PAGE = Scope(whole_punch=False)
FAILING = Scope(faults=("enomem",), whole_punch=False)


@cache
def machine(scope: Scope = ONE_PAGE, protocol: Protocol = CORRECT) -> Machine:
    return prepared(build(scope, protocol), False)


def answers(text: str, exact: bool = True, around: int | None = None, armed: tuple[str, ...] = ()) -> list[Answer]:
    keeper = Keeper(exact, around)
    report = check_trace(io.BytesIO(text.encode()), hear=keeper.hear, armed=armed)
    return [replay(one, report.recorded, report.unplaced) for one in keeper.chosen()]


def answer(text: str) -> Answer:
    (only,) = answers(text)
    return only


def broken(found: Answer, mutation: str = "") -> str:
    """The first refusal: the guard, and its source."""
    stops = [one.stop.refused for one in found.stops if one.stop is not None]
    return f"{stops[0].why}: {stops[0].guard} [{stops[0].source}]" if stops else found.outcome


# -- what conforms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "scope", [ONE_PAGE, Scope(pages=3, zapper=False), Scope(faults=("enomem",), whole_punch=False)]
)
def test_a_walk_of_the_correct_model_conforms(format_: Format, scope: Scope) -> None:
    scribe = walks(Scribe(machine(scope), pamt=True), 1, 600, regions=2)
    found = answer(scribe.text(format_))
    assert found.outcome is Outcome.CONFORMS, broken(found)
    assert found.regions == 2
    assert found.restarts == 0
    assert found.events > 100


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_any_walk_conforms_in_any_order_that_the_buffers_allow(seed: int, reach: int) -> None:
    scribe = walks(Scribe(machine()), seed, 300)
    text = "\n".join([scribe.text(Format.BPFTRACE).split("\n")[0]])
    lines = [line(one, Format.PERF) for one in jittered(scribe.told, seed, reach)]
    found = answer("\n".join([text, *lines]))
    assert found.outcome is Outcome.CONFORMS, broken(found)


def test_holes_of_the_whole_region_conform() -> None:
    found = answer(walks(Scribe(machine(Scope(vcpus=1))), 11, 900).text(Format.TRACEFS))
    assert found.outcome is Outcome.CONFORMS, broken(found)
    assert found.entries > 100  # all 512 pages of the region, three at a time


@given(st.sets(st.sampled_from(sorted(NEEDED))), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_probes_that_were_off_never_refuse_a_walk(skip: set[str], seed: int) -> None:
    scribe = walks(Scribe(machine(), frozenset(skip)), seed, 200)
    found = answers(scribe.text(Format.TRACEFS))
    assert all(one.outcome is not Outcome.VIOLATED for one in found), broken(found[0])
    if skip - {p.DEMOTE}:
        assert all(one.outcome is not Outcome.CONFORMS for one in found)


@given(st.integers(0, 99), st.integers(0, 250), st.integers(0, 250))
@settings(max_examples=40, deadline=None)
def test_a_window_may_begin_and_end_anywhere(seed: int, begin: int, length: int) -> None:
    scribe = walks(Scribe(machine()), seed, 300)
    scribe.told = scribe.told[begin : begin + length + 1]
    assert all(one.outcome is not Outcome.VIOLATED for one in answers(scribe.text(Format.TRACEFS)))


@given(st.integers(0, 99), st.integers(0, 150), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_lost_events_make_it_unknown_and_never_a_violation(seed: int, begin: int, length: int, cpu: int) -> None:
    scribe = walks(Scribe(machine()), seed, 300)
    mine = [one for one in scribe.told if one.cpu == cpu]
    gone = {id(one) for one in mine[begin % (len(mine) or 1) :][:length]}
    lines, gap = [scribe.text(Format.TRACEFS).split("\n")[0]], False
    for one in scribe.told:
        gap = gap or id(one) in gone
        if id(one) in gone:
            continue
        if gap and one.cpu == cpu:
            lines.append(f"CPU:{cpu} [LOST {len(gone)} EVENTS]")
            gap = False
        lines.append(line(one, Format.TRACEFS))
    assume(not gap)  # no kernel loses events at the end without a word
    (found,) = answers("\n".join(lines))
    assert found.outcome is not Outcome.VIOLATED, broken(found)
    if any(text.startswith("CPU:") for text in lines):
        assert found.outcome is not Outcome.CONFORMS


@pytest.mark.parametrize("pamt", [False, True])
def test_ordinary_traces_conform(pamt: bool) -> None:
    found = answer(ordinary(pamt=pamt, rounds=3).text(Format.TRACEFS))
    assert found.outcome is Outcome.CONFORMS, broken(found)
    assert found.regions == 6


# -- what is refused ---------------------------------------------------------------------------------------------------

# Words of the guard that each mutation fails, and its source. What is not here a trace cannot show to the model.
REFUSED = {
    "split_read": ("first write-lock", "v3 13/24"),
    "split_read_inhibit": ("first write-lock", "v3 13/24"),
    "no_track": ("first track", "tdx_track"),
    "no_track_lax": ("first track", "tdx_track"),
    "no_kick": ("first vCPU kick", "kvm_make_all_cpus_request"),
    "no_kick_lax": ("first vCPU kick", "kvm_make_all_cpus_request"),
    "no_block": ("first block of gpa 0x80000000 2M", ""),
    "level_4k": ("gpa 0x80000000 2M is a table of 4K entries", "tdp_mmu_set_spte_atomic"),
    "demote_ignored": ("demote of gpa 0x80000000 2M", ""),
    "no_stale_check": ("invalidation", "is_page_fault_stale"),
    "late_invalidate": ("first invalidate-begin", "kvm_mmu_invalidate_start"),
    "inv_leak": ("first invalidate-end", "kvm_mmu_invalidate_end"),
    "no_split_zap": ("first demote of gpa 0x80000000 2M", "v3 08/24"),
    "no_freeze": ("is mapped", "tdp_mmu_set_spte_atomic"),
    "no_wait_flag": ("no vCPU enters the guest between the two tries", "tdh_do_no_vcpus"),
    "create_unchecked": ("no vCPU enters the guest between the two tries", "tdh_do_no_vcpus"),
    "merge_ok": ("nothing is mapped at gpa 0x80000000 2M", "tdp_mmu_set_spte_atomic"),
    "reblock": ("first vCPU kick", "kvm_make_all_cpus_request"),
    "topup_no_rewalk": ("is mapped by one leaf", "tdp_mmu_set_spte_atomic"),
    "table_unfrozen": ("nothing is mapped at gpa 0x80000000 2M", "tdp_mmu_set_spte_atomic"),
    "pamt_no_recheck": ("success or OPERAND_BUSY", "tdx_mem_page_aug"),
}
UNSEEN = {
    "folio_first": "no event for the split of a folio in place",
    "poison_split": "no event for the split of a folio in place",
    "errno_as_bool": "no event for the split of a folio in place, nor for the store of an attribute",
    "attr_first": "no event for the store of an attribute: kvm_vm_set_mem_attributes comes before the lock",
    "free_first": "the page cache is not in what is replayed; the monitor of tdx-module-page-freed sees it",
    "pamt_2m_get": "PAMT references are not replayed; the monitor of tdx-pamt-unbalanced sees them",
    "pamt_leak_busy": "PAMT references are not replayed; the monitor of tdx-pamt-unbalanced sees them",
    "pamt_no_set": "the count that DEMOTE sets is in no event",
    "not_free_fatal": "PAMT.ADD has no probe",
    "pamt_cache_two": "the split cache has no probe",
    "pair_leaked": "the split cache has no probe",
    "accept_ignored": "progress: every prefix conforms; the monitor of tdx-level-ignored counts the faults",
    "fastpath_spin": "progress: every prefix conforms",
    "frozen_left": "FROZEN is never in an event, and nothing happens to the entry any more",
    "flag_left": "the flag is in no event, and no vCPU enters any more",
    "lock_left": "releases of mmu_lock are inlined, and nobody gets it any more",
    "inhibit_unread": "the guest's inhibit is in no event",
    "inhibit_cleared": "the guest's inhibit is in no event",
    "restart_once": "a DEMOTE that is given up bugs the VM; what follows is no run of it",
    "restart_error": "a DEMOTE that is given up bugs the VM; what follows is no run of it",
    "sept_page_early": "the reclaim of S-EPT pages has no probe",
    "reclaim_early": "the reclaim of S-EPT pages has no probe",
    "wrong_root": "an invalidation that removes nothing may be one of shared memory",
    "root_kept": "references to a root are in no event",
    "rcu_left": "RCU read sections are in no event",
    "stale_compare": "progress: every prefix conforms",
    "running_vcpu": "the host crashes before there is an event",
    "pfnmap_no_retry": "shared memory has no S-EPT entry",
    "pfnmap_untied": "shared memory has no S-EPT entry",
    "pfn_to_page": "shared memory has no S-EPT entry",
}


def violating(name: str, seed: int) -> Scribe:
    """The shortest counterexample and what comes next; for an odd seed a run from the start."""
    mutation = named(name)
    assert mutation is not None
    row = run(mutation, "python", claim="I8" if name == "split_read" else None)  # its first claim breaks unseen
    assert row.discovery is not None
    scribe = Scribe(row.machine, pamt=True)
    state = row.machine.init
    if not seed % 2:
        counterexample(row.discovery.moves, row.discovery.states, scribe)
        state = row.discovery.states[-1]
    run_on(scribe, state, seed, 400 if seed else 0)
    return scribe


def refusing(name: str) -> tuple[Scribe, Answer]:
    for seed in range(12):
        scribe = violating(name, seed)
        for found in answers(scribe.text(Format.TRACEFS)):
            if found.outcome is Outcome.VIOLATED:
                return scribe, found
    raise AssertionError(f"{name} is never refused")


@pytest.mark.parametrize("name", REFUSED)
def test_a_mutation_is_refused_with_the_guard_it_breaks(name: str) -> None:
    scribe, found = refusing(name)
    guard, source = REFUSED[name]
    assert guard in broken(found)
    assert source in broken(found)
    for format_ in FORMATS:
        assert answer(scribe.text(format_)).outcome is Outcome.VIOLATED


def test_every_mutation_is_refused_or_said_to_be_unseen() -> None:
    assert REFUSED.keys() | UNSEEN.keys() == {m.name for m in MUTATIONS if not m.equivalent}
    assert not REFUSED.keys() & UNSEEN.keys()


@pytest.mark.parametrize("name", [m.name for m in MUTATIONS if m.equivalent and m.name != "restart_forever"])
def test_an_equivalent_mutation_conforms(name: str) -> None:
    mutation = named(name)
    assert mutation is not None
    scope = Scope(vcpus=mutation.scope.vcpus, whole_punch=False, split_cache=mutation.scope.split_cache)
    found = answer(walks(Scribe(machine(scope, mutation.protocol)), 2, 600).text(Format.TRACEFS))
    assert found.outcome is Outcome.CONFORMS or name == "late_begin_same", broken(found)


MISSING = {"no_track": p.TRACK, "no_kick": p.KICK, "late_invalidate": p.INV_BEGIN, "no_split_zap": p.INV_RANGE}


@pytest.mark.parametrize("name", MISSING)
def test_without_the_probe_it_is_not_observable(name: str) -> None:
    scribe, _ = refusing(name)
    what = MISSING[name]
    scribe.skip = frozenset((what,))
    scribe.told = [one for one in scribe.told if one.what != what]
    if name in ("no_track", "no_kick"):  # the status would say it
        scribe.told = [one for one in scribe.told if one.args.get("ret", 0) >> 62 != 3]
    found = answer(scribe.text(Format.TRACEFS))
    assert found.outcome is Outcome.NOT_OBSERVABLE
    assert what in [missing for missing, _ in found.missing]


def test_a_loss_in_front_of_what_is_wrong_makes_it_unknown() -> None:
    scribe, _ = refusing("no_track")
    head, *lines = [one for one in scribe.text(Format.TRACEFS).split("\n") if one and not one.startswith("# t")]
    before = next(n for n, text in enumerate(lines) if "range_block" in text)
    lost = "\n".join([head, *lines[: before + 1], "CPU:0 [LOST 3 EVENTS]", *lines[before + 1 :]])
    assert answer(lost).outcome is Outcome.UNKNOWN
    somewhere = "\n".join([head, *lines, "Lost 7 events"])
    assert "does not say where" in answer(somewhere).reason


@pytest.mark.parametrize(("rule", "deed", "words"), CASES, ids=[d.__name__ for _, d, _ in CASES])
def test_the_model_and_the_monitors_do_not_contradict(rule: str, deed: object, words: str) -> None:
    """What the model refuses, some monitor refuses: the same event, or one of the same story."""
    story = ordinary()
    begin = len(story.told)
    assert callable(deed)
    deed(story)
    for found in answers(story.text(Format.TRACEFS)):
        assert all(one.stop is None or one.stop.event.record.line > begin for one in found.stops)


# -- windows and bounds ------------------------------------------------------------------------------------------------


def test_what_is_around_an_alarm_is_replayed() -> None:
    story = ordinary(rounds=4)
    begin = len(story.told)
    fault(story.by(4101), G, 1, P)
    story.by(CONVERTER).write_lock().begin(G, G + 1).call(p.BLOCK, G, 1).call(p.REMOVE, G, 1)
    (found,) = answers(story.text(Format.TRACEFS), exact=False, around=40)
    assert found.alarm is not None
    assert begin - 40 < found.first < begin
    assert found.outcome is Outcome.VIOLATED
    assert "first track" in broken(found)
    assert answers(ordinary().text(Format.TRACEFS), exact=False, around=40) == []


def test_more_threads_and_pages_than_the_model_has() -> None:
    story = Story()
    for n in range(7):
        fault(story.by(4101 + n).enter(), G + n, 1, P + n, table=n == 0)
    story.by(CONVERTER).write_lock().begin(G, G + 8)
    for n in range(7):
        remove(story, G + n, 1, P + n)
    story.end()
    found = answer(story.text(Format.TRACEFS))
    assert found.outcome in (Outcome.CONFORMS, Outcome.NOT_OBSERVABLE), broken(found)
    assert (found.entries, found.threads) == (3, 7)


def test_too_many_states_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "TOO_MANY", -2)
    monkeypatch.setattr(follow.Follower, "_explore", lambda self, number: None)
    follow.follower.cache_clear()
    found = answer(walks(Scribe(machine()), 1, 200).text(Format.TRACEFS))
    follow.follower.cache_clear()
    assert found.outcome is Outcome.UNKNOWN
    assert "states of the model fit" in found.reason


def test_a_long_trace_without_an_alarm_is_not_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SHORT", 10)
    text = walks(Scribe(machine()), 1, 300).text(Format.TRACEFS)
    assert answers(text, exact=False) == []
    assert answers(text)[0].outcome is Outcome.CONFORMS


def test_the_command_line(tmp_path: Path) -> None:
    path = str(tmp_path / "trace.txt")
    scribe, _ = refusing("no_track")
    Path(path).write_text(scribe.text(Format.TRACEFS))
    ran = nak("model", "replay", path)
    assert ran.code == 1
    assert "replay on the model, lines " in ran.out
    assert "guard: first track  (arch/x86/kvm/vmx/tdx.c:tdx_track)" in ran.out
    document = json.loads(nak("model", "replay", path, "--format", "json").out)
    (found,) = document["replay"]
    assert found["outcome"] == "violated"
    assert found["violations"][0]["source"].endswith("tdx_track")
    for layout in LAYOUTS:
        Path(path).write_text(nak("model", "export", "trace", "--scope", "1x2", "--layout", layout).out)
        assert nak("model", "replay", path).code == 0
    Path(path).write_text(nak("model", "export", "trace", "--mutation", "no_kick", "--steps", "0").out)
    text, code = ask_replay(path, How(exact=True))
    assert code == 1
    assert "first vCPU kick" in text
