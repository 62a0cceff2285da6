"""The life of one S-EPT entry as a table; the monitors follow it, and the exports are printed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analyzer.model.trace import probes

FREE: Final = "free"
OWNED: Final = "owned"  # a leaf the guest may use, pending or accepted
BLOCKED: Final = "blocked"
TABLE: Final = "table"
UNKNOWN: Final = "unknown"  # of an entry whose history began before the trace


@dataclass(frozen=True, slots=True)
class Move:
    """``event`` takes an entry from ``state`` to ``to``; ``needs`` must hold then."""

    state: str
    event: str
    to: str
    needs: tuple[str, ...] = ()


LOCKED: Final = "write_locked"
TRACKED: Final = "tracked"
# Demotion leaves 512 unblocked children; a table is never merged again (rule tdx-sept-promotion).
MOVES: Final[tuple[Move, ...]] = (
    Move(FREE, probes.ADD, OWNED),
    Move(FREE, probes.AUG, OWNED),
    Move(FREE, probes.SEPT_ADD, TABLE),
    Move(OWNED, probes.BLOCK, BLOCKED, (LOCKED,)),
    Move(BLOCKED, probes.UNBLOCK, OWNED, (LOCKED,)),
    Move(BLOCKED, probes.REMOVE, FREE, (LOCKED, TRACKED)),
    Move(BLOCKED, probes.DEMOTE, TABLE, (LOCKED, TRACKED)),
)
NEXT: Final[dict[tuple[str, str], str]] = {(move.state, move.event): move.to for move in MOVES}
STATES: Final = (FREE, OWNED, BLOCKED, TABLE)
EVENTS: Final = tuple(dict.fromkeys(move.event for move in MOVES))
MEANS: Final[dict[str, str]] = {
    LOCKED: "mmu_lock of the VM is held for write by this task",
    TRACKED: "TRACK succeeded, and vCPUs were kicked, after the last BLOCK of this TD",
}
# Where an entry of unknown history stands after the event succeeded.
AFTER: Final[dict[str, str]] = {move.event: move.to for move in MOVES}
