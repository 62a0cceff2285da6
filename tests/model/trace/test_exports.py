"""What is exported fits the table and is accepted by those it is written for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.model.trace import bpftrace, plan, probes, rv
from analyzer.model.trace.automaton import EVENTS, MOVES, NEXT, STATES
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.events import Mapper
from analyzer.model.trace.formats import Parser
from analyzer.model.trace.plan import Style
from analyzer.model.trace.probes import PROBES, Probe, Side
from analyzer.model.trace.record import Format
from analyzer.model.trace.rvnames import RULE_OF
from analyzer.model.trace.table import MONITORS, RULES, wanted
from tests.model.trace.synth import ordinary


def test_the_plan_records_all_that_the_guards_need() -> None:
    for monitor in MONITORS:
        lines = {line.probe.what: line for line in plan.plan((monitor.rule,))}
        for guard in monitor.guards:
            assert set(wanted(guard)) <= lines.keys()
            for what in wanted(guard):
                assert guard.name in [loss.guard for loss in lines[what].losses]
    assert {line.probe.what for line in plan.plan()} <= {probe.what for probe in PROBES}


@pytest.mark.parametrize("what", sorted({h.what for h in ordinary(pamt=True).told}))
def test_what_the_plan_says_is_lost_is_lost(what: str, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(ordinary({what}, pamt=True).text(Format.TRACEFS))
    guards = {(v.rule, g.guard): g for v in check_trace(path).verdicts for g in v.guards}
    for line in plan.plan():
        for loss in line.losses:
            if line.probe.what == what and loss.whole:
                assert guards[loss.rule, loss.guard].missing, loss
    told = {(x.rule, x.guard) for line in plan.plan() for x in line.losses if line.probe.what == what}
    full = {(v.rule, g.guard) for v in check_trace(_written(tmp_path)).verdicts for g in v.guards if g.missing}
    assert {key for key, guard in guards.items() if guard.missing} - full <= told


def _written(folder: Path) -> Path:
    path = folder / "whole"
    path.write_text(ordinary(pamt=True).text(Format.TRACEFS))
    return path


@pytest.mark.parametrize("style", list(Style))
def test_the_plan_is_a_shell_script(style: Style, tmp_path: Path) -> None:
    text = plan.render(style=style)
    path = tmp_path / "probes.sh"
    path.write_text(text)
    assert subprocess.run(["sh", "-n", str(path)], capture_output=True, check=False).returncode == 0
    letters = "[fp]" if style is Style.FPROBE else "[pr]"
    commands = re.findall(rf"^(?:# )?add \S+ \S+ '({letters}:nak/.*)'$", text, re.MULTILINE)
    assert len(commands) == sum(probe.side is not Side.TRACEPOINT for probe in PROBES)
    known = Mapper().makers
    for command in commands:
        assert re.fullmatch(r"[fpr]:nak/(\w+) \w+(%return)?( \w+=\$(arg\d|retval):[xus]\d\d)+", command), command
        assert command.split()[0].partition("/")[2] in known
    assert all(monitor.blind in text for monitor in MONITORS)


def test_the_table_names_every_rule() -> None:
    assert {rule for rule, *_ in plan.needs()} == set(RULES)
    text = plan.table()
    assert [line for line in text.splitlines() if not line.startswith(" ")] == list(RULES)
    assert "TRACK succeeded since the BLOCK: on remove, demote; needs tdh_mem_range_block; tdh_mem_track\n" in text


@pytest.mark.parametrize("series", [False, True])
def test_bpftrace_reads_the_script(series: bool, tmp_path: Path) -> None:
    program = shutil.which("bpftrace")
    if program is None:
        pytest.skip("no bpftrace")
    path = tmp_path / "nak.bt"
    path.write_text(bpftrace.script(series=series, tracepoints=False))
    # Tracepoints need the running kernel's tracefs; -d parses, checks and compiles, and attaches nothing.
    run = subprocess.run([program, "-d", str(path)], capture_output=True, text=True, check=False)
    assert "AST after: Semantic" in run.stdout + run.stderr, run.stderr[-2000:]
    assert "syntax error" not in run.stderr


def test_what_the_script_prints_is_understood() -> None:
    text = bpftrace.script(series=True)
    armed = set(re.search(r"# nak armed: ([^\\]+)", text).group(1).split())  # type: ignore[union-attr]
    formats = re.findall(r'printf\("(%s-[^"]*)\\n"', text)
    lines = [re.sub(r"%s", "CPU 0/KVM", _filled(line)) for line in formats]
    parser, mapper = Parser(), Mapper()
    events = [mapper.event(record) for record in parser.records(lines)]
    assert parser.unread == mapper.unreadable == 0
    assert None not in events
    assert {event.what for event in events if event} == armed | {probes.RV_ERROR}


def _filled(line: str) -> str:
    return re.sub(r"%(?:03d|09llu|llu|llx|d)", "1", line.replace("%s-%d", "%s-41").replace("%09llu", "000000001"))


def test_every_brace_of_the_script_is_closed() -> None:
    for rule in (*((rule,) for rule in RULES), ()):
        text = bpftrace.script(rule, series=True)
        assert text.count("{") == text.count("}")
        assert "tracepoint:" not in bpftrace.script(rule, tracepoints=False)


EDGE = re.compile(r'^\t"(\w+)" -> "(\w+)" \[ label = "([^"]+)" \];$')
GUARD = re.compile(r"\w+ == \d+(?: && \w+ == \d+)*")


def test_dot_says_what_the_table_says() -> None:
    spec = next(m.spec for m in rv.monitors() if m.name == "sept_leaf")
    found = set()
    for line in spec.splitlines():
        edge = EDGE.match(line)
        if edge is None:
            continue
        for label in edge.group(3).split("\\n"):
            event, _, guard = label.partition(";")
            assert not guard or GUARD.fullmatch(guard)
            found.add((edge.group(1), event, edge.group(2), tuple(re.findall(r"(\w+) ==", guard))))
    assert found == {(m.state, m.event.replace("-", "_"), m.to, m.needs) for m in MOVES}


@pytest.mark.parametrize("monitor", rv.monitors(), ids=lambda m: m.name)
def test_specifications_keep_to_the_grammar(monitor: rv.RvMonitor) -> None:
    assert monitor.name in RULE_OF
    assert len(monitor.name) <= 32  # MAX_RV_MONITOR_NAME_LEN
    assert RULE_OF[monitor.name] in RULES
    if monitor.kind == "ltl":
        assert monitor.spec.startswith("RULE = ")
        assert monitor.spec.count("(") == monitor.spec.count(")")
        words = set(re.findall(r"\w+", monitor.spec))
        assert {w for w in words if not w.isupper()} <= {"always", "imply", "and", "or", "not", "until", "eventually"}
        return
    edges = [match.groups() for match in map(EDGE.match, monitor.spec.splitlines()) if match]
    pairs = [(source, target) for source, target, _ in edges]
    assert len(set(pairs)) == len(pairs)  # rvgen keeps one label for two nodes
    assert all(re.fullmatch(r"[a-z]\w*", word) for word in re.findall(r'"(\w+)"', monitor.spec.replace("__init_", "")))
    keys = [(s, event.partition(";")[0]) for s, _, label in edges for event in label.split("\\n")]
    assert len(set(keys)) == len(keys)  # deterministic


def test_the_automaton_is_deterministic_and_connected() -> None:
    assert len(NEXT) == len(MOVES)
    assert {m.state for m in MOVES} | {m.to for m in MOVES} == set(STATES)
    assert len({m.event for m in MOVES}) == len(EVENTS) == len(MOVES)


def _rvgen_python() -> str | None:
    """A Python of 3.12 or later with lark, which rvgen of 7.3.4 needs."""
    test = "import sys, lark; sys.exit(sys.version_info < (3, 12))"
    for name in (os.environ.get("NAK_RVGEN_PYTHON", ""), "python3.13", "python3.12", "python3"):
        program = shutil.which(name) if name else None
        if program and subprocess.run([program, "-c", test], capture_output=True, check=False).returncode == 0:
            return program
    return None


def test_rvgen_makes_monitors_of_them(kernel: Path, tmp_path: Path) -> None:
    python = _rvgen_python()
    if python is None:
        pytest.skip("no Python >= 3.12 with lark (NAK_RVGEN_PYTHON)")
    for name, text in rv.files().items():
        (tmp_path / name).write_text(text)
    for monitor in rv.monitors():
        arguments = ["monitor", "-c", monitor.kind, "-t", monitor.scope, "-s", monitor.file, "-n", monitor.name]
        tool = str(kernel / "tools/verification/rvgen")
        run = subprocess.run([python, tool, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert (tmp_path / monitor.name / f"{monitor.name}.c").is_file()


# Where the kernel declares what is probed.
HEADERS = ("arch/x86/include/asm/tdx.h", "include/linux/kvm_host.h")
EVENT_HEADERS = tuple(
    """arch/x86/kvm/trace.h arch/x86/kvm/mmu/mmutrace.h include/trace/events/kvm.h include/trace/events/filemap.h
    include/trace/events/lock.h""".split()
)
NAMES = {
    "gpa": "gpa",
    "level": "level",
    "pfn": "pfn",
    "gfn": "gfn",
    "start": "start",
    "end": "end",
    "kvm": "kvm",
    "req": "req",
}


@pytest.mark.parametrize("probe", [p for p in PROBES if not p.since and not p.target.startswith("_raw")], ids=str)
def test_arguments_are_where_the_kernel_has_them(probe: Probe, kernel: Path) -> None:
    if probe.side is Side.TRACEPOINT:
        text = "".join((kernel / header).read_text() for header in EVENT_HEADERS)
        name = probe.target.partition(":")[2]
        assert name in text
        fields = set(re.findall(r"__field\([\w\s]+,\s*(\w+)|__string\(\s*(\w+)", text))
        assert {arg.source for arg in probe.args} <= {name for pair in fields for name in pair}
        return
    text = "".join((kernel / header).read_text() for header in HEADERS)
    found = re.search(rf"\b{probe.target}\(([^)]*)\)", text)
    assert found is not None
    parameters = [re.findall(r"\w+", one)[-1] for one in found.group(1).split(",")]
    for arg in probe.args:
        if arg.source != "retval":
            name = parameters[int(arg.source.removeprefix("arg")) - 1]
            assert name == NAMES.get(arg.name, name)
            assert arg.name != "td" or name in ("td", "tdr")
