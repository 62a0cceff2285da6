"""What an exploration found: counts, and the way to a state that breaks a claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.model.machine import Machine

Tick = Callable[[int, int], None]  # states so far, depth: called now and then
DEADLOCK = "P3"  # the claim that some move is always left
UNLIMITED = 1 << 62


@dataclass(frozen=True, slots=True)
class Discovery:
    """A broken claim and the shortest way to it: the states from the first one on, and the moves between them.

    For progress the way is a loop without the goal: the last state is the one at ``loop`` again.
    """

    claim: str
    moves: tuple[int, ...]
    states: tuple[bytes, ...]
    loop: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of one exploration. ``complete`` means every reachable state was seen."""

    engine: str
    states: int
    transitions: int
    depth: int  # steps of the longest shortest path seen
    seconds: float
    complete: bool
    discovery: Discovery | None = None
    bytes_per_state: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop early; a state limit is checked level by level."""

    states: int = UNLIMITED
    tick: Tick | None = None


NO_LIMITS = Limits()


def names(machine: Machine, discovery: Discovery) -> list[tuple[str, str]]:
    """Actor and move of each step."""
    return [(machine.moves[n].actor, machine.moves[n].name) for n in discovery.moves]
