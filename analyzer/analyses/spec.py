"""What a taint analysis follows: sources, sinks, scopes, and the effects of one label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from analyzer.ir.types import Expr, Function


@dataclass(frozen=True, slots=True)
class Spec:
    """What is tainted and where it must not arrive.

    With ``compares``, comparisons are sinks, and stores to what ``levels`` accepts.

    ``label`` names the effects of the vocabulary (SOURCE, SINK, PASS, SANITIZE). ``typed`` tells whether a parameter
    of a function is a source by its type, ``typed_scope`` in which (path, function) to look. ``fields`` are (struct,
    field) pairs that are sources. ``sanitized`` tells in which files a sanitizer counts.
    """

    label: str
    typed: Callable[[Function, int], bool]
    fields: frozenset[tuple[str, str]]
    sanitized: Callable[[str], bool]
    typed_scope: Callable[[str, str], bool]
    origin_scope: Callable[[str], bool]
    sink_scope: Callable[[str], bool]
    populate: frozenset[str] = frozenset()
    compares: bool = False
    levels: Callable[[Function, Expr], bool] = lambda function, target: False


class Effects:
    """The vocabulary of one label, by verb."""

    def __init__(self, vocabulary: Vocabulary, label: str) -> None:
        self.by_name: dict[str, list[Effect]] = {}
        for name, effects in vocabulary.effects.items():
            mine = [e for e in effects if e.label == label]
            if mine:
                self.by_name[name] = mine
        self.cleaning = frozenset(
            n for n, es in self.by_name.items() for e in es if e.verb is Verb.SANITIZE and e.slot == RESULT
        )

    def of(self, name: str, verb: Verb) -> list[Effect]:
        """Effects of one verb."""
        return [e for e in self.by_name.get(name, ()) if e.verb is verb]

    def names(self, *verbs: Verb) -> frozenset[str]:
        """Names that have an effect of one of the verbs."""
        return frozenset(n for n, es in self.by_name.items() if any(e.verb in verbs for e in es))
