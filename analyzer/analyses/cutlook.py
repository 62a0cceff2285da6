"""A cheap look at texts for errors that lose their sign: which functions are worth to be solved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from analyzer.analyses.bodies import all_bodies, heading_type, narrow_names, signed_params
from analyzer.analyses.facts import Facts
from analyzer.analyses.keptin import keepers
from analyzer.analyses.reception import narrow_kind, signed
from analyzer.ir.program import Key

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
    texts = [(d, t) for d, t in all_bodies(facts) if d.key in able]
    failing = elsewhere | {d.name for d, t in texts if signed(heading_type(d, t))}
    ops = frozenset(f for f, es in facts.program.tables.items() if any(e.function in failing for e in es))
    failing |= ops
    answering = [(d, t) for d, t in texts if narrow_kind(heading_type(d, t))]
    narrow = {d.name for d, t in answering if _returns(t, failing & d.mentions)}
    narrow |= {d.name for d, t in all_bodies(facts) if narrow_kind(heading_type(d, t)) and _passes(t)}
    grown = bool(narrow)
    tables = facts.program.tables.items()
    narrow |= {f for f, entries in tables if any(e.function in narrow for e in entries)}
    while grown:  # a bool function that returns what another of them gave
        more = {d.name for d, t in answering if _returns(t, d.mentions & narrow)}
        grown = not more <= narrow
        narrow |= more
    keeping = keepers(facts)
    for found, text in texts:
        if covers(found.path):
            handed = _hands(text, signed(heading_type(found, text)), found.mentions & narrow)
            handed = handed or _gives(text, found.mentions & keeping, failing & found.mentions)
            if handed or _suspect(text, failing & found.mentions):
                yield found.key, handed


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
