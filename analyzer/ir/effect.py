"""Effect: one word for what a call does; hand-written vocabulary and inferred summaries share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verb(StrEnum):
    """What a call does to the value or token in its slot."""

    ACQUIRE = "acquire"
    RELEASE = "release"
    REQUIRE = "require"
    SOURCE = "source"
    SINK = "sink"
    SANITIZE = "sanitize"
    PASS = "pass"  # the labelled value flows from the slot to the result
    EVENT = "event"


RESULT = -1


@dataclass(frozen=True, slots=True)
class Effect:
    """``verb`` on ``label``.

    ``slot`` is an argument index, or RESULT. ``mode`` refines a lock (``r``, ``w``, ``x`` exclusive, ``any``). ``when``
    is the truth of the result for which it holds (``nonzero``, ``zero``, ``""`` always); ``flag`` is the index of a
    boolean argument that selects read mode when true. ``source`` says where the fact is written.
    """

    verb: Verb
    label: str
    slot: int = 0
    mode: str = ""
    when: str = ""
    flag: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What functions do, known to all rules.

    ``effects``: name -> Effects. ``predicates``: calls whose value depends on their arguments only and stays
    what it is (``is_mirror_sp``). ``asynchronous``: callees that run a callback later, with nothing held;
    ``synchronous``: that run it before they return. ``constants``: enumerators of headers that are not read.
    """

    effects: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)
    predicates: frozenset[str] = frozenset()
    asynchronous: frozenset[str] = frozenset()
    synchronous: frozenset[str] = frozenset()
    constants: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str, verb: Verb) -> tuple[Effect, ...]:
        """The effects of one verb that a name has."""
        return tuple(e for e in self.effects.get(name, ()) if e.verb is verb)

    def names(self, verb: Verb, label: str = "") -> frozenset[str]:
        """All names that have an effect of the verb (on the label)."""
        return frozenset(n for n, es in self.effects.items() for e in es if e.verb is verb and label in ("", e.label))


def join(parts: Iterable[Vocabulary]) -> Vocabulary:
    """All of several vocabularies; effects of one name add up."""
    effects: dict[str, tuple[Effect, ...]] = {}
    predicates: frozenset[str] = frozenset()
    asynchronous: frozenset[str] = frozenset()
    synchronous: frozenset[str] = frozenset()
    constants: dict[str, int] = {}
    for part in parts:
        for name, more in part.effects.items():
            effects[name] = effects.get(name, ()) + tuple(e for e in more if e not in effects.get(name, ()))
        predicates |= part.predicates
        asynchronous |= part.asynchronous
        synchronous |= part.synchronous
        constants.update(part.constants)
    return Vocabulary(effects, predicates, asynchronous, synchronous, constants)
