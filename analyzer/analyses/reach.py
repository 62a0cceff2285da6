"""Whether code is reached with a given value: through the tests of a function, of its helpers, of all its callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from analyzer.analyses.depends import depending, texts
from analyzer.analyses.facts import Facts, has_hole, shown, step, words
from analyzer.analyses.walk import Walk
from analyzer.core.finding import Step
from analyzer.dataflow.project import into_callee, result_class
from analyzer.dataflow.values import Constants, Value, evaluate, truth
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key, Program
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Deref,
    Expr,
    Field,
    Function,
    Init,
    Instr,
    Name,
    Return,
)

MAX_CLIMB = 8
MAX_HELPERS = 3


class _Asked:
    """A visitor that notes whether an instruction is met, and which tests kept paths from going on."""

    def __init__(self, program: Program, constants: Constants, function: Function, wanted: Instr | None, depth: int):
        self.program = program
        self.constants = constants
        self.function = function
        self.wanted = wanted
        self.depth = depth
        self.met = False
        self.refused: list[Instr] = []
        self.results: list[Value | None] = []
        self.tested: dict[str, Call] = {}

    def observe(self, instr: Instr, state: int, facts: Known) -> None:
        if instr is self.wanted:
            self.met = True
        if isinstance(instr, Assume):
            known = truth(evaluate(instr.cond, facts, self.constants))
            if known is not None and known is not instr.truth:
                self.refused.append(instr)
        elif isinstance(instr, Return):
            value = None if instr.value is None else result_class(evaluate(instr.value, facts, self.constants))
            if value not in self.results:
                self.results.append(value)

    def assign(self, instr: Assign, state: int) -> int:
        return state

    def call(self, call: Call, state: int, facts: Known) -> list[tuple[int, Value | None, Known]]:
        """Helpers that are told a value are walked for what they return."""
        if call.result is None or self.depth <= 0 or not call.callee:
            return [(state, None, {})]
        keys = self.program.resolve(call.callee, self.function.path)
        helper = self.program.lower(keys[0]) if len(keys) == 1 else None
        if helper is None:
            return [(state, None, {})]
        entry = into_callee(helper, call.args, facts, self.constants, self.program.by_name)
        if not entry:
            return [(state, None, {})]
        inner = _Asked(self.program, self.constants, helper, None, self.depth - 1)
        walk = Walk(helper, self.program, self.constants, inner)
        walk.run(0, entry)
        if not walk.complete or not inner.results or len(inner.results) > 4:
            return [(state, None, {})]
        return [(state + (0 if len(inner.results) == 1 else hash((id(call), v)) % 997), v, {}) for v in inner.results]

    def hole(self, state: int) -> int:
        return state


@dataclass(frozen=True, slots=True)
class Verdict:
    """``open``: reached, with the way. ``guarded``: a test keeps it out, named. ``constant``: nobody passes the value.

    ``unknown``: something on the way is not visible.
    """

    kind: str
    steps: tuple[Step, ...] = field(default=(), compare=False)
    guard: str = ""


class Reach:
    """Answers for one kind of value: ``sources`` names its places in a function, ``values`` what it must not be."""

    def __init__(
        self,
        facts: Facts,
        sources: Callable[[Function], tuple[Expr, ...]],
        values: Callable[[Function, Expr], tuple[int, ...]],
    ) -> None:
        self.facts = facts
        self.sources = sources
        self.values = values
        self.constants = {**facts.vocabulary.constants, **facts.program.constants}
        self._known: dict[tuple[int, str], Verdict] = {}

    def of(self, function: Function, source: Expr, instr: Instr, depth: int = MAX_CLIMB) -> Verdict:
        """Whether an instruction runs while a place of its function has one of the values."""
        key = (id(instr), source.text)
        if key not in self._known:
            self._known[key] = Verdict("constant")  # a recursion adds nothing
            self._known[key] = self._of(function, source, instr, depth)
        return self._known[key]

    def _of(self, function: Function, source: Expr, instr: Instr, depth: int) -> Verdict:
        refused: list[Instr] = []
        for value in self.values(function, source):
            asked = _Asked(self.facts.program, self.constants, function, instr, MAX_HELPERS)
            walk = Walk(function, self.facts.program, self.constants, asked)
            walk.run(0, {source: value})
            if asked.met or not walk.complete:
                break
            refused = asked.refused
        else:
            return self._guarded(function, source, instr, refused)
        if has_hole(function) or depth <= 0:
            return Verdict("unknown")
        held = _base(source)
        index = next((i for i, p in enumerate(function.params) if p.name == held), None)
        if index is None:
            return Verdict("open", (step(function, instr, f"{words(function, source)} may be anything here"),))
        return self._callers(function, index, source, depth)

    def _guarded(self, function: Function, source: Expr, instr: Instr, refused: list[Instr]) -> Verdict:
        about = depending(function, (source.text,))
        for test in refused:
            if isinstance(test, Assume) and not texts(test.cond).isdisjoint(about):
                cond = words(function, test.cond)
                text = cond if not test.truth else f"!({cond})" if isinstance(test.cond, Binary) else f"!{cond}"
                guard = f"{test.wraps[0]}({text})" if test.wraps else text
                return Verdict(
                    "guarded", (step(function, test, f"guarded by {guard}"),), f"{guard} in {function.name}()"
                )
        return Verdict("guarded", (step(function, instr, "not reached"),), f"the tests of {function.name}()")

    def _callers(self, function: Function, index: int, source: Expr, depth: int) -> Verdict:
        """All callers have to keep the value out; the first that does not is told."""
        verdicts = []
        for caller, call in calls_of(self.facts, function):
            verdict = self._caller(function, index, source, caller, call, depth)
            if verdict.kind == "open":
                return verdict
            verdicts.append(verdict)
        if not verdicts:
            return self._top(function, index)
        for kind in ("unknown", "guarded"):
            found = [v for v in verdicts if v.kind == kind]
            if found:
                return found[0]
        return verdicts[0]

    def _top(self, function: Function, index: int) -> Verdict:
        """Nobody is seen to call it: an op of a table can be called with anything, the rest only in a whole program."""
        stored = any(e.function == function.name for es in self.facts.program.tables.values() for e in es)
        handed = not stored and bool(self.facts.names.callers.get(function.key))
        if handed or (not stored and not self.facts.program.whole):
            return Verdict("unknown")  # a callback of what is not visible
        first = function.blocks[0].instrs[0] if function.blocks[0].instrs else Return((function.line, 0, ()), None)
        name = function.params[index].name
        return Verdict("open", (step(function, first, f"{function.name}() takes any {name}"),))

    def _caller(
        self, function: Function, index: int, source: Expr, caller: Function, call: Call, depth: int
    ) -> Verdict:
        if index >= len(call.args):
            return Verdict("unknown")
        arg = _given(caller, call.args[index], source)
        here = step(caller, call, f"{words(caller, arg)} is passed to {function.name}()")
        value = evaluate(arg, {}, self.constants)
        if isinstance(value, int):
            bad = value in self.values(function, source)
            return Verdict("open", (here,)) if bad else Verdict("constant", (here,))
        own = (*self.sources(caller), *((arg,) if isinstance(arg, Field) else ()))
        for other in own:
            if not texts(arg).isdisjoint(depending(caller, (other.text,))):
                verdict = self.of(caller, other, call, depth - 1)
                return Verdict(verdict.kind, (*verdict.steps, here), verdict.guard)
        if has_hole(caller) or not self.facts.program.whole:
            return Verdict("unknown")
        return Verdict("open", (step(caller, call, f"passes {shown(call)}, of any {source.text}"),))


def _base(source: Expr) -> str:
    """The variable that a place is, or is a field of."""
    while isinstance(source, Field | Deref):
        source = source.base
    return source.text


def _given(caller: Function, arg: Expr, source: Expr) -> Expr:
    """What a caller passes: the argument, or what it put into the field of the struct that it passes."""
    if not isinstance(source, Field):
        return arg
    if isinstance(arg, Name):
        return Field(Deref(arg), source.name)
    place = arg.base if isinstance(arg, Addr) else arg
    for block in caller.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and instr.target.text == f"{place.text}.{source.name}":
                return instr.value
            if isinstance(instr, Assign) and instr.target is place and isinstance(instr.value, Init):
                for name, value in instr.value.entries:
                    if name == source.name:
                        return value
    return Field(place, source.name)


def calls_of(facts: Facts, function: Function) -> Iterator[tuple[Function, Call]]:
    """The visible calls of a function, tables and macros included."""
    program = facts.program
    fields = {f for f, es in program.tables.items() if any(e.function == function.name for e in es)}
    for key in facts.names.callers.get(function.key, ()):
        caller = program.lower(key) if program.definitions[key].kind == "function" else None
        for call in caller.calls() if caller is not None else ():
            assert caller is not None
            direct = call.callee == function.name and function.key in program.resolve(call.callee, caller.path)
            if direct or (call.table and call.table in fields):
                yield caller, call


def called_from(facts: Facts, key: Key) -> set[Key]:
    """The functions from which calls by name, or of ops of a table, lead to one, itself included."""
    seen, work = {key}, [key]
    while work:
        callee = work.pop()
        for caller in facts.names.callers.get(callee, ()):
            function = facts.program.lower(caller) if caller not in seen else None
            if function is not None and any(c.name == callee[1] or _op(facts, c, callee) for c in function.calls()):
                seen.add(caller)
                work.append(caller)
    return seen


def _op(facts: Facts, call: Call, callee: Key) -> bool:
    entries = facts.program.tables.get(call.table, ()) if not call.callee else ()
    return any(callee in facts.program.resolve(e.function, e.path) for e in entries)
