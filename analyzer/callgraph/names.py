"""The name graph: which definitions a body mentions; a cheap superset of the call graph that selects what to solve."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from analyzer.ir.change import change
from analyzer.ir.program import Definition, Key, Program


class NameGraph:
    """Edges from a definition to every definition that a word of its body can mean, tables included."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.callers: dict[Key, list[Key]] = {}
        self.callees: dict[Key, list[Key]] = {}
        known = frozenset(program.by_name) | frozenset(program.tables)
        earlier = program.left.get("names")
        still = _still(earlier, program) if isinstance(earlier, NameGraph) else {}
        program.left["names"] = self
        for key, definition in program.definitions.items():
            targets = still.get(key)
            self.callees[key] = targets = self._targets(definition, known) if targets is None else targets
            for target in targets:
                self.callers.setdefault(target, []).append(key)

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

    def _closure(self, start: Iterable[Key], edges: dict[Key, list[Key]]) -> frozenset[Key]:
        seen = set(start)
        work = deque(seen)
        while work:
            for key in edges.get(work.popleft(), ()):
                if key not in seen:
                    seen.add(key)
                    work.append(key)
        return frozenset(seen)

    def where(self, test: Callable[[Definition], bool]) -> frozenset[Key]:
        """The definitions that pass a test."""
        return frozenset(k for k, d in self.program.definitions.items() if test(d))

    def roots(self, within: frozenset[Key]) -> list[Key]:
        """Functions of a set that nothing mentions, in a stable order."""
        definitions = self.program.definitions
        return sorted(k for k in within if not self.callers.get(k) and definitions[k].kind == "function")


def _still(earlier: NameGraph, program: Program) -> dict[Key, list[Key]]:
    """The edges of an earlier program from definitions that are the same and whose words mean the same."""
    since = change(earlier.program, program)
    old = earlier.program.definitions
    return {
        key: earlier.callees[key]
        for key, definition in program.definitions.items()
        if key in old and old[key].mentions == definition.mentions and definition.mentions.isdisjoint(since.words)
    }
