"""The flows of a tree as event strings: one for each way through, loops once, helpers at their word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, NZ
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key
from analyzer.ir.types import Call
from analyzer.model.extract import chain, ranges
from analyzer.model.extract import words as w
from analyzer.model.extract.extract import layers
from analyzer.model.extract.faults import CHOSEN, Freeze, choice, exchangers
from analyzer.model.extract.walk import (
    Exit,
    Find,
    Left,
    Marks,
    Seen,
    Walk,
    follow,
    leading,
    nearest,
    op_functions,
    place,
)

LONGEST, TWICE = 16, 2  # events of one string, and how often one is told in it
LOCKS = frozenset(("L.r", "L.w", "U"))
CALLS = frozenset((*w.SEAMCALLS.values(), "KICK", "MAP"))
RANGE = LOCKS | set("B E Z TR FS AT SP".split())
EVENTS = {"fault": LOCKS | {"PFN", "HPFN", "CHK", "MAP"}, "map": frozenset(("FROZEN", "FZ", "XC", "X", "ST")),
          "accept": LOCKS | {"SP", "FAULT"}, "convert": RANGE, "punch": RANGE, "poison": RANGE}  # fmt: skip
WORDS = {**w.SEAMCALLS, **w.COUNTER, **w.ZAP, **w.TRUNCATE, **w.FOLIO_SPLIT, **w.PFN, **w.HOST_PFN, **w.CHECK, **w.MAP,
         **w.WRITE, "kvm_mmu_page_fault": "FAULT", w.MAP_PRIVATE: "MAP"}  # fmt: skip
FALLIBLE = frozenset((*w.SEAMCALLS.values(), "PFN", "SP", "X", "FZ", "XC", "MAP"))
RESULTS: dict[object, str] = {0: "RET.ok", NZ: "RET.err", NEG: "RET.err"}


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow: where it begins, its strings, the place of each event, whether something was left out."""

    name: str
    entries: tuple[Key, ...]
    strings: tuple[str, ...]
    places: tuple[tuple[str, Step], ...]
    cut: bool


def flows(facts: Facts) -> tuple[Flow, ...]:
    """All that the tree has."""
    return tuple(_flow(facts, name, keys) for name, keys in _entries(facts) if keys)


def _entries(facts: Facts) -> Iterator[tuple[str, list[Key]]]:
    found, definitions = ranges.solve(facts), facts.program.definitions
    yield "fault", nearest(facts, leading(facts, w.PFN), leading(facts, w.MAP))
    yield "map", sorted(k for name in w.MAP for k in facts.program.by_name.get(name, ()))
    for name, word in (("S-EPT map", w.AUG), ("S-EPT split", w.DEMOTE), ("S-EPT zap", w.REMOVE)):
        homes = (k for k, d in definitions.items() if k[0].startswith(chain.VMX) and word in d.mentions)
        yield name, sorted(k for k in homes if definitions[k].kind == "function")
    for name in ("convert", "punch", "poison"):
        yield name, found[name].entries
    if layers(facts).huge:
        yield "accept", sorted(op_functions(facts, "handle_exit") & leading(facts, (w.SMALL_SPTE,)))
    homes = (k for k, d in definitions.items() if k[0].startswith(chain.VMX) and w.MAP_PRIVATE in d.mentions)
    yield "populate", sorted(k for k in homes if definitions[k].kind == "function")
    yield "teardown", sorted(op_functions(facts, w.PRUNE_OP) & leading(facts, (w.RECLAIM,)))


def _flow(facts: Facts, name: str, keys: list[Key]) -> Flow:
    telling = EVENTS.get(name, CALLS)

    def rule(seen: Seen) -> list[Exit]:
        done = _with(seen.marks, seen.what)
        if seen.what in FALLIBLE:
            return [(done, 0), (_with(seen.marks, f"{seen.what}!"), NEG)]
        return [(done, 0), (_with(seen.marks, "stale"), NZ)] if seen.what == "CHK" else [(done, None)]

    words = {word: event for word, event in WORDS.items() if event in telling}
    found = _find(facts, frozenset(keys))
    walk = Walk(facts, words, rule, lambda c, f, x: e if (e := found(c, f, x)) in telling else "",
                mark=choice, locks="U" in telling, at_word=True)  # fmt: skip
    inner = [w.ATTRIBUTES] * ("AT" in telling) + [w.SMALL_SPTE] * ("SP" in telling) + [*w.KICK] * ("KICK" in telling)
    outer = [w.EXTERNAL_OP, *w.EXCHANGE] * ("X" in telling)
    follow(facts, walk, keys, leading(facts, (*words, *inner, *outer)))
    strings = tuple(dict.fromkeys(_string(x) for x in walk.left))
    places = tuple(dict.fromkeys((s.what, place(facts, s)) for s in walk.seen if not s.what.startswith("held")))
    cut = walk.lost or any(len(x.marks) >= LONGEST for x in walk.left)
    return Flow(name, tuple(keys), tuple(s for s in strings if " " in s), places, cut)


def _find(facts: Facts, entries: frozenset[Key]) -> Find:
    """Events that no name tells. Where one flow hands over to another, its event stands for that one."""
    splitting = ranges.splitters(facts) - leading(facts, w.MAP) - entries
    exchanging = exchangers(facts)

    def find(call: Call, known: Known, context: Context[Marks]) -> str:
        if call.callee in w.KICK:
            return "KICK" if any(a.text == w.OUTSIDE for a in call.args) else ""
        if ranges.stores_attributes(call):
            return "AT"
        if call.callee == CHOSEN:
            return "FROZEN"
        if call.table in (w.EXTERNAL_OP, w.PRUNE_OP):
            return "X"
        keys = facts.program.resolve(call.callee, context.key[0]) if call.callee else ()
        if any(k in exchanging for k in keys) or call.callee in w.EXCHANGE:
            return "FZ" if Freeze.frozen(call) else "XC"
        crossing = context.key[0].startswith(("virt/", chain.VMX)) or not entries.isdisjoint(keys)
        inner = any(k in splitting and not k[0].startswith(chain.VMX) for k in keys)
        return "SP" if crossing and inner else ""

    return find


def _with(marks: Marks, what: str) -> Marks:
    """One more event; one that was there already as often as is told is a loop."""
    so_far = _events(marks)
    again = so_far.count(what) >= TWICE or so_far[-1:] == [what]
    if what.startswith("held") or again or len(so_far) >= LONGEST:
        return marks
    return marks | {f"{len(so_far):02} {what}"}


def _events(marks: Marks) -> list[str]:
    return [m[3:] for m in sorted(m for m in marks if m != "lost")]


def _string(left: Left) -> str:
    return " ".join([*_events(left.marks), RESULTS.get(left.value, "RET")])
