"""The report as people and machines read it."""

from __future__ import annotations

import io
import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.visible import visible
from analyzer.model.trace import render, status
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.record import Format
from analyzer.model.trace.table import RULES
from analyzer.model.trace.verdict import TraceReport
from tests.model.trace.deeds import CASES, no_track
from tests.model.trace.synth import Story, fault, ordinary

GOLDEN = """\
tdx-sept-op-misordered: violated, 2 times
  line 16: qemu-tdx-4200 [000] 1000.000013: tdh_mem_page_remove__exit: (caller+0x12/0x80 <- tdh_mem_page_remove)\
 td=0xff3a000010000b40 gpa=0x90000000 level=1 ret=0xc0000b0800000000  (TLB_TRACKING_NOT_DONE)
    remove without a TRACK since the BLOCK, gpa 0x90000000 4K
    guard: TRACK succeeded since the BLOCK
      line 9: CPU 0/KVM-4101 [001] 1000.000006: tdh_mem_page_aug__exit: (caller+0x12/0x80 <- tdh_mem_page_aug)\
 td=0xff3a000010000b40 gpa=0x90000000 level=1 pfn=0x300000 ret=0
      line 15: qemu-tdx-4200 [000] 1000.000012: tdh_mem_range_block__exit: (caller+0x12/0x80 <- tdh_mem_range_block)\
 td=0xff3a000010000b40 gpa=0x90000000 level=1 ret=0
"""


def check(story: Story) -> TraceReport:
    return check_trace(io.BytesIO(story.text(Format.TRACEFS).encode()), name="trace.txt")


def test_a_violation_is_told_with_its_lines() -> None:
    story = Story()
    no_track(story)
    story.track().kick()  # only then is known that TRACK is recorded
    text = render.text(check(story))
    assert text.startswith("trace.txt: tracefs, 21 lines, 18 records, 18 events of 1 TD\n")
    assert GOLDEN in text
    assert "not decided: vCPUs were kicked" not in text


def test_what_is_missing_is_named() -> None:
    text = render.text(check(fault(Story(), 0x80000, 1, 5)))
    assert "not recorded: kvm_mmu_invalidate_end" in text
    assert "tdh_mem_range_block%return" in text
    assert text.endswith(" not observable\n")


def test_every_status_has_its_name() -> None:
    assert status.described(0x8000_0200_0000_0092) == "OPERAND_BUSY(SEPT)"
    assert status.described(0x8000_FF00_0000_000D) == "SW_ERROR(0x8000ff000000000d)"
    assert status.described(0x1234_5678_0000_0000) == "0x1234567800000000"
    assert status.described(0) == "SUCCESS"
    for code, name in status.NAMES.items():
        assert status.described(code << 32) == name


def test_json_has_all_rules_and_is_stable() -> None:
    story = ordinary(pamt=True)
    for _, deed, _ in CASES:
        deed(story)
    text = render.json(check(story))
    assert text == render.json(check(story))
    document = json.loads(text)
    assert [v["rule"] for v in document["verdicts"]] == list(RULES)
    assert {v["outcome"] for v in document["verdicts"]} == {"violated", "not-observable"}
    violation = next(v for v in document["verdicts"] if v["rule"] == "tdx-sept-op-misordered")["violations"][0]
    assert {"guard", "why", "event", "shown"} == violation.keys()
    assert {"what", "line", "time_ns", "cpu", "pid", "task", "text"} <= violation["event"].keys()


@given(st.binary(max_size=30))
@settings(max_examples=40, deadline=None)
def test_nothing_of_the_trace_reaches_the_terminal_raw(junk: bytes) -> None:
    comm = junk.replace(b"\n", b"")[:15]
    data = (
        comm
        + b"-1 [000] ..... 1.000000: tdh_mem_range_block__exit: (a <- tdh_mem_range_block) td=1 gpa=1 level=0 ret=0\n"
    )
    report = check_trace(io.BytesIO(data), name=os.fsdecode(junk))
    text = render.text(report)
    assert all(visible(line) == line for line in text.split("\n"))
    json.loads(render.json(report).encode())
