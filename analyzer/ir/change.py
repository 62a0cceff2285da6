"""What differs between two programs of one run, as far as an analysis of a body can see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.ir.program import Definition, Key, Program, TableEntry
from analyzer.ir.types import Instr


@dataclass(slots=True)
class Change:
    """From an ``old`` program to a ``new`` one.

    ``words``: names that do not mean the same in both, whatever file uses them; macros that use such a name included.
    """

    old: Program
    new: Program
    words: frozenset[str]
    _same: dict[Key, bool] = field(default_factory=dict)
    _instrs: dict[Key, dict[int, Instr]] = field(default_factory=dict)

    def same(self, key: Key) -> bool:
        """Whether a function has the same body in both, and all its words mean the same."""
        known = self._same.get(key)
        if known is None:
            known = self._same[key] = self._compare(key)
        return known

    def _compare(self, key: Key) -> bool:
        before, after = self.old.definitions.get(key), self.new.definitions.get(key)
        if before is None or after is None or before.digest != after.digest:
            return False
        if not after.mentions.isdisjoint(self.words):
            return False
        old, new = self.old.lower(key), self.new.lower(key)
        return old is new or (old is not None and new is not None and old.body == new.body)

    def moved(self, key: Key, instr: Instr) -> Instr:
        """An instruction of a function that is the same, where it stands now."""
        places = self._instrs.get(key)
        if places is None:
            places = self._instrs[key] = self._places(key)
        return places.get(id(instr), instr)

    def _places(self, key: Key) -> dict[int, Instr]:
        old, new = self.old.lower(key), self.new.lower(key)
        if old is None or new is None or old is new:
            return {}
        pairs = zip(old.blocks, new.blocks, strict=True)
        return {id(a): b for before, after in pairs for a, b in zip(before.instrs, after.instrs, strict=True)}


def change(old: Program, new: Program, differing: Iterable[str] = ()) -> Change:
    """What differs; ``differing`` are further words that the analysis at hand treats in another way now."""
    known = new.left.get("change")
    if not isinstance(known, Change) or known.old is not old or known.new is not new:
        words = {*_definitions(old.definitions, new.definitions), *_tables(old.tables, new.tables)}
        words |= {name for name, _ in set(old.constants.items()) ^ set(new.constants.items())}
        known = new.left["change"] = Change(old, new, _through_macros(new, words))
    more = set(differing) - known.words
    return Change(old, new, _through_macros(new, {*known.words, *more})) if more else known


def _through_macros(new: Program, words: set[str]) -> frozenset[str]:
    """The words, and the macros that use one."""
    macros = [d for d in new.definitions.values() if d.kind == "macro" and d.name not in words]
    again = bool(words)
    while again:
        using = [d for d in macros if not d.mentions.isdisjoint(words)]
        words.update(d.name for d in using)
        macros = [d for d in macros if d.name not in words]
        again = bool(using)
    return frozenset(words)


def _definitions(old: Mapping[Key, Definition], new: Mapping[Key, Definition]) -> set[str]:
    """Names that are defined elsewhere now, or in another way."""
    found = {key[1] for key in old.keys() ^ new.keys()}
    for key in old.keys() & new.keys():
        a, b = old[key], new[key]
        if a is not b and ((a.static, a.weak, a.kind) != (b.static, b.weak, b.kind) or _another_macro(a, b)):
            found.add(key[1])
    return found


def _another_macro(a: Definition, b: Definition) -> bool:
    return a.kind == "macro" and a.digest != b.digest


def _tables(old: Mapping[str, tuple[TableEntry, ...]], new: Mapping[str, tuple[TableEntry, ...]]) -> set[str]:
    """Fields in which other functions are stored."""

    def stored(entries: tuple[TableEntry, ...]) -> list[tuple[str, str]]:
        return [(e.function, e.path) for e in entries]

    return {f for f in old.keys() | new.keys() if stored(old.get(f, ())) != stored(new.get(f, ()))}
