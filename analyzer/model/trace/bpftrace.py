"""The bpftrace script: events in the layout of tracefs, and a check of each S-EPT entry in the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.automaton import MOVES, STATES, TRACKED, Move
from analyzer.model.trace.formats import ARMED
from analyzer.model.trace.plan import plan
from analyzer.model.trace.probes import Arg, Probe, Side
from analyzer.model.trace.rvnames import ENTRY_MONITOR

# lockdep's tracepoints exist with LOCKDEP only; a spin lock has to be chosen by hand; unlocks are mostly inlined.
_LEFT_OUT: Final = frozenset(
    (probes.LOCKDEP_ACQUIRE, probes.LOCKDEP_RELEASE, probes.SPIN_LOCK, probes.WRITE_UNLOCK, probes.READ_UNLOCK)
)
_LOCKS: Final = frozenset((probes.WRITE_LOCK, probes.READ_LOCK))
_PREFIX: Final = '"%s-%d [%03d] %llu.%09llu: {event}: {fields}\\n", comm, tid, cpu, $t / 1000000000, $t % 1000000000'
_NUMBER: Final = {state: i + 1 for i, state in enumerate(STATES)}  # 0 is an entry whose history is not known


def script(rules: tuple[str, ...] = (), *, series: bool = False, tracepoints: bool = True, check: bool = True) -> str:
    """A bpftrace program for some rules, all when none is named.

    ``series`` adds functions that only posted patches have (a program with a function that is not there does not
    start); without ``tracepoints`` only functions are probed, which needs no BTF; ``check`` adds the automaton of an
    S-EPT entry.
    """
    used = [line.probe for line in plan(rules) if line.probe.what not in _LEFT_OUT]
    used = [p for p in used if series or not p.since]
    used = [p for p in used if tracepoints or p.side is not Side.TRACEPOINT]
    armed = " ".join(probe.what for probe in used)
    states = ", ".join(f"{number} {state}" for state, number in _NUMBER.items())
    out = ["#!/usr/bin/env bpftrace", f"// states of an S-EPT entry: {states}"]
    out += [f'BEGIN {{ printf("# nak bpftrace 1\\n{ARMED} {armed}\\n"); }}']
    for probe in used:
        out += ["", *_probe(probe, check)]
    return "\n".join(out) + "\n"


def _probe(probe: Probe, check: bool) -> Iterator[str]:
    if probe.side is Side.TRACEPOINT:
        yield f"tracepoint:{probe.target}"
        values = [f"args->{arg.source}" for arg in probe.args]
        yield from _body(probe, [], values, [])
        return
    if probe.side is Side.ENTRY:
        yield f"kprobe:{probe.target}"
        yield from _body(probe, [], [_register(arg) for arg in probe.args], _remembered_vm(probe))
        return
    kept = [arg for arg in probe.args if arg.source != "retval"]
    yield f"kprobe:{probe.target}"
    yield "{"
    yield from (f"\t@{_map(probe, arg)}[tid] = {_register(arg)};" for arg in kept)
    yield "}"
    known = f" /@kvm[@{_map(probe, kept[0])}[tid]]/" if probe.what in _LOCKS else ""
    yield f"kretprobe:{probe.target}{known}"
    values = ["retval" if arg.source == "retval" else f"${arg.name}" for arg in probe.args]
    loads = [f"${arg.name} = @{_map(probe, arg)}[tid];" for arg in kept]
    after = [*(_automaton(probe) if check else ()), *_remembered_vm(probe)]
    yield from _body(probe, loads, values, [*after, *(f"delete(@{_map(probe, arg)}[tid]);" for arg in kept)])


def _body(probe: Probe, before: list[str], values: list[str], after: list[str]) -> Iterator[str]:
    yield "{"
    yield "\t$t = nsecs;"
    yield from (f"\t{line}" for line in before)
    fields, shown = [], []
    for arg, value in zip(probe.args, values, strict=True):
        narrow = arg.type == "s32" or arg.name in ("errno", "level", "vcpu", "order")
        fields.append(f"{arg.name}={'%d' if narrow else '0x%llx'}")
        shown.append(f"(int32){value}" if narrow else value)
    prefix = _PREFIX.format(event=probe.event, fields=" ".join(fields))
    yield f"\tprintf({', '.join((prefix, *shown))});"
    yield from (f"\t{line}" for line in after)
    yield "}"


def _register(arg: Arg) -> str:
    """bpftrace counts arguments from 0."""
    return f"arg{int(arg.source.removeprefix('arg')) - 1}"


def _map(probe: Probe, arg: Arg) -> str:
    return f"{probe.target.strip('_')}_{arg.name}"


def _remembered_vm(probe: Probe) -> list[str]:
    """A struct kvm is the address of its mmu_lock: only these locks are printed."""
    if not any(arg.name == "kvm" for arg in probe.args):
        return []
    return [f"@kvm[{'arg0' if probe.side is Side.ENTRY else '$kvm'}] = 1;"]


def _automaton(probe: Probe) -> Iterator[str]:
    """The moves of one call; an entry met for the first time is believed."""
    if probe.what == probes.TRACK:
        yield "if (retval == 0) { @tracked[$td] = 1; }"
        return
    moves = [move for move in MOVES if move.event == probe.what]
    if not moves or not any(arg.name == "level" for arg in probe.args):
        return
    state = "@state[$td, $gpa, $level]"
    allowed = " && ".join(f"$state != {_NUMBER[move.state]}" for move in moves)
    yield f"$state = {state};"
    yield f"if ($state != 0 && {allowed}) {{ {_error(probe, 'in state %d', '$state')} }}"
    if any(TRACKED in move.needs for move in moves):
        blocked = " || ".join(f"$state == {_NUMBER[move.state]}" for move in moves)
        yield f"if (({blocked}) && @tracked[$td] == 0) {{ {_error(probe, 'with env tracked', '')} }}"
    cleared = " @tracked[$td] = 0;" if probe.what == probes.BLOCK else ""
    yield f"if (retval == 0) {{ {state} = {_to(moves)};{cleared} }}"


def _to(moves: list[Move]) -> int:
    return _NUMBER[moves[0].to]


def _error(probe: Probe, why: str, value: str) -> str:
    """An error record as RV writes it, so that the trace's reader gives it to the same rule."""
    text = f"event {probe.what} not expected in the state {'%d' if value else 'blocked'}"
    fields = text if value else f"{text} {why}"
    prefix = _PREFIX.format(event=f"error_{ENTRY_MONITOR}", fields=fields)
    return f"printf({prefix}{', ' + value if value else ''});"
