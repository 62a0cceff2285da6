"""Entries that are changed in two tables at once: frozen here, changed there, then committed or restored here.

The property follows one entry along paths: how it was taken (by compare and exchange, with the frozen or the new
value), whether the other table took the change, what was accounted before that, and what is written at the end. Which
calls do these things is given by a spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from analyzer.analyses.facts import Facts as ProgramFacts
from analyzer.analyses.guards import made_by
from analyzer.analyses.locks import BUGS_VM
from analyzer.dataflow.context import Context
from analyzer.dataflow.project import substitute
from analyzer.dataflow.values import NEG, Alias, Facts, Pred, Value, evaluate
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Assume, Call, Deref, Expr, Field, Function, Instr, Name, Return, Unary


@dataclass(frozen=True, slots=True)
class CommitSpec:
    """What the calls mean.

    ``atomic``: names that compare and exchange (pointer, &old, new). ``plain``: name -> index of the value stored.
    ``frozen``: the name of the frozen value. ``reads``: names that read the entry again. ``accounts``: names of what is
    counted, listed or traced. ``external``: whether a call changes the other table and can fail. ``mirror``: names of
    the predicates that say that there is another table.
    """

    atomic: frozenset[str]
    plain: dict[str, int]
    frozen: str
    reads: frozenset[str]
    accounts: re.Pattern[str]
    external: Callable[[Call], bool]
    mirror: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of one entry.

    ``phase``: idle, frozen, published (the new value stands). ``other``: what became of the change in the other table:
    "", ok, failed (or lost to another CPU). ``early`` is the call that accounted before. ``home`` took the entry.
    """

    phase: str = "idle"
    other: str = ""
    early: int = 0
    mirror: str = "?"
    entry: str = ""
    old: str = ""
    home: Key = ("", "")
    atomic: bool = False


@dataclass(slots=True)
class Slip:
    """Something done at the wrong place.

    ``kind`` is early, frozen, published, wrong-new, wrong-old, reread or refrozen; ``account`` is what came early.
    """

    kind: str
    instr: Instr
    key: Key
    context: Context[Entry]
    state: Entry
    account: Call | None = None


Exit = tuple[Entry, Value | None]


class CommitProperty:
    """The Property; ``writers`` are functions that only store a parameter: key -> (value, entry) parameter indices."""

    def __init__(
        self, program: Program, spec: CommitSpec, constants: dict[str, int], writers: dict[Key, Writer]
    ) -> None:
        self.program = program
        self.spec = spec
        self.constants = constants
        self.writers = writers
        self.slips: dict[tuple[Key, int, str], Slip] = {}
        self.accounted: dict[int, tuple[Key, Call, set[int]]] = {}
        self.values: dict[tuple[int, Entry, str], set[str]] = {}
        self.taken: dict[Key, Instr] = {}
        self.commits = 0
        self._side: str = ""

    # -- calls -------------------------------------------------------------------------------------------------

    def call(self, call: Call, state: Entry, facts: Facts, context: Context[Entry]) -> Iterable[Exit] | None:
        """The events; other callees are explored."""
        name = call.callee
        if self.spec.external(call):
            return self.external(state, context)
        if name in self.spec.atomic and len(call.args) > 2:
            entry = self.entry(call.args[0], context)
            old = call.args[1].base.text if isinstance(call.args[1], Addr) else call.args[1].text
            return self.take(call, state, call.args[2], entry, old, facts, context, 1, 0)
        if name in self.spec.plain and len(call.args) > self.spec.plain[name]:
            return [(self.store(call, state, call.args[self.spec.plain[name]], facts, context), None)]
        if self.spec.accounts.match(name):
            return [(self.account(call, state, context), None)]
        if name in self.spec.reads and state.phase == "frozen" and self.same(call.args[-1:], state, context):
            self.slip("reread", call, context, state)
        for key in self.program.resolve(name, context.key[0]) if name else ():
            writer = self.writers.get(key)
            if writer is not None and max(writer.value, writer.entry) < len(call.args):
                where = call.args[writer.entry]
                entry = (
                    f"{where.text.lstrip('&')}{'.' if where.text[:1] == '&' else '->'}{writer.field}"
                    if writer.field
                    else (self.entry(where, context))
                )
                good, bad = (0, NEG) if writer.negative else (1, 0)
                value = Name(self.spec.frozen) if writer.freezes else call.args[writer.value]
                return self.take(
                    call, state, value, entry, f"{entry.rsplit('sptep', 1)[0]}old_spte", facts, context, good, bad
                )
        return None

    def external(self, state: Entry, context: Context[Entry]) -> list[Exit]:
        """The other table takes the change, or refuses it; there is none where the entry is no mirror.

        What a function tells that was entered again on the way here is about an entry below, not about this one.
        """
        if state.mirror == "n":
            return []
        if sum(seen.key == context.key for seen, _ in context.path()) > 1:
            return [(state, 0), (state, NEG)]
        yes = replace(state, other="ok", mirror="y", early=0)
        return [(yes, 0), (replace(state, other="failed", mirror="y"), NEG)]

    def take(
        self, call: Call, state: Entry, value: Expr, entry: str, old: str, facts: Facts, context: Context[Entry],
        good: Value, bad: Value,
    ) -> list[Exit]:  # fmt: skip
        """Compare and exchange: the entry is frozen or has the new value, or somebody else was first."""
        frozen = self.is_frozen(value, facts, state, context)
        self.taken.setdefault(context.key, call)
        phase = "frozen" if frozen else "published" if state.mirror != "n" else "idle"
        early = 0 if state.atomic else state.early  # what was counted for an earlier change is its own affair
        got = Entry(phase, "", early, state.mirror, entry, old, context.key, True)
        lost = Entry("idle", "failed", early, state.mirror, atomic=True)
        return [(got, good), (lost, bad)]

    def store(self, call: Call, state: Entry, value: Expr, facts: Facts, context: Context[Entry]) -> Entry:
        """A plain store: the end of a frozen entry."""
        if state.phase != "frozen" or not self.same(call.args[:1], state, context):
            return state
        self.commits += 1
        if self.is_frozen(value, facts, state, context):
            self.slip("refrozen", call, context, state)
            return replace(state, phase="idle")
        which = self.which(value, state, context)
        if state.other == "failed" and which == "new":
            self.slip("wrong-new", call, context, state)
        elif state.other == "ok" and which == "old":
            self.slip("wrong-old", call, context, state)
        return replace(state, phase="published" if not state.other and which == "new" else "idle")

    def account(self, call: Call, state: Entry, context: Context[Entry]) -> Entry:
        """Counting before the other table has agreed; again after it refused takes it back."""
        if state.other == "failed" and state.early:
            return replace(state, early=0)
        pending = state.home in [seen.key for seen, _ in context.path()] if state.atomic else True
        if state.early or state.other or not pending:
            return state
        known = self.accounted.setdefault(id(call), (context.key, call, set()))
        known[2].update(id(seen) for seen, _ in context.path())
        return replace(state, early=id(call))

    # -- expressions -------------------------------------------------------------------------------------------

    def entry(self, pointer: Expr, context: Context[Entry]) -> str:
        """The entry that a pointer is for, without the detour over a temporary."""
        return self.bare(pointer, context).text

    def bare(self, expr: Expr, context: Context[Entry]) -> Expr:
        """An expression without rcu_dereference() and variables that hold one thing."""
        function = self.program.lower(context.key)
        for _ in range(4):
            if isinstance(expr, Deref):
                expr = expr.base
            elif isinstance(expr, Name) and function is not None:
                made = made_by(function).get(expr.id)
                held = _held(function, expr.id)
                if made is not None and made.callee.startswith("rcu_dereference") and made.args:
                    expr = made.args[0]
                elif held is not None:
                    expr = held
        return expr

    def at_home(self, expr: Expr, state: Entry, context: Context[Entry]) -> Expr:
        """An expression in the words of the function that took the entry."""
        at: Context[Entry] | None = context
        while at is not None and at.key != state.home and at.call is not None:
            function = self.program.lower(at.key)
            for param, arg in zip(function.params if function is not None else (), at.call.args, strict=False):
                if param.name and param.name in expr.names:
                    expr = substitute(expr, param.name, arg)
            at = at.caller
            if at is not None:
                expr = self.bare(expr, at) if isinstance(expr, Name) else expr
        return expr

    def same(self, pointers: tuple[Expr, ...], state: Entry, context: Context[Entry]) -> bool:
        """Whether a pointer (or an iterator) is the frozen entry."""
        for pointer in pointers:
            text = self.at_home(self.bare(pointer, context), state, context).text.lstrip("&*")
            if text == state.entry or state.entry.startswith((f"{text}.", f"{text}->")):
                return True
        return False

    def is_frozen(self, value: Expr, facts: Facts, state: Entry, context: Context[Entry]) -> bool:
        """Whether a value is the frozen one on this path."""
        for _ in range(4):
            known = facts.get(value)
            if not isinstance(known, Alias):
                break
            value = known.expr
        texts = {value.text, *self.values.get((id(context), state, value.text), ())}
        number = self.constants.get(self.spec.frozen)
        return self.spec.frozen in texts or (number is not None and evaluate(value, facts, self.constants) == number)

    def which(self, value: Expr, state: Entry, context: Context[Entry]) -> str:
        """Whether a value is the ``old`` or the ``new`` one; "" where that is not known."""
        texts = self.values.get((id(context), state, value.text)) or {self.at_home(value, state, context).text}
        kinds = {"old" if t == state.old or t.endswith("old_spte") else "?" if t[:1] == "%" else "new" for t in texts}
        return kinds.pop() if len(kinds) == 1 else ""

    # -- the rest of a Property --------------------------------------------------------------------------------

    def observe(self, instr: Instr, state: Entry, facts: Facts, context: Context[Entry]) -> None:
        """Values of temporaries; sides of a mirror test; how a function is left."""
        if isinstance(instr, Assign):
            if isinstance(instr.target, Name):
                self.values[(id(context), state, instr.target.id)] = {instr.value.text}
            if (
                state.phase == "frozen"
                and isinstance(instr.value, Deref)
                and self.same((instr.value.base,), state, context)
            ):
                self.slip("reread", instr, context, state)
        elif isinstance(instr, Assume):
            self._side = self.side(instr, facts, context)
        elif isinstance(instr, Return):
            self.leave(instr, state, context)

    def side(self, assume: Assume, facts: Facts, context: Context[Entry]) -> str:
        """``y`` or ``n`` where a branch says whether there is another table."""
        cond, truth = assume.cond, assume.truth
        for _ in range(6):
            known = facts.get(cond)
            if isinstance(cond, Unary) and cond.op == "!":
                cond, truth = cond.operand, not truth
            elif isinstance(known, Alias):
                cond = known.expr
        if isinstance(cond, Pred) and cond.callee in self.spec.mirror:
            return "y" if truth else "n"
        return ""

    def leave(self, instr: Return, state: Entry, context: Context[Entry]) -> None:
        """What is left undone at a return."""
        if state.early and state.other == "failed" and state.atomic:
            key, account, above = self.accounted[state.early]
            if id(context) in above:
                self.slip("early", instr, context, state, account, key)
        if context.key == state.home:
            if state.phase == "frozen":
                self.slip("frozen", instr, context, state)
            elif state.phase == "published" and state.other == "failed" and state.mirror == "y":
                self.slip("published", instr, context, state)

    def slip(
        self,
        kind: str,
        instr: Instr,
        context: Context[Entry],
        state: Entry,
        account: Call | None = None,
        key: Key | None = None,
    ) -> None:
        """Note something once per place and kind; ``key`` is where it was counted."""
        place = key or context.key
        made = Slip(kind, instr, place, context, state, account)
        self.slips.setdefault((place, id(account or instr), kind), made)

    def feasible(self, call: Call, state: Entry) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM and call.callee != "BUG"

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: Entry, context: Context[Entry]) -> Entry:
        """What a branch says of the entry."""
        if state.home != ("", "") and state.home not in [seen.key for seen, _ in context.path()]:
            # the change is over: keep what still matters, so that few states meet
            state = Entry("idle", state.other if state.early else "", state.early, state.mirror, atomic=True)
        return replace(state, mirror=self._side) if self._side else state

    def hole(self, state: Entry) -> Entry:
        """Unknown statements may have done anything."""
        return Entry()

    def unknown(self) -> Entry:
        """Callers are not shown."""
        return Entry()


@dataclass(frozen=True, slots=True)
class Writer:
    """A function that does nothing but store: parameter indices, and the field of the entry's parameter."""

    value: int
    entry: int
    field: str = ""
    negative: bool = True  # fails with a negative number, else with false
    freezes: bool = False  # stores the frozen value, whatever it is given


def _held(function: Function, name: str) -> Expr | None:
    """The one expression that a local pointer holds."""
    found = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target.text == name]
    return found[0] if len(found) == 1 and isinstance(found[0], Field | Name) and found[0].text != name else None


def stored_params(
    facts: ProgramFacts,
    key: Key,
    stores: dict[str, int],
    atomic: frozenset[str],
    covers: Callable[[str], bool],
    depth: int = 3,
) -> frozenset[int]:
    """The parameters whose value a function stores in an entry, itself or through the functions it calls."""

    def make() -> frozenset[int]:
        function = facts.program.lower(key) if covers(key[0]) and depth else None
        if function is None:
            return frozenset()
        places, found = {p.name: i for i, p in enumerate(function.params)}, set()
        copies = {
            i.target.text: places[i.value.text]
            for b in function.blocks
            for i in b.instrs
            if isinstance(i, Assign) and isinstance(i.target, Name) and i.value.text in places
        }
        places = {**copies, **places}
        for call in function.calls():
            at = {stores[call.callee]} if call.callee in stores else {2} if call.callee in atomic else set()
            for callee in facts.program.resolve(call.callee, key[0]) if call.callee and not at else ():
                if callee != key and any(a.text in places for a in call.args):
                    at = at | stored_params(facts, callee, stores, atomic, covers, depth - 1)
            found |= {places[call.args[i].text] for i in at if i < len(call.args) and call.args[i].text in places}
        return frozenset(found)

    return facts.solve(("stored", key, depth), make)
