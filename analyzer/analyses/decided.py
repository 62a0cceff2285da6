"""A fact about a whole that decides about one of its parts: branches and arguments that should have asked the part."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from analyzer.analyses.facts import Facts
from analyzer.analyses.guards import deciding, made_by, plain
from analyzer.ir.types import Assume, Call, Function, Instr, Name, Return


@dataclass(frozen=True, slots=True)
class PartSpec:
    """What a part is: the ``types`` of variables that stand for one, ``tests`` that ask one, ``tables`` of ops on one.

    ``asks`` are calls that only look; ``word`` is in the names of parameters that say something of a part.
    """

    types: tuple[str, ...]
    tests: re.Pattern[str]
    tables: re.Pattern[str]
    asks: re.Pattern[str]
    word: str


def handles_of(spec: PartSpec, function: Function) -> frozenset[str]:
    """Variables that stand for a part."""
    types = {**function.locals, **{p.name: p.type for p in function.params}}
    return frozenset(n for n, t in types.items() if t.replace("const ", "") in spec.types)


def decided_by(
    facts: Facts,
    spec: PartSpec,
    function: Function,
    instr: Instr,
    carried: dict[str, Instr],
    test: Callable[[Assume], bool],
) -> tuple[Assume | None, Instr | None] | None:
    """The branch (and what brought its value) that decides about an instruction for one root."""
    if not _for_part(spec, function, instr):
        return None
    if isinstance(instr, Call):
        for at, arg in enumerate(instr.args):
            if isinstance(arg, Name) and arg.id in carried and _takes_word(facts, spec, function, instr, at):
                return None, carried[arg.id]
    sides = deciding(function, instr, test)
    per_root = [s for s in deciding(function, instr, lambda a: True) if _asks_part(spec, function, s)]
    if not sides or per_root:
        return None
    if sides[0].wraps and not (plain(sides[0])[1] and isinstance(instr, Call) and instr.callee in sides[0].wraps):
        return None
    names = [n for n in sides[0].cond.names if n in carried]
    return sides[0], carried[names[0]] if names else sides[0]


def _takes_word(facts: Facts, spec: PartSpec, function: Function, call: Call, at: int) -> bool:
    """Whether a parameter says something of a part; what else is decided in a callee is looked at there."""
    lowered = [
        f for k in facts.program.resolve(call.callee, function.path) if (f := facts.program.lower(k)) is not None
    ]
    return not lowered or any(at < len(f.params) and spec.word in f.params[at].name for f in lowered)


def _asks_part(spec: PartSpec, function: Function, assume: Assume) -> bool:
    """Whether a branch is about one part."""
    made = made_by(function)
    texts = [assume.cond.text, *(made[n].shown for n in assume.cond.names if n in made)]
    return any(spec.tests.search(t) for t in texts)


def _for_part(spec: PartSpec, function: Function, instr: Instr) -> bool:
    """Whether an instruction acts on one part, or chooses what is true of one."""
    if isinstance(instr, Return):
        own = [p for p in function.params if p.type.replace("const ", "") in spec.types]
        return bool(own) and len(function.blocks) <= 6 and instr.value is not None and "%" not in instr.value.text
    if not isinstance(instr, Call) or spec.asks.match(instr.callee):
        return False
    bug = instr.callee.endswith(("BUG_ON", "WARN_ON", "WARN_ON_ONCE"))
    touched = frozenset().union(*(a.names for a in instr.args), instr.result.names if instr.result is not None else ())
    on_part = bool(instr.table and spec.tables.search(instr.table))
    return bug or on_part or not touched.isdisjoint(handles_of(spec, function))
