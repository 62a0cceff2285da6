"""What has been done on every path before a call: a step that may fail, and whose result must be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from analyzer.analyses.locks import BUGS_VM
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import NEG, Facts, Value
from analyzer.ir.cfg import loop_of, reach
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Call, Function, Instr

EXEMPT, LEFT, ARM, DISARM = "%exempt", "%left", "%arm", "%disarm"


@dataclass(frozen=True, slots=True)
class Before:
    """``covered``: parts of the step that are done; ``failed``: it failed, or its result was thrown away."""

    covered: frozenset[str] = frozenset()
    failed: str = ""
    exempt: bool = False
    lost: bool = False
    armed: bool = False  # on the way from where the range is made
    at: Call | None = None
    home: Key = ("", "")


@dataclass(slots=True)
class Arriving:
    """A state in which the call is reached."""

    state: Before
    context: Context[Before]


class PriorProperty:
    """The Property: ``parts`` names the parts that a call does (None: no step), ``sound`` whether its result tells."""

    def __init__(
        self,
        target: Call,
        parts: Callable[[Call, Key], frozenset[str] | None],
        sound: Callable[[Call, Key], bool],
        whole: frozenset[str],
    ) -> None:
        self.target = target
        self.whole = whole
        self.parts = parts
        self.sound = sound
        self.arrivals: dict[tuple[Before, int], Arriving] = {}

    def call(
        self, call: Call, state: Before, facts: Facts, context: Context[Before]
    ) -> Iterable[tuple[Before, Value | None]] | None:
        """Steps succeed or fail; the call itself ends the path of interest."""
        if call.callee in (ARM, DISARM):
            return [(replace(state, armed=call.callee == ARM), None)]
        if call is self.target and state.armed:
            self.arrivals.setdefault((state, id(context)), Arriving(state, context))
            return [(state, None)]
        if call.callee == EXEMPT:
            return [(replace(state, exempt=call.shown == "exempt"), None)]
        if call.callee == LEFT:  # what a function did for one range says nothing of the next one
            return [
                (
                    Before(lost=state.lost, armed=state.armed)
                    if state.home == context.key
                    else replace(state, exempt=False),
                    None,
                )
            ]
        done = self.parts(call, context.key)
        if done is None:
            return None
        failed = "" if done >= self.whole else state.failed
        after = replace(state, covered=state.covered | done, failed=failed, at=call, home=context.key)
        if call.result is None or not self.sound(call, context.key):
            how = "its result is thrown away" if call.result is None else "it hides a failure"
            return [(replace(after, failed=how), None)]
        return [(after, 0), (replace(after, failed="it may have failed"), NEG)]

    def observe(self, instr: Instr, state: Before, facts: Facts, context: Context[Before]) -> None:
        """Nothing to note."""

    def feasible(self, call: Call, state: Before) -> bool:
        """A bugged VM does not matter."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: Before, context: Context[Before]) -> Before:
        """Branches do nothing."""
        return state

    def hole(self, state: Before) -> Before:
        """The step may have been done."""
        return replace(state, lost=True)

    def unknown(self) -> Before:
        """Callers may have done it."""
        return Before(lost=True)


def before(
    program: Program, vocabulary: Vocabulary, tracked: PriorProperty, tops: Iterable[Key], relevant: frozenset[Key]
) -> list[Arriving]:
    """The states in which a call is reached from some functions."""
    explorer = Explorer(program, vocabulary, tracked, relevant)
    for key in sorted(tops):
        explorer.enter(key, Before(), {})
    return list(tracked.arrivals.values())


def skipped_loop(function: Function, inner: Call, to: Call) -> bool:
    """Whether a call is in a loop that no path to another goes around: one that runs it no time is no path."""
    loop = loop_of(function, inner)
    if not loop:
        return False
    free = reach(function, 0, loop) if 0 not in loop else set()
    return not any(x is to for b in free for x in function.blocks[b].instrs)
