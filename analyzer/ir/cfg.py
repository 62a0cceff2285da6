"""Control flow inside one function: where an instruction is, which blocks lead where, what is in a loop."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

from analyzer.ir.types import Function, Instr

Edges = list[list[int]]  # block -> blocks
S = TypeVar("S", bound=Hashable)


class Worklist(Generic[S]):
    """Blocks to be worked on, each with a state; those that lead to others come first: paths meet before they go on.

    A pair that waits already is not added again; ``rounds`` counts what was taken.
    """

    def __init__(self, function: Function, state: S) -> None:
        """The entry of a function."""
        self.rounds = 0
        self._order = reverse_postorder(function)
        self._waiting = {(0, state)}
        self._heap: list[tuple[int, int, int, S]] = [(0, 0, 0, state)]
        self._added = 0  # what was added first comes first: states need no order

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, block: int, state: S) -> None:
        """To be worked on, again or for the first time."""
        if (block, state) not in self._waiting:
            self._waiting.add((block, state))
            self._added += 1
            heappush(self._heap, (self._order[block], self._added, block, state))

    def take(self) -> tuple[int, S]:
        """The first of them."""
        self.rounds += 1
        _, _, block, state = heappop(self._heap)
        self._waiting.discard((block, state))
        return block, state


def reverse_postorder(function: Function) -> dict[int, int]:
    """The place of each block in an order in which a block comes after those that lead to it, back edges aside."""
    seen, done = {0}, list[int]()
    stack: list[tuple[int, Iterator[int]]] = [(0, iter(function.blocks[0].successors))] if function.blocks else []
    while stack:
        block, rest = stack[-1]
        nxt = next(rest, None)
        if nxt is None:
            done.append(block)
            stack.pop()
        elif nxt not in seen:
            seen.add(nxt)
            stack.append((nxt, iter(function.blocks[nxt].successors)))
    return {block: place for place, block in enumerate(reversed(done))}


def home_of(function: Function, instr: Instr) -> int | None:
    """The block an instruction is in; None for one of another function."""
    return next((n for n, b in enumerate(function.blocks) if any(i is instr for i in b.instrs)), None)


def successors(function: Function) -> Edges:
    """Block -> the blocks it can go on to."""
    return [b.successors for b in function.blocks]


def predecessors(function: Function) -> Edges:
    """Block -> the blocks it can be entered from."""
    found: Edges = [[] for _ in function.blocks]
    for number, block in enumerate(function.blocks):
        for successor in block.successors:
            found[successor].append(number)
    return found


def beyond(start: int, edges: Edges) -> frozenset[int]:
    """What one or more edges lead to; the start itself where a loop leads back."""
    seen: set[int] = set()
    work = list(edges[start])
    while work:
        block = work.pop()
        if block not in seen:
            seen.add(block)
            work += edges[block]
    return frozenset(seen)


def reach(
    function: Function, start: int, without: Collection[int] = (), cut: Collection[tuple[int, int]] = ()
) -> set[int]:
    """The start and what it leads to, not through some blocks and not over some edges."""
    seen, work = {start}, [start]
    while work:
        at = work.pop()
        for nxt in function.blocks[at].successors:
            if nxt not in seen and nxt not in without and (at, nxt) not in cut:
                seen.add(nxt)
                work.append(nxt)
    return seen


def loop_of(function: Function, instr: Instr) -> frozenset[int]:
    """The blocks of the innermost cycle through an instruction; empty where there is none."""
    home = home_of(function, instr)
    if home is None:
        return frozenset()
    ahead = beyond(home, successors(function))
    return ahead & beyond(home, predecessors(function)) if home in ahead else frozenset()


def in_loop(function: Function, instr: Instr) -> bool:
    """Whether an instruction can be reached from itself."""
    home = home_of(function, instr)
    return home is not None and home in beyond(home, successors(function))
