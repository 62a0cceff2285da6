"""The NumPy engine: whole frontiers at once, one column a state; the visited set is sorted 64-bit fingerprints.

A fingerprint may collide; the odds are printed. With ``exact`` the rows themselves are kept and a collision is an
error instead of a lost state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from analyzer.core.problem import AnalyzerError
from analyzer.model.dialect import NUMPY, text
from analyzer.model.engines.outcome import DEADLOCK, NO_LIMITS, Discovery, Limits, Outcome
from analyzer.model.engines.python import replay
from analyzer.model.expr import TRUE, Assign, Effect
from analyzer.model.machine import Machine

if TYPE_CHECKING:
    import numpy as np

CHUNK = 1 << 16
Emit = Callable[[int, "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"], None]


def library() -> Any:
    """NumPy, or a word on where to get it."""
    try:
        import numpy
    except ImportError as missing:
        raise AnalyzerError("the numpy engine needs numpy: pip install 'nak[model]', or use --engine c") from missing
    return numpy


class Frontier:
    """One exploration."""

    def __init__(self, machine: Machine, limits: Limits = NO_LIMITS, exact: bool = False) -> None:
        self.np, self.machine, self.limits, self.exact = library(), machine, limits, exact
        scope: dict[str, Any] = {"np": self.np}
        # our own text, made from the machine alone
        exec(compile("\n".join(_step(machine) + _check(machine)), "<model>", "exec"), scope)
        self.step, self.check, self.ends = scope["step"], scope["check"], scope["ends"]
        self.width = -(-len(machine.variables) // 8)
        self.transitions = self.depth = 0
        self.started = time.process_time()
        first = self.np.frombuffer(machine.init, self.np.uint8)[:, None].copy()
        self.levels = [self._ordered(first)]
        rows = self._rows(first)
        self.seen, self.kept = self._fingerprints(rows), rows
        self.bad: tuple[str, Any] | None = None

    # -- states ----------------------------------------------------------------------------------------------------

    def _ordered(self, states: Any) -> Any:
        """Interchangeable blocks in order, by bubble sort over columns; ``states`` is changed."""
        np, blocks = self.np, self.machine.symmetric
        for end in range(len(blocks) - 1, 0, -1):
            for left, right in pairwise(blocks[: end + 1]):
                swap, undecided = np.zeros(states.shape[1], bool), np.ones(states.shape[1], bool)
                for a, b in zip(left, right, strict=True):
                    swap |= undecided & (states[a] > states[b])
                    undecided &= states[a] == states[b]
                which = np.flatnonzero(swap)
                for a, b in zip(left, right, strict=True):
                    states[a, which], states[b, which] = states[b, which], states[a, which].copy()
        return states

    def _rows(self, states: Any) -> Any:
        """Each state as a row of 64-bit words."""
        rows = self.np.zeros((states.shape[1], self.width * 8), self.np.uint8)
        rows[:, : states.shape[0]] = states.T
        return rows.view(self.np.uint64)

    def _fingerprints(self, rows: Any) -> Any:
        """Each word is mixed through before it is added: small values in high bytes would cancel out otherwise."""
        np = self.np
        hashes = np.zeros(rows.shape[0], np.uint64)
        for word in range(rows.shape[1]):
            mixed = rows[:, word] + np.uint64(0x9E3779B97F4A7C15 * (word + 1) % 2**64)
            for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
                mixed ^= mixed >> np.uint64(33)
                mixed *= np.uint64(factor)
            mixed ^= mixed >> np.uint64(33)
            hashes = hashes * np.uint64(0xD6E8FEB86659FD93) + mixed
        return hashes

    # -- search ----------------------------------------------------------------------------------------------------

    def explore(self) -> bool:
        """Search; whether everything was seen."""
        try:
            self._judge(self.levels[0])
            while self.bad is None and self.levels[-1].shape[1]:
                if self.seen.size > self.limits.states:
                    return False
                found = self._level(self.levels[-1])
                if not found.shape[1]:
                    break
                self.levels.append(found)
                self.depth += 1
                self._judge(found)
                if self.limits.tick is not None:
                    self.limits.tick(int(self.seen.size), self.depth)
        except KeyboardInterrupt:
            return False
        return self.bad is None

    def _level(self, states: Any) -> Any:
        np = self.np
        parts = []
        for chunk in self._chunks(states):
            after, left = self._after(chunk)
            stuck = np.flatnonzero((left == 0) & ~self.ends(chunk))
            if stuck.size and self.bad is None:
                self.bad = (DEADLOCK, chunk[:, stuck[0]].copy())
            parts.append(self._new(after))
        return self._merge(np.concatenate(parts, axis=1) if parts else states[:, :0])

    def _chunks(self, states: Any) -> Iterator[Any]:
        for at in range(0, states.shape[1], CHUNK):
            yield self.np.ascontiguousarray(states[:, at : at + CHUNK])

    def _after(self, chunk: Any) -> tuple[Any, Any]:
        """All successors, and how many each state has."""
        np = self.np
        found, left = [chunk[:, :0]], np.zeros(chunk.shape[1], np.int64)

        def emit(_: int, which: Any, states: Any) -> None:
            found.append(states)
            left[which] += 1  # a move takes each state once

        self.step(chunk, emit)
        after = np.concatenate(found, axis=1)
        self.transitions += after.shape[1]
        return self._ordered(after), left

    def _new(self, states: Any) -> Any:
        """Each state that was not seen before, once."""
        np = self.np
        rows = self._rows(states)
        prints = self._fingerprints(rows)
        hashes, first = self._unique(prints)
        at = np.minimum(np.searchsorted(self.seen, hashes), self.seen.size - 1)
        known = self.seen[at] == hashes
        if self.exact:
            mine = rows[first][np.searchsorted(hashes, prints)]
            if (rows != mine).any() or (self.kept[at[known]] != rows[first[known]]).any():
                raise AnalyzerError("two states have one fingerprint; use --engine c or python", 3)
        return states[:, first[~known]]

    def _unique(self, prints: Any) -> tuple[Any, Any]:
        """Sorted fingerprints, each once, and where one of each is; np.unique would sort stably, which is slower."""
        order = self.np.argsort(prints)
        ranked = prints[order]
        kept = self.np.ones(ranked.size, bool)
        kept[1:] = ranked[1:] != ranked[:-1]
        return ranked[kept], order[kept]

    def _merge(self, states: Any) -> Any:
        """Put new states, perhaps several times there, into the visited set; each once."""
        np = self.np
        rows = self._rows(states)
        hashes, first = self._unique(self._fingerprints(rows))
        places = np.searchsorted(self.seen, hashes)
        self.seen = np.insert(self.seen, places, hashes)
        if self.exact:
            self.kept = np.insert(self.kept, places, rows[first], axis=0)
        return np.ascontiguousarray(states[:, np.sort(first)])

    def _judge(self, states: Any) -> None:
        for chunk in self._chunks(states):
            broken = self.check(chunk)
            wrong = self.np.flatnonzero(broken)
            if wrong.size and self.bad is None:
                claim = self.machine.claims[int(broken[wrong[0]]) - 1].id
                self.bad = (claim, chunk[:, wrong[0]].copy())

    # -- what was found --------------------------------------------------------------------------------------------

    def outcome(self, complete: bool) -> Outcome:
        """The counts, and the path to the broken claim."""
        seconds = time.process_time() - self.started
        count = int(self.seen.size)
        size = (self.seen.nbytes + sum(x.nbytes for x in self.levels) + (self.kept.nbytes if self.exact else 0)) / count
        note = "exact" if self.exact else f"chance of a lost state below {count * count / 2**65:.0e}"
        found = self._path(*self.bad) if self.bad else None
        return Outcome("numpy", count, self.transitions, self.depth, seconds, complete, found, size, note)

    def _path(self, claim: str, state: Any) -> Discovery:
        """Back through the levels: the first state of each that leads to the wanted one."""
        chain = [state]
        depth = next(n for n in range(len(self.levels) - 1, -1, -1) if _same(self.levels[n], state).any())
        for level in reversed(self.levels[:depth]):
            chain.append(next(s for chunk in self._chunks(level) for s in self._before(chunk, chain[-1])))
        return replay(self.machine, claim, [bytes(s) for s in reversed(chain)])

    def _before(self, chunk: Any, wanted: Any) -> Iterator[Any]:
        found: list[int] = []

        def emit(_: int, which: Any, states: Any) -> None:
            found.extend(which[_same(self._ordered(states), wanted)])

        self.step(chunk, emit)
        yield from (chunk[:, n].copy() for n in found)


def search(machine: Machine, limits: Limits = NO_LIMITS, exact: bool = False) -> Outcome:
    """Explore with NumPy."""
    run = Frontier(machine, limits, exact)
    return run.outcome(run.explore())


def _same(states: Any, wanted: Any) -> Any:
    """Which columns are the wanted state."""
    return (states == wanted[:, None]).all(axis=0)


# -- the generated text ------------------------------------------------------------------------------------------------


def _step(machine: Machine) -> list[str]:
    at = {v.name: n for n, v in enumerate(machine.variables)}
    lines = ["def step(S, emit):"]
    for actor in machine.actors:
        lines += [
            f"    order = np.argsort(S[{at[actor.pc]}], kind='stable')",
            f"    ends = np.cumsum(np.bincount(S[{at[actor.pc]}], minlength={len(actor.places)}))",
        ]
        for place in range(len(actor.places)):
            moves = [(n, m) for n, m in enumerate(machine.moves) if m.actor == actor.name and m.at == place]
            if not moves:
                continue
            start = f"ends[{place - 1}]" if place else "0"
            lines += [f"    which = order[{start}:ends[{place}]]", "    if which.size:", "        G = S[:, which]"]
            for n, move in moves:
                if move.guard is TRUE:
                    lines += ["        ix, T = which, G.copy()", "        if True:"]
                else:
                    guard = text(move.guard, NUMPY, lambda name: f"G[{at[name]}]")
                    lines += [
                        f"        hit = np.flatnonzero({guard})",
                        "        if hit.size:",
                        "            ix, T = which[hit], G[:, hit]",
                    ]
                lines += _effects(move.effects, at, None, [0])
                lines += [f"            T[{at[actor.pc]}] = {move.to}", f"            emit({n}, ix, T)"]
    return lines


def _effects(effects: tuple[Effect, ...], at: dict[str, int], under: str | None, fresh: list[int]) -> list[str]:
    """Effects on the columns of T; nested conditions become masks that are fixed before anything under them changes."""
    lines = []

    def name(variable: str) -> str:
        return f"T[{at[variable]}]"

    for effect in effects:
        if isinstance(effect, Assign):
            value = text(effect.value, NUMPY, name)
            target = name(effect.name)
            lines.append(
                f"            {target} = {value if under is None else f'np.where({under}, {value}, {target})'}"
            )
            continue
        fresh[0] += 1
        yes, no = f"y{fresh[0]}", f"n{fresh[0]}"
        test = text(effect.test, NUMPY, name)
        lines.append(f"            {yes}, {no} = {test}, ~{test}")
        if under is not None:
            lines.append(f"            {yes}, {no} = {yes} & {under}, {no} & {under}")
        lines += _effects(effect.then, at, yes, fresh) + _effects(effect.otherwise, at, no, fresh)
    return lines


def _check(machine: Machine) -> list[str]:
    at = {v.name: n for n, v in enumerate(machine.variables)}
    lines = ["def check(S):", "    bad = np.zeros(S.shape[1], np.uint8)"]
    for n, claim in enumerate(machine.claims):
        if claim.holds is not TRUE:
            test = text(claim.holds, NUMPY, lambda name: f"S[{at[name]}]")
            lines.append(f"    bad[~({test}) & (bad == 0)] = {n + 1}")
    ends = text(machine.may_end, NUMPY, lambda name: f"S[{at[name]}]")
    return [*lines, "    return bad", "def ends(S):", f"    return {ends} | np.zeros(S.shape[1], bool)"]
