"""Compare-exchanges: what they compare with, whether a failure brings that up to date, and helpers that wrap them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.analyses.reception import condition
from analyzer.dataflow.project import substitute
from analyzer.ir.program import Key
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Index,
    Name,
    Return,
    Unary,
)

TRY = re.compile(r"^(?:__|raw_|arch_)*(?:atomic(?:64|_long)?_)?try_cmpxchg(?:_?64|_?128)?(?:_\w+)?$")
VALUE = re.compile(r"^(?:__|raw_|arch_)*(?:atomic(?:64|_long)?_)?cmpxchg(?:_?64|_?128)?(?:_\w+)?$")
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """One compare-exchange in the words of the function that makes it.

    ``place``: the memory; ``expected``: what it must hold; ``new``: what it gets (None where a helper makes it).
    ``refreshes``: a failure writes the current value to ``expected``. ``fails``: the result of a failure: ``zero``,
    ``nonzero``, or ``differs`` (from ``expected``).
    """

    call: Call
    place: Expr
    expected: Expr
    new: Expr | None
    refreshes: bool
    fails: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What a helper does, in the words of its parameters."""

    key: Key
    place: Expr
    expected: Expr
    refreshes: bool
    fails: str
    through: Exchange


@dataclass(slots=True)
class Exchanges:
    """All compare-exchanges of a program, helpers included; found from the inside out."""

    facts: Facts
    wrapped: dict[Key, list[Wrapped]] = field(default_factory=dict)

    def functions(self) -> Iterator[tuple[Function, list[Exchange]]]:
        """Each function that makes one, itself or through a helper, once."""
        names = self.facts.names
        wave = names.where(
            lambda d: (
                d.kind == "function" and any("cmpxchg" in w and (TRY.match(w) or VALUE.match(w)) for w in d.mentions)
            )
        )
        done: set[Key] = set()
        while wave:
            helpers: set[Key] = set()
            for key in sorted(wave):
                function = self.facts.program.lower(key)
                if function is None or function.kind != "function":
                    continue
                found = list(self.of(function))
                done.add(key)
                if found:
                    self.export(function, found)
                    helpers |= {key} if self.wrapped.get(key) else set()
                    yield function, found
            wave = frozenset(c for k in helpers for c in names.callers.get(k, ()) if c not in done)

    def of(self, function: Function) -> Iterator[Exchange]:
        """The exchanges of one function."""
        for call in function.calls():
            if len(call.args) > 2 and TRY.match(call.callee):
                yield Exchange(call, _pointee(call.args[0]), _pointee(call.args[1]), call.args[2], True, "zero")
            elif len(call.args) > 2 and VALUE.match(call.callee):
                yield Exchange(call, _pointee(call.args[0]), call.args[1], call.args[2], False, "differs")
            elif call.callee:
                for key in self.facts.program.resolve(call.callee, function.path):
                    for known in self.wrapped.get(key, ()):
                        made = self.seen_from(call, known)
                        if made is not None:
                            yield made

    def seen_from(self, call: Call, known: Wrapped) -> Exchange | None:
        """A helper's exchange in the words of its caller."""
        helper = self.facts.program.lower(known.key)
        if helper is None:
            return None
        place, expected = known.place, known.expected
        for param, arg in zip(helper.params, call.args, strict=False):
            if param.name:
                place, expected = substitute(place, param.name, arg), substitute(expected, param.name, arg)
        return Exchange(call, place, expected, None, known.refreshes, known.fails)

    def export(self, function: Function, found: list[Exchange]) -> None:
        """What callers can see: an expected value that they gave."""
        params = {p.name for p in function.params}
        for one in found:
            fails = _fails(function, one)
            if not fails:
                continue
            expected, refreshes = one.expected, one.refreshes
            if isinstance(expected, Name) and expected.id not in params:
                origin = _copied(function, expected.id, params)
                if origin is None:
                    continue
                refreshes = refreshes and _written_back(function, origin, expected)
                expected = origin
            elif isinstance(expected, Name):
                refreshes = False  # the helper has a copy of its own
            elif not expected.names <= params | {"%"} or not expected.names & params:
                continue
            refreshes = refreshes or _assigned(function, expected)
            self.wrapped.setdefault(function.key, []).append(
                Wrapped(function.key, one.place, expected, refreshes, fails, one)
            )

    def writes(self, key: Key, field_name: str, depth: int = MAX_DEPTH) -> bool:
        """Whether a function, or what it calls, stores to a field of that name."""
        found = self.facts.program.definitions.get(key)
        if found is None:
            return True
        if field_name in found.mentions:
            function = self.facts.program.lower(key)
            for block in function.blocks if function is not None else ():
                for instr in block.instrs:
                    target = instr.target if isinstance(instr, Assign) else getattr(instr, "result", None)
                    if isinstance(target, Field) and target.name == field_name:
                        return True
        return depth > 0 and any(self.writes(k, field_name, depth - 1) for k in self.facts.names.callees.get(key, ()))


def _pointee(expr: Expr) -> Expr:
    return expr.base if isinstance(expr, Addr) else Deref(expr)


def failing_sides(function: Function, one: Exchange) -> Iterator[tuple[int, Assume]]:
    """The branches taken when an exchange failed: the block, and the condition."""
    names = {one.call.result.text} if one.call.result is not None else set()
    grown = True
    while grown:
        grown = False
        for block in function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assign) and instr.value.text in names and instr.target.text not in names:
                    names.add(instr.target.text)
                    grown = True
    for index, block in enumerate(function.blocks):
        for instr in block.instrs:
            if isinstance(instr, Assume) and _failed(instr, names, one):
                yield index, instr


def _failed(assume: Assume, names: set[str], one: Exchange) -> bool:
    if one.fails == "differs":
        cond, truth = assume.cond, assume.truth
        while isinstance(cond, Unary) and cond.op == "!":
            cond, truth = cond.operand, not truth
        if not isinstance(cond, Binary) or cond.op not in ("==", "!="):
            return False
        sides = {cond.left.text, cond.right.text}
        return bool(sides & names) and (cond.op == "!=") is truth
    test = condition(assume.cond)
    if test is None:
        return assume.cond.text in names and assume.truth is (one.fails == "nonzero")
    if test.subject not in names:
        return False
    holds = test.holds is assume.truth
    if test.kind == "true":
        return holds is (one.fails == "nonzero")
    return one.fails == "nonzero" and test.kind in ("negative", "equal") and holds


def _fails(function: Function, one: Exchange) -> str:
    """What the function returns when the exchange failed; empty when callers cannot tell."""
    result = one.call.result.text if one.call.result is not None else ""
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Return) and instr.value is not None and result and one.fails != "differs":
                value: Expr = instr.value
                flips = 0
                while isinstance(value, Unary) and value.op == "!":
                    value, flips = value.operand, flips + 1
                if value.text == result:
                    return one.fails if flips % 2 == 0 else {"zero": "nonzero", "nonzero": "zero"}[one.fails]
    for start, _ in failing_sides(function, one):
        answer = _answer(function, start, result, one.fails)
        if answer:
            return answer
    return ""


def _answer(function: Function, start: int, result: str, fails: str) -> str:
    """The first return behind a branch, as ``zero`` or ``nonzero``."""
    seen, work = {start}, [start]
    stored: dict[str, Expr] = {}
    while work:
        block = work.pop(0)
        for instr in function.blocks[block].instrs:
            if isinstance(instr, Assign):
                stored[instr.target.text] = instr.value
            if isinstance(instr, Return):
                value = stored.get(instr.value.text, instr.value) if instr.value is not None else None
                if value is None:
                    return ""
                if value.text == result:
                    return fails
                return "zero" if isinstance(value, Const) and value.value == 0 else "nonzero"
        for nxt in function.blocks[block].successors:
            if nxt not in seen:
                seen.add(nxt)
                work.append(nxt)
    return ""


def _copied(function: Function, name: str, params: set[str]) -> Expr | None:
    """The memory of the caller that a local is a copy of, where it is read once."""
    values = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target.text == name]
    if len(values) == 1 and isinstance(values[0], Field | Deref | Index | Name):
        return values[0] if values[0].names and values[0].names <= params else None
    return None


def _written_back(function: Function, origin: Expr, local: Expr) -> bool:
    return any(
        isinstance(i, Assign) and i.target.text == origin.text and i.value.text == local.text
        for b in function.blocks
        for i in b.instrs
    )


def _assigned(function: Function, place: Expr) -> bool:
    """Whether a helper reads the place of its caller anew by itself."""
    if isinstance(place, Name):
        return False
    return any(
        (isinstance(i, Assign) and i.target.text == place.text)
        or (isinstance(i, Call) and i.result is not None and i.result.text == place.text)
        for b in function.blocks
        for i in b.instrs
    )


def refreshed_by(exchanges: Exchanges, function: Function, instr: object, one: Exchange) -> bool:
    """Whether an instruction writes what an exchange compares with, or goes on to another place."""
    target = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
    watched = {one.expected.text, one.place.text} | one.expected.names | one.place.names
    again = isinstance(instr, Call) and instr.callee.startswith("rcu_dereference")
    if again and target is not None and target.text[0] == "%" and target.text not in one.expected.names:
        return False  # the same place, looked at again
    if target is not None and target.text in watched:
        return True
    if not isinstance(instr, Call) or instr is one.call:
        return False
    for arg in instr.args:
        if isinstance(arg, Addr) and arg.base.text in {one.expected.text, *one.expected.names}:
            given = True
        else:
            given = isinstance(one.expected, Field) and arg.text == _owner(one.expected)
        if given and _stores(exchanges, function, instr, one.expected):
            return True
    return False


def _owner(expr: Field) -> str:
    return expr.base.base.text if isinstance(expr.base, Deref) else expr.base.text


def _stores(exchanges: Exchanges, function: Function, call: Call, place: Expr) -> bool:
    keys = exchanges.facts.program.resolve(call.callee, function.path) if call.callee else ()
    if not keys or not isinstance(place, Field):
        return True  # not shown, or a variable handed over by address: taken as written
    return any(exchanges.writes(k, place.name) for k in keys)
