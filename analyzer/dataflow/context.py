"""What exploring is about: the property that is tracked, and a function explored for one entry."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from analyzer.core.problem import Problem
from analyzer.dataflow.values import Facts, Value
from analyzer.ir.change import Change
from analyzer.ir.program import Key
from analyzer.ir.types import Assume, Call, Expr, Instr

MAX_DEPTH = 90  # calls on one path

S = TypeVar("S", bound=Hashable)


class Property(Protocol[S]):
    """What is tracked along paths."""

    def call(self, call: Call, state: S, facts: Facts, context: Context[S]) -> Iterable[tuple[S, Value | None]] | None:
        """The states after a call with the value it returned; None when the property does not know the callee."""
        ...

    def observe(self, instr: Instr, state: S, facts: Facts, context: Context[S]) -> None:
        """Look at an instruction before it takes effect."""
        ...

    def feasible(self, call: Call, state: S) -> bool:
        """Whether the call can happen in this state at all (an unlock of what is not held cannot)."""
        ...

    def after(self, call: Call, facts: Facts) -> None:
        """Add what is known of the results of a call. Changes ``facts``."""
        ...

    def branch(self, assume: Assume, state: S, context: Context[S]) -> S:
        """The state on a side of a branch that can be taken."""
        ...

    def hole(self, state: S) -> S:
        """The state after unknown statements."""
        ...

    def unknown(self) -> S:
        """The state at the entry of a function whose callers are not known."""
        ...


@dataclass(eq=False, slots=True)
class Context(Generic[S]):
    """One function explored for one entry; ``caller`` and ``call`` are None at a root.

    What it did besides its exits: the contexts it ``entered`` with the call that led there, the functions that run
    ``later``, its ``problems``, and what the property ``kept``. ``up`` is how many callers above it had a say.
    """

    key: Key
    state: S
    facts: Facts
    caller: Context[S] | None = None
    call: Call | None = None
    entry: Entry[S] | None = None  # what it is kept under
    exits: list[tuple[S, Value | None]] = field(default_factory=list)
    done: bool = False
    notes: dict[str, Instr] = field(default_factory=dict)
    block: int = 0  # the block being worked on
    entered: dict[Context[S], Call | None] = field(default_factory=dict)
    later: set[Key] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)
    up: int = 0
    cyclic: bool = False  # led back to itself: what those on the way were told depends on where that began

    def forget(self) -> None:
        """Be as before it was explored; those it entered stay its own."""
        self.exits, self.notes, self.entered, self.later = [], {}, {}, set()
        self.problems, self.kept = [], []
        self.up, self.done, self.cyclic = 0, False, False

    def path(self) -> list[tuple[Context[S], Call | None]]:
        """From the root to here: each context with the call that left it (None for the last)."""
        out: list[tuple[Context[S], Call | None]] = []
        context: Context[S] | None = self
        leaving: Call | None = None
        while context is not None and len(out) < 200:
            out.append((context, leaving))
            leaving = context.call
            context = context.caller
        return out[::-1]


Entry = tuple[S, frozenset[tuple[Expr, Value]]]
Contexts = dict[Key, dict[Entry[S], Context[S]]]
Adopt = Callable[[Context[S], Change], None]  # a property takes over what it kept of a context


def above(context: Context[S], caller: Context[S]) -> int:
    """How many callers above ``caller`` have a say in what it made of entering a context.

    Of a recursion it gets what there is so far, wherever that began.
    """
    return max(context.up - 1, 0) if context.caller is caller else MAX_DEPTH * (context.up > 0)
