"""The guest's wish for small pages: where the exit handler keeps it, under which lock, who reads it, who clears it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts, step
from analyzer.analyses.marks import marker
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, evaluate
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key
from analyzer.ir.types import Addr, Assign, Binary, Call, Const, Expr, Field, Function, Instr, Name, Unary, parts
from analyzer.model.extract import chain, ranges
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, absent, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, covered, follow, leading, nearest, op_functions, places

STORE = "%wish"
SETS = frozenset("set_bit __set_bit test_and_set_bit xa_store bitmap_set".split())
CLEARS = frozenset("clear_bit __clear_bit test_and_clear_bit xa_erase bitmap_clear bitmap_zero".split())


@dataclass(frozen=True, slots=True)
class Wish:
    """What keeps it: a flag in a field (no flag: the field itself), and that field."""

    flag: str
    field: str

    @property
    def words(self) -> str:
        """For people."""
        return self.flag or self.field


@dataclass(slots=True)
class Accept:
    """Paths from the exit handler to a split. S: split; W: the wish kept; r, w: mmu_lock held for read, for write."""

    facts: Facts
    homes: frozenset[Key]
    splits: list[Seen] = field(default_factory=list)
    stores: list[Seen] = field(default_factory=list)
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """What an event does."""
        marks, what = seen.marks, seen.what
        if what == "SP":
            self.splits.append(seen)
            return [(marks | {"S"}, 0), (marks, NEG)]
        if what == "WISH":
            self.stores.append(seen)
            return [(marks | {"W"}, None)]
        if what in ("L.r", "L.w"):
            return [(marks | {what[2:]}, None)]
        return [(marks - {"r", "w"} if what == "U" else marks, None)]

    def find(self, call: Call, known: Known, context: Context[Marks]) -> str:
        """Splits, and stores that keep something."""
        if call.callee == STORE or (call.callee in SETS and _named(call)):
            return "WISH"
        keys = self.facts.program.resolve(call.callee, context.key[0]) if call.callee else ()
        splitting = ranges.splitters(self.facts) - self.homes
        return "SP" if any(k in splitting for k in keys) else ""

    def kept(self) -> list[Seen]:
        """The stores, where some path both splits and stores."""
        ends = [*self.walk.left, *self.walk.inner] if self.walk is not None else []
        return self.stores if any({"S", "W"} <= x.marks for x in ends) else []


def _named(call: Call) -> list[Field]:
    return [p for a in call.args for p in parts(a) if isinstance(p, Field)]


def _mark(function: Function, instr: Instr) -> Call | None:
    """Marks stores of a flag or of a true value in memory."""
    if not isinstance(instr, Assign) or not isinstance(instr.target, Field) or not instr.target.memory:
        return None
    value = instr.value
    flag = isinstance(value, Binary) and value.op == "|" and value.left is instr.target
    true = isinstance(value, Const) and value.value == 1
    return marker(instr, STORE, (instr.target, value)) if flag or true else None


def solve(facts: Facts) -> Accept:
    """The exit handler around its splits."""

    def make() -> Accept:
        near = facts.names.reachable(op_functions(facts, "handle_exit"))
        splitting = ranges.splitters(facts)
        homes = frozenset(k for k in leading(facts, (w.SMALL_SPTE,)) & near if k[0].startswith(chain.VMX))
        accept = Accept(facts, homes)
        below = {c for k in homes for c in facts.names.callees.get(k, ()) if covered(c[0])} - splitting
        below |= {c for k in below for c in facts.names.callees.get(k, ()) if covered(c[0])} - splitting
        below -= leading(facts, w.MAP)
        accept.walk = Walk(facts, w.FAULTS, accept.rule, accept.find, mark=_mark, locks=True)
        tops = [k for k in homes if homes.isdisjoint(c for c in facts.names.callers.get(k, ()) if c != k)]
        follow(facts, accept.walk, sorted(tops), homes | below)
        return accept

    return facts.solve("model accept", make)


def wishes(facts: Facts) -> list[Wish]:
    """What the stores are of."""
    found = []
    for seen in solve(facts).kept():
        if seen.call.callee != STORE:
            found += [
                Wish(next((a.id for a in seen.call.args if isinstance(a, Name)), ""), f.name) for f in _named(seen.call)
            ]
            continue
        target, value = seen.call.args
        flag = value.right if isinstance(value, Binary) else None
        assert isinstance(target, Field)
        found.append(Wish(flag.text if isinstance(flag, Name) else "", target.name))
    return list(dict.fromkeys(found))


def decide(facts: Facts) -> Decision:
    """inhibit."""
    name, accept, kept = "inhibit", solve(facts), wishes(facts)
    if not kept:
        if accept.walk is not None and accept.walk.lost:
            return both(name, "the exit handler was not followed to what it keeps of an ACCEPT")
        return absent(name, "nothing here keeps the guest's wish for small pages")
    said = " and ".join(wish.words for wish in kept)
    stores = places(facts, accept.stores, f"sets {said}")
    faults = nearest(facts, leading(facts, w.PFN), leading(facts, w.MAP))
    choosing = [f for f in facts.program.functions(sorted(facts.names.reachable(frozenset(faults)))) if covered(f.path)]
    reads = [s for wish in kept for f in choosing for s in _reads(facts, f, wish)]
    if not reads:
        return decided(name, "unread", f"no fault looks at {said} where it chooses a level", *stores)
    clears = [s for wish in kept for s in _clears(facts, wish)]
    if clears:
        return decided(name, "cleared", f"{said} is taken back", *stores, *clears)
    return decided(name, "kept", f"{said} is set once the guest accepted small pages, read by faults and never cleared",
                   *stores, *reads)  # fmt: skip


# -- who reads, who clears -------------------------------------------------------------------------------


def _reads(facts: Facts, function: Function, wish: Wish) -> Iterator[Step]:
    instrs = [i for b in function.blocks for i in b.instrs]
    if any(isinstance(i, Assign) and _is(i.target, wish) for i in instrs):
        return  # who changes the field checks himself
    for instr in instrs:
        if any(_read(facts, expr, wish) for expr in _values(instr)):
            yield step(function, instr, f"looks at {wish.words}")


def _values(instr: Instr) -> Iterator[Expr]:
    if isinstance(instr, Call):
        yield from () if instr.callee in SETS | CLEARS else instr.args
        return
    for value in (getattr(instr, "cond", None), getattr(instr, "value", None)):
        if isinstance(value, Expr):
            yield value


def _read(facts: Facts, expr: Expr, wish: Wish) -> bool:
    """Whether a value depends on the wish: on the field as a whole, or under a mask that lets the flag through."""
    if isinstance(expr, Binary) and expr.op == "&":
        for side, mask in ((expr.left, expr.right), (expr.right, expr.left)):
            if _is(side, wish):
                return _passes(facts, mask, wish)
    if _is(expr, wish):
        return True
    inner = (expr.base,) if isinstance(expr, Addr) else ()
    sides = (
        (expr.left, expr.right) if isinstance(expr, Binary) else (expr.operand,) if isinstance(expr, Unary) else inner
    )
    return any(_read(facts, side, wish) for side in sides)


def _is(expr: Expr, wish: Wish) -> bool:
    return isinstance(expr, Field) and expr.name == wish.field


def _passes(facts: Facts, mask: Expr, wish: Wish) -> bool:
    """Whether a mask keeps the flag."""
    if not wish.flag:
        return True
    if isinstance(mask, Unary) and mask.op == "~":
        return not _passes(facts, mask.operand, wish)
    if wish.flag in mask.names:
        return True
    constants = {**facts.vocabulary.constants, **facts.program.constants}
    bits, flag = evaluate(mask, {}, constants), evaluate(Name(wish.flag), {}, constants)
    return isinstance(bits, int) and isinstance(flag, int) and bool(bits & flag)


def _clears(facts: Facts, wish: Wish) -> Iterator[Step]:
    """Stores that take the wish back; what allocates the field sets it for the first time."""
    for function in facts.mentioning(frozenset((wish.field,)), covered):
        if any("alloc" in c.callee for c in function.calls()):
            continue
        for instr in (i for b in function.blocks for i in b.instrs):
            if _cleared(facts, instr, wish):
                yield step(function, instr, f"clears {wish.words}")


def _cleared(facts: Facts, instr: Instr, wish: Wish) -> bool:
    if isinstance(instr, Call):
        ours = any(_is(f, wish) for f in _named(instr)) and (
            not wish.flag or any(wish.flag in a.names for a in instr.args)
        )
        return instr.callee in CLEARS and ours
    if not isinstance(instr, Assign) or not _is(instr.target, wish):
        return False
    value = instr.value
    if isinstance(value, Binary) and value.op == "&" and value.left is instr.target:
        return not _passes(facts, value.right, wish)
    return isinstance(value, Const) and (value.value == 0 or bool(wish.flag))
