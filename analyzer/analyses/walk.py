"""One function walked path by path: a state of the asker's choice beside facts of values.

The interprocedural explorer (dataflow/paths.py) moves its states at calls; here they move at stores as well, and calls
stay closed unless the visitor opens them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from analyzer.dataflow import store, values
from analyzer.dataflow.values import Constants, Facts, Value
from analyzer.ir.cfg import Worklist
from analyzer.ir.program import Program
from analyzer.ir.types import Asm, Assign, Assume, Call, Function, Hole, Instr, Name, Return

S = TypeVar("S", bound=Hashable)
MAX_CASES = 32  # states kept per block
MAX_STEPS = 8_000


class Visitor(Protocol[S]):
    """What a walk asks."""

    def observe(self, instr: Instr, state: S, facts: Facts) -> None:
        """Look at an instruction before it takes effect."""
        ...

    def assign(self, instr: Assign, state: S) -> S:
        """The state after a store."""
        ...

    def call(self, call: Call, state: S, facts: Facts) -> Iterable[tuple[S, Value | None, Facts]]:
        """The exits of a call: the state, what is known of its result, and what else this exit tells."""
        ...

    def hole(self, state: S) -> S:
        """The state after unknown statements."""
        ...


class Walk(Generic[S]):
    """All paths of a function for one entry; ``reached`` has the blocks that some path enters."""

    def __init__(self, function: Function, program: Program, constants: Constants, visitor: Visitor[S]) -> None:
        self.function = function
        self.functions = program.by_name
        self.constants = constants
        self.visitor = visitor
        self.complete = True
        self._known: list[dict[S, Facts]] = [{} for _ in function.blocks]
        self._constant = frozenset(p.name for p in function.params if p.type.startswith("const "))

    @property
    def reached(self) -> frozenset[int]:
        """The blocks that some path enters."""
        return frozenset(i for i, known in enumerate(self._known) if known)

    def entries(self, block: int) -> list[Facts]:
        """What is known where a block begins, for each state."""
        return list(self._known[block].values())

    def run(self, state: S, facts: Facts) -> None:
        """Walk to the fixed point."""
        self._known[0][state] = dict(facts)
        work = Worklist(self.function, state)
        while work:
            if work.rounds == MAX_STEPS:
                self.complete = False
                return
            block, current = work.take()
            for after, known in self._block(block, current, dict(self._known[block][current])):
                for successor in self.function.blocks[block].successors:
                    if self._flow(successor, after, known):
                        work.add(successor, after)

    def _flow(self, block: int, state: S, facts: Facts) -> bool:
        """Merge into a block; whether something is new there."""
        known = self._known[block]
        old = known.get(state)
        if old is None:
            if len(known) >= MAX_CASES:
                self.complete = False
                return False
            known[state] = dict(facts)
            return True
        met = values.meet(old, facts)
        known[state] = met
        return met != old

    def _block(self, index: int, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        cases = [(state, facts)]
        for instr in self.function.blocks[index].instrs:
            cases = [after for current, known in cases for after in self._step(instr, current, known)]
        return cases

    def _step(self, instr: Instr, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        self.visitor.observe(instr, state, facts)
        match instr:
            case Call():
                return self._call(instr, state, facts)
            case Assign():
                store.store(instr.target, instr.value, facts, self.constants, self.functions)
                return [(self.visitor.assign(instr, state), facts)]
            case Assume():
                return [(state, facts)] if values.assume(instr.cond, instr.truth, facts, self.constants) else []
            case Return():
                return []
            case Hole():
                return [(self.visitor.hole(state), {})]
            case Asm():
                for name in [n for output in instr.outputs for n in output.names]:
                    store.forget(facts, name)
        return [(state, facts)]

    def _call(self, call: Call, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        exits = list(self.visitor.call(call, state, facts))
        store.escape(facts, call.args, self._constant)
        out = []
        for after, value, told in exits:
            mine = {**facts, **told}
            if isinstance(call.result, Name):
                store.forget(mine, call.result.id)
            elif call.result is not None:
                store.store(call.result, Name("%"), mine, self.constants, {})
            if call.result is not None and value is not None:
                mine[call.result] = value
            out.append((after, mine))
        return out
