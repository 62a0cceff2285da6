"""Two references to one object in a loop: the walk's own, and one that each full turn of the body gives back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from analyzer.analyses.cycles import loops_of
from analyzer.ir.cfg import reach
from analyzer.ir.types import Assign, Call, Function, Instr


@dataclass(frozen=True, slots=True)
class Half:
    """A way out of a loop that gives back fewer references than a full turn and the step to the next object do."""

    put: Call  # the one that is there
    turn: Call  # that of a full turn
    name: str


@dataclass(frozen=True, slots=True)
class _Walk:
    """A loop, all of its back edges; ``puts``: block -> the objects given back there."""

    function: Function
    head: int
    blocks: frozenset[int]
    puts: dict[int, list[tuple[str, Call]]]

    def sides(self, block: int, out: bool) -> list[int]:
        return [n for n in self.function.blocks[block].successors if (n not in self.blocks) is out]

    def within(self, start: int, cut: Collection[int]) -> set[int]:
        """The blocks of the loop that are reached without its head and without some others."""
        seen, work = {start}, [start]
        while work:
            new = {n for n in self.sides(work.pop(), False) if n != self.head} - seen - set(cut)
            seen |= new
            work += new
        return seen


def halves(function: Function, steps: frozenset[str], puts: frozenset[str], slot: int) -> Iterator[Half]:
    """The ways out of walks that put once what a full turn and the next step put twice."""
    given = {
        n: [(c.args[slot].text, c) for c in b.instrs if isinstance(c, Call) and c.callee in puts and slot < len(c.args)]
        for n, b in enumerate(function.blocks)
    }
    loops: dict[int, frozenset[int]] = {}
    for loop in loops_of(function):
        loops[loop.head] = loops.get(loop.head, frozenset()) | loop.blocks
    for head, blocks in loops.items():
        walk = _Walk(function, head, blocks, given)
        if any(isinstance(i, Call) and i.callee in steps for b in blocks for i in function.blocks[b].instrs):
            for block in sorted(blocks):
                yield from (h for out in walk.sides(block, True) for h in _half(walk, block, out))


def _half(walk: _Walk, block: int, out: int) -> Iterator[Half]:
    """The way out of a block, if it gives back once what the turn that goes on gives back for sure."""
    elsewhere = {n for b in walk.blocks for n in walk.sides(b, True)} - {out}
    shared = set().union(*(reach(walk.function, n) for n in elsewhere)) if elsewhere else set()
    left = [b for b in reach(walk.function, out, shared) if b not in shared]
    found = [p for b in left for p in walk.puts[b]]
    if len(found) != 1 or any(_keeps(i, found[0][0]) for b in left for i in walk.function.blocks[b].instrs):
        return
    name, put = found[0]
    turn = {b for b in walk.blocks if any(n == name for n, _ in walk.puts[b])}
    if not turn or any(block in walk.within(t, ()) for t in turn):
        return
    on = walk.sides(block, False)
    free = set().union(*(walk.within(n, turn) for n in on if n not in turn)) if set(on) - turn else set()
    if on and not any(walk.head in walk.function.blocks[b].successors for b in free):
        yield Half(put, next(c for n, c in walk.puts[min(turn)] if n == name), name)


def _keeps(instr: Instr, name: str) -> bool:
    """Whether an object is marked or kept on the way out: then the second reference stays on purpose."""
    return isinstance(instr, Assign) and (instr.value.text == name or instr.target.root == name)
