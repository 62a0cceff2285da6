"""Facts: what a check may ask of one snapshot; each analysis is solved once, on demand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from analyzer.callgraph.names import NameGraph
from analyzer.core.finding import Certainty, Finding, Severity, Step
from analyzer.core.problem import Problem
from analyzer.core.source import Location
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Definition, Key, Program
from analyzer.ir.types import Assume, Binary, Call, Expr, Function, Instr, Name

T = TypeVar("T")


class Facts:
    """One program with everything that checks have asked of it so far.

    ``counts`` maps a rule's words for what it looked at to a number: the table that shows silence to be earned.
    """

    def __init__(self, program: Program, vocabulary: Vocabulary) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.counts: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._solved: dict[object, object] = {}

    @cached_property
    def names(self) -> NameGraph:
        """The name graph."""
        return NameGraph(self.program)

    @cached_property
    def functions(self) -> tuple[Definition, ...]:
        """The functions (no macros) that are defined, in a stable order."""
        definitions = self.program.definitions
        return tuple(definitions[key] for key in sorted(definitions) if definitions[key].kind == "function")

    def solve(self, key: object, make: Callable[[], T]) -> T:
        """The answer of an analysis, computed the first time it is asked for."""
        if key not in self._solved:
            self._solved[key] = make()
        return self._solved[key]  # type: ignore[return-value]

    def count(self, what: str, number: int = 1) -> None:
        """Note that something was looked at."""
        self.counts[what] = self.counts.get(what, 0) + number

    def mentioning(self, words: frozenset[str], covers: Callable[[str], bool] = lambda _: True) -> Iterator[Function]:
        """The functions (no macros) whose bodies mention one of the words, lowered, in a stable order."""
        for key in sorted(self.names.where(_Mentions(words))):
            if covers(key[0]):
                function = self.program.lower(key)
                if function is not None:
                    yield function

    def gives(self, name: str, kind: str) -> bool:
        """Whether all functions of a name that can be read return a type that ends in ``kind``."""
        found = self.program.functions(self.program.by_name.get(name, ()))
        return all(f.returns.endswith(kind) for f in found if f.kind == "function")

    def in_files(self, covers: Callable[[str], bool]) -> Iterator[Function]:
        """All functions of the files that pass a test."""
        for found in self.functions:
            if covers(found.path):
                function = self.program.lower(found.key)
                if function is not None:
                    yield function

    def key(self, name: str, path: str) -> Key | None:
        """The one definition a name means in a file, if any."""
        keys = self.program.resolve(name, path)
        return keys[0] if keys else None

    def finding(
        self,
        function: Function,
        instr: Instr,
        subject: str,
        message: str,
        *,
        trace: tuple[Step, ...] = (),
        certainty: Certainty | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """A finding at an instruction; a function that is known only in parts makes it ``may``."""
        if certainty is None:
            certainty = Certainty.MAY if has_hole(function) else Certainty.MUST
        where = Location(function.path, instr.line, instr.column)
        return Finding(where, function.name, subject, message, certainty, trace, severity=severity)


@dataclass(frozen=True, slots=True)
class _Mentions:
    """Whether a function mentions one of the words: a test that the name graph knows again."""

    words: frozenset[str]

    def __call__(self, definition: Definition) -> bool:
        return definition.kind == "function" and not definition.mentions.isdisjoint(self.words)


def has_hole(function: Function) -> bool:
    """Whether parts of the body are unknown."""
    from analyzer.ir.types import Hole

    return any(i.__class__ is Hole for b in function.blocks for i in b.instrs)


def guarded_by(function: Function, instr: Instr, test: Callable[[Assume], bool]) -> bool:
    """Whether every path from the entry to an instruction takes a branch that passes the test."""
    seen, work = {0}, [0]
    while work:
        block = function.blocks[work.pop()]
        if any(isinstance(i, Assume) and test(i) for i in block.instrs):
            continue
        if any(i is instr for i in block.instrs):
            return False
        for nxt in block.successors:
            if nxt not in seen:
                seen.add(nxt)
                work.append(nxt)
    return True


def nonzero(assume: Assume) -> tuple[Expr, bool]:
    """What a branch tests, and whether it is not zero (a count: above zero) on its side."""
    cond = assume.cond
    if isinstance(cond, Binary) and cond.right.text == "0" and cond.op in (">", "!=", "<=", "=="):
        return cond.left, assume.truth is (cond.op in (">", "!="))
    return cond, assume.truth


def step(function: Function, instr: Instr, note: str) -> Step:
    """A step at an instruction; inside a macro, the macro is named."""
    via = f" (in {instr.frames[-1].macro}(), {instr.frames[-1].path}:{instr.frames[-1].line})" if instr.frames else ""
    return Step(Location(function.path, instr.line, instr.column), function.name, note + via)


def words(function: Function, expr: Expr) -> str:
    """An expression as a reader knows it: what the lowering named stands as the call it came from."""
    text = expr.text
    if "%" not in text:
        return text
    made = {c.result.text: c.shown for c in function.calls() if isinstance(c.result, Name) and c.result.temporary}
    return _TEMPORARY.sub(lambda m: made.get(m.group(), "..."), text)


_TEMPORARY = re.compile(r"%\d+")


def shown(call: Call, limit: int = 70) -> str:
    """A call as it stands in the source, shortened for a message."""
    text = call.shown
    return text if len(text) <= limit else f"{text[: limit - 4].rstrip()} ...)"
