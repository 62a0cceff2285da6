"""Helpers that hide a failure: a step in them fails, and they return success."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from analyzer.analyses.locks import BUGS_VM
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import NEG, Facts, Value, evaluate
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Call, Instr, Return


class _Hiding:
    """The Property: the state is whether the last step failed."""

    def __init__(self, program: Program, vocabulary: Vocabulary, step: Callable[[Call, Key], bool]) -> None:
        self.constants = {**vocabulary.constants, **program.constants}
        self.step = step
        self.hidden = False

    def call(
        self, call: Call, state: bool, facts: Facts, context: Context[bool]
    ) -> Iterable[tuple[bool, Value | None]] | None:
        """A step succeeds or fails."""
        return [(False, 0), (True, NEG)] if self.step(call, context.key) else None

    def observe(self, instr: Instr, state: bool, facts: Facts, context: Context[bool]) -> None:
        """A return behind a failure."""
        if state and instr.__class__ is Return and isinstance(instr, Return):
            value = None if instr.value is None else evaluate(instr.value, facts, self.constants)
            self.hidden = self.hidden or instr.value is None or value == 0

    def feasible(self, call: Call, state: bool) -> bool:
        """A bugged VM does not matter."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: bool, context: Context[bool]) -> bool:
        """Branches do nothing."""
        return state

    def hole(self, state: bool) -> bool:
        """The failure may be told in what is not shown."""
        return False

    def unknown(self) -> bool:
        """Nothing failed yet."""
        return False


def hides_failure(program: Program, vocabulary: Vocabulary, key: Key, step: Callable[[Call, Key], bool]) -> bool:
    """Whether a function can return success, or nothing, behind a failed step of its own."""
    tracked = _Hiding(program, vocabulary, step)
    Explorer(program, vocabulary, tracked, frozenset((key,))).enter(key, False, {})
    return tracked.hidden
