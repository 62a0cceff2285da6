"""The flows that take a range away: conversion, punch hole, memory failure. What comes before what, on every path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts, step
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key
from analyzer.ir.types import Addr, Call, Field, Function, Name
from analyzer.model.extract import edges
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Left, Seen, Walk, follow, leading, nearest, places, reaching

WORDS = {**w.COUNTER, **w.ZAP, **w.TRUNCATE, **w.FOLIO_SPLIT}
LIMITED = ("bool", "_Bool", "u8", "s8", "char")
OTHERS = "others"  # whatever else begins and ends an invalidation
POISON_OPS = ("error_remove_folio", "error_remove_page")


@dataclass(slots=True)
class Range:
    """One flow and what its paths showed."""

    facts: Facts
    name: str
    entries: list[Key]
    zaps: list[Seen] = field(default_factory=list)
    splits: list[Seen] = field(default_factory=list)
    stores: list[Seen] = field(default_factory=list)
    truncates: list[Seen] = field(default_factory=list)
    late: list[tuple[str, Seen]] = field(default_factory=list)
    begun: list[Seen] = field(default_factory=list)
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """B: begun; Z: zapped, Zx: with none begun, U: and mmu_lock dropped since; S, S!: split, or failed to; F: folio
        split; A: attribute stored; T: truncated; f: failed before.
        """
        marks, what = seen.marks, seen.what
        if what == "SP":
            self.splits.append(seen)
            return [(marks | {"S"}, 0), (marks | {"S", "S!"}, NEG)]
        if what == "B":
            self.begun.append(seen)
            if "Zx" in marks:
                self.late.append(("after-zap" if "U" in marks else "end-of-section", seen))
            return [((marks | {"B"}) - {"Zx"}, None)]
        if what == "E":
            return [(marks - {"B", "Z", "U"}, None)]
        if what == "Z":
            self.zaps.append(seen)
            return [(marks | {"Z"} | (set() if "B" in marks else {"Zx"}), None)]
        if what == "U":
            return [(marks | {"U"} if "Zx" in marks else marks, None)]
        if what in ("AT", "TR", "FS"):
            (self.stores if what == "AT" else self.truncates if what == "TR" else []).append(seen)
            return [(marks | {{"AT": "A", "TR": "T", "FS": "F"}[what]}, None)]
        return [(marks, None)]

    def find(self, call: Call, known: Known, context: Context[frozenset[str]]) -> str:
        """Stores of attributes, and helpers that split private mappings."""
        if stores_attributes(call):
            return "AT"
        splitting = splitters(self.facts)
        if call.callee and any(k in splitting for k in self.facts.program.resolve(call.callee, context.key[0])):
            return "SP"
        return ""


def stores_attributes(call: Call) -> bool:
    """Whether a call stores memory attributes."""
    targets = (a.base if isinstance(a, Addr) else a for a in call.args)
    return w.STORES.search(call.callee) is not None and any(
        isinstance(t, Field) and t.name == w.ATTRIBUTES for t in targets
    )


def splitters(facts: Facts) -> frozenset[Key]:
    """The functions that lead to a split of a leaf and not to a zap."""
    zapping = leading(facts, w.ZAP)
    return facts.solve(
        "model splitters",
        lambda: (
            frozenset(
                k for k in leading(facts, (w.SMALL_SPTE,)) - zapping if facts.program.definitions[k].kind == "function"
            )
            - {k for k in facts.program.definitions if k[1] in w.ZAP}
        ),
    )


def _storing(facts: Facts) -> frozenset[Key]:
    found = facts.mentioning(frozenset((w.ATTRIBUTES,)))
    return frozenset(f.key for f in found if any(stores_attributes(c) for c in f.calls()))


def _poisoned(facts: Facts) -> list[Key]:
    """What memory failure calls: the op of an address space, else what guest_memfd is handed a folio for."""
    program = facts.program
    stored = [e for op in POISON_OPS for e in program.tables.get(op, ())]
    found = sorted({k for e in stored for k in program.resolve(e.function, e.path)})
    if found:
        return found
    known = {e.function for es in program.tables.values() for e in es}
    return [
        f.key
        for f in facts.in_files(lambda p: p == w.GMEM)
        if not f.static and f.name not in known and any(p.type.startswith("struct folio") for p in f.params)
        and f.returns != "struct folio *"
    ]  # fmt: skip


def _others(facts: Facts) -> set[Key]:
    """What begins and ends an invalidation: the lowest functions that do, and what the file of guest_memfd offers."""
    both_ends = [leading(facts, {n for n, e in w.COUNTER.items() if e == end}) for end in "BE"]
    callers = facts.names.callers
    offered = (k for k in both_ends[0] & both_ends[1] if k[0] == w.GMEM)
    tops = (k for k in offered if not any(c[0] == w.GMEM and c != k for c in callers.get(k, ())))
    return {*nearest(facts, *both_ends), *(k for k in tops if facts.program.definitions[k].kind == "function")}


def solve(facts: Facts) -> dict[str, Range]:
    """The three flows, and what else there is."""

    def make() -> dict[str, Range]:
        zapping, storing = leading(facts, w.ZAP), _storing(facts)
        holes = nearest(facts, leading(facts, w.TRUNCATE), zapping, within=lambda k: k[0] == w.GMEM)
        entries = {
            "convert": nearest(facts, reaching(facts, storing), zapping),
            "punch": holes,
            "poison": _poisoned(facts),
        }
        entries[OTHERS] = sorted(_others(facts) - {k for keys in entries.values() for k in keys})
        relevant = leading(facts, WORDS) | reaching(facts, storing) | leading(facts, (w.SMALL_SPTE,))
        found = {}
        for name, keys in entries.items():
            flow = found[name] = Range(facts, name, keys)
            flow.walk = Walk(facts, WORDS, flow.rule, flow.find, locks=True, at_word=True)
            follow(facts, flow.walk, keys, relevant)
        return found

    return facts.solve("model ranges", make)


def decide(facts: Facts, huge: bool) -> Iterator[Decision]:
    """invalidate_begin, invalidate_end, attribute_store, truncate; zap_crossing, split_order, poison, split_errno."""
    flows = solve(facts)
    yield _begin(facts, flows)
    yield _end(facts, flows)
    convert, punch = flows["convert"], flows["punch"]
    yield _order(facts, "attribute_store", convert, convert.stores, "A", "the attribute is stored", "before-zap")
    yield _order(facts, "truncate", punch, punch.truncates, "T", "pages are freed", "before-zap")
    if huge:
        yield _crossing(facts, [convert, punch])
        yield _folio(facts, [convert, punch])
        yield _poison(facts, flows["poison"])
        yield _errno(facts, [convert, punch])


def _taking(flows: dict[str, Range]) -> list[Range]:
    return [f for f in flows.values() if f.zaps and f.name != OTHERS]


def _begin(facts: Facts, flows: dict[str, Range]) -> Decision:
    name, taking = "invalidate_begin", _taking(flows)
    missing = [n for n, f in flows.items() if not f.zaps and n not in ("poison", OTHERS)]
    bare = [s for f in taking for s in f.zaps if "B" not in s.marks]
    late = [x for f in taking for x in f.late]
    if late:
        value = "after-zap" if any(v == "after-zap" for v, _ in late) else "end-of-section"
        where = [s for v, s in late if v == value]
        return decided(name, value, "a zap runs before its invalidation begins", *places(facts, [*bare, *where]))
    if bare:
        left = ("end-of-section", "after-zap")
        return both(name, "a zap runs in no invalidation at all", *places(facts, bare), among=left)
    if missing or _cut(taking):
        return both(name, f"no zap was found in: {', '.join(missing)}" if missing else "not all paths were followed")
    steps = places(facts, [s for f in taking for s in (*f.begun, *f.zaps)])
    return decided(name, "with-zap", "each zap runs in an invalidation that has begun", *steps)


def _cut(flows: list[Range]) -> bool:
    return any(f.walk is None or f.walk.lost for f in flows)


def _end(facts: Facts, flows: dict[str, Range]) -> Decision:
    name, begun = "invalidate_end", [f for f in flows.values() if f.begun]
    open_: list[Left] = [x for f in begun if f.walk is not None for x in f.walk.left if "B" in x.marks]
    if open_:
        return decided(name, "not-on-error", "a path returns with the invalidation open", *returns(facts, open_))
    if not begun or _cut(begun):
        return both(name, "no invalidation was found" if not begun else "not all paths were followed")
    ends = [s for f in begun if f.walk is not None for s in f.walk.seen if s.what == "E"]
    return decided(name, "every-path", "each path ends what it began", *places(facts, ends))


def returns(facts: Facts, left: list[Left]) -> tuple[Step, ...]:
    """Where functions return."""
    found = [(facts.program.lower(x.context.key), x) for x in left]
    return tuple(dict.fromkeys(step(f, x.instr, "returns") for f, x in found if f is not None))


def _order(facts: Facts, name: str, flow: Range, events: list[Seen], mark: str, words: str, early: str) -> Decision:
    before = [s for s in flow.zaps if mark in s.marks]
    if before:
        return decided(name, early, f"{words} before the zap", *places(facts, [*events, *before]))
    after = [s for s in events if "Z" in s.marks]
    if not after or _cut([flow]):
        return both(name, f"no path was found on which {words} after a zap" if not after else "not all paths followed")
    return decided(name, "after-zap", f"{words} after the zap", *places(facts, [*flow.zaps, *after]))


def _crossing(facts: Facts, flows: list[Range]) -> Decision:
    name = "zap_crossing"
    whole = [s for f in flows for s in f.zaps if "S" not in s.marks]
    if whole:
        return decided(name, "whole-leaf", "a zap has no split of crossing leafs before it", *places(facts, whole))
    if not all(f.splits for f in flows) or _cut(flows):
        return both(name, "no split was found before a zap")
    for flow in flows:
        ends, steps = edges.reached(facts, flow.splits), places(facts, flow.splits)
        if not ends:
            return both(name, "which ends of the range the split before a zap reaches was not found", *steps)
        for end in sorted(edges.ENDS - ends):
            why = f"the split before a zap does not reach the {end} of the range"
            return decided(name, "whole-leaf", why, *steps)
    steps = places(facts, [s for f in flows for s in f.splits])
    return decided(name, "split", "leafs that cross either end of the range are split before each zap", *steps)


def _folio(facts: Facts, flows: list[Range]) -> Decision:
    name, splits = "split_order", [s for f in flows for s in f.splits]
    early = [s for s in splits if "F" in s.marks]
    if early:
        return decided(name, "folio-first", "a folio is split before the mapping", *places(facts, early))
    if not splits or _cut(flows):
        return both(name, "no split of a mapping was found" if not splits else "not all paths were followed")
    return decided(name, "sept-first", "no folio is split before the mapping", *places(facts, splits))


def _poison(facts: Facts, flow: Range) -> Decision:
    name = "poison"
    if not flow.entries:
        return both(name, "nothing that memory failure calls was found")
    functions = [f for k in flow.entries if (f := facts.program.lower(k)) is not None]
    if not flow.zaps:
        return decided(name, "folio-only", f"{functions[0].name}() takes no mapping away", *_head(functions))
    return decided(name, "split-zap", "memory failure takes the mapping away", *places(facts, flow.zaps))


def _head(functions: list[Function]) -> tuple[Step, ...]:
    return tuple(step(f, f.blocks[0].instrs[0], f"{f.name}()") for f in functions if f.blocks and f.blocks[0].instrs)


def _errno(facts: Facts, flows: list[Range]) -> Decision:
    """Whether a split that fails is still known to have failed where the range is taken away."""
    name, splits = "split_errno", [s for f in flows for s in f.splits]
    unheard = [s for f in flows for s in (*f.zaps, *f.stores, *f.truncates) if "S!" in s.marks]
    if unheard:
        return decided(name, "bool", "the flow goes on after a split that failed", *places(facts, unheard))
    narrow = [*_narrowed(facts, splits)]
    if narrow:
        return decided(name, "bool", "an error code is kept in a type that holds no error", *narrow)
    if not splits or _cut(flows):
        return both(name, "no split was found" if not splits else "not all paths were followed")
    return decided(name, "int", "a split that fails stops the flow, with its error code", *places(facts, splits))


def _narrowed(facts: Facts, splits: list[Seen]) -> Iterator[Step]:
    """Functions between the flow and the split that return, or keep, less than an error code."""
    program, splitting = facts.program, splitters(facts)
    starts = {k for s in splits for k in program.resolve(s.call.callee, s.context.key[0])}
    for seen in splits:
        function = program.lower(seen.context.key)
        if function is not None and _kept_narrow(function, seen.call):
            yield places(facts, [seen], "is kept in a bool")[0]
    for function in program.functions(sorted(facts.names.reachable(starts) & splitting)):
        inner = [c for c in function.calls() if any(k in splitting for k in program.resolve(c.callee, function.path))]
        if function.returns in LIMITED and (inner or function.key in starts):
            yield from _head([function])
        for call in inner:
            if _kept_narrow(function, call):
                yield step(function, call, "is kept in a bool")


def _kept_narrow(function: Function, call: Call) -> bool:
    return isinstance(call.result, Name) and function.locals.get(call.result.id, "") in LIMITED
