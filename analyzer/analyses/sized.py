"""Work on memory (a flush, a write-back, a reset) and what its size depends on, through helpers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from analyzer.analyses.depends import carried, depending, tested_in, texts
from analyzer.analyses.facts import Facts, shown, step
from analyzer.core.finding import Step
from analyzer.ir.cfg import loop_of
from analyzer.ir.program import Key
from analyzer.ir.types import Call, Expr, Function, Name


@dataclass(frozen=True, slots=True)
class Work:
    """What a callee does to the memory named by argument ``operand``; ``size`` is the argument with its size.

    ``always``: the word counts even where the definition is visible.
    """

    what: str
    operand: int
    size: int | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """One piece of work in a function: the call, what it is made on, what its size is made of, and the way to it."""

    call: Call
    what: str
    operands: tuple[Expr, ...]
    sizes: tuple[Expr, ...]
    loop: frozenset[str]
    steps: tuple[Step, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Summary:
    """Work that a function does for its caller, by the indices of its parameters."""

    what: str
    operands: frozenset[int]
    sizes: frozenset[int]
    steps: tuple[Step, ...] = field(compare=False)


class Sizes:
    """The work of functions; ``words`` are known by name, ``leaves`` are constants that name work as an argument."""

    def __init__(
        self, facts: Facts, words: Mapping[str, Work], leaves: Mapping[str, str], covers: Callable[[str], bool]
    ) -> None:
        self.facts = facts
        self.words = words
        self.leaves = leaves
        self.covers = covers
        self._sites: dict[Key, tuple[Site, ...]] = {}

    def sites(self, function: Function) -> tuple[Site, ...]:
        """All work in a function."""
        if function.key not in self._sites:
            self._sites[function.key] = ()  # functions that call themselves end here
            found = tuple(s for c in function.calls() for s in self._of(function, c))
            self._sites[function.key] = found
        return self._sites[function.key]

    def _of(self, function: Function, call: Call) -> list[Site]:
        blocks = loop_of(function, call)
        steps_on = carried(function, blocks)
        varying = depending(function, steps_on)
        made = []
        for what, operands, sizes, steps in self._effects(function, call):
            moves = not steps_on or any(not texts(o).isdisjoint(varying) for o in operands)
            loop = tested_in(function, blocks) if moves else frozenset()
            made.append(Site(call, what, operands, sizes, loop, steps))
        return made

    def _effects(
        self, function: Function, call: Call
    ) -> list[tuple[str, tuple[Expr, ...], tuple[Expr, ...], tuple[Step, ...]]]:
        here = step(function, call, shown(call))
        word = self.words.get(call.callee)
        program = self.facts.program
        targets = program.resolve(call.callee, function.path) if call.callee else ()
        if word is not None and (word.always or not targets) and word.operand < len(call.args):
            sizes = call.args[word.size : word.size + 1] if word.size is not None else ()
            return [(word.what, (call.args[word.operand],), tuple(sizes), (here,))]
        leaf = next((a.id for a in call.args if isinstance(a, Name) and a.id in self.leaves), "")
        if leaf:
            return [(self.leaves[leaf], call.args, (), (here,))]
        found = []
        for key in targets:
            for made in self._summary(key):
                operands = tuple(a for i, a in enumerate(call.args) if i in made.operands)
                sizes = tuple(a for i, a in enumerate(call.args) if i in made.sizes)
                found.append((made.what, operands, sizes, (here, *made.steps)))
        return found

    def _summary(self, key: Key) -> list[_Summary]:
        callee = self.facts.program.lower(key) if self.covers(key[0]) else None
        if callee is None:
            return []
        reach = [depending(callee, (p.name,)) if p.name else frozenset() for p in callee.params]
        found = []
        for site in self.sites(callee):
            on, by = texts(*site.operands), texts(*site.sizes) | site.loop
            operands = frozenset(i for i, r in enumerate(reach) if not r.isdisjoint(on))
            sizes = frozenset(i for i, r in enumerate(reach) if not r.isdisjoint(by))
            if operands:
                found.append(_Summary(site.what, operands - sizes or operands, sizes, site.steps))
        return found
