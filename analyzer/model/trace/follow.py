"""Follows a trace on the machine: the set of states that are compatible with what was seen, step by step.

Sets and what leads from one to the next are remembered: a trace comes back to the same few, so that most events cost
one look-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from analyzer.model.engines.python import NumberedStep, numbered_successors, predicate
from analyzer.model.kvm_tdx.recorded import recorded
from analyzer.model.kvm_tdx.sources import SOURCES
from analyzer.model.kvm_tdx.status import BUGS
from analyzer.model.machine import Machine, Move
from analyzer.model.trace.labels import BUSY, FAULTS, OK, Label, label, labels
from analyzer.model.trace.probes import BLOCK, DEMOTE, ENTER, INV_BEGIN, KICK, LEAVE, REMOVE, TRACK, WRITE_LOCK
from analyzer.model.trace.words import Names, actor, phrase

STATES: Final = 20_000  # compatible with one prefix of a trace at most
_KEPT: Final = 400_000  # states in all remembered sets
SEQUENCE: Final = frozenset((WRITE_LOCK, BLOCK, TRACK, KICK, DEMOTE, REMOVE))
LOST: Final = -1  # no state is compatible any more
TOO_MANY: Final = -2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no state of the model has the step: in words, the guard that failed, and where it was read."""

    why: str
    guard: str
    source: str


@dataclass(slots=True)
class Follower:
    """Sets of states of one machine under one choice of probes; a set is named by a number."""

    machine: Machine
    seen: tuple[Label | None, ...]
    limit: int = STATES
    sets: list[frozenset[bytes]] = field(default_factory=list)
    numbers: dict[frozenset[bytes], int] = field(default_factory=dict)
    tables: dict[int, dict[Label, int] | None] = field(default_factory=dict)
    kept: int = 0
    peak: int = 0
    step: NumberedStep = field(init=False)
    bug: int = field(init=False)

    def __post_init__(self) -> None:
        """Compile."""
        self.step = numbered_successors(self.machine)
        self.bug = [v.name for v in self.machine.variables].index("bug")

    def start(self, states: Iterable[bytes]) -> int:
        """The set of these states."""
        return self._number(frozenset(states))

    def advance(self, number: int, step: Label) -> int:
        """The set after a step; LOST where no state has it, TOO_MANY where the bound is hit."""
        if number not in self.tables:
            self.tables[number] = self._table(number)
        table = self.tables[number]
        return TOO_MANY if table is None else table.get(step, LOST)

    def kept_small(self, number: int) -> int:
        """The set's number, another one where it was time to forget all others."""
        if self.kept <= _KEPT:
            return number
        states = self.sets[number]
        self.sets, self.numbers, self.tables, self.kept = [], {}, {}, 0
        return self._number(states)

    def _number(self, states: frozenset[bytes]) -> int:
        found = self.numbers.get(states)
        if found is None:
            found = self.numbers[states] = len(self.sets)
            self.sets.append(states)
            self.kept += len(states)
        return found

    def closure(self, number: int) -> set[bytes] | None:
        """With all unseen steps; None where that is too many."""
        table = self._explore(number)
        return None if table is None else table[0]

    def _table(self, number: int) -> dict[Label, int] | None:
        explored = self._explore(number)
        if explored is None:
            return None
        return {step: self._number(frozenset(states)) for step, states in explored[1].items()}

    def _explore(self, number: int) -> tuple[set[bytes], dict[Label, set[bytes]]] | None:
        known, found = set(self.sets[number]), dict[Label, set[bytes]]()
        work, step, seen, bug = list(known), self.step, self.seen, self.bug
        while work:
            out: list[tuple[int, bytes]] = []
            step(work.pop(), out.append)
            for n, after in out:
                if after[bug]:
                    continue
                shown = seen[n]
                if shown is not None:
                    found.setdefault(shown, set()).add(after)
                elif after not in known:
                    known.add(after)
                    work.append(after)
            if len(known) > self.limit:
                return None
        self.peak = max(self.peak, len(known))
        return known, found


@lru_cache(maxsize=8)
def follower(vcpus: int, pages: int, probes: frozenset[str]) -> Follower:
    """One for each size and choice of probes; what it remembers serves every region of a trace."""
    machine = recorded(vcpus, pages)
    return Follower(machine, labels(machine, probes))


def refusal(run: Follower, number: int, step: Label, names: Names) -> Refusal:
    """Why a set of states has no such step: the guard nearest to letting it through, or what has to come first."""
    states = run.closure(number) or set()
    at = {v.name: n for n, v in enumerate(run.machine.variables)}
    places: dict[int, list[bytes]] = {}
    pc = at[run.machine.pc(step.actor)]
    for state in states:
        places.setdefault(state[pc], []).append(state)
    mine = [m for m in run.machine.moves if m.actor == step.actor]
    same = [m for m in mine if _like(label(m), step) and m.at in places]
    found = [one for m in same if (one := _refused(run, m, places[m.at], step, names)) is not None]
    if found:
        return min(found, key=lambda one: one[0])[1]
    here = [m for m in mine if m.at in places]
    able = [m for m in here if any(predicate(run.machine, m.guard)(s) for s in places[m.at])]
    return _first(step, able if any(label(m) for m in able) else here, names)


def _like(one: Label | None, step: Label) -> bool:
    """The same call of the same actor, whatever it returned."""
    return one is not None and one[:3] == step[:3] and one.result != BUSY


def _refused(run: Follower, move: Move, states: list[bytes], step: Label, names: Names) -> tuple[int, Refusal] | None:
    """With how many conditions fail."""
    if not any(predicate(run.machine, move.guard)(s) for s in states):
        parts = move.guard.args if move.guard.op == "and" else (move.guard,)
        never = [p for p in parts if not any(predicate(run.machine, p)(s) for s in states)] or list(parts)
        said = [phrase(run.machine, move, part, names) for part in never]
        guard = "; ".join(dict.fromkeys(text for text, _ in said)) + _due(run, states, step, said, names)
        return len(never), Refusal(f"{names.step(step)} is not allowed here", guard, str(SOURCES[said[0][1]]))
    bugs = [b for b in BUGS if b.word in {word for s in states for word in _bugs(run, move, s)}]
    source = str(SOURCES[move.source])
    if bugs:
        status = f" ({bugs[0].status})" if bugs[0].status else ""
        return 0, Refusal(f"{bugs[0].text}{status}", "what the TDX module accepts in this state", source)
    if step.result == BUSY:
        why, guard = "the second try is BUSY, too", "no vCPU enters the guest between the two tries"
        return 0, Refusal(why, guard, str(SOURCES["tdh_do_no_vcpus"]))
    if step.result not in ("", OK):
        return 0, Refusal(f"it returned {step.result} where the model succeeds", "success or OPERAND_BUSY", source)
    return None


def _due(run: Follower, states: list[bytes], step: Label, said: list[tuple[str, str]], names: Names) -> str:
    """Where mmu_lock is the reason: what somebody else has not finished under it."""
    if not any("mmu_lock" in text for text, _ in said):
        return ""
    at = {v.name: n for n, v in enumerate(run.machine.variables)}
    for move in run.machine.moves:
        one = label(move)
        if one is None or move.actor == step.actor or one.what not in SEQUENCE or one.result == BUSY:
            continue
        pc = at[run.machine.pc(move.actor)]
        if "." in run.machine.place(move.actor, move.at) and all(s[pc] == move.at for s in states):
            return f" ({actor(one, names)} still has to do: {names.step(one)})"
    return ""


def _first(step: Label, here: list[Move], names: Names) -> Refusal:
    """What the actor has to be seen to do before it."""
    ways = {one: m for m in here if (one := label(m)) is not None and one.result != BUSY and one.what != FAULTS}
    if step.what != ENTER:
        ways = {one: m for one, m in ways.items() if one.what not in (ENTER, LEAVE, INV_BEGIN)} or ways
    # Steps of the same work say most: a fault may also start over.
    work = {one: m for one, m in ways.items() if one.what in SEQUENCE} or ways
    said = list(dict.fromkeys(names.step(one) for one in work))[:3]
    if not work:
        return Refusal(f"{names.step(step)} comes out of the blue", "nothing of the model leads to it", "")
    move = next(iter(work.values()))
    outside = step.actor.startswith("op") and any(one.what == INV_BEGIN for one in work)
    why = f"{names.step(step)} outside of an invalidation" if outside else f"{names.step(step)} comes too early"
    return Refusal(why, f"{' or '.join(said)} has to come first", str(SOURCES[move.source]))


def _bugs(run: Follower, move: Move, state: bytes) -> set[str]:
    out: list[tuple[int, bytes]] = []
    run.step(state, out.append)
    return {BUGS[after[run.bug]].word for n, after in out if run.machine.moves[n] is move and after[run.bug]}
