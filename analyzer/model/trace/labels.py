"""What a step of the model looks like in a trace: its label, and the probe that shows it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from analyzer.model.machine import Machine, Move
from analyzer.model.trace import probes

HUGE: Final = "2M"
OK, BUSY, RESTART = "ok", "busy", "restart"
MANY: Final = "many"  # an invalidation of several ranges, some of which may be there for other reasons
FAULTS: Final = "faults"  # a vCPU starts on a page: no probe of its own, the first event on the page shows it


class Label(NamedTuple):
    """Who did what, to which entry (``2M``, the number of a page, or empty), and what came of it."""

    actor: str
    what: str
    at: str = ""
    result: str = ""


# Names of the moves of a vCPU; a page follows in brackets.
_VCPU: Final = {
    "enter": (probes.ENTER, ""),
    "exit": (probes.LEAVE, ""),
    "faults": (FAULTS, ""),
    "faults_accepting": (FAULTS, "accepting"),
    "snapshot_private": (probes.PFN_ASKED, ""),
    "accept_lock": (probes.WRITE_LOCK, ""),
    "aug_4k": (probes.AUG, OK),
    "aug_4k_busy": (probes.AUG, BUSY),
    "aug_2m": (probes.AUG, OK),
    "aug_2m_busy": (probes.AUG, BUSY),
    "sept_add": (probes.SEPT_ADD, OK),
    "sept_add_busy": (probes.SEPT_ADD, BUSY),
}
_STEP = re.compile(r"(split|zap_2m|zap_\d)\.(block|track|kick|remove|demote)(?:_(\w+))?").fullmatch
_NAME = re.compile(r"(\w+)(?:\[(.+)\])?").fullmatch
_WHAT: Final = {
    "block": probes.BLOCK,
    "track": probes.TRACK,
    "kick": probes.KICK,
    "remove": probes.REMOVE,
    "demote": probes.DEMOTE,
}


def label(move: Move) -> Label | None:
    """The label of a move, None of one that no probe shows."""
    step = _STEP(move.name)
    if step is not None:
        entry, what, how = step.groups()
        at = "" if what in ("track", "kick") else HUGE if entry in ("split", "zap_2m") else entry[4:]
        result = {"busy": BUSY, "interrupted": RESTART}.get(how or "", OK)
        return Label(move.actor, _WHAT[what], at, "" if what == "kick" else result)
    named = _NAME(move.name)
    if named is None:
        return None
    word, at = named.group(1), named.group(2) or ""
    if move.actor.startswith("op"):
        kind = probes.INV_BEGIN if word == "begin" else probes.INV_END
        return Label(move.actor, kind, at, MANY if word == "end_of_many" else "")
    if word not in _VCPU:
        return None
    what, result = _VCPU[word]
    if word.startswith(("aug_2m", "sept_add")):
        at = HUGE
    return Label(move.actor, what, at, result)


def labels(machine: Machine, recorded: frozenset[str]) -> tuple[Label | None, ...]:
    """The label of each move; without its probe a step is taken unseen, but invalidations are then not followed."""
    told = recorded | {FAULTS, probes.INV_BEGIN, probes.INV_END}
    found = (label(move) for move in machine.moves)
    return tuple(one if one is not None and one.what in told else None for one in found)
