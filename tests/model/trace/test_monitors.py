"""Each monitor finds its violation, names the guard, and is silent on what conforms, however little was recorded."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.model.trace import probes as p
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.record import Format
from analyzer.model.trace.table import MONITORS, RULES
from analyzer.model.trace.verdict import Outcome, TraceReport, Verdict
from analyzer.model.trace.write import CONVERTER, VCPU0, Happening, line
from tests.model.trace import synth
from tests.model.trace.deeds import CASES, G, P, no_track
from tests.model.trace.synth import Story, fault, ordinary, remove, split


def check(story: Story, format_: Format = Format.TRACEFS) -> TraceReport:
    return check_trace(io.BytesIO(story.text(format_).encode()))


def verdict(report: TraceReport, rule: str) -> Verdict:
    return next(v for v in report.verdicts if v.rule == rule)


def broken(report: TraceReport) -> dict[str, list[str]]:
    return {v.rule: [x.why for x in v.violations] for v in report.verdicts if v.outcome is Outcome.VIOLATED}


@pytest.mark.parametrize(("rule", "deed", "words"), CASES, ids=[f"{r}-{d.__name__}" for r, d, _ in CASES])
def test_a_violation_is_found_and_only_it(rule: str, deed: Callable[[Story], None], words: str) -> None:
    story = ordinary(pamt="pamt" in rule)
    begin = len(story.told)
    deed(story)
    report = check(story)
    found = verdict(report, rule)
    assert found.outcome is Outcome.VIOLATED
    assert any(words in violation.why for violation in found.violations), found.violations
    assert all(violation.event.record.line > begin for violation in found.violations)
    assert set(broken(report)) <= {rule, *MAY_ALSO.get(deed.__name__, ())}


# One deed may break two rules: what is judged by one guard is also wrong for another reason.
MAY_ALSO = {
    "dropped_demote": {"tdx-sept-op-misordered"},  # the entry is left blocked
    "promoted": {"tdx-sept-op-misordered"},  # its status says so too
    "unlocked_block": {"tdx-sept-op-misordered"},
    "half_zap": set[str](),
    "not_flushed": set[str](),
}


def test_every_rule_with_a_monitor_has_a_violation() -> None:
    assert {rule for rule, _, _ in CASES} == {m.rule for m in MONITORS if not m.blind}
    assert all(m.blind or m.guards for m in MONITORS)
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize("pamt", [False, True])
def test_an_ordinary_trace_conforms(pamt: bool) -> None:
    report = check(ordinary(pamt=pamt, rounds=3))
    assert broken(report) == {}
    assert report.problems == ()
    outcomes = {v.rule: v.outcome for v in report.verdicts}
    blind = {m.rule for m in MONITORS if m.blind} | (set() if pamt else {"tdx-pamt-unbalanced"})
    assert {rule for rule, outcome in outcomes.items() if outcome is Outcome.NOT_OBSERVABLE} == blind
    assert set(outcomes.values()) <= {Outcome.CONFORMS, Outcome.NOT_OBSERVABLE}


KINDS = sorted({h.what for h in ordinary(pamt=True).told})


@given(st.sets(st.sampled_from(KINDS)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_probes_that_were_off_never_make_a_violation(skip: set[str], pamt: bool) -> None:
    assert broken(check(ordinary(skip, pamt=pamt, rounds=2))) == {}


@given(st.integers(0, 160), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_trace_may_begin_and_end_anywhere(cut: int, pamt: bool) -> None:
    story = ordinary(pamt=pamt, rounds=2)
    assert broken(check(Story(told=story.told[cut:]))) == {}
    assert broken(check(Story(told=story.told[:cut]))) == {}


@given(st.integers(0, 150), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_lost_events_never_make_a_violation(begin: int, length: int, cpu: int) -> None:
    told = ordinary(pamt=True, rounds=2).told
    mine = [h for h in told if h.cpu == cpu]
    gone = {id(h) for h in mine[begin % (len(mine) or 1) :][:length]}
    lines, gap = [], False
    for h in told:
        if id(h) in gone:
            gap = True
            continue
        if gap and h.cpu == cpu:
            lines.append(f"CPU:{cpu} [LOST {len(gone)} EVENTS]")
            gap = False
        lines.append(line(h, Format.TRACEFS))
    report = check_trace(io.BytesIO("\n".join(lines).encode()))
    assert broken(report) == {}
    if any(text.startswith("CPU:") for text in lines):
        assert Outcome.CONFORMS not in {v.outcome for v in report.verdicts}


def test_a_loss_turns_verdicts_into_unknown_but_keeps_what_was_seen() -> None:
    story = ordinary()
    no_track(story)
    text = story.text(Format.TRACEFS) + "CPU:1 [LOST 7 EVENTS]\n"
    report = check_trace(io.BytesIO(text.encode()))
    assert verdict(report, "tdx-sept-op-misordered").outcome is Outcome.VIOLATED
    assert verdict(report, "tdx-level-ignored").outcome is Outcome.UNKNOWN
    unplaced = check_trace(io.BytesIO((story.text(Format.TRACEFS) + "Lost 7 events\n").encode()))
    (why,) = broken(unplaced)["tdx-sept-op-misordered"]
    assert "TLB_TRACKING_NOT_DONE" in why  # the status stands alone, the missing TRACK may have been lost


def test_the_history_of_the_entry_is_shown() -> None:
    story = ordinary()
    no_track(story)
    found = verdict(check(story), "tdx-sept-op-misordered").violations
    assert [e.what for e in found[0].shown if e.gfn == G] == [p.AUG, p.BLOCK]


@pytest.mark.parametrize("read", [0, 1])
def test_lockdep_names_the_lock(read: int) -> None:
    story = Story().by(VCPU0).enter().leave().do(p.LOCKDEP_ACQUIRE, read=read).call(p.BLOCK, G, 1)
    outcome = verdict(check(story), "tdx-sept-op-without-write-lock").outcome
    assert outcome is (Outcome.VIOLATED if read else Outcome.CONFORMS)
    story.do(p.LOCKDEP_RELEASE).track()
    assert verdict(check(story), "tdx-sept-op-without-write-lock").outcome is Outcome.VIOLATED


def test_two_vms_do_not_mix() -> None:
    one, two = ordinary(), ordinary()
    shift, kvm, td = 1 << 24, synth.KVM + 0x40000, synth.TD + 0x40000
    for h in two.told:
        for name, old, new in (("kvm", one.kvm, kvm), ("lock", one.kvm, kvm), ("td", one.td, td)):
            if h.args.get(name) == old:
                h.args[name] = new
        if "pfn" in h.args:
            h.args["pfn"] += shift
    other = [Happening(h.time + 500, h.cpu + 8, h.pid + 1000, h.flags, h.what, h.args) for h in two.told]
    report = check(Story(told=sorted(one.told + other, key=lambda h: h.time)))
    assert broken(report) == {}
    assert report.tds == 2


def test_before_the_td_runs_nothing_has_to_be_tracked() -> None:
    story = Story().by(CONVERTER).call(p.ADD, G, 1, pfn=P).write_lock().call(p.BLOCK, G, 1).call(p.REMOVE, G, 1)
    told = [h for h in story.told if h.what != p.ADD] + ordinary().told
    assert "tdx-sept-op-misordered" not in broken(check(Story(told=told)))


def test_a_monitor_of_the_kernel_gives_its_rule() -> None:
    text = "x-1 [000] ..... 1.000000: error_sept_leaf: 7: event remove not expected in the state owned\n"
    report = check_trace(io.BytesIO(text.encode()))
    (violation,) = verdict(report, "tdx-sept-op-misordered").violations
    assert "not expected in the state owned" in violation.why


def test_armed_probes_that_saw_nothing() -> None:
    story = ordinary(skip={p.KEY_FREE})
    data = story.text(Format.TRACEFS).encode()
    armed = check_trace(io.BytesIO(data), armed=(p.KEY_FREE,), rules=("tdx-module-page-freed",))
    assert [v.rule for v in armed.verdicts] == ["tdx-module-page-freed"]
    assert not any(guard.missing for guard in armed.verdicts[0].guards)


def test_splits_and_conversions_together() -> None:
    story = Story()
    fault(story.by(VCPU0).enter(), G, 2, P)
    story.by(CONVERTER).write_lock().begin(G, G + 2)
    split(story, G)
    remove(remove(story, G, 1, P), G + 1, 1, P + 1).end()
    assert broken(check(story)) == {}


def test_the_range_of_a_conversion_is_its_own() -> None:
    """It also keeps huge pages from coming back around its head and tail; a conversion may also change nothing."""
    story = fault(Story().by(VCPU0).enter(), G, 2, P)
    story.by(CONVERTER).do(p.ATTRIBUTES, start=G, end=G + 1, attr=0)  # was so already: no invalidation
    story.write_lock().begin(G, G + 512)
    remove(story, G, 2, P).end()
    assert broken(check(story)) == {}
    fault(story.by(VCPU0), G, 2, P)
    story.by(CONVERTER).do(p.ATTRIBUTES, start=G + 1, end=G + 2, attr=0).write_lock().begin(G + 1, G + 2)
    story.do(p.INV_RANGE, kvm=story.kvm, start=G, end=G + 512)
    assert broken(check(Story(told=[*story.told]).by(CONVERTER).end())) == {}
    remove(story, G, 2, P).end()
    assert set(broken(check(story))) == {"kvm-private-zap-imprecise"}


def test_one_file_of_two_vms() -> None:
    story = ordinary()
    other = story.kvm + 0x40000
    story.by(CONVERTER).write_lock().begin(G, G + 8).do(p.INV_BEGIN, kvm=other)
    story.do(p.INV_RANGE, kvm=other, start=G, end=G + 8).do(p.INV_END, kvm=story.kvm).do(p.INV_END, kvm=other)
    fault(story.by(VCPU0), G, 1, P)
    assert broken(check(story)) == {}


@pytest.mark.parametrize("create", [False, True])
def test_a_td_in_the_place_of_another(create: bool) -> None:
    story = ordinary()
    fault(story.by(VCPU0), G, 1, P, table=True)
    story.by(CONVERTER).write_lock().begin(G, G + 1)
    remove(story, G, 1, P).end().do(p.KEY_FREE, td=story.td, ret=0)
    if create:
        story.do(p.CREATE, td=story.td, ret=0)
    story.do(p.ADD, td=story.td, gpa=0x1000, pfn=9, ret=0)
    fault(story.by(VCPU0), G, 2, P)
    story.by(CONVERTER).write_lock().begin(G, G + 512)
    remove(story, G, 2, P).end()
    assert broken(check(story)) == {}


def test_accepts_of_many_pages_are_no_livelock() -> None:
    story = fault(Story().by(VCPU0).enter(), G, 2, P)
    for i in range(6):
        story.leave(info2=1).do(p.FAULT, vcpu=0, address=(G + i) << 12, error_code=0).enter()
    assert broken(check(story)) == {}
