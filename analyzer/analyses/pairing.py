"""Pairing: what one call opens and another must close on every way out; helpers, iterators and ownership included.

The state is the set of tokens that are open, each named in the words of the function that is looked at: a variable, or
``#2`` for what its third parameter held on entry. A helper is explored with the tokens of its arguments only, and its
exits are translated back, so that it may open, close, keep or return on behalf of its callers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from analyzer.analyses.copies import argument, bare, constant_params, copies, copy_of, in_memory, note_copy, stores_away
from analyzer.analyses.defs import handed_back
from analyzer.analyses.locks import BUGS_VM, operations
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Alias, Facts, Pred, Value, canonical, evaluate
from analyzer.ir.effect import RESULT, Effect, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Assume, Call, Deref, Expr, Field, Instr, Name, Return

Site = tuple[tuple[Key, Call], ...]  # the call that opened it, then the calls that led to that one, innermost first
_HARMLESS = re.compile(r"^(?:trace_\w+|pr_\w+|_?printk\w*|lockdep_\w+|[A-Z][A-Z0-9_]*|kvm_err|is_\w+|IS_\w+)$")
_ADDRESS = frozenset(
    """__pa __va virt_to_phys virt_to_page virt_to_pfn page_to_phys page_to_pfn page_to_virt page_address pfn_to_page
    pfn_to_virt pfn_to_kaddr phys_to_page phys_to_virt PFN_PHYS PHYS_PFN __pfn_to_phys __phys_to_pfn""".split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """Something open: its object, what was called to open it (an index of ``Ledger.sites``)."""

    name: str
    site: int


UNSURE = -1  # the site of a token that something unknown may have closed, or (for the object ``?``) opened
Open = frozenset[Token]
Exit = tuple[Open, Value | None]


@dataclass(frozen=True, slots=True)
class Left:
    """A token that is open where a function returns, or that is overwritten: where, and the value returned."""

    context: Context[Open]
    instr: Instr
    token: Token
    value: Value | None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Unopened:
    """A close of something that is not open on this path."""

    context: Context[Open]
    call: Call
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with what was known there: its effect, the object, whether that was open."""

    context: Context[Open]
    call: Call
    effect: Effect
    name: str
    token: Token | None
    failed: str  # a watched call that failed on the way here
    facts: Facts


@dataclass(slots=True)
class Ledger:
    """The Property of one pair; ``label`` names its events in the vocabulary.

    Events ``open`` and ``close`` change what is open; events of other modes are only seen. ``results``: calls whose
    failure is remembered.
    """

    program: Program
    vocabulary: Vocabulary
    label: str
    sites: list[Site] = field(default_factory=list)
    lefts: dict[tuple[Key, int, Token], Left] = field(default_factory=dict)
    unopened: dict[tuple[Key, int], Unopened] = field(default_factory=dict)
    opened: dict[tuple[Key, str], Call] = field(default_factory=dict)  # (function, object) -> an opening of it
    closed: dict[tuple[Key, str], Call] = field(default_factory=dict)
    stored: dict[int, tuple[Key, Assign, Token]] = field(default_factory=dict)  # what is open is put into memory
    helpers: set[Key] = field(default_factory=set)  # functions that open or close for their callers
    live: dict[tuple[Key, Token], set[int]] = field(default_factory=dict)  # where it is open: id of instructions
    kept: set[tuple[Key, str]] = field(default_factory=set)
    events: dict[str, list[Effect]] = field(default_factory=dict)
    results: frozenset[str] = frozenset()
    explorer: Explorer[Open] | None = None
    sightings: list[Seen] = field(default_factory=list)
    handed: list[tuple[Context[Open], Call, str, int, Key]] = field(default_factory=list)  # not open, to a helper
    _passing: Call | None = None
    _params: dict[Key, dict[str, str]] = field(default_factory=dict)

    # -- names -------------------------------------------------------------------------------------------------

    def params(self, key: Key) -> dict[str, str]:
        """The parameters of a function that always are what they were on entry -> their place."""
        if key not in self._params:
            function = self.program.lower(key)
            self._params[key] = {} if function is None else constant_params(function)
        return self._params[key]

    def name(self, expr: Expr, facts: Facts, key: Key) -> str:
        """The object that an expression is: copies share it, and so do the elements of an array."""
        text = canonical(bare(expr), facts, {})[0]
        copied = facts.get(copy_of(text))
        text = copied.expr.text if isinstance(copied, Alias) else text
        text = re.sub(r"\[[^\]]*\]", "[]", text)
        return self.params(key).get(text, text)

    # -- the Property ------------------------------------------------------------------------------------------

    def call(self, call: Call, state: Open, facts: Facts, context: Context[Open]) -> Iterable[Exit] | None:
        """Events open and close; helpers are entered with what they are given."""
        if call is self._passing:
            self._passing = None
            return None
        effects = self.events.get(call.callee)
        if isinstance(call.result, Name) and not any(e.slot == RESULT for e in effects or ()):
            rest = self._overwritten(call, call.result.id, state, facts, context)
            if rest != state:
                return self.call(call, rest, facts, context) or [(rest, None)]
        watched = self.results.intersection(operations(call))
        if watched:
            return self._result(call, min(watched), state, context)
        if effects:
            return self._event(call, effects, state, facts, context)
        return self._helper(call, state, facts, context)

    def _result(self, call: Call, word: str, state: Open, context: Context[Open]) -> list[Exit]:
        """A watched call works, or what it says is a failure of its own."""
        rest = frozenset(t for t in state if t.name != f"!{word}")
        if call.result is None:
            return [(rest, None)]
        return [(rest, 0), (rest | {Token(f"!{word}", self._site(context.key, call))}, "nonzero")]

    def _event(
        self, call: Call, effects: list[Effect], state: Open, facts: Facts, context: Context[Open]
    ) -> list[Exit]:
        exits: list[Exit] = [(state, None)]
        for effect in sorted(effects, key=lambda e: e.mode):  # what is closed is closed before the result is there
            slot = call.result if effect.slot == RESULT else argument(call, effect.slot)
            if slot is None or (evaluate(slot, facts, {}) == 0 and effect.mode == "close"):
                if effect.mode == "open" and effect.slot == RESULT:
                    self._left(context, call, Token("", self._site(context.key, call)), None, True)
                continue
            name = self.name(slot, {} if effect.slot == RESULT else facts, context.key)
            token = next((t for t in sorted(state, key=lambda t: -t.site) if t.name in (name, "?")), None)
            self.sightings.append(Seen(context, call, effect, name, token, _failure(state), dict(facts)))
            if effect.mode == "close":
                exits = [(self._close(call, name, s, context, effect), v) for s, v in exits]
            elif effect.mode == "open":
                exits = [e for s, _ in exits for e in self._open(call, name, s, facts, effect, context)]
        return exits

    def _open(
        self, call: Call, name: str, state: Open, facts: Facts, effect: Effect, context: Context[Open]
    ) -> list[Exit]:
        self.opened.setdefault((context.key, name), call)
        if name.startswith("#"):
            self.helpers.add(context.key)
        rest = self._overwritten(call, name, state, facts, context) if effect.slot == RESULT else state
        if effect.slot == RESULT and in_memory(call.result):
            return [(rest, None)]  # stored where it is opened: who owns the place owns it
        taken = frozenset(t for t in rest if t.name != name) | {Token(name, self._site(context.key, call))}
        if effect.when == "nonzero":
            return [(taken, "nonzero"), (rest, 0)]
        return [(taken, 0), (rest, "nonzero")] if effect.when == "zero" else [(taken, None)]

    def _close(self, call: Call, name: str, state: Open, context: Context[Open], effect: Effect) -> Open:
        self.closed.setdefault((context.key, name), call)
        if name.startswith("#"):
            self.helpers.add(context.key)
        if effect.when != "silent" and not any(t.name in (name, "?") for t in state):
            self.unopened.setdefault((context.key, id(call)), Unopened(context, call, name))
        return frozenset(t for t in state if t.name != name)

    def _helper(self, call: Call, state: Open, facts: Facts, context: Context[Open]) -> list[Exit] | None:
        explorer = self.explorer
        assert explorer is not None
        key = context.key
        keys, _ = explorer.targets(call, facts, key[0], self.program.lower(key))
        names = {i: self.name(a, facts, key) for i, a in enumerate(call.args)} if state or keys else {}
        inner = frozenset(Token(f"#{i}", t.site) for i, n in names.items() for t in state if t.name == n)
        rest = frozenset(t for t in state if t.name not in names.values())
        relevant = [k for k in keys if k in explorer.relevant]
        if not any(t.name == "?" for t in state):
            held = {t.name for t in state}
            self.handed += [(context, call, n, i, k) for i, n in names.items() if n not in held for k in relevant[:1]]
        if not relevant:
            taken = {n for i, n in names.items() if self._takes(call, keys, i)} if inner else set()
            left = frozenset(Token(t.name, UNSURE) if t.name in taken else t for t in state)
            return [(left, None)] if left != state else None
        self._passing = call
        found = explorer.apply(call, inner, facts, context)
        self._passing = None
        exits: list[Exit] = []
        for after, value in found:
            mapped = self._back(call, relevant, after, value, names, context)
            exits += [e for e in [(rest | mapped, value)] if e not in exits]
        return exits

    def _back(
        self,
        call: Call,
        keys: list[Key],
        after: Open,
        value: Value | None,
        names: dict[int, str],
        context: Context[Open],
    ) -> Open:
        """The tokens of a callee at an exit in the words of the caller."""
        found = set()
        for token in after:
            if token.site == UNSURE:
                found.add(replace(token, name=names.get(int(token.name[1:]), "?") if token.name[0] == "#" else "?"))
            elif token.name.startswith("#"):
                name = names.get(int(token.name[1:]), "")
                if name and not any((k, token.name) in self.kept for k in keys):
                    self.opened.setdefault((context.key, name), call)
                    found.add(Token(name, self._site(context.key, call, token)))
            elif value != 0 and any(token.name in self._returned(k) for k in keys):
                token = Token("", self._site(context.key, call, token))
                if call.result is None:
                    self._left(context, call, token, None, True)
                elif not in_memory(call.result):
                    name = self.name(call.result, {}, context.key)
                    self.opened.setdefault((context.key, name), call)
                    found.add(replace(token, name=name))
        return frozenset(found)

    def _returned(self, key: Key) -> set[str]:
        function = self.program.lower(key)
        values = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Return)] if function else []
        renamed = copies(function) if function else {}
        named = {v.text for v in values if isinstance(v, Name)}
        return named | {renamed[n] for n in named if n in renamed}

    def _takes(self, call: Call, keys: list[Key], index: int) -> bool:
        """Whether a callee that opens and closes nothing may become the owner of an argument."""
        if not keys:
            return (
                not _HARMLESS.match(call.callee)
                and call.callee not in _ADDRESS
                and isinstance(call.args[index], Name)
                and not self.program.whole
            )
        return any(stores_away(self.program, key, index, 3) for key in keys)

    def observe(self, instr: Instr, state: Open, facts: Facts, context: Context[Open]) -> None:
        """Returns that leave something open, stores that hand it over, assignments that lose it."""
        if not isinstance(instr, Assume):
            self._alive(instr, state, context)
        if isinstance(instr, Assign | Call):
            note_copy(instr, facts)
        if isinstance(instr, Return):
            for token in state:
                self._returns(instr, token, facts, context)
        elif isinstance(instr, Assign) and state:
            self._assigned(instr, state, facts, context)
        elif isinstance(instr, Call) and instr.callee in _ADDRESS and instr.result is not None and instr.args:
            self._same_page(instr, facts)
            for token in state:
                if self._mentions(instr.args[0], token, facts, context.key):
                    stored = in_memory(instr.result)
                    about = Pred("kept", (Name(token.name),)) if stored else Pred("made of", (instr.result,))
                    facts[about] = 1 if stored else Alias(Name(token.name))

    def _same_page(self, call: Call, facts: Facts) -> None:
        """A page, its number and its address are one object."""
        if isinstance(call.result, Name):
            of = bare(call.args[0])
            copied = facts.get(copy_of(of.text))
            facts[copy_of(call.result.id)] = copied if isinstance(copied, Alias) else Alias(of)

    def _returns(self, instr: Return, token: Token, facts: Facts, context: Context[Open]) -> None:
        if token.site == UNSURE or token.name.startswith("!"):
            return
        kept = Pred("kept", (Name(token.name),)) in facts
        if kept:
            self.kept.add((context.key, token.name))
        if token.name.startswith("#"):
            self.helpers.add(context.key)
            if not context.state and not kept:
                self._left(context, instr, token, self._value(instr, facts, context.key), False)
            return
        if instr.value is not None and self._mentions(instr.value, token, facts, context.key):
            self.helpers.add(context.key)
            return
        if not kept:
            self._left(context, instr, token, self._value(instr, facts, context.key), False)

    def _value(self, instr: Return, facts: Facts, key: Key) -> Value | None:
        constants, function = {**self.vocabulary.constants, **self.program.constants}, self.program.lower(key)
        if instr.value is None or function is None:
            return None
        return evaluate(handed_back(self.program, function, instr.value), facts, constants)

    def _assigned(self, instr: Assign, state: Open, facts: Facts, context: Context[Open]) -> None:
        for token in state:
            if in_memory(instr.target) and self._mentions(instr.value, token, facts, context.key):
                facts[Pred("kept", (Name(token.name),))] = 1
                if token.site != UNSURE and not token.name.startswith("!"):
                    self.stored.setdefault(id(instr), (context.key, instr, token))
            elif isinstance(instr.target, Name) and instr.target.id == token.name:
                self._overwritten(instr, token.name, frozenset((token,)), facts, context)

    def _overwritten(self, instr: Instr, name: str, state: Open, facts: Facts, context: Context[Open]) -> Open:
        """What is open and has no other name is lost with the variable."""
        for token in state:
            if token.name == name and token.site != UNSURE:
                others = any(
                    isinstance(v, Alias) and v.expr.text == name and not e.text.startswith("copy %")
                    for e, v in facts.items()
                    if e != copy_of(name)
                )
                if not others and Pred("kept", (Name(name),)) not in facts:
                    self._left(context, instr, token, None, True)
        return frozenset(t for t in state if t.name != name)

    def _mentions(self, expr: Expr, token: Token, facts: Facts, key: Key) -> bool:
        """Whether a value is the object of a token, or its address or page."""
        made = facts.get(Pred("made of", (expr,)))
        if isinstance(made, Alias) and made.expr.text == token.name:
            return True
        inner: Expr = expr
        while isinstance(inner, Field | Deref | Addr):
            inner = inner.base
        return self.name(expr, facts, key) == token.name or (
            inner is not expr and isinstance(inner, Name) and self.name(inner, facts, key) == token.name
        )

    def _left(self, context: Context[Open], instr: Instr, token: Token, value: Value | None, lost: bool) -> None:
        self.lefts.setdefault((context.key, id(instr), token), Left(context, instr, token, value, lost))

    def _site(self, key: Key, call: Call, of: Token | None = None) -> int:
        site: Site = ((key, call),) if of is None else (*self.sites[of.site], (key, call))
        if of is not None and any(k == key for k, _ in self.sites[of.site]):
            return of.site
        same = [n for n, known in enumerate(self.sites) if _places(known) == _places(site)]
        if not same:
            self.sites.append(site)
        return same[0] if same else len(self.sites) - 1

    def branch(self, assume: Assume, state: Open, context: Context[Open]) -> Open:
        """Branches open and close nothing; a side that is taken is one where a token lives."""
        self._alive(assume, state, context)
        return state

    def _alive(self, instr: Instr, state: Open, context: Context[Open]) -> None:
        for token in state:
            self.live.setdefault((context.key, token), set()).add(id(instr))

    def feasible(self, call: Call, state: Open) -> bool:
        """A VM that is bugged still has to give back what it took."""
        return True

    def after(self, call: Call, facts: Facts) -> None:
        """Remember that the VM was bugged; success is not busy. Changes ``facts``."""
        if call.callee in BUGS_VM:
            facts[Pred("bugged", ())] = 1
        tested = call.args[0] if call.callee in BUSY_TESTS and call.args else None
        if tested is not None and call.result is not None and facts.get(tested) == 0:
            facts[call.result] = 0

    def hole(self, state: Open) -> Open:
        """Unknown statements may have opened or closed anything."""
        return frozenset((Token("?", UNSURE),))

    def unknown(self) -> Open:
        """Callers are not shown: nothing of theirs is followed."""
        return frozenset()


def _failure(state: Open) -> str:
    """The watched call that failed."""
    return next((t.name[1:] for t in sorted(state, key=lambda t: t.name) if t.name.startswith("!")), "")


def _places(site: Site) -> list[tuple[Key, str, int]]:
    """The first and the next step of a walk are one place."""
    return [(key, call.callee, call.line) for key, call in site]
