"""Initialisation of locks: which declared locks nothing initialises, and which are taken before they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from analyzer.analyses.facts import Facts, shown, step
from analyzer.analyses.guards import deciding, made_by, plain, taken
from analyzer.analyses.lockfields import LockField, LockFields
from analyzer.analyses.ops import callers_of
from analyzer.analyses.regions import spelled
from analyzer.callgraph.names import NameGraph
from analyzer.core.finding import Step
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Call, Expr, Function, Name

_STATIC = re.compile(r"\.\s*(\w+)\s*=\s*\(?\w*__\w*(?:UNLOCKED|INITIALIZER)\w*")
CALLS = 10  # between a test of a setting and a lock that is taken
LEVELS = 3  # helpers that initialise the lock they are given


class LockInits:
    """The initialisers of a program; ``inits`` and ``takes`` are names of lock calls (the lock comes first)."""

    def __init__(
        self, program: Program, names: NameGraph, fields: LockFields, inits: frozenset[str], takes: frozenset[str]
    ) -> None:
        self.program = program
        self.names = names
        self.fields = fields
        self.takes = takes
        self.words = spelled(takes)
        self.done: set[str] = set()
        self.sites: list[tuple[tuple[LockField, ...], Function, Call]] = []
        slots = dict.fromkeys(inits, 0)
        for _ in range(LEVELS):
            slots = self._read(slots)
            if not slots:
                break
        for path in program.files:
            code = program.code(path)
            if "UNLOCKED" in code or "INITIALIZER" in code:
                self.done |= {m[1] for m in _STATIC.finditer(code)}

    def _read(self, slots: dict[str, int]) -> dict[str, int]:
        """Note what the calls of some initialisers initialise; the helpers that pass a parameter on to them."""
        words = frozenset(slots)
        helpers: dict[str, int] = {}
        for key in sorted(self.names.where(lambda d: not d.mentions.isdisjoint(words))):
            function = self.program.lower(key)
            for call in function.calls() if function is not None else ():
                slot = slots.get(call.callee)
                if slot is None or slot >= len(call.args) or function is None:
                    continue
                index = _parameter(function, call.args[slot])
                if index is not None:
                    helpers[function.name] = index
                meant = self.fields.meant(call.args[slot], function)
                self.done |= {lock.words for lock in meant}
                self.sites.append((meant, function, call))
        return helpers

    def _ready(self, lock: LockField) -> bool:
        return lock.ready or lock.words in self.done or lock.name in self.done

    def bare(self) -> Iterator[tuple[LockField, Function, Call]]:
        """Locks that nothing initialises, each with the first place that takes it."""
        for name, locks in sorted(self.fields.declared.items()):
            open_ = [lock for lock in locks if not self._ready(lock)]
            for lock in open_:
                site = self._taken(name, lock)
                if site is not None:
                    yield (lock, *site)

    def _taken(self, name: str, lock: LockField) -> tuple[Function, Call] | None:
        """A place that takes a lock and, as far as types tell, no other of its name."""
        for key in sorted(self.names.where(lambda d: name in d.mentions and not d.mentions.isdisjoint(self.words))):
            function = self.program.lower(key)
            for call in function.calls() if function is not None and function.kind == "function" else ():
                if call.callee in self.takes and call.args and function is not None:
                    meant = self.fields.meant(call.args[0], function)
                    if meant and {m.words for m in meant} == {lock.words}:
                        return function, call
        return None

    def early(self) -> Iterator[tuple[LockField, Function, Call, Call]]:
        """Locks taken, in the function that initialises them, on a path before it does."""
        for meant, function, init in self.sites:
            if len({lock.words for lock in meant}) != 1 or function.kind != "function":
                continue
            for call in _before(function, init):
                if call.callee in self.takes and call.args and call.args[0] == init.args[0]:
                    yield meant[0], function, call, init
                    break

    def one_sided(self, facts: Facts) -> Iterator[tuple[LockField, Function, Call, str, tuple[Step, ...]]]:
        """Locks that are initialised on one side of a setting (in words) and taken on the other, with the way there."""
        for meant, function, init in self.sites:
            if len(meant) != 1 or sum(m == meant for m, _, _ in self.sites) != 1:
                continue
            for side in deciding(function, init, partial(_setting, function)):
                for taker, call in self._takers(meant[0]):
                    way = _other_side(facts, taker, call, plain(side), CALLS)
                    if way:
                        told = _told(*plain(side))
                        yield meant[0], taker, call, told, (step(function, init, f"only if {told}"), *way)
                        return

    def _takers(self, lock: LockField) -> Iterator[tuple[Function, Call]]:
        """The places that take a lock."""
        taking = self.names.where(lambda d: lock.name in d.mentions and not d.mentions.isdisjoint(self.words))
        for key in sorted(k for k in taking if self.program.definitions[k].kind == "function"):
            function = self.program.lower(key)
            for call in function.calls() if function is not None else ():
                known = call.callee in self.takes and call.args
                if known and function is not None and self.fields.meant(call.args[0], function) == (lock,):
                    yield function, call


def _setting(function: Function, test: Assume) -> bool:
    """Whether a condition is a variable of the module: the same for the whole life of what is made."""
    cond, _ = plain(test)
    return isinstance(cond, Name) and not cond.temporary and cond.id not in function.locals


def _told(cond: Expr, truth: bool) -> str:
    return cond.text if truth else f"!{cond.text}"


def _other_side(
    facts: Facts,
    function: Function,
    call: Call,
    side: tuple[Expr, bool],
    depth: int,
    seen: frozenset[Key] = frozenset(),
) -> tuple[Step, ...]:
    """The calls that lead to a call where a setting has the other value; nothing if none is seen.

    A way that only some objects go, as a predicate tells, is none: those may be made on the other side alone.
    """
    here = step(function, call, shown(call))
    made = made_by(function)
    for cond, truth in map(plain, taken(function, call)):
        if truth and isinstance(cond, Name) and cond.id in made:
            return ()
        if cond is side[0]:
            return () if truth is side[1] else (step(function, call, f"{_told(cond, truth)}: {shown(call)}"),)
    for site in callers_of(facts, function.key) if depth else ():
        if site.function.key not in seen:
            found = _other_side(facts, site.function, site.call, side, depth - 1, seen | {function.key})
            if found:
                return (*found, here)
    return ()


def _parameter(function: Function, expr: Expr) -> int | None:
    """The parameter that an expression is."""
    names = [p.name for p in function.params]
    return names.index(expr.id) if isinstance(expr, Name) and expr.id in names else None


def _before(function: Function, target: Call) -> Iterator[Call]:
    """The calls on paths from the entry that have not come to a call yet and can still come to it."""
    seen, work, found = {0}, [0], []
    while work:
        block = function.blocks[work.pop()]
        for instr in block.instrs:
            if instr is target:
                break
            if isinstance(instr, Call):
                found.append(instr)
        else:
            work += [n for n in block.successors if n not in seen]
            seen.update(block.successors)
    return iter(found)
