"""Replay on the model: walks of the correct model conform, mutations are refused, what cannot be seen is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from analyzer.cli.model import LAYOUTS
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.trace import follow, replayed, unit, window
from analyzer.model.trace import probes as p
from analyzer.model.trace.acts import KEPT
from analyzer.model.trace.ask import How
from analyzer.model.trace.ask import replay as ask_replay
from analyzer.model.trace.generate import Scribe, jittered, walks
from analyzer.model.trace.record import Format
from analyzer.model.trace.verdict import Outcome
from analyzer.model.trace.window import NEEDED
from analyzer.model.trace.write import CONVERTER, VCPU0, line
from tests.cli.nak import nak
from tests.model.trace.deeds import G, P
from tests.model.trace.replaying import FORMATS, ONE_PAGE, answer, answers, broken, machine
from tests.model.trace.synth import BUSY, PRIVATE, Story, fault, ordinary, remove
from tests.model.trace.test_refused import refusing

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
@example(14, 195, 35)  # begins inside a fault whose AUG was refused and that asks for its PFN again
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


# -- what other kernels and machines do -------------------------------------------------------------------------------


def outcome(story: Story) -> str:
    found = answer(story.text(Format.TRACEFS))
    # Whatever was not recorded in so short a story: it must not be refused.
    return "refused" if found.outcome is Outcome.VIOLATED else "fits"


def test_tables_above_the_region_are_no_tables_of_it() -> None:
    story = Story().by(VCPU0).enter().leave().ask(G).read_lock()
    story.call(p.SEPT_ADD, G & -(1 << 18), 4).call(p.SEPT_ADD, G & -(1 << 18), 3).call(p.SEPT_ADD, G, 2)
    assert outcome(story.call(p.AUG, G, 1, pfn=P).enter()) == "fits"


def test_several_entries_blocked_before_one_track() -> None:
    story = Story()
    for n in range(3):
        fault(story.by(VCPU0).enter(), G + n, 1, P + n, table=not n)
    story.by(CONVERTER).write_lock().begin(G, G + 3)
    for n in range(3):
        story.call(p.BLOCK, G + n, 1)
    story.track().kick()
    for n in range(3):
        story.call(p.REMOVE, G + n, 1)
    story.end()
    assert outcome(fault(story.by(VCPU0), G, 1, P)) == "fits"


def test_a_slot_that_is_deleted_is_zapped_without_an_invalidation() -> None:
    story = fault(Story().by(VCPU0).enter(), G, 1, P, table=True)
    story.by(CONVERTER).do(p.ATTRIBUTES, start=0, end=1, attr=0).write_lock()
    remove(story, G, 1, P)
    story.now += 10**9
    story.by(CONVERTER).write_lock().begin(G, G + 1).end()
    assert outcome(fault(story.by(VCPU0), G, 1, P)) == "fits"


def test_shared_memory_goes_beside_a_huge_fault() -> None:
    """User space drops the shared side of pages that became private: an invalidation that removes nothing."""
    story = Story().by(CONVERTER).do(p.ATTRIBUTES, start=G, end=G + 512, attr=PRIVATE)
    story.write_lock().begin(G + 5, G + 9)
    fault(story.by(VCPU0), G, 2, P)
    assert outcome(story.by(CONVERTER).end()) == "fits"


def test_exits_that_were_not_recorded() -> None:
    story = fault(fault(Story().by(VCPU0).enter(), G, 1, P, table=True).enter(), G + 1, 1, P + 1)
    story.by(VCPU0 + 1).enter()
    story.by(CONVERTER).write_lock().begin(G, G + 1)
    story.call(p.BLOCK, G, 1, BUSY).kick().call(p.BLOCK, G, 1).track(BUSY).kick().track().kick().call(p.REMOVE, G, 1)
    assert outcome(story.end()) == "fits"
    story.by(VCPU0).ask(G + 2).read_lock().call(p.AUG, G + 2, 1, pfn=P + 2)
    assert outcome(story) == "fits"


def test_the_head_and_tail_of_a_conversion_are_not_emptied() -> None:
    story = fault(Story().by(VCPU0).enter(), G, 1, P, table=True)
    fault(story, G + 1, 1, P + 1)
    for attributes in (False, True):
        story.by(CONVERTER)
        if attributes:
            story.do(p.ATTRIBUTES, start=G, end=G + 1, attr=0)
        story.write_lock().begin(G, G + 1).do(p.INV_RANGE, kvm=story.kvm, start=G, end=G + 512)
        remove(story, G, 1, P).end()
        assert outcome(story) == "fits"
        story.by(CONVERTER).do(p.ATTRIBUTES, start=G, end=G + 1, attr=PRIVATE)
        story.write_lock().begin(G, G + 1).end()
        fault(story.by(VCPU0), G, 1, P)


def test_a_file_that_another_vm_has_bound_too() -> None:
    story, other = fault(Story().by(VCPU0).enter(), G, 1, P, table=True), 0xFF3A_0000_2000_0000
    story.by(CONVERTER).write_lock().do(p.INV_BEGIN, kvm=story.kvm).do(p.INV_BEGIN, kvm=other)
    for kvm in (story.kvm, other):
        story.do(p.INV_RANGE, kvm=kvm, start=G, end=G + 1)
    remove(story, G, 1, P).do(p.INV_END, kvm=story.kvm).do(p.INV_END, kvm=other)
    assert outcome(fault(story.by(VCPU0), G, 1, P)) == "fits"


def test_another_td_at_the_same_place() -> None:
    story = fault(Story().by(VCPU0).enter(), G, 1, P, table=True)
    story.by(CONVERTER).do(p.KEY_FREE, td=story.td, ret=0).do(p.CREATE, td=story.td, ret=0)
    assert outcome(fault(story.by(VCPU0), G, 2, P)) == "fits"


def test_a_call_that_never_reached_the_module() -> None:
    story = fault(Story().by(VCPU0).enter(), G, 1, P, table=True)
    story.by(CONVERTER).write_lock().begin(G, G + 1).call(p.BLOCK, G, 1, 0x8000_FF00_0000_000D).end()
    assert outcome(story) == "fits"


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
    assert "TRACK has to come first" in broken(found)
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
    assert "guard: TRACK has to come first\n    read in: arch/x86/kvm/vmx/tdx.c:tdx_track\n" in ran.out
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
    assert "a vCPU kick has to come first" in text


ARGS = {"gpa": st.sampled_from((0, G << 12, (G + 1) << 12, -1, 1 << 70)), "gfn": st.sampled_from((0, G, -1, 1 << 60)),
        "level": st.integers(-1, 5), "ret": st.sampled_from((0, BUSY, 0xC000_0B00_0000_0000, -11)),
        "start": st.sampled_from((0, G, -5)), "end": st.sampled_from((0, G + 1, 1 << 62)), "vcpu": st.integers(-1, 9),
        "info2": st.integers(0, 3), "attr": st.integers(0, 9), "address": st.integers(0, G << 13)}  # fmt: skip


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_nonsense_is_answered(data: st.DataObject) -> None:
    story = Story()
    for _ in range(data.draw(st.integers(1, 40))):
        what = data.draw(st.sampled_from(sorted(KEPT)))
        args = {arg.name: data.draw(ARGS.get(arg.name, st.just(story.kvm))) for arg in p.BY_WHAT[what].args}
        story.by(4101 + data.draw(st.integers(0, 2))).do(what, **args)
    for found in answers(story.text(Format.BPFTRACE)):
        json.dumps(replayed.value(found))
        assert list(replayed.text([found], 1))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_KEPT", 200)
    follow.follower.cache_clear()
    found = answer(walks(Scribe(machine()), 1, 600).text(Format.TRACEFS))
    assert found.outcome is Outcome.CONFORMS
    follow.follower.cache_clear()
