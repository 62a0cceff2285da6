"""What may sleep: calls that always may, and allocations by what their GFP flags say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.analyses.bodies import text_of
from analyzer.analyses.locks import lock_label
from analyzer.analyses.regions import spelled
from analyzer.callgraph.names import NameGraph
from analyzer.ir.program import Definition, Key, Program
from analyzer.ir.types import Assign, Binary, Call, Const, Expr, Function, Name


@dataclass(frozen=True, slots=True)
class Sleepers:
    """Words of sleeping.

    ``always``: calls that may sleep. ``by_gfp``: allocators -> the index of the flags (-1: the last argument).
    ``unless_holding``: calls that drop the lock they are given to sleep. ``blocking`` and ``atomic``: words of flags.
    """

    always: frozenset[str]
    by_gfp: Mapping[str, int]
    unless_holding: frozenset[str]
    blocking: frozenset[str]
    atomic: frozenset[str]

    def mentioning(self, names: NameGraph, program: Program) -> frozenset[Key]:
        """The definitions whose bodies may hold a call that sleeps, judged by their words."""
        sleeping = spelled(self.always) | self.unless_holding
        allocating, known = frozenset(self.by_gfp), 0
        while known < len(allocating):  # wrappers hand on the flags that they are given, to other wrappers too
            known = len(allocating)
            calling = (program.definitions[key] for key in _mentioning(names, allocating))
            allocating |= {found.name for found in calling if takes_flags(program, found)}

        def sleepy(definition: Definition) -> bool:
            words = definition.mentions
            if not words.isdisjoint(sleeping):
                return True
            return not words.isdisjoint(allocating) and any(w in self.blocking or "gfp" in w for w in words)

        return names.where(sleepy)


class Sleeping:
    """Which calls of a program may sleep; wrappers that pass flags on are judged where they are called."""

    def __init__(self, program: Program, sleepers: Sleepers) -> None:
        self.program = program
        self.sleepers = sleepers
        self.slots: dict[Key, int | None] = {}

    def sleeps(self, call: Call, function: Function) -> bool:
        """Whether a call may sleep whatever is held; one that drops a lock for it is asked of apart (``spares``)."""
        if call.callee in self.sleepers.always or call.callee in self.sleepers.unless_holding:
            return True
        slot = self.slot(call, function.path)
        if slot is None or not call.args or slot >= len(call.args):
            return False
        return self.blocks(call.args[slot], function) is True

    def spares(self, call: Call) -> str:
        """The label of the lock that a sleeping call drops first; ``""`` for none."""
        return lock_label(call.args[0]) if call.callee in self.sleepers.unless_holding and call.args else ""

    def slot(self, call: Call, path: str) -> int | None:
        """The argument that is the flags of an allocation."""
        known = self.sleepers.by_gfp.get(call.callee)
        if known is not None or not call.callee:
            return known
        for key in self.program.resolve(call.callee, path)[:1]:
            return self.slot_of(key)
        return None

    def slot_of(self, key: Key) -> int | None:
        """The parameter of a definition that is the flags of an allocation."""
        if key not in self.slots:
            self.slots[key] = None
            self.slots[key] = self._wrapper(key)
        return self.slots[key]

    def _wrapper(self, key: Key) -> int | None:
        """The flags parameter of a function that hands it to an allocator."""
        if not takes_flags(self.program, self.program.definitions[key]):
            return None
        function = self.program.lower(key)
        for index, param in enumerate(function.params if function is not None else ()):
            if function is not None and "gfp" in f"{param.type} {param.name}":
                for call in function.calls():
                    slot = self.slot(call, function.path)
                    if slot is not None and slot < len(call.args) and param.name in call.args[slot].names:
                        return index
        return None

    def blocks(self, flags: Expr, function: Function, depth: int = 3) -> bool | None:
        """Whether GFP flags allow to sleep; None when that is not known."""
        match flags:
            case Binary(op="|"):
                sides = [self.blocks(s, function, depth) for s in (flags.left, flags.right)]
                return True if True in sides else None if None in sides else False
            case Const():
                return False
            case Name() if flags.id in self.sleepers.blocking:
                return True
            case Name() if flags.id in self.sleepers.atomic or flags.id.startswith("__GFP_"):
                return False
            case Name() if depth:
                return self._variable(flags, function, depth - 1)
            case _:
                return None

    def _variable(self, name: Name, function: Function, depth: int) -> bool | None:
        """What is stored in a variable anywhere in its function: a flag that one path sets may be set."""
        values = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target == name]
        said = [self.blocks(v, function, depth) for v in values if v != name]
        return True if True in said else False if said and None not in said else None


def _mentioning(names: NameGraph, words: frozenset[str]) -> frozenset[Key]:
    return names.where(lambda found: not found.mentions.isdisjoint(words))


def takes_flags(program: Program, found: Definition) -> bool:
    """Whether a function has a parameter for GFP flags, of whatever name; a macro one that is called so."""
    if found.kind == "macro":
        return not found.mentions.isdisjoint(_FLAGS_NAMES)
    text = text_of(program, found)
    return "gfp_t" in text[: text.find("{")]


_FLAGS_NAMES = frozenset(("gfp", "gfp_flags", "flags", "gfp_mask"))
