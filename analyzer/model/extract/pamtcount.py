"""The count of a range's 4K pages: what PAMT.ADD that finds pages becomes, what is known of it before PAMT.REMOVE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts, nonzero, step, words
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NZ
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.effect import Verb
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Assume, Binary, Call, Expr, Field, Function, Name
from analyzer.model.extract import words as w
from analyzer.model.extract.pamt import LABEL
from analyzer.model.extract.ranges import returns
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, follow, leading, places

COUNT = re.compile(r"count|refs|users", re.I)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def decide(facts: Facts) -> Iterator[Decision]:
    """pamt_not_free, pamt_recheck."""
    yield _not_free(facts)
    yield _recheck(facts)


def _entries(facts: Facts, mode: str, wanted: Iterable[str]) -> list[Key]:
    """The lowest functions that get, or put, a reference and lead to what changes the pages."""
    names = {n for n in facts.vocabulary.names(Verb.EVENT, LABEL)
             if any(e.label == LABEL and e.mode == mode for e in facts.vocabulary.of(n, Verb.EVENT))}  # fmt: skip
    found = {k for k in leading(facts, wanted) if k[1] in names}
    return sorted(k for k in found if not any(c in found for c in facts.names.callees.get(k, ()) if c != k))


def _calls(call: Call, wanted: frozenset[str]) -> bool:
    return call.callee in wanted or any(isinstance(a, Name) and a.id in wanted for a in call.args)


# -- PAMT.ADD --------------------------------------------------------------------------------------------


def _not_free(facts: Facts) -> Decision:
    name = "pamt_not_free"
    added: list[Seen] = []

    def rule(seen: Seen) -> list[Exit]:
        """A: done; N: there were pages; E: another failure; x: no such path."""
        added.append(seen)
        return [(seen.marks | {"A"}, 0), (seen.marks | {"N"}, NZ), (seen.marks | {"E"}, NZ)]

    def find(call: Call, known: Known, context: Context[Marks]) -> str:
        return "ADD" if _calls(call, w.PAMT_ADD) else ""

    def branch(assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        function = facts.program.lower(context.key)
        asked = _asked(facts, function, assume.cond) if function is not None else None
        if asked is None:
            return marks
        there = assume.truth is asked
        impossible = marks & {"A", "E"} if there else marks & {"N"}
        return marks | {"x"} if impossible else marks

    walk = Walk(facts, {}, rule, find, branch)
    follow(facts, walk, _entries(facts, "open", w.PAMT_ADD), leading(facts, w.PAMT_ADD))
    found = [x for x in walk.left if "N" in x.marks and "x" not in x.marks]
    failed = [x for x in found if x.value not in (0, None)]
    if failed:
        why = "a get fails when PAMT.ADD finds pages there"
        return decided(name, "error", why, *places(facts, added), *returns(facts, failed))
    if walk.lost or not found or any(x.value is None for x in found):
        return both(name, "no PAMT.ADD was followed to the end of a get", *places(facts, added))
    why = "a get succeeds when PAMT.ADD finds pages there"
    return decided(name, "lost-race", why, *places(facts, added), *_tests(facts, added))


def _asked(facts: Facts, function: Function, cond: Expr) -> bool | None:
    """Whether a condition that is true says there are pages; None where it is about something else."""
    made = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target is cond]
    for expr in (cond, *made):
        text = words(function, expr)
        if w.NOT_FREE in text.upper() or any(_mentions(facts, n) for n in IDENTIFIER.findall(text)):
            return not (isinstance(expr, Binary) and expr.op == "!=")
    return None


def _mentions(facts: Facts, name: str) -> bool:
    """Whether a name is a predicate that asks for the status."""
    definitions = facts.program.definitions
    found = (definitions[k] for k in facts.program.by_name.get(name, ()))
    return any(any(w.NOT_FREE in m for m in d.mentions) and d.mentions.isdisjoint(w.PAMT_ADD) for d in found)


def _tests(facts: Facts, added: list[Seen]) -> tuple[Step, ...]:
    """Where the status is asked for."""
    from_ = {s.context.key for s in added}
    functions = [f for k in from_ if (f := facts.program.lower(k)) is not None]
    return tuple(dict.fromkeys(
        step(f, i, "asks whether there were pages")
        for f in functions for b in f.blocks for i in b.instrs
        if isinstance(i, Assume) and i.truth and _asked(facts, f, i.cond) is not None
    ))  # fmt: skip


# -- PAMT.REMOVE -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Put:
    """Paths of a put. L: a lock is held; z: and the count was found zero since."""

    facts: Facts
    removed: list[Seen] = field(default_factory=list)
    tested: list[Seen] = field(default_factory=list)

    def rule(self, seen: Seen) -> list[Exit]:
        """What an event does."""
        marks, what = seen.marks, seen.what
        if what == "REMOVE":
            self.removed.append(seen)
            return [(marks, 0), (marks, NZ)]
        if what == "LOCK":
            return [((marks - {"z"}) | {"L"}, None)]
        if what == "UNLOCK":
            return [(marks - {"L", "z"}, None)]
        self.tested.append(seen)
        zero = marks | ({"z"} if "L" in marks else set())
        if what == "READ":
            return [(zero, 0), (marks - {"z"}, 1)]
        return [(marks | {"L", "z"} if what == "ZERO LOCK" else zero, 1), (marks - {"z"}, 0)]

    def find(self, call: Call, known: Known, context: Context[Marks]) -> str:
        """Locks of any kind, reads of a count, PAMT.REMOVE."""
        if _calls(call, w.PAMT_REMOVE):
            return "REMOVE"
        for pattern, what in ((w.READS, "READ"), (w.ZEROES, "ZERO"), (w.ZEROES_LOCKED, "ZERO LOCK")):
            if pattern.match(call.callee):
                return what
        verbs = {e.verb for e in self.facts.vocabulary.effects.get(call.callee, ())}
        return "LOCK" if Verb.ACQUIRE in verbs else "UNLOCK" if Verb.RELEASE in verbs else ""

    def branch(self, assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        """A count that is a plain number."""
        cond, some = nonzero(assume)
        plain = isinstance(cond, Field) and COUNT.search(cond.name) is not None
        return marks | {"z"} if plain and not some and "L" in marks else marks


def _recheck(facts: Facts) -> Decision:
    name, put = "pamt_recheck", Put(facts)
    walk = Walk(facts, {}, put.rule, put.find, put.branch)
    follow(facts, walk, _entries(facts, "close", w.PAMT_REMOVE), leading(facts, w.PAMT_REMOVE))
    bare = [s for s in put.removed if not {"L", "z"} <= s.marks]
    if bare:
        what = "the count is not looked at under the lock that PAMT.REMOVE runs under"
        why = what if all("L" in s.marks for s in bare) else "PAMT.REMOVE runs under no lock"
        return decided(name, "none", why, *places(facts, [*put.tested, *bare]))
    if walk.lost or not put.removed:
        return both(name, "no PAMT.REMOVE was reached from a put" if not put.removed else "not all paths followed")
    why = "the count is found zero under the lock that PAMT.REMOVE runs under"
    return decided(name, "under-lock", why, *places(facts, [*put.tested, *put.removed]))
