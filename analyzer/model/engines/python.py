"""Breadth-first search in plain Python: exact, always there, shortest counterexample.

States are bytes. The successor function is generated source: each actor's program counter is decided by a binary tree,
so a state only pays for the moves of the places it is in.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from analyzer.model.dialect import PYTHON, text
from analyzer.model.engines.outcome import DEADLOCK, NO_LIMITS, Discovery, Limits, Outcome
from analyzer.model.expr import TRUE, Assign, Effect, Expr, reads, writes
from analyzer.model.machine import Claim, Machine, Move

Step = Callable[[bytes, Callable[[bytes], None]], None]
NumberedStep = Callable[[bytes, Callable[[tuple[int, bytes]], None]], None]


def successors(machine: Machine) -> Step:
    """The function that emits the next state for every enabled move of a state."""
    return cast(Step, _successors(machine, "emit(bytes(({state},)))"))


def numbered_successors(machine: Machine) -> NumberedStep:
    """The same with the number of each move: emits (move, next state)."""
    return cast(NumberedStep, _successors(machine, "emit(({n}, bytes(({state},))))"))


def _successors(machine: Machine, emit: str) -> Any:
    lines = ["def step(s, emit):", f"    {', '.join(v.name for v in machine.variables)}, = s"]
    for actor in machine.actors:
        by_place: dict[int, list[int]] = {}
        for n, move in enumerate(machine.moves):
            if move.actor == actor.name:
                by_place.setdefault(move.at, []).append(n)
        if by_place:
            lines += _tree(machine, actor.pc, sorted(by_place), by_place, emit, 4)
    return _compiled(lines, "step")


def checker(machine: Machine, claims: Iterable[Claim]) -> Callable[[bytes], str | None]:
    """The function that names the first broken claim of a state."""
    lines = ["def check(s):", f"    {', '.join(v.name for v in machine.variables)}, = s"]
    lines += [f"    if not {text(c.holds, PYTHON)}: return {c.id!r}" for c in claims if c.holds is not TRUE]
    return cast(Callable[[bytes], str | None], _compiled([*lines, "    return None"], "check"))


def predicate(machine: Machine, test: Expr) -> Callable[[bytes], bool]:
    """A test of one state."""
    names = ", ".join(v.name for v in machine.variables)
    lines = ["def test(s):", f"    {names}, = s", f"    return {text(test, PYTHON)}"]
    return cast(Callable[[bytes], bool], _compiled(lines, "test"))


def _compiled(lines: list[str], name: str) -> Any:
    scope: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<model>", "exec"), scope)  # our own text, made from the machine alone
    return scope[name]


def _tree(
    machine: Machine, pc: str, places: list[int], by_place: dict[int, list[int]], emit: str, indent: int
) -> list[str]:
    pad = " " * indent
    if len(places) == 1:
        lines = [f"{pad}if {pc} == {places[0]}:"]
        for n in by_place[places[0]]:
            lines += _move(machine, n, emit, indent + 4)
        return lines
    half = len(places) // 2
    return [
        f"{pad}if {pc} < {places[half]}:",
        *_tree(machine, pc, places[:half], by_place, emit, indent + 4),
        f"{pad}else:",
        *_tree(machine, pc, places[half:], by_place, emit, indent + 4),
    ]


def _move(machine: Machine, n: int, emit: str, indent: int) -> list[str]:
    move, lines = machine.moves[n], []
    if move.guard is not TRUE:
        lines.append(f"{' ' * indent}if {text(move.guard, PYTHON)}:")
        indent += 4
    pad = " " * indent
    pc = machine.pc(move.actor)
    sure = {e.name for e in move.effects if isinstance(e, Assign)}
    fresh = {name: f"n_{name}" for name in writes(move.effects)}
    # A variable that is only written under a condition keeps its old value otherwise.
    lines += [f"{pad}n_{name} = {name}" for name in fresh if name not in sure or _read_first(move, name)]
    lines += _effects(move.effects, fresh, indent)
    if move.to != move.at:
        fresh[pc] = str(move.to)
    state = ", ".join(fresh.get(v.name, v.name) for v in machine.variables)
    return [*lines, pad + emit.format(n=n, state=state)]


def _read_first(move: Move, name: str) -> bool:
    """Whether a variable may be read, or written under a condition, before its first plain assignment."""
    for effect in move.effects:
        if isinstance(effect, Assign):
            if name in reads(effect.value):
                return True
            if effect.name == name:
                return False
        else:
            return True
    return True


def _effects(effects: tuple[Effect, ...], fresh: dict[str, str], indent: int) -> list[str]:
    lines, pad = [], " " * indent

    def named(name: str) -> str:
        return fresh.get(name, name)

    for effect in effects:
        if isinstance(effect, Assign):
            lines.append(f"{pad}{named(effect.name)} = {text(effect.value, PYTHON, named)}")
            continue
        lines.append(f"{pad}if {text(effect.test, PYTHON, named)}:")
        lines += _effects(effect.then, fresh, indent + 4) or [f"{pad}    pass"]
        if otherwise := _effects(effect.otherwise, fresh, indent + 4):
            lines += [f"{pad}else:", *otherwise]
    return lines


def canonical(machine: Machine) -> Callable[[bytes], bytes] | None:
    """The function that orders interchangeable blocks of a state, where the machine has some side by side."""
    blocks = machine.symmetric
    if len(blocks) < 2:
        return None
    low, high, width = blocks[0][0], blocks[-1][-1] + 1, len(blocks[0])
    if [p for block in blocks for p in block] != list(range(low, high)):
        raise ValueError("interchangeable blocks must stand side by side")
    cuts, middle = range(low, high, width), low + width

    def order_two(state: bytes) -> bytes:
        left, right = state[low:middle], state[middle:high]
        return state if left <= right else state[:low] + right + left + state[high:]

    def order(state: bytes) -> bytes:
        return state[:low] + b"".join(sorted([state[c : c + width] for c in cuts])) + state[high:]

    return order_two if len(blocks) == 2 else order


def search(machine: Machine, limits: Limits = NO_LIMITS) -> Outcome:
    """Explore until a claim breaks, every state was seen, a limit is hit or the user interrupts."""
    run = Search(machine, limits)
    return run.outcome(run.explore())


class Search:
    """One exploration: the states seen, each with the one it was first reached from."""

    def __init__(self, machine: Machine, limits: Limits = NO_LIMITS) -> None:
        self.machine, self.limits = machine, limits
        self.step, self.check = successors(machine), checker(machine, machine.claims)
        self.ends = predicate(machine, machine.may_end)
        self.order = canonical(machine)
        self.transitions = self.depth = 0
        self.interrupted = False
        self.started = time.process_time()
        first = machine.init if self.order is None else self.order(machine.init)
        self.seen: dict[bytes, bytes | None] = {first: None}
        self.frontier = [first]
        broken = self.check(first)
        self.bad: tuple[str, bytes] | None = (broken, first) if broken else None

    def explore(self) -> bool:
        """Search; whether everything was seen."""
        try:
            while self.frontier and self.bad is None:
                if len(self.seen) > self.limits.states:
                    return False
                self.frontier = self._level(self.frontier)
                self.depth += bool(self.frontier)
                if self.limits.tick is not None:
                    self.limits.tick(len(self.seen), self.depth)
        except KeyboardInterrupt:
            self.interrupted = True
            return False
        return self.bad is None

    def _level(self, frontier: list[bytes]) -> list[bytes]:
        step, check, seen, order = self.step, self.check, self.seen, self.order
        found: list[bytes] = []
        for state in frontier:
            out: list[bytes] = []
            step(state, out.append)
            self.transitions += len(out)
            if not out and not self.ends(state):
                self.bad = (DEADLOCK, state)
                break
            for after in out if order is None else map(order, out):
                if after not in seen:
                    seen[after] = state
                    found.append(after)
                    broken = check(after)
                    if broken is not None:
                        self.bad = (broken, after)
                        return found
        return found

    def outcome(self, complete: bool) -> Outcome:
        """The counts, and the path to the broken claim."""
        seconds = time.process_time() - self.started
        found = self._path(*self.bad) if self.bad else None
        count = len(self.seen)
        # A state of n bytes is an object of n + 33 bytes, and its slot in the table takes about 100.
        size = len(self.machine.variables) + 33 + sys.getsizeof(self.seen) / count + 8
        return Outcome("python", count, self.transitions, self.depth, seconds, complete, found, size)

    def _path(self, claim: str, state: bytes) -> Discovery:
        chain = [state]
        while (before := self.seen[chain[-1]]) is not None:
            chain.append(before)
        return replay(self.machine, claim, chain[::-1])


def replay(machine: Machine, claim: str, chain: Sequence[bytes]) -> Discovery:
    """Moves and states of a chain of states that may each stand for others by symmetry."""
    step, order = numbered_successors(machine), canonical(machine) or bytes
    moves, states = [], [machine.init]
    for wanted in chain[1:]:
        out: list[tuple[int, bytes]] = []
        step(states[-1], out.append)
        n, state = next((n, after) for n, after in out if order(after) == wanted)
        moves.append(n)
        states.append(state)
    return Discovery(claim, tuple(moves), tuple(states))


def reached(machine: Machine, limits: Limits = NO_LIMITS) -> frozenset[int]:
    """The moves that fire somewhere, whether or not a claim breaks there."""
    step, seen, work = numbered_successors(machine), {machine.init}, [machine.init]
    fired: set[int] = set()
    while work and len(seen) <= limits.states:
        out: list[tuple[int, bytes]] = []
        step(work.pop(), out.append)
        for n, after in out:
            fired.add(n)
            if after not in seen:
                seen.add(after)
                work.append(after)
    return frozenset(fired)
