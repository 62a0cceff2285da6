"""Out-parameters: the returns of a function that leave one unwritten, and the callers that read it all the same.

A function is walked with the places that nobody has written yet as the state: its own out-parameters at the entry, and
the variables that a callee may leave alone. The value that the callee returns then is kept with each case, so that a
caller that looks at the result first reads nothing unset; so are the values that its parameters have then.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from analyzer.analyses.facts import Facts, shown, step
from analyzer.analyses.outplaces import candidates, place_of, reads_place, touched
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.analyses.walk import Walk
from analyzer.core.finding import Step
from analyzer.dataflow.values import NEG, NZ, Alias, Value, evaluate
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key
from analyzer.ir.types import (
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Expr,
    Function,
    Instr,
    Name,
    Return,
)

_CODE = re.compile(r"^TDX_[A-Z0-9_]+$")


@dataclass(frozen=True, slots=True)
class Unset:
    """An exit of a function that leaves the out-parameter ``index`` alone; ``code`` names what it returns then.

    ``steps`` lead from the function down to the return that forgets it, which is ``instr`` of ``where``; ``given`` are
    the parameters, by their places, that have one value whenever it gets there.
    """

    index: int
    name: str
    value: Value | None
    code: str
    where: Key
    instr: Instr = field(hash=False, compare=False)
    line: int
    steps: tuple[Step, ...] = field(hash=False, compare=False)
    given: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Read:
    """A read of what a callee left unset: the reader, the place, the call, and whether something older is there."""

    function: Function
    instr: Instr
    place: str
    call: Call
    stale: bool
    unset: Unset


@dataclass(frozen=True, slots=True)
class _Token:
    """A place that is unset; ``unset`` and ``call`` are None for an out-parameter that nothing has touched yet."""

    place: str
    unset: Unset | None = None
    call: Call | None = field(default=None, hash=False, compare=False)


State = frozenset[_Token]
Summary = tuple[Unset, ...]


class Outputs:
    """The Property that follows unset places through one function; ``summaries`` are those of its callees."""

    def __init__(self, facts: Facts, function: Function, summaries: dict[Key, Summary]) -> None:
        self.facts = facts
        self.function = function
        self.summaries = summaries
        self.constants = {**facts.vocabulary.constants, **facts.program.constants}
        self.codes: dict[int, str] = {}
        self.assigned = function.assigned
        self.candidates = candidates(function) | self._handed_on()
        self.inout: set[str] = set()
        self.exits: dict[tuple[int, str, int], Unset] = {}
        self.reads: dict[tuple[int, str], Read] = {}

    def _handed_on(self) -> dict[str, int]:
        """The parameters that go to a callee as an output that it may leave unset."""
        mine = {p.name: i for i, p in enumerate(self.function.params) if p.name and p.type.endswith("*")}
        found: dict[str, int] = {}
        for call in self.function.calls() if self.summaries else ():
            for key in self.facts.program.resolve(call.callee, self.function.path) if call.callee else ():
                left = {u.index for u in self.summaries.get(key, ())}
                names = [call.args[i].text for i in left if i < len(call.args)]
                found |= {f"*{name}": mine[name] for name in names if name in mine}
        return found

    def start(self) -> State:
        """At the entry no out-parameter is written."""
        return frozenset(_Token(place) for place in self.candidates)

    def call(self, call: Call, state: State, facts: Known) -> list[tuple[State, Value | None, Known]]:
        """Exits of a callee: its outputs are written, or left alone with the value it returns then."""
        if call.callee in BUSY_TESTS and call.args:
            return [(state, self._says(call.callee, evaluate(call.args[0], facts, self.constants)), {})]
        targets, args = self._targets(call)
        places = {i: p for i, a in enumerate(args) if (p := place_of(a))}
        written = frozenset(t for t in state if not touched(t.place, places.values()))
        exits: list[tuple[State, Value | None, Known]] = [(written, None, {})]
        for (value, given), unset in self._cases(targets).items():
            told = self._told(given, args, facts)
            left = frozenset(
                _Token(places[u.index], u, call)
                for u in unset
                if u.index in places and places[u.index] not in self.assigned and self._ours(places[u.index])
            )
            if left and told is not None:
                for other in unset:
                    facts.update(self._named(other))
                exits.append((written | left, value, told))
        return exits

    def _told(self, given: frozenset[tuple[int, int]], args: Sequence[Expr], facts: Known) -> Known | None:
        """What an exit tells of the arguments; None where one of them has another value."""
        told: Known = {}
        for index, number in given:
            if index < len(args) and isinstance(args[index], Name | Const):
                known = evaluate(args[index], facts, self.constants)
                if (isinstance(known, int) and known != number) or (number == 0 and known in (NZ, NEG)):
                    return None
                told[args[index]] = number
        return told

    def _cases(self, targets: Iterable[Key]) -> dict[tuple[Value | None, frozenset[tuple[int, int]]], list[Unset]]:
        cases: dict[tuple[Value | None, frozenset[tuple[int, int]]], list[Unset]] = {}
        for key in targets:
            for unset in self.summaries.get(key, ()):
                cases.setdefault((unset.value, unset.given), []).append(unset)
                if isinstance(unset.value, int):
                    self.codes[unset.value] = unset.code
        return cases

    def _named(self, unset: Unset) -> Known:
        """A status code without a known number stands for one of its own, so that a comparison tells codes apart."""
        return {Name(unset.code): unset.value} if unset.code and isinstance(unset.value, int) else {}

    def _targets(self, call: Call) -> tuple[list[Key], tuple[Expr, ...]]:
        """Who is called with what; a macro that is not visible calls the function it is given (tdh_do_no_vcpus)."""
        program, path = self.facts.program, self.function.path
        if not call.callee:
            entries = program.tables.get(call.table, ())
            return [k for e in entries for k in program.resolve(e.function, e.path)], call.args
        found = list(program.resolve(call.callee, path))
        for index, arg in enumerate(call.args if not found else ()):
            given = program.resolve(arg.id, path) if isinstance(arg, Name) else ()
            if any(k in self.summaries for k in given):
                return list(given), call.args[index + 2 :]
        return found, call.args

    def _ours(self, place: str) -> bool:
        """A local variable (or a part of one), or what an out-parameter of our own points to."""
        root = place.split(".")[0]
        return place in self.candidates or ("->" not in place and "[" not in place and root in self.function.locals)

    def _says(self, test: str, value: Value | None) -> Value | None:
        """What a test for one status says of a known one."""
        if value == 0:
            return 0
        code = self.codes.get(value) if isinstance(value, int) else None
        return None if code is None else int(("BUSY" if "busy" in test.lower() else "INVALID") in code)

    def observe(self, instr: Instr, state: State, facts: Known) -> None:
        """Reads of unset places, and returns that leave an out-parameter alone."""
        ordered = sorted(state, key=lambda token: token.place)
        for token in ordered:
            if reads_place(instr, token.place):
                self._read(instr, token)
        if isinstance(instr, Return):
            for token in ordered:
                if token.place in self.candidates:
                    self._leave(instr, token, facts)

    def _read(self, instr: Instr, token: _Token) -> None:
        if token.unset is None or token.call is None:
            self.inout.add(token.place)
            return
        stale = any(
            c is not token.call and c.callee != token.call.callee and token.place in map(place_of, c.args)
            for c in self.function.calls()
        )
        read = Read(self.function, instr, token.place, token.call, stale, token.unset)
        self.reads.setdefault((token.unset.line, token.place), read)

    def _leave(self, instr: Return, token: _Token, facts: Known) -> None:
        value, code = self._returned(instr, facts)
        index = self.candidates[token.place]
        name = self.function.params[index].name
        if token.unset is None or token.call is None:
            last = step(self.function, instr, f"returns {code or 'here'} and leaves *{name} unset")
            made = Unset(index, name, value, code, self.function.key, instr, instr.line, (last,))
        else:
            old = token.unset
            first = step(self.function, token.call, f"hands {name} to {shown(token.call)}")
            made = Unset(index, name, value, code or old.code, old.where, old.instr, old.line, (first, *old.steps))
        given = frozenset(
            (i, known)
            for i, p in enumerate(self.function.params)
            if p.name not in self.assigned and isinstance(known := facts.get(Name(p.name)), int)
        )
        old_given = self.exits[key].given if (key := (index, code, made.line)) in self.exits else given
        self.exits[key] = replace(self.exits.get(key, made), given=given & old_given)

    def _returned(self, instr: Return, facts: Known) -> tuple[Value | None, str]:
        """The value of a return, and its name; a status code without a known number gets one of its own."""
        if instr.value is None:
            return None, ""
        expr, known = instr.value, facts.get(instr.value)
        if isinstance(known, Alias) and isinstance(known.expr, Name) and known.expr.id.isupper():
            expr = known.expr
        value = evaluate(expr, facts, self.constants)
        named = isinstance(expr, Name) and expr.id.isupper()
        if value is None and named:
            value = _number(expr.text)
        if named or not expr.names:
            return value, expr.text
        return value, self.codes.get(value, "") if isinstance(value, int) else ""

    def assign(self, instr: Assign, state: State) -> State:
        """A store writes its place."""
        target = instr.target.text
        aliases = (target, f"*{target[:-3]}" if target.endswith("[0]") else f"*{target.split('->')[0]}")
        return frozenset(t for t in state if not touched(t.place, aliases))

    def hole(self, state: State) -> State:
        """Unknown statements may write everything."""
        return frozenset()

    def run(self) -> tuple[Summary, list[Read]]:
        """Walk the function."""
        codes = {c: _number(c) for c in _compared(self.function) if c not in self.constants}
        self.codes |= {number: code for code, number in codes.items()}
        known: Known = {Name(code): number for code, number in codes.items()}
        Walk(self.function, self.facts.program, self.constants, self).run(self.start(), known)
        dead = {self.candidates[p] for p in self.inout if p in self.candidates}
        return tuple(u for u in self.exits.values() if u.index not in dead), list(self.reads.values())


def _number(code: str) -> int:
    """A number of its own for a status code whose number is not known."""
    return zlib.crc32(code.encode()) | 1 << 63


def _compared(function: Function) -> Iterator[str]:
    """The status codes that a function asks for."""
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assume) and isinstance(instr.cond, Binary) and instr.cond.op in ("==", "!="):
                yield from (n for n in instr.cond.names if _CODE.match(n))


def unset_reads(facts: Facts, first: Iterable[Function]) -> list[Read]:
    """The reads of unset outputs of ``first`` and of whatever hands their outputs on."""
    summaries: dict[Key, Summary] = {}
    reads: dict[tuple[Key, int, str, int], Read] = {}
    work = deque(first)
    queued = {f.key for f in work}
    rounds = 0
    while work and rounds < 2_000:
        rounds += 1
        function = work.popleft()
        queued.discard(function.key)
        summary, found = Outputs(facts, function, summaries).run()
        for read in found:
            reads.setdefault((read.unset.where, read.unset.line, read.function.name, read.instr.line), read)
        if summary != summaries.get(function.key, ()):
            summaries[function.key] = summary
            for caller in _callers(facts, function):
                if caller.key not in queued:
                    queued.add(caller.key)
                    work.append(caller)
    return list(reads.values())


def _callers(facts: Facts, function: Function) -> Iterator[Function]:
    keys = facts.names.callers.get(function.key, ())
    yield from facts.program.functions(k for k in keys if facts.program.definitions[k].kind == "function")


def writes_outputs(function: Function) -> bool:
    """Whether a function has an out-parameter that it writes somewhere."""
    return bool(candidates(function))
