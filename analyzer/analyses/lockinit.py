"""Initialisation of locks: which declared locks nothing initialises, and which are taken before they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analyses.lockfields import LockField, LockFields
from analyzer.analyses.regions import spelled
from analyzer.callgraph.names import NameGraph
from analyzer.ir.program import Program
from analyzer.ir.types import Call, Expr, Function, Name

_STATIC = re.compile(r"\.\s*(\w+)\s*=\s*\(?\w*__\w*(?:UNLOCKED|INITIALIZER)\w*")
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
