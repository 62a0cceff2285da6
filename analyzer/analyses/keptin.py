"""Members that keep what a function is given: where a small function stores a parameter, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from analyzer.analyses.bodies import all_bodies, narrow_fields
from analyzer.analyses.facts import Facts
from analyzer.analyses.reception import narrow_kind, signed
from analyzer.ir.types import Assign, Deref, Field, Function, Instr, Name, Return

MAX_LINES = 40
_PARAMETER = re.compile(r"\b(?:int|long) (\w+)\s*[,)]")
_READ = re.compile(r"(?:\breturn|^\s*(?:int )?\w+ =) [\w.>-]*(?:->|\.)(\w+);", re.M)
_STORED = re.compile(r"(?:->|\.)(\w+) = (?:!!)?(\w+);")


def keepers(facts: Facts) -> frozenset[str]:
    """Functions that store a signed parameter in a member that cannot hold an errno, judged by their text."""
    return facts.solve("keepers", lambda: frozenset(_keepers(facts)))


def _keepers(facts: Facts) -> Iterator[str]:
    members = narrow_fields(facts)
    narrow = {name.rpartition(".")[2] for name, kind in members.items() if narrow_kind(kind) == "bool"}
    stored = [(d, _stored(t) & narrow) for d, t in all_bodies(facts) if d.end_line - d.line < MAX_LINES]
    wanted = frozenset(m for _, members in stored for m in members)
    read = {m for d, t in all_bodies(facts) if not wanted.isdisjoint(d.mentions) for m in _read(t)}
    yield from (d.name for d, members in stored if not members.isdisjoint(read))


@lru_cache(maxsize=1 << 14)
def _stored(text: str) -> frozenset[str]:
    """The members in which a body stores a signed parameter as it is."""
    stores = _STORED.findall(text)
    given = set(_PARAMETER.findall(text[: text.find("{")])) if stores else set()
    return frozenset(member for member, value in stores if value in given)


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> frozenset[str]:
    """The members that a body returns as they are, or assigns to a variable."""
    return frozenset(_READ.findall(text))


def stores_of(function: Function) -> Iterator[tuple[int, Assign]]:
    """Each parameter that a function stores in a member as it is, and where."""
    index = {p.name: n for n, p in enumerate(function.params)}
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and isinstance(instr.target, Field) and instr.value.text in index:
                yield index[instr.value.text], instr


def tag_of(function: Function, member: Field) -> str:
    """The name of the struct that a member is of; ``""`` where it is not of a variable."""
    types = {**function.locals, **{p.name: p.type for p in function.params}}
    base = member.base.base if isinstance(member.base, Deref) else member.base
    return types.get(base.text, "").removeprefix("const ").removeprefix("struct ").rstrip(" *")


def reads_of(facts: Facts, member: str, tag: str) -> Iterator[tuple[Function, Instr]]:
    """Where a member of a struct is handed on as a signed number: returned, or kept in a variable."""
    for key in sorted(facts.names.where(lambda d: d.kind == "function" and member in d.mentions)):
        function = facts.program.lower(key)
        for block in function.blocks if function is not None else ():
            for instr in block.instrs:
                if function is not None and _reads(function, instr, member, tag):
                    yield function, instr


def _reads(function: Function, instr: Instr, member: str, tag: str) -> bool:
    value = instr.value if isinstance(instr, Assign | Return) else None
    if not isinstance(value, Field) or value.name != member or tag_of(function, value) != tag:
        return False
    if isinstance(instr, Return):
        return signed(function.returns)
    types: dict[str, str] = {**function.locals, **{p.name: p.type for p in function.params}}
    target = instr.target if isinstance(instr, Assign) else None
    return isinstance(target, Name) and signed(types.get(target.id, ""))
