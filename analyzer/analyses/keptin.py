"""Members that keep what a function is given: where a small function stores a parameter, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from analyzer.analyses.bodies import all_bodies, narrow_fields, signed_params
from analyzer.analyses.facts import Facts
from analyzer.analyses.reception import narrow_kind, signed
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Call, Deref, Expr, Field, Function, Index, Init, Instr, Name, Return

MAX_LINES = 40
_READ = re.compile(r"(?:\breturn|^\s*(?:int )?\w+ =) [\w.>-]*(?:->|\.)(\w+);", re.M)
_STORED = re.compile(r"(?:->|\.)(\w+) = (?:!!)?(\w+);")


@dataclass(frozen=True, slots=True)
class Kept:
    """Parameter ``index`` of a function is stored in a narrow member, which is read as a number elsewhere."""

    index: int
    keeper: Function
    store: Assign
    reader: Function
    read: Instr


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
    given = signed_params(text) if stores else ()
    return frozenset(member for member, value in stores if value in given)


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> frozenset[str]:
    """The members that a body returns as they are, or assigns to a variable."""
    return frozenset(_READ.findall(text))


def keeping_calls(facts: Facts, function: Function) -> list[Call]:
    """The calls of a function that may keep what they are given in a narrow member."""
    return [c for c in function.calls() if c.callee in keepers(facts)]


def kept_in(facts: Facts, key: Key) -> Iterator[Kept]:
    """What a function keeps in narrow members that somebody hands on as numbers."""
    keeper = facts.program.lower(key)
    for index, store in _stores(keeper) if keeper is not None else ():
        if keeper is not None and narrows(facts, keeper, store.target):
            for reader, read in _reads_of(facts, keeper, store.target):
                yield Kept(index, keeper, store, reader, read)
                break


def _stores(keeper: Function) -> Iterator[tuple[int, Assign]]:
    """Each parameter that a function stores in a member as it is, and where."""
    index = {p.name: n for n, p in enumerate(keeper.params)}
    for store in (i for b in keeper.blocks for i in b.instrs if isinstance(i, Assign)):
        if isinstance(store.target, Field) and store.value.text in index:
            yield index[store.value.text], store


def narrows(facts: Facts, function: Function, target: Expr) -> bool:
    """Whether a member, or what a parameter points to, cannot hold an errno."""
    if isinstance(target, Field):
        tag, known = _tag(function, target), narrow_fields(facts)
        return narrow_kind(known.get(f"{tag}.{target.name}", "" if tag else known.get(target.name, ""))) != ""
    if isinstance(target, Deref) and isinstance(target.base, Name):
        kind = _types(function).get(target.base.id, "")
        return kind.count("*") == 1 and narrow_kind(kind.removesuffix("*").strip()) == "bool"
    if isinstance(target, Index) and isinstance(target.base, Name):
        return narrow_kind(_types(function).get(target.base.id, "").split("[")[0].strip(" *")) == "bool"
    return False


def narrow_entries(facts: Facts, function: Function, target: Expr, value: Init) -> Iterator[Expr]:
    """What an initialiser puts into members that cannot hold an errno."""
    tag = _types(function).get(target.text, "").removeprefix("const ").removeprefix("struct ")
    for member, entry in value.entries:
        if member and narrow_kind(narrow_fields(facts).get(f"{tag}.{member}", "")):
            yield entry


def _types(function: Function) -> dict[str, str]:
    return {**function.locals, **{p.name: p.type for p in function.params}}


def _tag(function: Function, member: Field) -> str:
    """The name of the struct that a member is of; ``""`` where it is not of a variable."""
    base = member.base.base if isinstance(member.base, Deref) else member.base
    return _types(function).get(base.text, "").removeprefix("const ").removeprefix("struct ").rstrip(" *")


def _reads_of(facts: Facts, keeper: Function, member: Expr) -> Iterator[tuple[Function, Instr]]:
    """Where a member is handed on as a signed number: returned, or kept in a variable."""
    assert isinstance(member, Field)
    name, tag = member.name, _tag(keeper, member)
    for function in facts.mentioning(frozenset((name,))):
        for instr in (i for b in function.blocks for i in b.instrs):
            if _reads(function, instr, name, tag):
                yield function, instr


def _reads(function: Function, instr: Instr, member: str, tag: str) -> bool:
    value = instr.value if isinstance(instr, Assign | Return) else None
    if not isinstance(value, Field) or value.name != member or _tag(function, value) != tag:
        return False
    if isinstance(instr, Return):
        return signed(function.returns)
    target = instr.target if isinstance(instr, Assign) else None
    return isinstance(target, Name) and signed(_types(function).get(target.id, ""))
