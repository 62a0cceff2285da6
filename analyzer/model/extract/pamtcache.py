"""The page pair that DEMOTE is given: where it is taken, what becomes of it when the call fails, how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.effects import last_name, stored
from analyzer.analyses.facts import Facts
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, NZ, evaluate
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.cfg import in_loop
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Assume, Binary, Call, Expr, Function, Name, parts
from analyzer.model.extract import chain
from analyzer.model.extract import words as w
from analyzer.model.extract.pamt import gets
from analyzer.model.extract.ranges import returns
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, follow, leading, op_functions, places

HOMES = (chain.VMX, "arch/x86/virt/vmx/tdx/")
PAIR = 2  # pages
OUT, IN, NEW, FREE = "out", "in", "new", "free"
TAKE, BACK, FILL = "TAKE", "BACK", "FILL"


def _own(facts: Facts, function: Function) -> Iterator[str]:
    """What the statements of a function do to caches and pages."""
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Call):
            for what, names in ((OUT, w.LIST_OUT), (IN, w.LIST_IN), (NEW, w.ALLOCATES), (FREE, w.FREES)):
                if instr.callee in names:
                    yield what
        elif isinstance(instr, Assign) and (change := stored(function, instr)) is not None:
            yield OUT if change.sign < 0 else IN


def kind(facts: Facts, key: Key) -> str:
    """TAKE, BACK or FILL of a cache, or FREE of pages: what a helper does, with all that it calls."""
    if not key[0].startswith(HOMES) or facts.program.definitions[key].kind != "function" or key[1] in gets(facts):
        return ""
    done = facts.solve(("model cache", key), lambda: frozenset(_done(facts, key)))
    if {NEW, IN} <= done and OUT not in done:
        return FILL
    if OUT in done:
        return "" if done & {IN, FREE} else TAKE
    return BACK if IN in done else FREE if done == {FREE} else ""


def _done(facts: Facts, key: Key) -> Iterator[str]:
    seen, work = {key}, [key]
    while work:
        function = facts.program.lower(here := work.pop())
        yield from _own(facts, function) if function is not None else ()
        inner = {c for c in facts.names.callees.get(here, ()) if c[0].startswith(HOMES) and c[1] not in gets(facts)}
        work += inner - seen
        seen |= inner


@dataclass(slots=True)
class Pair:
    """Paths through DEMOTE. t: a pair is in hand; F: an attempt failed with it; r: it was freed then, for good."""

    facts: Facts
    taken: list[Seen] = field(default_factory=list)
    tries: list[Seen] = field(default_factory=list)
    lost: list[Seen] = field(default_factory=list)
    anew: list[Seen] = field(default_factory=list)

    def rule(self, seen: Seen) -> list[Exit]:
        """What an event does."""
        marks, what = seen.marks, seen.what
        if what == TAKE:
            self.taken.append(seen)
            if {"t", "F"} <= marks:
                self.lost.append(seen)
            if "r" in marks:
                self.anew.append(seen)
            return _results(self.facts, seen, (marks - {"F", "r"}) | {"t"}, marks)
        if what == "DEM":
            self.tries.append(seen)
            return [(marks - {"t", "F", "r"}, 0), (marks | {"F"} if "t" in marks else marks, NZ)]
        freed = {"r"} if what == FREE and {"t", "F"} <= marks else set()
        return [((marks - {"t", "F"}) | freed, None)]

    def find(self, call: Call, known: Known, context: Context[Marks]) -> str:
        """The SEAMCALL itself, helpers of caches, pages that are freed."""
        if any(isinstance(a, Name) and a.id == w.DEMOTE_LEAF for a in call.args):
            return "DEM"
        keys = self.facts.program.resolve(call.callee, context.key[0]) if call.callee else ()
        if call.callee == w.DEMOTE and not any(k[0].startswith(HOMES) for k in keys):
            return "DEM"
        if call.callee in w.LIST_OUT:
            return TAKE
        if call.callee in w.LIST_IN:
            return BACK
        if call.callee in w.FREES:
            return FREE
        demoting = leading(self.facts, (w.DEMOTE, w.DEMOTE_LEAF))
        found = {kind(self.facts, k) for k in keys if k not in demoting} & {TAKE, BACK, FREE}
        return min(found, default="")


def _results(facts: Facts, seen: Seen, done: Marks, failed: Marks) -> list[Exit]:
    """How a helper that takes a pair says whether there was one."""
    keys = facts.program.resolve(seen.call.callee, seen.context.key[0])
    kinds = {f.returns for k in keys if (f := facts.program.lower(k)) is not None}
    if any("*" in k for k in kinds):
        return [(done, NZ), (failed, 0)]
    if "bool" in kinds:
        return [(done, 1), (failed, 0)]
    return [(done, 0), (failed, NEG)] if kinds - {"void"} else [(done, None)]


def decide(facts: Facts) -> Decision:
    """split_cache."""
    name, pair = "split_cache", Pair(facts)
    walk = Walk(facts, {}, pair.rule, pair.find)
    inside = frozenset(k for k in leading(facts, (w.DEMOTE, w.DEMOTE_LEAF)) if k[0].startswith(HOMES))
    entries = {k for op in facts.program.tables if w.EXTERNAL.search(op) for k in op_functions(facts, op)} & inside
    homes = {k for k in inside if w.DEMOTE in facts.program.definitions[k].mentions}
    follow(facts, walk, sorted(entries or homes), inside)
    kept = [x for x in walk.left if "t" in x.marks and x.value != 0]
    if pair.lost or kept:
        why = "a DEMOTE that fails leaves its page pair to nobody"
        return decided(name, "pair-leaked", why, *places(facts, [*pair.taken, *pair.lost]), *returns(facts, kept))
    if pair.anew:
        steps = places(facts, [*pair.taken, *pair.anew])
        pairs = _pairs(facts)
        if pairs is None:
            why = "each attempt of DEMOTE takes a pair of its own, and how many there are was not found"
            return both(name, why, *steps, among=("three-pairs", "two-pairs"))
        enough = "three-pairs" if pairs > PAIR else "two-pairs"
        return decided(
            name, enough, f"each attempt of DEMOTE takes a pair of its own, of {pairs} that there are", *steps
        )
    if walk.lost or not pair.taken or not pair.tries:
        why = "where the page pair of DEMOTE comes from was not found" if not pair.taken else "not all paths followed"
        return both(name, why, *places(facts, pair.tries))
    why = "a page pair is taken for DEMOTE, and is still there for a second attempt"
    return decided(name, "pair-kept", why, *places(facts, [*pair.taken, *pair.tries]))


# -- how many pairs there are ----------------------------------------------------------------------------


def _pairs(facts: Facts) -> int | None:
    """The fewest pairs that what fills the cache, or asks whether it is full enough, is content with."""
    definitions = facts.program.definitions
    every = {k for k, d in definitions.items() if k[0].startswith(HOMES) and d.kind == "function"}
    taking = list(facts.program.functions(sorted(k for k in every if kind(facts, k) == TAKE)))
    fields = {last_name(i.target) for f in taking for i in _lowering(f)}
    near = {k for k in every if not definitions[k].mentions.isdisjoint(fields)}
    fills = {k for k in near if kind(facts, k) == FILL}
    near |= fills | {c for k in fills for c in facts.names.callers.get(k, ())} & every
    near |= {c for k in near for c in facts.names.callees.get(k, ())} & every
    each = PAIR if any(in_loop(f, i) for f in taking for i in _lowering(f)) else 1  # what one step takes is a page
    times: list[int] = []
    sizes: list[int] = []
    for function in facts.program.functions(sorted(near)):
        for expr in _expressions(function, {k[1] for k in fills}):
            numbers = [v for v in (_number(facts, e) for e in _sides(expr)) if v is not None and v >= PAIR]
            if isinstance(expr, Binary) and expr.op == "*":  # the number of pairs, and of the pages of each
                times += numbers if len(numbers) == 1 else [numbers[0] * numbers[1] // PAIR] if numbers else []
            elif not isinstance(expr, Binary) or any(last_name(s) in fields for s in _sides(expr)):
                sizes += [n // each for n in numbers]
    return min(times or sizes, default=None)


def _lowering(function: Function) -> Iterator[Assign]:
    """Where a number of what is left is lowered."""
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Assign) and (change := stored(function, instr)) is not None and change.sign < 0:
            yield instr


def _expressions(function: Function, fills: set[str]) -> Iterator[Expr]:
    """Comparisons and products, and what is handed to those who fill the cache."""
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Call):
            yield from instr.args if instr.callee in fills else ()
        whole = instr.cond if isinstance(instr, Assume) else getattr(instr, "value", None)
        inner = parts(whole) if isinstance(whole, Expr) else ()
        yield from (e for e in inner if isinstance(e, Binary) and e.op in ("*", "<", "<=", ">", ">="))


def _sides(expr: Expr) -> tuple[Expr, ...]:
    return (expr.left, expr.right) if isinstance(expr, Binary) else (expr,)


def _number(facts: Facts, expr: Expr) -> int | None:
    value = evaluate(expr, {}, {**facts.vocabulary.constants, **facts.program.constants})
    return value if isinstance(value, int) else None
