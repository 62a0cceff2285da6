"""Which errors a function may return, across calls, macros and ops tables, and what every variable may hold of them.

A token is a value that a result can have: an errno, an enumerator, a number. It remembers what the path said of it:
that the VM was bugged, under which predicate it was made, that a narrow type or a comparison took its sign.
Summaries are made on demand and kept; a call that leads back to itself adds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from analyzer.analyses.able import able_of, is_constant, is_small
from analyzer.analyses.facts import Facts
from analyzer.analyses.facts import step as at_step
from analyzer.analyses.keptflows import KeptFlows
from analyzer.analyses.locks import BUGS_VM
from analyzer.analyses.reception import ERRNO, narrow_kind, signed, tests_of, truth_of
from analyzer.analyses.tokens import (
    ANY,
    NONE,
    SOME,
    Flow,
    Items,
    Known,
    State,
    Token,
    by_place,
    like,
    narrowed,
    on_path,
)
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.core.finding import Step
from analyzer.dataflow.settings import fetched
from analyzer.ir.cfg import Worklist
from analyzer.ir.program import Key
from analyzer.ir.types import (
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Hole,
    Index,
    Init,
    Instr,
    Name,
    Return,
    Unary,
)

PASSES = frozenset(("PTR_ERR", "ERR_PTR", "ERR_CAST", "PTR_ERR_OR_ZERO", "xa_err", "READ_ONCE"))
_WORD = re.compile(r"%?\w+")
MAX_LINES = 40  # of a helper that may hand on an error that it is given
HOLE = "__nak_hole__"  # the word of a rebuilt image for text that is missing

# What runs a function and gives its result -> the argument that it is.
_RUN = {"smp_call_on_cpu": 1, "work_on_cpu": 1, "work_on_cpu_safe": 1, "stop_machine": 0, "stop_machine_cpuslocked": 0}


class Errors:
    """The errors of a program; one object serves all rules (``facts.solve``).

    ``shallow``: callees are not looked into, each may give any error: a cheap first look that leaves few functions.
    """

    def __init__(self, facts: Facts, known: Known, shallow: bool = False) -> None:
        self.facts = facts
        self.shallow = shallow
        self.program = facts.program
        self.known = known
        self.fetched: dict[Key, dict[str, str]] = {}
        self.able = able_of(facts, known, known.retries | BUGS_VM | {HOLE})
        self.flows = KeptFlows(facts.program, self.able)
        slot = ("errors", known, shallow)
        self.flows.take_over(facts.program.left.get(slot))
        facts.program.left[slot] = self.flows

    def flow(self, key: Key) -> Flow | None:
        """The solved function; None when it cannot be read, or is being solved further up."""
        return self.flows.of(key, self.answer, lambda: self._solved(key))

    def _solved(self, key: Key) -> Flow | None:
        function = self.program.lower(key)
        return None if function is None else Pass(self, function).solve()

    def answer(self, key: Key, given: bool) -> Mapping[Token, Instr]:
        """What a function may return, or makes of an error that it is ``given``."""
        return (self.passed(key) if given else {}) or self.results(key)

    def results(self, key: Key) -> Mapping[Token, Instr]:
        """The tokens that a function may return, each with the return."""
        able = key in self.able
        flow = self.flow(key) if able or is_small(self.program.definitions[key]) else None
        return flow.results if flow is not None and (able or is_constant(flow)) else {}

    def passed(self, key: Key) -> Mapping[Token, Instr]:
        """What a function that has no errors of its own does with one that it is given."""
        definition = self.program.definitions[key]
        flow = self.flow(key) if definition.end_line - definition.line < MAX_LINES else None
        return {t: i for t, i in flow.results.items() if t.name[0] == "@"} if flow is not None else {}

    def targets(self, call: Call, function: Function) -> list[Key]:
        """The definitions that a call may reach: by name, through an ops table, through a variable read from one."""
        table = call.table
        if call.callee:
            keys = [k for k in self.program.resolve(call.callee, function.path) if k != function.key]
            if keys:
                return keys
            if call.callee in _RUN and _RUN[call.callee] < len(call.args):
                return list(self.program.resolve(call.args[_RUN[call.callee]].text, function.path))
            if function.key not in self.fetched:
                self.fetched[function.key] = fetched(function)
            table = self.fetched[function.key].get(call.callee, "")
        found: dict[Key, None] = {}
        for entry in self.program.tables.get(table, ()):
            found.update(dict.fromkeys(self.program.resolve(entry.function, entry.path)))
        return list(found)

    def items_of(self, call: Call, function: Function, args: Callable[[Expr], Items]) -> dict[Token, None]:
        """The tokens that a call may give."""
        out: dict[Token, None] = {}
        keys = self.targets(call, function)
        if self.shallow and not self.able.isdisjoint(keys):
            again = (Token(word, False, hides="?") for word in self.known.retries)
            return dict.fromkeys((ANY, Token("0", False), *again))
        if not keys and (names := self.known.externals(call.name)):
            out.update((Token(name, True), None) for name in names)
            out.update(dict.fromkeys((SOME, Token("0", False))))
        answers: dict[Key, Mapping[Token, Instr]] = {}
        for key in keys:
            given = key not in self.able and any(t.error for a in call.args for t, _ in args(a))
            answers[key] = self.answer(key, given)
            self.flows.note(function.key, key, given, answers[key])
        whole = all(answer or key in self.able for key, answer in answers.items())
        for key, answer in answers.items():
            for token in answer:
                if not (whole or token.error or key in self.able):
                    continue  # one of several always gives the same, another one gives what is not known
                if token.name[0] != "@" or token.known:
                    out[token] = None
                elif int(token.name[1:]) < len(call.args):
                    for known, _ in args(call.args[int(token.name[1:])]):
                        out[narrowed(known, token.narrow)] = None
        return out

    def trace(self, key: Key, token: Token, seen: frozenset[Key] = frozenset()) -> tuple[Step, ...]:
        """The way a token came into being, from the call that gave it down to where it was written."""
        flow = self.flow(key)
        if flow is None or key in seen:
            return ()
        made = flow.results.get(token) or next((i for t, i in flow.results.items() if like(t, token)), None)
        return () if made is None else self.steps(flow.function, token, made, seen | {key})

    def steps(
        self, function: Function, token: Token, made: Instr, seen: frozenset[Key] = frozenset()
    ) -> tuple[Step, ...]:
        """The same, from an item of a function."""
        plain = f"-{token.hides or token.name}" if token.error or token.hides else token.name
        what = "an error" if token.name == "@" else plain
        dead = " after the VM is bugged" if token.bugged else ""
        if not isinstance(made, Call):
            return (at_step(function, made, f"{token.name} stands for {what}" if token.hides else f"{what}{dead}"),)
        here = at_step(function, made, f"{made.name}() may return {what}{dead}")
        for key in self.targets(made, function):
            if any(like(t, token) for t in self.results(key)):
                return (here, *self.trace(key, token, seen))
        return (here,)


class Pass:
    """One function being solved, or stepped through again."""

    def __init__(self, errors: Errors, function: Function, again: Flow | None = None) -> None:
        self.errors = errors
        self.function = function
        self.flow = again or Flow(function, tests_of(function, BUSY_TESTS | errors.known.predicates, errors.known.dead))
        self.types = {**function.locals, **{p.name: p.type for p in function.params}}
        self.sign = narrow_kind(function.returns)

    def solve(self) -> Flow:
        """Worklist over the blocks."""
        entry = State({})
        first = [i for b in self.function.blocks for i in b.instrs][:1]
        for index, param in enumerate(self.function.params):
            if param.name and (signed(param.type) or narrow_kind(param.type) == "bool"):
                token = Token(f"@{index}", True, narrow=narrow_kind(param.type))
                entry.env[param.name] = frozenset((token, i) for i in first)
        starts = self.flow.starts
        starts[0] = entry
        work = Worklist(self.function, None)
        while work and work.rounds < 4_000:
            block, _ = work.take()
            state = starts[block].copy()
            for instr in self.function.blocks[block].instrs:
                self.transfer(instr, state)
                if state.refuted:
                    break
            for nxt in () if state.refuted else self.function.blocks[block].successors:
                if nxt not in starts:
                    starts[nxt] = state.copy()
                elif not starts[nxt].join(state):
                    continue
                work.add(nxt, None)
        return self.flow

    def transfer(self, instr: Instr, state: State) -> None:
        """One instruction."""
        match instr:
            case Call():
                self.call(instr, state)
            case Assign(target=Name(id=temp), value=Const(value=1)) if temp[0] == "%" and state.just:
                self.assign(instr.target, self.narrow(state.just, "bool", instr), instr, state)
            case Assign():
                self.assign(instr.target, self.items(instr.value, state, instr), instr, state)
            case Assume():
                self.assume(instr, state)
            case Return() if instr.value is not None:
                self.leave(instr, state)
            case Hole():
                state.env.clear()
                state.failed = NONE  # it may have been handled
                if signed(self.function.returns) and not _gives_minus_one(self.function):
                    # what is not shown may return any error
                    self.flow.results.setdefault(ANY, instr)

    # -- values --------------------------------------------------------------------------------------------------

    def items(self, expr: Expr, state: State, at: Instr) -> Items:
        """What an expression may be."""
        match expr:
            case Name():
                known = state.env.get(expr.id)
                return known if known is not None else self.word(expr, state, at)
            case Field() | Deref() | Index():
                return state.env.get(expr.text, NONE)
            case Const():
                word = "0" if expr.value == 0 else expr.text
                return frozenset([(Token(word, False, state.bugged), at)])
            case Unary(op="-", operand=Name(id=word)) if ERRNO.match(word):
                return frozenset([(Token(word, True, state.bugged, state.under), at)])
            case Unary(op="!", operand=Unary(op="!", operand=inner)):
                return self.answer(self.items(inner, state, at), at)
            case Binary(op="!=" | "<", right=Const(value=0)):
                return self.answer(self.items(expr.left, state, at), at)
            case Binary(op="|"):
                return self.items(expr.left, state, at) | self.items(expr.right, state, at)
            case Init():
                return NONE
        return NONE

    def word(self, name: Name, state: State, at: Instr) -> Items:
        """An enumerator."""
        if not name.id.isupper() or name.id in self.types:
            return NONE
        token = Token(name.id, False)
        return self.standing(frozenset([(token, at)]), state.failed)

    def standing(self, items: Items, failed: Items) -> Items:
        """Values that ask for another try, seen after a failure: they stand for it."""
        words = self.errors.known.retries
        seen = self.flow.narrowed  # what a callee made a yes or no is no failure
        causes = [(t, made) for t, made in failed if t.known and (not t.narrow or (t, made) in seen)]
        out = set()
        for token, made in items:
            mine = [c for c in causes if c[1] is not made] if token.name in words and not token.hides else []
            out |= {(Token(token.name, False, t.bugged, t.under, "", t.name), at) for t, at in mine}
            if not mine:
                out.add((token, made))
        return frozenset(out)

    def answer(self, items: Items, at: Instr) -> Items:
        """A comparison: the errors become flags, what is no error may still be zero."""
        return self.narrow(items, "bool", at) | frozenset(i for i in items if not i[0].error)

    def narrow(self, items: Items, kind: str, at: Instr) -> Items:
        """Errors that lose their sign here; an errno that is only a parameter counts where it is given."""
        out = set()
        for token, made in items:
            if not token.error:
                continue
            item = (narrowed(token, kind), made)
            if not token.narrow:
                self.flow.narrowed.setdefault(item, (token, at))
            out.add(item)
        return frozenset(out)

    def assign(self, target: Expr, items: Items, at: Instr, state: State) -> None:
        """Store; a narrow variable takes the sign."""
        kind = narrow_kind(self.types.get(target.id, "")) if isinstance(target, Name) else ""
        plain = NONE
        if kind and any(t.error for t, _ in items):
            plain = frozenset(i for i in items if not i[0].error)
            items = self.narrow(items, kind, at) | plain
        if isinstance(target, Name):
            for text in [t for t in state.env if target.id in t and t != target.id and target.id in _WORD.findall(t)]:
                del state.env[text]
        if state.failed and target.text in state.env:
            state.failed -= state.env[target.text]
        state.env[target.text] = items

    def call(self, call: Call, state: State) -> None:
        """A call: what it returns; and the VM may be bugged by it."""
        state.just = NONE
        if call.callee in BUGS_VM and not any(isinstance(a, Name) and a.id == "NULL" for a in call.args[-1:]):
            self.bug(state)
        state.failed = frozenset(i for i in state.failed if i[1] is not call)
        if call.result is None:
            return
        if call.callee in PASSES and call.args:
            items = frozenset((replace(t, narrow=""), i) for t, i in self.items(call.args[0], state, call))
        else:
            given = self.errors.items_of(call, self.function, lambda e: self.items(e, state, call))
            items = frozenset((on_path(t, state.bugged, state.under), call) for t in given)
        self.assign(call.result, items, call, state)

    def bug(self, state: State) -> None:
        """From here on the VM is dead."""
        state.bugged = True
        state.failed = _bugged(state.failed)
        state.env = {n: _bugged(items) for n, items in state.env.items()}

    # -- tests ---------------------------------------------------------------------------------------------------

    def assume(self, assume: Assume, state: State) -> None:
        """What a branch tells of the values."""
        state.just = NONE
        test = truth_of(assume.cond, assume.truth, self.flow.tests)
        if test is None:
            return
        if test.kind == "dead" or not self.errors.known.dead.isdisjoint(_words(test.subject)):
            if test.holds:
                self.bug(state)
            return
        if test.kind == "predicate":
            state.under = test.word if test.holds else "" if state.under == test.word else state.under
            return
        old = state.env.get(test.subject)
        if old is None:
            return
        new = frozenset(i for i in old if test.passes(i[0].name, i[0].error))
        if test.kind == "busy":
            new = NONE if test.holds else old
        state.env[test.subject] = new
        gone = not new and test.kind != "busy" and bool(old) and all(isinstance(i, Call) for _, i in old)
        state.refuted = gone and not self.errors.shallow  # a first look does not know all that a call gives
        state.failed -= old - new
        if new and all(t.bugged for t, _ in new):
            self.bug(state)
        state.just = frozenset(i for i in new if i[0].error) if test.failing and test.kind == "true" else NONE
        if test.failing:
            self.fail(test.subject, frozenset(i for i in new if i[0].error or i[0].hides), state)

    def fail(self, subject: str, bad: Items, state: State) -> None:
        """From here on something has failed: what asks for another try stands for it."""
        state.failed |= bad
        for name, items in state.env.items() if bad else ():
            if name != subject and any(t.name in self.errors.known.retries for t, _ in items):
                state.env[name] = self.standing(items, bad)

    def leave(self, instr: Return, state: State) -> None:
        """A return: its tokens are the function's."""
        assert instr.value is not None
        items = self.items(instr.value, state, instr)
        if self.sign:
            plain = frozenset(i for i in items if not i[0].error)
            items = self.narrow(items, self.sign, instr) | plain
        for token, made in by_place(items):
            self.flow.results.setdefault(token, made)
        if not items:  # any number; a pointer that nothing is known of is taken for one that can be followed
            zero = () if "*" in self.function.returns else (Token("0", False),)
            self.flow.results.update((t, instr) for t in (SOME, *zero) if t not in self.flow.results)


def _gives_minus_one(function: Function) -> bool:
    """Whether a function says by a plain -1 that it failed: what is not shown of it has no errno then."""
    instrs = (i for b in function.blocks for i in b.instrs if isinstance(i, Return))
    return any(isinstance(i.value, Const) and i.value.text == "-1" for i in instrs)


@cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text))


def _bugged(items: Items) -> Items:
    return frozenset((replace(t, bugged=True) if t.error or t.hides else t, i) for t, i in items)
