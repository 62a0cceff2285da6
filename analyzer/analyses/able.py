"""Which functions may have errors of their own, and small ones that always give the same: no operation, a stub."""

from __future__ import annotations

from analyzer.analyses.facts import Facts, has_hole
from analyzer.analyses.reception import ERRNO
from analyzer.analyses.tokens import Flow, Known
from analyzer.ir.program import Definition, Key

MAX_LINES = 8


def able_of(facts: Facts, known: Known, words: frozenset[str]) -> frozenset[Key]:
    """The functions that lead to an errno, to one of the words, or to a function of which errors are known."""

    def told(found: Definition) -> bool:
        return any(
            (w[0] == "E" and ERRNO.match(w) is not None) or w in words or bool(known.externals(w))
            for w in found.mentions
        )

    return facts.solve(("able", known), lambda: facts.names.reaching(facts.names.where(told)))


def is_small(found: Definition) -> bool:
    """Whether a function is worth a look: what a far header has may be meant for another configuration."""
    own = found.kind == "function" and not found.weak and not found.path.startswith("include/")
    return own and "/include/" not in found.path and found.end_line - found.line < MAX_LINES


def is_constant(flow: Flow) -> bool:
    """Whether all that a solved function returns are numbers and enumerators that are written in it."""
    return not has_hole(flow.function) and all(t.name[0] not in "@?" for t in flow.results)
