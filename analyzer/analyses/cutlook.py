"""A cheap look at texts for errors that lose their sign: which functions are worth to be solved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from analyzer.analyses.bodies import all_bodies, heading_type, narrow_names, signed_params
from analyzer.analyses.facts import Facts
from analyzer.analyses.keptin import keepers
from analyzer.analyses.reception import narrow_kind, signed
from analyzer.ir.program import Definition, Key

_RETURNED = re.compile(r"\breturn\b([^;]*);")
_WORD = re.compile(r"\w+")
_ASSIGNED = re.compile(r"(?<![\w.>-])(\*?\w[\w.>\[\]-]*) (\|?)= ([^;]*);")
_STORED = re.compile(r"\b(?:WRITE_ONCE|smp_store_\w+)\(&?([^,;]+),()([^;]*)\);")
_CAST = r"\((?:bool|_Bool|(?:__)?u(?:8|16)|unsigned (?:char|short))\)"
_ANSWER = re.compile(rf"^\s*!!|(?:!=|<)\s*0\s*$|\|\||&&|\?|\{{\s*\.|{_CAST}")
_CALLED = re.compile(r"(?<=\s)(\w+)\(([^;]*)\);")
_FLUSH_IF = re.compile(r"\bif\s*\(([^;{}]*)\)\s*\{?\s*\w*flush")
_ERRNO = re.compile(r"-E[A-Z]+\b")


def suspects(
    facts: Facts, able: frozenset[Key], elsewhere: frozenset[str], covers: Callable[[str], bool]
) -> Iterator[tuple[Key, bool]]:
    """Functions in which a narrow place, an OR, a comparison or a flush meets a call that can fail.

    ``elsewhere``: the names of functions that can fail and are not shown. Each with whether it is one that such a place
    was handed from a callee, which a first look does not see.
    """
    heads = _heads(facts)
    texts = [(heads[d.key], t) for d, t in all_bodies(facts) if d.key in able]
    words = _words(facts, texts, heads.values(), elsewhere)
    left = facts.program.left.get("suspects")
    known, differing = (left.said, words.differing(left.words)) if isinstance(left, _Left) else ({}, frozenset())
    said: dict[Key, _Said] = {}
    for head, text in texts:
        if covers(head.of.path):
            key = head.of.key
            before = known.get(key)
            same = before is not None and before[0] is head and head.of.mentions.isdisjoint(differing)
            now = said[key] = before if before is not None and same else (head, *words.judge(head, text))
            if now[1] or now[2]:
                yield key, now[1]
    facts.program.left["suspects"] = _Left(words, said)


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """What the heading of a function says of its results; ``passes``: it returns an int that it is given."""

    of: Definition
    signed: bool
    narrow: bool
    passes: bool


_Said = tuple[_Head, bool, bool]  # whether a place was handed an error by a callee, whether there is another one


@dataclass(frozen=True, slots=True)
class _Words:
    """Names of functions and ops that can fail, that have cut errors, and that keep a number in a member."""

    failing: frozenset[str]
    narrow: frozenset[str]
    keeping: frozenset[str]

    def differing(self, other: _Words) -> frozenset[str]:
        """What is among them in one program alone."""
        return (self.failing ^ other.failing) | (self.narrow ^ other.narrow) | (self.keeping ^ other.keeping)

    def judge(self, head: _Head, text: str) -> tuple[bool, bool]:
        """Whether a function is handed a cut error, and whether it has a place that may cut one."""
        mentions = head.of.mentions
        handed = _hands(text, head.signed, mentions & self.narrow)
        handed = handed or _gives(text, mentions & self.keeping, self.failing & mentions)
        return handed, not handed and _suspect(text, self.failing & mentions)


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left for the next program."""

    words: _Words
    said: dict[Key, _Said]


def _heads(facts: Facts) -> dict[Key, _Head]:
    """The headings of all functions; those of an earlier program stay."""
    left: dict[Key, _Head] = facts.program.left.setdefault("heads", {})  # type: ignore[assignment]
    found: dict[Key, _Head] = {}
    for definition, text in all_bodies(facts):
        known = left.get(definition.key)
        if known is None or known.of is not definition:
            kind = heading_type(definition, text)
            narrow = bool(narrow_kind(kind))
            known = left[definition.key] = _Head(definition, signed(kind), narrow, narrow and _passes(text))
        found[definition.key] = known
    return found


def _words(facts: Facts, texts: list[tuple[_Head, str]], heads: Iterable[_Head], elsewhere: frozenset[str]) -> _Words:
    """What functions can fail, and which of them cut errors; ``texts`` are those that may have errors."""
    tables = facts.program.tables.items()
    failing = elsewhere | {head.of.name for head, _ in texts if head.signed}
    failing |= frozenset(f for f, es in tables if any(e.function in failing for e in es))
    answering = [(head.of, t) for head, t in texts if head.narrow]
    narrow = {d.name for d, t in answering if _returns(t, failing & d.mentions)}
    narrow |= {head.of.name for head in heads if head.passes}
    grown = bool(narrow)
    narrow |= {f for f, entries in tables if any(e.function in narrow for e in entries)}
    while grown:  # a bool function that returns what another of them gave
        more = {d.name for d, t in answering if _returns(t, d.mentions & narrow)}
        grown = not more <= narrow
        narrow |= more
    return _Words(failing, frozenset(narrow), keepers(facts))


@lru_cache(maxsize=1 << 14)
def _assigned(text: str) -> list[tuple[str, str, str]]:
    """Target, whether it is ORed into, and value of every plain assignment of a body."""
    return _ASSIGNED.findall(text) + _STORED.findall(text)


@lru_cache(maxsize=1 << 14)
def _returned(text: str) -> list[str]:
    """What a body returns."""
    return _RETURNED.findall(text)


@lru_cache(maxsize=1 << 14)
def _hands(text: str, answers: bool, narrow: frozenset[str]) -> bool:
    """Whether a function ORs, or ``answers`` with, what one that has cut errors gave."""
    if not narrow:
        return False
    given = _assigned(text)
    values = [value for _, ored, value in given if ored]
    if answers:
        values += [value for _, _, value in given] + _returned(text)
    return any(w in narrow for value in values for w in _WORD.findall(value))


@lru_cache(maxsize=1 << 14)
def _gives(text: str, keeping: frozenset[str], failing: frozenset[str]) -> bool:
    """Whether a function that keeps a number in a member is given what one that can fail gave."""
    if not keeping:
        return False
    given = {target for target, _, value in _assigned(text) if not failing.isdisjoint(_WORD.findall(value))} | failing
    calls = (m.group(2) for m in _CALLED.finditer(text) if m.group(1) in keeping)
    return any(w in given for args in calls for w in _WORD.findall(args))


@lru_cache(maxsize=1 << 14)
def _passes(text: str) -> bool:
    """Whether a function returns an int that it is given."""
    given = signed_params(text)
    return any(value.strip() in given for value in _returned(text))


@lru_cache(maxsize=1 << 14)
def _suspect(text: str, failing: frozenset[str]) -> bool:
    """Whether an error, or a result of one of the ``failing``, meets a place that cannot hold it."""
    narrows = narrow_names(text)
    given: set[str] = set()  # variables that a call which can fail gave
    for target, ored, value in _assigned(text):
        used = _WORD.findall(value)
        if any(w in failing or w in given for w in used) or _ERRNO.search(value):
            if ored or target in narrows or not target.isidentifier() or _ANSWER.search(value):
                return True
            given.add(target)
    answers = [v for v in _returned(text) if _ANSWER.search(v)]
    answers += _FLUSH_IF.findall(text) if "flush" in text else []
    return any(w in failing or w in given for words_ in answers for w in _WORD.findall(words_))


@lru_cache(maxsize=1 << 14)
def _returns(text: str, failing: frozenset[str]) -> bool:
    values = _returned(text)
    return any(w in failing for value in values for w in _WORD.findall(value)) or any(map(_ERRNO.search, values))
