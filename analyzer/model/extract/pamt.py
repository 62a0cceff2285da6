"""Dynamic PAMT around AUG and DEMOTE: at which level a reference is taken, put after a failure, counted after a split.

What gets and puts references is in the vocabulary (label ``pamt``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.effect import Verb
from analyzer.ir.program import Key
from analyzer.ir.types import Assume, Binary, Call
from analyzer.model.extract import chain
from analyzer.model.extract import words as w
from analyzer.model.extract.ranges import returns
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import (
    Exit,
    Left,
    Marks,
    Seen,
    Walk,
    covered,
    fallible,
    follow,
    leading,
    op_functions,
    places,
)

LABEL = "pamt"
ALL = ("512", "PTRS_PER_PMD", "PTRS_PER_PTE", "SPTE_ENT_PER_PAGE")  # children of a 2M leaf
SETS = frozenset(
    """atomic_set refcount_set atomic_add refcount_add atomic_cmpxchg atomic_cmpxchg_release atomic_try_cmpxchg
    atomic_xchg""".split()
)
WORDS = {w.AUG: "AUG", w.DEMOTE: "DEM"}


@dataclass(slots=True)
class References:
    """Paths through AUG and DEMOTE.

    g: a reference is held; A, A!: AUG was made, failed; D: demoted, 5: counted; 4K, 2M: level.
    """

    facts: Facts
    augs: list[Seen] = field(default_factory=list)
    counted: list[Seen] = field(default_factory=list)
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """What an event does."""
        marks, what = seen.marks, seen.what
        if what == "PG":
            return fallible(marks | {"g"}, marks)
        if what == "PP":
            return [(marks - {"g"}, None)]
        if what == "P512":
            self.counted.append(seen)
            return [(marks | {"5"}, None)]
        if what == "AUG":
            self.augs.append(seen)
            rest = marks - {"4K", "2M"}  # the level mattered up to here
            return fallible(rest | {"A"}, rest | {"A!"})
        inside = any(k in counting(self.facts) for k in self.facts.program.resolve(w.DEMOTE, seen.context.key[0]))
        if inside:  # the wrapper of DEMOTE counts
            self.counted.append(seen)
        return fallible(marks | ({"D", "5"} if inside else {"D"}), marks)

    def find(self, call: Call, known: Known, context: Context[Marks]) -> str:
        """Gets and puts, and a count that is set to all children."""
        for effect in self.facts.vocabulary.of(call.callee, Verb.EVENT):
            if effect.label == LABEL and effect.mode in ("open", "close"):
                return "PG" if effect.mode == "open" else "PP"
        keys = self.facts.program.resolve(call.callee, context.key[0]) if call.callee else ()
        home = leading(self.facts, (w.DEMOTE,))
        return "P512" if counts(call) or any(k in counting(self.facts) and k not in home for k in keys) else ""

    def branch(self, assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        """What a branch says of the level."""
        cond = assume.cond
        if marks & {"A", "A!"}:
            return marks
        if not (isinstance(cond, Binary) and cond.op in ("==", "!=") and cond.right.text == "PG_LEVEL_4K"):
            return marks
        small = (cond.op == "==") is assume.truth
        return marks | {"4K" if small else "2M"}


def _solve(facts: Facts, word: str) -> References:
    """The paths to one of the two SEAMCALLS, and past it."""

    def make() -> References:
        found = References(facts)
        found.walk = Walk(facts, {word: WORDS[word]}, found.rule, found.find, found.branch)
        home = leading(facts, (word,))
        helpers = leading(facts, gets(facts)) | counting(facts)
        others = leading(facts, frozenset(w.SEAMCALLS) - {word})
        inside = frozenset(k for k in home | (helpers - others) if k[0].startswith(chain.VMX))
        ops = {op for op in facts.program.tables if w.EXTERNAL.search(op)}
        entries = {k for op in ops for k in op_functions(facts, op)} & home & inside
        mentioning = {k for k in inside if word in facts.program.definitions[k].mentions}
        follow(facts, found.walk, sorted(entries or mentioning), inside)
        return found

    return facts.solve(("model pamt", word), make)


def gets(facts: Facts) -> frozenset[str]:
    """What gets and puts references."""
    return facts.vocabulary.names(Verb.EVENT, LABEL)


def counting(facts: Facts) -> frozenset[Key]:
    """The functions that count all children of a 2M leaf, or have it done."""

    def make() -> frozenset[Key]:
        found = facts.mentioning(SETS, covered)
        return facts.names.reaching(frozenset(f.key for f in found if any(counts(c) for c in f.calls())))

    return facts.solve("model pamt counts", make)


def counts(call: Call) -> bool:
    """Whether a call makes a count that of all children."""
    return call.callee in SETS and any(a.text in ALL for a in call.args)


def decide(facts: Facts, huge: bool) -> Iterator[Decision]:
    """pamt_levels, pamt_on_error, pamt_after_demote."""
    found = _solve(facts, w.AUG)
    cut = found.walk is None or found.walk.lost
    left = found.walk.left if found.walk is not None else []
    held = [s for s in found.augs if "g" in s.marks]
    if cut or not held:
        for name in ("pamt_levels", "pamt_on_error"):
            yield both(name, "no reference is held where a page is mapped" if not held else "not all paths followed")
    else:
        yield _levels(facts, held, found.augs)
        kept = [x for x in left if {"g", "A!"} <= x.marks]
        if kept:
            why = "a path keeps the reference though AUG failed"
            yield decided("pamt_on_error", "kept", why, *returns(facts, kept))
        else:
            yield decided("pamt_on_error", "put", "the reference is put when AUG failed", *places(facts, held))
    if huge:
        demotes = _solve(facts, w.DEMOTE)
        walk = demotes.walk
        yield _counted(facts, demotes, walk.left if walk is not None else [], walk is None or walk.lost)


def _levels(facts: Facts, held: list[Seen], augs: list[Seen]) -> Decision:
    large = [s for s in held if "4K" not in s.marks]
    bare = [s for s in augs if "g" not in s.marks and "2M" not in s.marks]
    if large:
        return decided("pamt_levels", "4k-and-2m", "a reference is taken whatever the level", *places(facts, large))
    if bare:
        return both("pamt_levels", "a path maps a 4K page without a reference", *places(facts, bare))
    return decided("pamt_levels", "4k", "a reference is taken for a 4K page only", *places(facts, held))


def _counted(facts: Facts, found: References, left: list[Left], cut: bool) -> Decision:
    name, demoted = "pamt_after_demote", [x for x in left if "D" in x.marks]
    bare = [x for x in demoted if "5" not in x.marks]
    if bare:
        return decided(name, "untouched", "a path leaves the count alone after DEMOTE", *returns(facts, bare))
    if cut or not demoted:
        return both(name, "DEMOTE was not followed to a return")
    return decided(name, "set", "the count is set after each DEMOTE", *places(facts, found.counted))
