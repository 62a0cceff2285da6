"""Custody: who owns an object, moved by the calls that hand it over, take it back and free it.

The state maps names to statuses. A field is one name wherever it is reached from (``.external_spt``), the elements of
an array are one (``.pages[]``), what a parameter holds is ``#1`` in a helper. Stores are made visible as
calls of ``=``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from analyzer.analyses.facts import nonzero
from analyzer.analyses.locks import operations
from analyzer.analyses.stored import STORE, with_stores
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Alias, Facts, Pred, Value, evaluate
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Index,
    Instr,
    Name,
    Return,
)

Custody = frozenset[tuple[str, str]]  # (name, status)
Exit = tuple[Custody, Value | None]
MAX_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Move:
    """An event with what was known there: its effect, the object, its status before, the index of an element."""

    context: Context[Custody]
    call: Call
    effect: Effect
    name: str
    status: str
    state: Custody
    facts: Facts
    index: Expr | None


@dataclass(slots=True)
class Keeper:
    """The Property; ``label`` names its events in the vocabulary.

    Modes: ``fresh`` (made by KVM), ``give`` (both: ``when`` names a field of what is meant), ``take`` (given
    back if the result is zero), ``clean`` (the field ``when``, once it is back: nothing of it is cached any more if the
    result is zero), ``free``, ``test`` (``when`` is set to what a result says; so does a branch on the field of that
    name), ``drop`` (``when`` is not set any more), ``stage`` (a step ``when`` of taking a guest page away).
    """

    program: Program
    vocabulary: Vocabulary
    label: str
    fields: frozenset[str]
    views: frozenset[str]
    notes: frozenset[str] = frozenset()  # what tests and stages are kept
    events: dict[str, Effect] = field(default_factory=dict)
    explorer: Explorer[Custody] | None = None
    moves: list[Move] = field(default_factory=list)
    leaves: list[tuple[Context[Custody], Instr, Custody]] = field(default_factory=list)
    helpers: set[Key] = field(default_factory=set)
    origins: dict[tuple[int, int], str] = field(default_factory=dict)  # (id of a call, place) -> what it is handed
    _passing: Call | None = None
    _touched: dict[Key, frozenset[str]] = field(default_factory=dict)
    _places: dict[Key, dict[str, str]] = field(default_factory=dict)
    _known: set[tuple[int, int, Custody]] = field(default_factory=set)

    # -- names -------------------------------------------------------------------------------------------------

    def name(self, expr: Expr, facts: Facts, key: Key) -> str:
        """The object that an expression is."""
        tail = ""
        for _ in range(12):
            if isinstance(expr, Addr | Deref):
                expr = expr.base
            elif isinstance(expr, Index):
                expr, tail = expr.base, f"[]{tail}"
            elif isinstance(expr, Field):
                return f".{expr.name}{tail}" if expr.name in self.fields else ""
            elif isinstance(expr, Name):
                known = facts.get(_is(expr.id)) or facts.get(expr)
                if not isinstance(known, Alias):
                    return self.places(key).get(expr.id, expr.id) + tail
                expr = known.expr
            else:
                return ""
        return ""

    def places(self, key: Key) -> dict[str, str]:
        """Parameters -> their place."""
        if key not in self._places:
            function = self.program.lower(key)
            params = function.params if function is not None else ()
            self._places[key] = {p.name: f"#{n}" for n, p in enumerate(params)}
        return self._places[key]

    def touched(self, key: Key) -> frozenset[str]:
        """The fields that a function, or one that it leads to, has a word for."""
        assert self.explorer is not None
        if key not in self._touched:
            self._touched[key] = frozenset()  # of a function that calls itself: what the others say
            words = self.program.definitions[key].mentions
            below = [
                k for w in words for k in self.program.by_name.get(w, ()) if k in self.explorer.relevant and k != key
            ]
            self._touched[key] = (words & self.fields).union(*(self.touched(k) for k in below))
        return self._touched[key]

    # -- the Property ------------------------------------------------------------------------------------------

    def call(self, call: Call, state: Custody, facts: Facts, context: Context[Custody]) -> Iterable[Exit] | None:
        """Events move objects; helpers get those they are handed."""
        if call is self._passing:
            self._passing = None
            return None
        if call.callee == STORE:
            return [(self._store(call, state, facts, context), None)]
        word = next((w for w in operations(call) if w in self.events), "")
        effect = self.events.get(word)
        if effect is None or (effect.when == "unseen" and self.program.resolve(word, context.key[0])):
            return self._helper(call, state, facts, context)
        shift = 0 if word == call.callee or not call.callee else 2
        return self._event(effect, shift, call, state, facts, context)

    def _event(
        self, effect: Effect, shift: int, call: Call, state: Custody, facts: Facts, context: Context[Custody]
    ) -> list[Exit]:
        slot = call.result if effect.slot == RESULT else _arg(call, effect.slot + shift)
        name = self.name(slot, {} if effect.slot == RESULT else facts, context.key) if slot is not None else ""
        if effect.mode in ("give", "fresh", "clean") and effect.when:
            name = f".{effect.when}"
        if effect.mode == "clean" and effect.when not in self.fields:
            return [(state, None)]
        status = dict(state).get(name, "")
        index = _index(slot, facts)
        self.moves.append(Move(context, call, effect, name, status, state, dict(facts), index))
        if name.startswith("#"):
            self.helpers.add(context.key)
        return self._moved(effect, name, status, call, state)

    def _moved(self, effect: Effect, name: str, status: str, call: Call, state: Custody) -> list[Exit]:
        """The exits of an event: what it says when it works, and when it does not."""
        name = {"stage": "guest", "test": effect.when, "drop": effect.when}.get(effect.mode, name)
        if effect.mode in ("test", "stage", "drop") and name not in self.notes:
            return [(state, None)]
        part = name.endswith("[]") and status in ("", "fresh", "part")
        worked, failed = {
            "fresh": ("fresh", ""),
            "give": ("part" if part else "given", status),
            "take": ("back", "failed"),
            "clean": ("clean", "failed") if status in ("back", "clean") else (status, status),
            "test": ("no", "yes"),
            "drop": ("no", ""),
            "stage": (effect.when, dict(state).get(name, "")),
            "free": ("part" if status == "part" else "freed", ""),
        }[effect.mode]
        if effect.mode == "fresh":
            state = _with(state, f"{name}[]", "fresh")
        done = _with(state, name, worked)
        if effect.mode in ("fresh", "free", "drop") or call.result is None:
            return [(done, None)]
        return [(done, 0), (_with(state, name, failed) if failed else state, "nonzero")]

    def _store(self, call: Call, state: Custody, facts: Facts, context: Context[Custody]) -> Custody:
        """A field gets the status of what is stored, and both are one from here on."""
        target, value = call.args
        name = self.name(target, facts, context.key)
        if isinstance(value, Const):
            cleared = _with(state, name, "cleared") if value.value == 0 else state
            return _with(cleared, f"{name}[]", "cleared") if value.value == 0 and not name.endswith("[]") else cleared
        source = self.name(value, facts, context.key)
        known = dict(state)
        for tail in ("", "[]"):
            status = known.get(source + tail, "fresh" if source[:1] not in ("", ".", "#") else "")
            if status and name != source:
                state = _with(state, name + tail, status)
        if isinstance(value, Name):
            facts[_is(value.id)] = Alias(target)
        return state

    def _helper(self, call: Call, state: Custody, facts: Facts, context: Context[Custody]) -> list[Exit] | None:
        explorer = self.explorer
        assert explorer is not None
        keys, _ = explorer.targets(call, facts, context.key[0], self.program.lower(context.key))
        if not explorer.relevant.intersection(keys):
            return None
        names = {i: self.name(a, facts, context.key) for i, a in enumerate(call.args)}
        self.origins.update({(id(call), i): n for i, n in names.items()})
        known = dict(state)
        touched = frozenset().union(*(self.touched(k) for k in keys if k in explorer.relevant))
        inner = {n: s for n, s in known.items() if n[0] == "@" or n == "guest" or n[1:].removesuffix("[]") in touched}
        for i, n in names.items():
            inner.update({f"#{i}{t}": known[n + t] for t in ("", "[]") if n and n + t in known})
        mine = {n: s for n, s in known.items() if n not in inner}
        self._passing = call
        exits = explorer.apply(call, frozenset(inner.items()), facts, context)
        self._passing = None
        out: list[Exit] = []
        for after, value in exits:
            found = {**mine, **{n: s for n, s in after if n[0] in ".@" or n == "guest"}}
            for n, s in after:
                place = re.fullmatch(r"#(\d+)((?:\[\])?)", n)
                if place and names.get(int(place[1])) and inner.get(n) != s:
                    found[names[int(place[1])] + place[2]] = s
            made = (frozenset(found.items()), value)
            out += [made] if made not in out else []
        return out

    def observe(self, instr: Instr, state: Custody, facts: Facts, context: Context[Custody]) -> None:
        """Copies and views of objects; how functions return."""
        if isinstance(instr, Return):
            known = (id(context), id(instr), state)
            if known not in self._known:
                self._known.add(known)
                self.leaves.append((context, instr, state))
        target = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
        if isinstance(target, Name):
            facts.pop(_is(target.id), None)
            source = instr.value if isinstance(instr, Assign) else None
            if isinstance(instr, Call):
                source = self._viewed(instr, context.key)
            if isinstance(source, Name | Field | Index) and self.name(source, facts, context.key) not in (
                "",
                target.id,
            ):
                seen = facts.get(_is(source.id)) if isinstance(source, Name) else None
                facts[_is(target.id)] = seen if isinstance(seen, Alias) else Alias(source)

    def _viewed(self, call: Call, key: Key) -> Expr | None:
        """What a call gives another view of: of its argument, or in a helper of one line of a field."""
        if call.callee in self.views:
            return call.args[0] if call.args else None
        keys = self.program.resolve(call.callee, key[0]) if call.callee and self.fields else ()
        near = len(keys) == 1 and not self.program.definitions[keys[0]].mentions.isdisjoint(self.fields)
        helper = self.program.lower(keys[0]) if near else None
        last = helper.blocks[0].instrs[-1:] if helper is not None and len(helper.blocks) == 1 else []
        value = last[0].value if last and isinstance(last[0], Return) else None
        for inner in helper.calls() if helper is not None else ():
            if inner.result is value and inner.callee in self.views and inner.args:
                value = inner.args[0]
        return value if isinstance(value, Field) and value.name in self.fields else None

    def branch(self, assume: Assume, state: Custody, context: Context[Custody]) -> Custody:
        """Branches move nothing; that on the field of a note tells what a test of it does."""
        cond, truth = nonzero(assume)
        if isinstance(cond, Field) and f"@{cond.name}" in self.notes:
            return _with(state, f"@{cond.name}", "yes" if truth else "no")
        return state

    def feasible(self, call: Call, state: Custody) -> bool:
        """What the module owns it owns in a VM that is bugged, too."""
        return True

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def hole(self, state: Custody) -> Custody:
        """Unknown statements may move anything."""
        return frozenset()

    def unknown(self) -> Custody:
        """Nothing is known."""
        return frozenset()


def solve_custody(
    program: Program,
    names: NameGraph,
    vocabulary: Vocabulary,
    label: str,
    covers: Callable[[str], bool],
    fields: frozenset[str],
    views: frozenset[str],
    start: Callable[[Key], Custody],
    notes: frozenset[str],
) -> Keeper:
    """Follow the objects of ``fields`` (or, without one, those that variables hold), from the functions that no other
    one calls. One field at a time keeps the states few."""
    events = {n: e for n, es in vocabulary.effects.items() for e in es if e.verb is Verb.EVENT and e.label == label}
    telling = fields or frozenset(n for n, e in events.items() if e.mode in ("give", "take", "stage"))
    program = with_stores(program, fields)
    definitions = program.definitions
    direct = names.where(lambda d: covers(d.path) and not d.mentions.isdisjoint(telling))
    wanted = {k for k in direct if definitions[k].kind == "function" and _mine(k, events)}
    wanted = _with_helpers(names, wanted, covers, events)
    for _ in range(MAX_ROUNDS):
        keeper = Keeper(program, vocabulary, label, fields, views, notes, events)
        keeper.explorer = Explorer(program, vocabulary, keeper, frozenset(wanted))
        rest = set(wanted)
        while rest:
            tops = sorted(k for k in rest if not any(c in rest for c in names.callers.get(k, ()) if c != k))
            for key in tops or sorted(rest)[:1]:
                keeper.explorer.enter(key, start(key), {})
            rest = {k for k in rest if not keeper.explorer.visited(k)}
        helpers = set() if fields else keeper.helpers  # who hands over a field mentions it, and is here
        above = {c for k in helpers for c in names.callers.get(k, ()) if definitions[c].kind == "function"}
        above |= {c for k in _doubtful(keeper) for c in names.callers.get(k, ()) if _near(k, c)}
        above = {c for c in above if definitions[c].kind == "function"}
        above = {k for k in above if covers(k[0]) and _mine(k, events)} - wanted
        if not above:
            break
        wanted |= above
    return keeper


def _with_helpers(
    names: NameGraph, wanted: set[Key], covers: Callable[[str], bool], events: dict[str, Effect]
) -> set[Key]:
    """The functions and, of what they call, whatever leads to an event in two steps."""
    definitions = names.program.definitions
    moving = frozenset(n for n, e in events.items() if e.mode in ("take", "give"))
    found, work = set(wanted), list(wanted)
    while work:
        for key in names.callees.get(work.pop(), ()):
            if key in found or definitions[key].kind != "function" or not covers(key[0]) or not _mine(key, events):
                continue
            below = [definitions[c].mentions for c in names.callees.get(key, ()) if covers(c[0])]
            if not definitions[key].mentions.isdisjoint(events) or any(not m.isdisjoint(moving) for m in below):
                found.add(key)
                work.append(key)
    return found


def _doubtful(keeper: Keeper) -> set[Key]:
    """Functions that free, keep or take back a field in a state which their callers may know better."""
    settled = ("fresh", "back", "clean", "freed", "cleared")
    frees = [m for m in keeper.moves if m.effect.mode == "free" and m.name[:1] == "." and m.status not in settled]
    asked = {n for n in keeper.notes if n[:1] == "@"}
    takes = [m for m in keeper.moves if m.effect.mode == "take" and not asked <= dict(m.state).keys()]
    found = {c.key for m in (*frees, *takes) for c, _ in m.context.path()}
    return found | {c.key for c, _, s in keeper.leaves if any(n[:1] == "." and t == "freed" for n, t in s)}


def _near(key: Key, caller: Key) -> bool:
    """Whether a caller is in the same file: it may know what its helper cannot."""
    return key[0] == caller[0]


def _mine(key: Key, events: dict[str, Effect]) -> bool:
    """Whether a function is looked into: events that are always what the vocabulary says are not."""
    return key[1] not in events or events[key[1]].when == "unseen"


def _is(name: str) -> Pred:
    """The fact that a variable is another object; it does not name the variable."""
    return Pred(f"is {name}", ())


def _with(state: Custody, name: str, status: str) -> Custody:
    """The state after a move; of locals only what is not KVM's own is kept, which keeps states few."""
    rest = frozenset(t for t in state if t[0] != name)
    own = status in ("fresh", "back", "clean", "freed", "cleared") and name[:1] not in (".", "#", "@")
    return rest if own or not name else rest | {(name, status)}


def _arg(call: Call, slot: int) -> Expr | None:
    return call.args[slot] if slot < len(call.args) else None


def _index(expr: Expr | None, facts: Facts) -> Expr | None:
    """The index of an array's element, under whatever name the element goes."""
    if isinstance(expr, Name):
        known = facts.get(_is(expr.id))
        expr = known.expr if isinstance(known, Alias) else expr
    return expr.index if isinstance(expr, Index) else None


def index_value(move: Move, constants: dict[str, int]) -> Value | None:
    """What is known of the index of the element that a move is about."""
    return None if move.index is None else evaluate(move.index, move.facts, constants)
