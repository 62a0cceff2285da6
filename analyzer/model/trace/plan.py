"""The probe plan: what to record for which rules, as a shell script, and what each line is good for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzer.model.trace import probes
from analyzer.model.trace.formats import ARMED
from analyzer.model.trace.guard import Guard
from analyzer.model.trace.probes import BY_WHAT, PROBES, Probe, Side
from analyzer.model.trace.table import chosen, wanted

GROUP: Final = "nak"


class Style(StrEnum):
    """How functions are probed: fprobe needs CONFIG_FPROBE_EVENTS, kprobe works everywhere."""

    FPROBE = "fprobe"
    KPROBE = "kprobe"


@dataclass(frozen=True, slots=True)
class Loss:
    """What becomes undecidable without a probe: wholly, or for the events it alone shows."""

    rule: str
    guard: str
    whole: bool


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One probe of the plan; ``command`` is the line for dynamic_events, empty for a tracepoint."""

    probe: Probe
    command: str
    losses: tuple[Loss, ...]


def plan(rules: tuple[str, ...] = (), style: Style = Style.FPROBE) -> tuple[PlanLine, ...]:
    """The probes that some rules need, all rules when none is named."""
    guards = [(monitor.rule, guard) for monitor in chosen(rules) for guard in monitor.guards]
    needed = {what for _, guard in guards for what in wanted(guard)}
    needed |= {more for what in needed for more in _HELPFUL.get(what, ())}
    return tuple(
        PlanLine(probe, command(probe, style), tuple(_losses(probe.what, guards)))
        for probe in PROBES
        if probe.what in needed
    )


# No guard needs these, but with a release a lock's state is exact, and the others show a beginning.
_HELPFUL: Final[dict[str, tuple[str, ...]]] = {
    probes.TRACK: (probes.FINALIZE,),
    probes.AUG: (probes.CREATE,),
    probes.REMOVE: (probes.CREATE,),
    probes.INV_RANGE: (probes.ATTRIBUTES,),
    probes.CACHE_DELETE: (probes.CACHE_ADD,),
    probes.WRITE_LOCK: (probes.WRITE_UNLOCK, probes.READ_UNLOCK),
    probes.LOCKDEP_ACQUIRE: (probes.LOCKDEP_RELEASE,),
}


def _losses(what: str, guards: list[tuple[str, Guard]]) -> Iterator[Loss]:
    for rule, guard in guards:
        groups = (*guard.needs, guard.on)
        if any(what in group for group in groups):
            yield Loss(rule, guard.name, any(group == (what,) for group in groups))


def command(probe: Probe, style: Style) -> str:
    """The dynamic_events line of a function (Documentation/trace/fprobetrace.rst, kprobetrace.rst)."""
    if probe.side is Side.TRACEPOINT:
        return ""
    at_exit = probe.side is Side.EXIT
    args = " ".join(f"{arg.name}=${arg.source}:{arg.type}" for arg in probe.args)
    if style is Style.FPROBE:
        return f"f:{GROUP}/{probe.event} {probe.target}{'%return' if at_exit else ''} {args}"
    return f"{'r' if at_exit else 'p'}:{GROUP}/{probe.event} {probe.target} {args}"


def render(rules: tuple[str, ...] = (), style: Style = Style.FPROBE) -> str:
    """The plan as a POSIX shell script for root; it prints the line that goes in front of the recorded trace."""
    out = [_SCRIPT_HEAD.format(style=style)]
    for line in plan(rules, style):
        out += ["", *_notes(line)]
        probe = line.probe
        if probe.what == probes.SPIN_LOCK:
            out.append(f"# add {probe.target} {probe.what} '{line.command}'")
        elif line.command:
            out.append(f"add {probe.target} {probe.what} '{line.command}'")
        else:
            out.append(f"enable {probe.target.replace(':', '/')} {probe.what}")
    for monitor in chosen(rules):
        if monitor.blind:
            out += ["", f"# no probe for {monitor.rule}: {monitor.blind}"]
    out += ["", _SCRIPT_TAIL.format(group=GROUP, armed=ARMED)]
    return "\n".join(out)


def _notes(line: PlanLine) -> Iterator[str]:
    probe = line.probe
    since = f"only in: {probe.since}" if probe.since else ""
    remarks = "; ".join(note for note in (probe.note, since) if note)
    if remarks:
        yield f"# {remarks}"
    for loss in line.losses:
        lost = "without it" if loss.whole else "without it, in part"
        yield f"# {lost}: {loss.rule}: {loss.guard}"


def needs() -> Iterator[tuple[str, str, str, str]]:
    """The whole table, a row for each guard: rule, guard, events it looks at, probes it needs."""
    for monitor in chosen():
        for guard in monitor.guards:
            groups = (" or ".join(BY_WHAT[what].target for what in group) for group in guard.needs)
            yield monitor.rule, guard.name, ", ".join(guard.on), "; ".join(groups)
        if monitor.blind:
            yield monitor.rule, "(none)", "", monitor.blind


def table() -> str:
    """The table for people: each rule with its guards, the events they look at and the probes they need."""
    out: list[str] = []
    last = ""
    for rule, guard, on, needed in needs():
        if rule != last:
            out.append(rule)
        last = rule
        if on:
            out.append(f"    {guard}: on {on}" + (f"; needs {needed}" if needed else ""))
        else:
            out.append(f"    not observable: {needed}")
    return "\n".join(out) + "\n"


_SCRIPT_HEAD: Final = """\
#!/bin/sh
# Probes ({style}) for checking a trace with nak. Run as root, record, then put the printed line in front of the trace:
#   sh probes.sh > armed.txt; echo 1 > tracing_on; ...; cat armed.txt trace > trace.txt
cd /sys/kernel/tracing || exit 1
armed=
add() {{
	if grep -q "^$1\\( \\|$\\)" available_filter_functions; then
		echo "$3" >> dynamic_events && armed="$armed $2"
	else
		echo "cannot be probed: $1" >&2
	fi
}}
enable() {{
	if [ -e "events/$1/enable" ]; then
		echo 1 > "events/$1/enable" && armed="$armed $2"
	else
		echo "no such tracepoint: $1" >&2
	fi
}}"""
_SCRIPT_TAIL: Final = """\
for lock in lock_acquire lock_release; do
	[ -e events/lock/$lock/filter ] && echo 'name ~ "*mmu_lock*"' > events/lock/$lock/filter
done
echo mono > trace_clock
echo 1 > events/{group}/enable
echo "{armed}$armed"
"""
