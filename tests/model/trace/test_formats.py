"""Every text format gives the same events; hostile input gives Problems, never an exception."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.problem import AnalyzerError, ProblemKind
from analyzer.model.trace import probes as p
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.events import Event, Mapper
from analyzer.model.trace.formats import Parser
from analyzer.model.trace.order import Order
from analyzer.model.trace.record import LOST, Format, Record, TraceLimits
from analyzer.model.trace.write import CONVERTER, NATIVE, VCPU0, Happening, write
from tests.model.trace.synth import Story, ordinary

FORMATS = (Format.TRACEFS, Format.TRACE_CMD, Format.PERF, Format.BPFTRACE)


def parsed(text: str) -> tuple[Parser, list[Event]]:
    parser, mapper = Parser(), Mapper()
    events = [mapper.event(record) for record in parser.records(text.split("\n"))]
    assert not mapper.unreadable
    return parser, [event for event in events if event is not None]


def meaning(events: list[Event]) -> list[tuple[object, ...]]:
    names = [name for name in Event.__struct_fields__ if name != "record"]
    return [
        (e.record.time, e.record.cpu, e.record.pid, e.record.task, *(getattr(e, name) for name in names))
        for e in events
    ]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_recognised_and_gives_every_event(format_: Format) -> None:
    story = ordinary(pamt=True)
    parser, events = parsed(story.text(format_))
    assert parser.format is format_
    assert [e.what for e in events] == [h.what for h in story.told]
    assert parser.unread == 0


WHATS = sorted(set(NATIVE) | {probe.what for probe in p.PROBES if probe.side is not p.Side.TRACEPOINT})
ARGS = {
    p.ENTER: ("vcpu",), p.LEAVE: ("vcpu", "info2"), p.FAULT: ("vcpu", "address", "error_code"),
    p.SPTE: ("gfn", "level", "old_spte", "new_spte"), p.SPLIT: ("gfn", "level", "errno"),
    p.ATTRIBUTES: ("start", "end", "attr"), p.CACHE_ADD: ("ino", "pfn", "order"),
    p.CACHE_DELETE: ("ino", "pfn", "order"),
    p.LOCKDEP_ACQUIRE: ("read",), p.LOCKDEP_RELEASE: (),
}  # fmt: skip
SMALL = {"level": 3, "vcpu": 255, "order": 18, "read": 1, "errno": 0, "ret": (1 << 31) - 1}


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    found, now = [], 0
    for what in draw(st.lists(st.sampled_from(WHATS), max_size=8)):
        names = ARGS.get(what) or tuple(arg.name for arg in p.BY_WHAT[what].args)
        names = () if what == p.LOCKDEP_RELEASE else names
        args = {name: draw(st.integers(0, SMALL.get(name, (1 << 52) - 1))) for name in names}
        if what in p.SEAMCALLS and "ret" in args:
            args["ret"] = draw(st.integers(0, (1 << 64) - 1))
        now += draw(st.integers(0, 10**6)) * 1000
        pid = draw(st.sampled_from((VCPU0, CONVERTER, 77)))
        found.append(Happening(now, draw(st.integers(0, 255)), pid, "dNs1.", what, args))
    return found


@given(happenings())
@settings(max_examples=60, deadline=None)
def test_all_formats_say_the_same(told: list[Happening]) -> None:
    first, *others = [meaning(parsed(write(told, format_))[1]) for format_ in FORMATS]
    assert len(first) == len(told)
    assert all(other == first for other in others)


@pytest.mark.parametrize("comm", ["CPU 0/KVM", "a-1 [002]", "kworker/u8:1-ev", "x 12", "-", "(sd-pam)", "a: b"])
def test_comm_may_look_like_anything(comm: str) -> None:
    text = f"{comm:>16s}-4101    [001] d..1.   12.000001: tdh_mem_track__exit: (a <- tdh_mem_track) td=0x10 ret=0x0"
    (record,) = Parser().records([text])
    assert (record.task, record.pid, record.cpu, record.time, record.event) == (
        comm.strip(), 4101, 1, 12_000_001_000, "tdh_mem_track__exit",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "x-1 [000] 1.0: myprobe: (tdx_track+0x1/0x2 <- tdh_mem_track) td=0x20 ret=0x0",
        "x-1 [000] 1.0: r_tdh_mem_track_0: (tdx_track+0x1/0x2 <- tdh_mem_track) ret=0x0 td=32",
        "x 1 [000] 1.0: probe:tdh_mem_track__return: (ffffffffc0 <- ffffffffc1) td=0x20 ret=0x0",
        "x-1 (42) [000] ..... 1.000000: tdh_mem_track__exit: (t+0x1/0x2 [kvm_intel] <- tdh_mem_track) td=0x20 ret=0",
        "x-1 [000] d..1 1.0: tdh_mem_track__exit: td=32 ret=0",
        "x 1/1 [000] 1.000000000:  nak:tdh_mem_track__exit: (a <- tdh_mem_track) td=0x20 ret=0x0",
    ],
)
def test_probes_under_other_names(text: str) -> None:
    _, (event,) = parsed(text)
    assert (event.what, event.td, event.status) == (p.TRACK, 32, 0)


def test_an_entry_probe_is_no_success() -> None:
    assert parsed("x-1 [000] 1.0: tdh_mem_track__entry: (tdh_mem_track+0x0/0x40) td=0x20")[1] == []
    record = Parser().records(["x-1 [000] 1.0: tdh_mem_track__exit: (a <- tdh_mem_track) td=0x20"])[0]
    mapper = Mapper()
    assert mapper.event(record) is None
    assert mapper.unreadable == 1


def test_the_accept_level_comes_from_the_extended_qualification() -> None:
    story = Story().leave(info2=1).leave(info2=1 | 1 << 32).leave(info2=6)
    assert [e.level for e in parsed(story.text(Format.TRACEFS))[1]] == [1, 2, 0]


@pytest.mark.parametrize(
    ("marker", "cpu", "amount"),
    [
        ("CPU:2 [LOST 12 EVENTS]", 2, "12"), ("CPU:2 [LOST EVENTS]", 2, ""), ("CPU:2 [12 EVENTS DROPPED]", 2, "12"),
        ("CPU:2 [EVENTS DROPPED]", 2, ""), ("Lost 12 events", -1, "12"),
        ("x 1 [002] 1.0: PERF_RECORD_LOST lost 12", 2, "lost 12"),
    ],
)  # fmt: skip
def test_lost_events_are_marked(marker: str, cpu: int, amount: str) -> None:
    (record,) = Parser().records([marker])
    assert (record.event, record.cpu, record.body) == (LOST, cpu, amount)


def test_recordings_and_other_tracers_are_told_apart() -> None:
    for data, word in (
        (b"\x17\x08\x44tracing6\x00\x00", "trace-cmd report"), (b"PERFILE2\x00", "perf script"),
        (b"\x00" * 500, "binary"),
        (b" 0)   1.234 us    |  tdh_mem_track();\n", "function_graph"), (b"hello\n", "no line"), (b"", "no line"),
    ):  # fmt: skip
        problems = check_trace(io.BytesIO(data)).problems
        assert any(word in problem.detail for problem in problems), data


def test_a_huge_line_costs_nothing_but_itself() -> None:
    good = ordinary().text(Format.TRACEFS).encode()
    report = check_trace(io.BytesIO(b"x" * 5_000_000 + b"\n" + good))
    assert [(problem.kind, problem.detail[:7]) for problem in report.problems] == [(ProblemKind.TOO_LARGE, "1 lines")]
    assert report.events == check_trace(io.BytesIO(good)).events


def test_gzip_and_limits(tmp_path: Path) -> None:
    data = ordinary().text(Format.TRACEFS).encode()
    whole = check_trace(io.BytesIO(data))
    path = tmp_path / "trace.gz"
    path.write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    assert check_trace(path).events == whole.events
    cut = check_trace(io.BytesIO(gzip.compress(data)[:-20]))
    assert any(problem.kind is ProblemKind.MALFORMED for problem in cut.problems)
    short = check_trace(io.BytesIO(data), limits=TraceLimits(bytes=2000))
    assert 0 < short.events < whole.events
    assert short.problems[0].kind is ProblemKind.TOO_LARGE
    few = check_trace(io.BytesIO(data), limits=TraceLimits(events=5))
    assert few.events == 5
    assert few.problems[0].kind is ProblemKind.TOO_LARGE
    with pytest.raises(AnalyzerError):
        check_trace(tmp_path / "none")
    with pytest.raises(AnalyzerError):
        check_trace("a\0b")


PIECES = st.sampled_from(
    [line.encode() for line in ordinary(pamt=True).text(Format.TRACEFS).split("\n")]
    + [b"CPU:1 [LOST 9 EVENTS]", b"error_sept_leaf: 3: event remove not expected in the state owned", b"\x1f\x8b"]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=12), st.binary(max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(pieces: list[bytes], between: bytes) -> None:
    for data in (b"\n".join(pieces), between.join(pieces), b"\x1f\x8b" + b"".join(pieces)):
        check_trace(io.BytesIO(data))


@given(st.text(max_size=60), st.sampled_from(sorted(Mapper().makers)))
@settings(max_examples=150, deadline=None)
def test_no_arguments_raise(text: str, event: str) -> None:
    check_trace(io.BytesIO(f"x-1 [000] ..... 1.000000: {event}: {text}".encode("utf-8", "surrogatepass")))
    number = "9" * 5000
    check_trace(io.BytesIO(f"x-1 [000] ..... 1.000000: {event}: vcpu {number} td={number} gpa={number}".encode()))


RECORDS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=60)


@given(RECORDS, st.integers(0, 60), st.integers(1, 20))
@settings(deadline=None)
def test_order_is_a_permutation_that_keeps_each_cpu(stamps: list[tuple[int, int]], window: int, size: int) -> None:
    records = [Record(time, cpu, 1, "", "", "e", "", i) for i, (time, cpu) in enumerate(stamps)]
    order = Order(window)
    chunks = [records[i : i + size] for i in range(0, len(records), size)]
    found = [record for chunk in order.sorted(chunks) for record in chunk]
    assert sorted(record.line for record in found) == list(range(len(records)))
    for cpu in range(4):
        lines = [record.line for record in found if record.cpu == cpu]
        assert order.late or lines == sorted(lines)
    if window >= len(records) and all(
        a.time <= b.time for a in records for b in records if a.cpu == b.cpu and a.line < b.line
    ):
        assert [record.time for record in found] == sorted(record.time for record in records)
    assert window < len(records) or not order.late


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("vcpu 0 reason EPT_VIOLATION rip 0x0 info 182 1", 1),  # trace-cmd's plugin
        ("exit_reason=48 guest_rip=0x0 isa=1 info1=0x182 info2=0x100000001 vcpu_id=0", 2),  # trace-cmd report -R
        ("vcpu 0 reason EPT_VIOLATION rip 0x0 info1 0x0000000000000182 info2 0x0000000100000001 intr_info 0x0", 2),
    ],
)
def test_exits_as_trace_cmd_writes_them(body: str, level: int) -> None:
    _, (event,) = parsed(f"x-1 [000] 1.0: kvm_exit:             {body}")
    assert (event.what, event.vcpu, event.level) == (p.LEAVE, 0, level)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(ordinary().text(Format.PERF).encode()))
    monkeypatch.setattr("sys.stdin", stream)
    assert check_trace("-").format is Format.PERF
