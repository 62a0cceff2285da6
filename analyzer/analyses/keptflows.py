"""Solved functions of an earlier program of the same run, used again where nothing that they looked at has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from analyzer.analyses.tokens import Flow, Token
from analyzer.ir.change import change
from analyzer.ir.program import Key, Program

T = TypeVar("T")
Asked = dict[tuple[Key, bool], frozenset[Token]]  # what was asked of which function, and the answer
Answer = Callable[[Key, bool], Mapping[Token, object]]


class KeptFlows:
    """The flows of one program by key, with what each asked of others.

    ``able``: functions that may have errors, as far as names tell. ``cyclic``: those whose answer depends on who asked
    first; they are solved anew.
    """

    def __init__(self, program: Program, able: frozenset[Key]) -> None:
        self.program = program
        self.able = able
        self.flows: dict[Key, Flow | None] = {}
        self.asked: dict[Key, Asked] = {}
        self.cyclic: set[Key] = set()
        self.solving: list[Key] = []
        self.earlier: KeptFlows | None = None

    def take_over(self, earlier: object) -> None:
        """Look into the flows of an earlier program, too."""
        if isinstance(earlier, KeptFlows):
            earlier.earlier = None
            self.earlier = earlier
            self.since = change(earlier.program, self.program, {name for _, name in earlier.able ^ self.able})

    def of(self, key: Key, answer: Answer, solve: Callable[[], Flow | None]) -> Flow | None:
        """The flow of a function; None while it is being solved further up."""
        if key not in self.flows:
            self.flows[key] = None
            self.solving.append(key)
            flow = self._still(key, answer)
            self.flows[key] = solve() if flow is None else flow
            self.solving.pop()
        elif self.flows[key] is None and key in self.solving:
            self.cyclic.update(self.solving[self.solving.index(key) :])
        return self.flows[key]

    def note(self, key: Key, other: Key, given: bool, tokens: Mapping[Token, object]) -> None:
        """A function asked for the results of another, for those of errors it was ``given`` or for all."""
        self.asked.setdefault(key, {})[other, given] = frozenset(tokens)

    def look(self, what: str, flow: Flow, beside: Hashable, make: Callable[[], T]) -> T:
        """An answer made of a solved function and ``beside``: kept in a series as long as these are the same."""
        left: dict[Key, tuple[Flow, Hashable, T]] = self.program.left.setdefault(("look", what), {})  # type: ignore[assignment]
        known = left.get(flow.function.key)
        if known is None or known[0] is not flow or known[1] != beside:
            known = left[flow.function.key] = (flow, beside, make())
        return known[2]

    def _still(self, key: Key, answer: Answer) -> Flow | None:
        """The flow of the earlier program, if it stands at the same lines and would be told the same."""
        before = self.earlier
        flow = before.flows.get(key) if before is not None else None
        if before is None or flow is None or key in before.cyclic or not self.since.same(key):
            return None
        if self.program.lower(key) is not flow.function:
            return None
        asked = before.asked.get(key, {})
        if any(frozenset(answer(other, given)) != tokens for (other, given), tokens in asked.items()):
            return None
        self.asked[key] = asked
        return flow
