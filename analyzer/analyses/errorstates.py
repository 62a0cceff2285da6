"""What holds at the places of a solved function: before each instruction, at the end of a block, where a loop turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analyzer.analyses.cycles import Loop
from analyzer.analyses.errors import Errors, Pass
from analyzer.analyses.tokens import NONE, Flow, Items, State
from analyzer.ir.types import Assign, Assume, Expr, Instr


def replay(errors: Errors, flow: Flow, visit: Callable[[Instr, State, int], None]) -> None:
    """Show every instruction of a solved function with the state before it, and the number of its block."""
    made = Pass(errors, flow.function, replace(flow, results={}))
    for block, start in flow.starts.items():
        state = start.copy()
        for instr in flow.function.blocks[block].instrs:
            visit(instr, state, block)
            made.transfer(instr, state)


def end_state(errors: Errors, flow: Flow, block: int) -> State:
    """The state at the end of a block."""
    made = Pass(errors, flow.function, replace(flow, results={}))
    state = flow.starts[block].copy()
    for instr in flow.function.blocks[block].instrs:
        made.transfer(instr, state)
    return state


def round_again(errors: Errors, flow: Flow, loop: Loop) -> Items:
    """What has failed where a loop turns: at the end of its tail, or by the test at its head that lets it go on."""
    made = Pass(errors, flow.function, replace(flow, results={}))
    state = end_state(errors, flow, loop.tail)
    failed, blocks = state.failed, flow.function.blocks
    if not all(isinstance(i, Assume | Assign) for i in blocks[loop.head].instrs):
        return failed  # what is called again gives a new answer
    for instr in blocks[loop.head].instrs:
        made.transfer(instr, state)
    for nxt in blocks[loop.head].successors if not state.refuted else ():
        after = state.copy()
        for instr in blocks[nxt].instrs[:1] if nxt in loop.blocks and nxt != loop.head else ():
            made.transfer(instr, after)
        failed |= NONE if after.refuted or nxt not in loop.blocks else after.failed
    return failed


def items_at(errors: Errors, flow: Flow, expr: Expr, state: State, at: Instr) -> Items:
    """What an expression may be in a state."""
    return Pass(errors, flow.function, flow).items(expr, state, at)
