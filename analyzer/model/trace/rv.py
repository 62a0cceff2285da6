"""Monitors for the kernel's Runtime Verification: DOT and LTL as rvgen of Linux 7.3.4 reads them, and their glue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyzer.model.trace import probes, rvnames
from analyzer.model.trace.automaton import FREE, LOCKED, MEANS, MOVES, STATES, TRACKED, Move
from analyzer.model.trace.probes import BY_WHAT, shown_by


@dataclass(frozen=True, slots=True)
class RvMonitor:
    """One monitor: ``spec`` is the text of its file; ``kind`` and ``scope`` are rvgen's -c and -t."""

    name: str
    kind: str
    scope: str
    spec: str
    glue: str

    @property
    def file(self) -> str:
        """The name of the specification's file."""
        return f"{self.name}.{'ltl' if self.kind == 'ltl' else 'dot'}"


def _word(text: str) -> str:
    """States and events become C identifiers."""
    return text.replace("-", "_")


def dot(states: Iterable[str], initial: str, moves: Iterable[Move]) -> str:
    """An automaton in DOT; guards follow an event behind ``;``, events between the same two states share an edge."""
    first = _word(initial)
    out = [
        "digraph state_automaton {",
        f'\t{{node [shape = plaintext, style=invis, label=""] "__init_{first}"}};',
        f'\t{{node [shape = doublecircle] "{first}"}};',
    ]
    names = [_word(state) for state in states]
    out += [f'\t{{node [shape = circle] "{name}"}};' for name in names if name != first]
    out += [f'\t"__init_{first}" -> "{first}";', *(f'\t"{name}" [label = "{name}"];' for name in names)]
    edges: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        guard = " && ".join(f"{name} == 1" for name in move.needs)
        edges.setdefault((move.state, move.to), []).append(_word(move.event) + (f";{guard}" if guard else ""))
    for (source, target), labels in edges.items():
        label = "\\n".join(labels)
        out.append(f'\t"{_word(source)}" -> "{_word(target)}" [ label = "{label}" ];')
    out += ["\t{ rank = min ;", f'\t\t"__init_{first}";', f'\t\t"{first}";', "\t}", "}"]
    return "\n".join(out) + "\n"


FRESH: Final = "fresh"
OUTSIDE: Final = "outside"
_MEANS: Final[dict[str, str]] = {
    **MEANS,
    FRESH: "no kvm_mmu_invalidate_end() of the VM since this task's kvm_gmem_get_pfn()",
    OUTSIDE: "the gfn is in no range of an invalidation in progress",
}
_IDLE, _BEGUN, _RANGED, _ASKED = "idle", "begun", "ranged", "asked"
_INVALIDATE: Final = (
    Move(_IDLE, probes.ENTER, _IDLE),
    Move(_IDLE, probes.INV_BEGIN, _BEGUN),
    Move(_BEGUN, probes.INV_RANGE, _RANGED),
    Move(_RANGED, probes.INV_RANGE, _RANGED),
    Move(_RANGED, probes.INV_END, _IDLE),
)
_FAULT: Final = (
    Move(_IDLE, probes.ENTER, _IDLE),
    Move(_IDLE, probes.PFN_ASKED, _ASKED),
    Move(_ASKED, probes.PFN_ASKED, _ASKED),
    Move(_ASKED, probes.ENTER, _IDLE),
    Move(_ASKED, probes.AUG, _ASKED, (FRESH, OUTSIDE)),
)
_NONE, _HELD, _MAPPED, _DUE = "none", "held", "mapped", "due"
_PAMT: Final = (
    Move(_NONE, probes.PAMT_GET, _HELD),
    Move(_HELD, probes.PAMT_PUT, _NONE),
    Move(_HELD, probes.AUG, _MAPPED),
    Move(_MAPPED, probes.REMOVE, _DUE),
    Move(_DUE, probes.PAMT_PUT, _NONE),
)
_EXCLUSIVE: Final = (probes.BLOCK, probes.TRACK, probes.REMOVE, probes.DEMOTE)
_FINAL: Final = tuple(dict.fromkeys(move.event for move in MOVES if TRACKED in move.needs))


def lock_rule() -> str:
    """The LTL of the operations that need mmu_lock for write; parentheses everywhere, since there is no precedence."""
    return (
        f"RULE = always ((EXCLUSIVE imply {LOCKED.upper()}) and (FINAL imply {TRACKED.upper()}))\n"
        f"EXCLUSIVE = {_any(_EXCLUSIVE)}\n"
        f"FINAL = {_any(_FINAL)}\n"
    )


def _any(events: tuple[str, ...]) -> str:
    names = [_word(event).upper() for event in events]
    text = names[-1]
    for name in reversed(names[:-1]):
        text = f"({name} or {text})"
    return text


def monitors() -> tuple[RvMonitor, ...]:
    """Every monitor that can be exported."""
    return (
        _automaton(rvnames.ENTRY_MONITOR, "ha", "per_obj", FREE, STATES, MOVES, "(td, gfn, level)"),
        _automaton(rvnames.FAULT_MONITOR, "ha", "per_task", _IDLE, (_IDLE, _ASKED), _FAULT, "the task"),
        _automaton(
            rvnames.INVALIDATE_MONITOR, "da", "per_task", _IDLE, (_IDLE, _BEGUN, _RANGED), _INVALIDATE, "the task"
        ),
        _automaton(rvnames.PAMT_MONITOR, "da", "per_obj", _NONE, (_NONE, _HELD, _MAPPED, _DUE), _PAMT, "the 4K page"),
        _lock_monitor(),
    )


def _automaton(
    name: str, kind: str, scope: str, initial: str, states: tuple[str, ...], moves: tuple[Move, ...], key: str
) -> RvMonitor:
    events = dict.fromkeys(move.event for move in moves)
    variables = dict.fromkeys(need for move in moves for need in move.needs)
    return RvMonitor(name, kind, scope, dot(states, initial, moves), _glue(name, kind, scope, key, events, variables))


def _lock_monitor() -> RvMonitor:
    name = rvnames.LOCK_MONITOR
    events = dict.fromkeys((*_EXCLUSIVE, *_FINAL))
    return RvMonitor(
        name, "ltl", "per_task", lock_rule(), _glue(name, "ltl", "per_task", "the task", events, (LOCKED, TRACKED))
    )


def _glue(name: str, kind: str, scope: str, key: str, events: Iterable[str], variables: Iterable[str]) -> str:
    """What rvgen leaves blank: the hook of each event, the key, and how each variable is read."""
    suffix = "ltl" if kind == "ltl" else "dot"
    out = [
        f"rvgen monitor -c {kind} -t {scope} -s {name}.{suffix} -n {name}",
        f"rule: {rvnames.RULE_OF[name]}",
        f"one monitor for: {key}",
    ]
    for event in events:
        only = " when it succeeded" if event in probes.SEAMCALLS else ""
        since = f" ({BY_WHAT[event].since})" if BY_WHAT[event].since else ""
        out.append(f"event {_word(event)}: {shown_by(event)}{only}{since}")
    out += [f"variable {variable}: {_MEANS[variable]}" for variable in variables]
    if name == rvnames.ENTRY_MONITOR:
        out.append("after demote: the 512 children start in state owned, not free")
    return "\n".join(out) + "\n"


def files() -> dict[str, str]:
    """File name to text, for all monitors: the specification and its glue."""
    found = {}
    for monitor in monitors():
        found[monitor.file] = monitor.spec
        found[f"{monitor.name}.txt"] = monitor.glue
    return found
