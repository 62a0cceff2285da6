"""The name graph: which definitions a body mentions; a cheap superset of the call graph that selects what to solve."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import FunctionType

from analyzer.ir.change import change
from analyzer.ir.program import Definition, Key, Program

Test = Callable[[Definition], bool]


class NameGraph:
    """Edges from a definition to every definition that a word of its body can mean, tables included."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.answers: dict[Hashable, frozenset[Key]] = {}
        self._earlier: dict[Hashable, frozenset[Key]] = {}
        self._new: frozenset[Key] = frozenset()
        self._named: dict[Key, frozenset[Key]] = {}
        self.callers: dict[Key, list[Key]] = {}
        self.callees: dict[Key, list[Key]] = {}
        earlier = program.left.get("names")
        if isinstance(earlier, NameGraph):
            self._go_on(earlier)
        else:
            self._begin()
        program.left["names"] = self

    def _begin(self) -> None:
        program = self.program
        known = frozenset(program.by_name) | frozenset(program.tables)
        for key, definition in program.definitions.items():
            self.callees[key] = targets = self._targets(definition, known)
            for target in targets:
                self.callers.setdefault(target, []).append(key)

    def _go_on(self, earlier: NameGraph) -> None:
        """Take over what is as it was in an earlier program."""
        program, old = self.program, earlier.program.definitions
        words = change(earlier.program, program).words
        known = frozenset(program.by_name) | frozenset(program.tables)
        self._earlier = earlier.answers
        self._new = frozenset(k for k, d in program.definitions.items() if old.get(k) is not d)
        still = earlier.callees
        self.callees = {
            key: still[key]
            if key not in self._new and (not words or d.mentions.isdisjoint(words))
            else self._targets(d, known)
            for key, d in program.definitions.items()
        }
        differing = {k for k, targets in self.callees.items() if still.get(k) is not targets}
        differing |= still.keys() - self.callees.keys()
        if not any(known[k].kind == "macro" for known in (old, program.definitions) for k in differing & known.keys()):
            self._named = {k: named for k, named in earlier._named.items() if k not in differing}
        self._call(earlier, differing)

    def _call(self, earlier: NameGraph, differing: set[Key]) -> None:
        """The callers, in the order of the definitions; those of what ``differing`` ones called, or call, anew."""
        touched = {t for k in differing for edges in (earlier.callees, self.callees) for t in edges.get(k, ())}
        self.callers = {k: found for k, found in earlier.callers.items() if k not in touched}
        again: dict[Key, list[Key]] = {t: [] for t in touched}
        for key, targets in self.callees.items():
            for target in targets:
                if target in again:
                    again[target].append(key)
        self.callers |= {target: found for target, found in again.items() if found}

    def _targets(self, definition: Definition, known: frozenset[str]) -> list[Key]:
        program = self.program
        found: dict[Key, None] = {}
        for word in definition.mentions & known:
            if word != definition.name:
                found.update(dict.fromkeys(program.resolve(word, definition.path)))
            for entry in program.tables.get(word, ()):
                found.update(dict.fromkeys(program.resolve(entry.function, entry.path)))
        found.pop(definition.key, None)
        return sorted(found)  # the same on every run

    def reaching(self, wanted: Iterable[Key]) -> frozenset[Key]:
        """Everything from which one of ``wanted`` can be reached, ``wanted`` included."""
        return self._closure(wanted, self.callers)

    def reachable(self, roots: Iterable[Key]) -> frozenset[Key]:
        """Everything that can be reached from ``roots``, ``roots`` included."""
        return self._closure(roots, self.callees)

    def named(self, key: Key) -> frozenset[Key]:
        """What a body names; a macro is expanded where it stands, so that what it names counts as well."""
        known = self._named.get(key)
        if known is None:
            known = self._named[key] = self._all_named(key)
        return known

    def _all_named(self, key: Key) -> frozenset[Key]:
        found: set[Key] = set()
        work = [key]
        while work:
            for callee in self.callees.get(work.pop(), ()):
                if callee not in found:
                    found.add(callee)
                    if self.program.definitions[callee].kind == "macro":
                        work.append(callee)
        return frozenset(found)

    def _closure(self, start: Iterable[Key], edges: dict[Key, list[Key]]) -> frozenset[Key]:
        seen = set(start)
        wave = seen
        while wave:
            wave = set().union(*(edges[key] for key in wave if key in edges)) - seen
            seen |= wave
        return frozenset(seen)

    def where(self, test: Test) -> frozenset[Key]:
        """The definitions that pass a test, which looks at nothing but the definition."""
        definitions = self.program.definitions
        said = recipe(test)
        earlier = self._earlier.get(said) if said is not None else None
        if earlier is None:
            found = frozenset(k for k, d in definitions.items() if test(d))
        else:
            still = (k for k in earlier if k not in self._new and k in definitions)
            found = frozenset((*still, *(k for k in self._new if test(definitions[k]))))
        if said is not None:
            self.answers[said] = found
        return found

    def roots(self, within: frozenset[Key]) -> list[Key]:
        """Functions of a set that nothing mentions, in a stable order."""
        definitions = self.program.definitions
        return sorted(k for k in within if not self.callers.get(k) and definitions[k].kind == "function")


def recipe(test: object) -> Hashable | None:
    """What tells one test from another: its code and the words it was made with; None where that cannot be told."""
    if isinstance(test, str | int | frozenset):
        return test
    if is_dataclass(test) and not isinstance(test, type):
        made_of = tuple(recipe(getattr(test, f.name)) for f in fields(test))
        return None if None in made_of else (type(test), *made_of)
    if isinstance(test, Mapping) and all(isinstance(value, str | int) for value in test.values()):
        return frozenset(test.items())
    if not isinstance(test, FunctionType) or test.__defaults__ or test.__kwdefaults__:
        return None
    made_with = tuple(recipe(cell.cell_contents) for cell in test.__closure__ or ())
    return None if None in made_with else (test.__code__, *made_with)
