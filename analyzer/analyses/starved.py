"""Allocations that are made again when they gave nothing, with nothing done in between that could help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzer.analyses.bodies import all_bodies, goes_back, heading_type
from analyzer.analyses.cycles import Loop
from analyzer.analyses.errors import Errors
from analyzer.analyses.errorstates import end_state
from analyzer.analyses.facts import Facts
from analyzer.analyses.reception import truth_of
from analyzer.analyses.tokens import Flow, Items
from analyzer.ir.cfg import home_of
from analyzer.ir.program import Definition, Key
from analyzer.ir.types import Assign, Assume, Binary, Call, Const, Field, Function, Hole, Instr, Name, Return

# What neither makes memory, nor waits for it, nor goes on to something else: locks, looks, words, what is given back.
_IDLE = re.compile(
    r"^(?:_*(?:raw_)?(?:spin|read|write|rcu_read|srcu_read|mutex|KVM_MMU)_(?:un)?lock\w*|_?cond_resched\w*|cpu_relax"
    r"|\w+_(?:cond|need)_resched\w*|trace_\w+|pr_\w+|WARN\w*|lockdep_\w+|might_sleep|k\w*_is_\w+|is_\w+|smp_\w*mb"
    r"|k?v?z?free|kmem_cache_free|free_page|READ_ONCE|WRITE_ONCE|(?:un)?likely|memset|barrier|preempt_\w+|local_irq_\w+)$",
    re.I,
)
MAX_STATES = 2_000
DEPTH = 2  # wrappers around an allocator


@dataclass(frozen=True, slots=True)
class Starved:
    """An allocation, and the branch behind which it is made again because it gave nothing."""

    function: Function
    call: Call
    empty: Assume


class Givers:
    """The functions of a program that give memory or NULL: wrappers of ``allocators``."""

    def __init__(self, facts: Facts, allocators: Iterable[str]) -> None:
        self.facts = facts
        self.allocators = frozenset(allocators)
        self.known: dict[Key, bool] = {}
        self.names = self.allocators
        pointers = [d for d, t in all_bodies(facts) if "*" in heading_type(d, t)]
        for _ in range(DEPTH):
            self.names |= {d.name for d in pointers if not d.mentions.isdisjoint(self.names)}

    def gives(self, call: Call, path: str) -> bool:
        """Whether a call may give NULL because there is no memory."""
        if any("NOFAIL" in word for a in call.args for word in a.names) or call.callee not in self.names:
            return False
        keys = self.facts.program.resolve(call.callee, path)
        return any(map(self._may, keys)) if keys else call.callee in self.allocators

    def _may(self, key: Key) -> bool:
        """Whether a wrapper hands on that there is none."""
        if key not in self.known:
            self.known[key] = False
            function = self.facts.program.lower(key)
            self.known[key] = function is not None and self._hands_on(function)
        return self.known[key]

    def _hands_on(self, function: Function) -> bool:
        made = {c.result.text for c in function.calls() if c.result is not None and self.gives(c, function.path)}
        instrs = [i for b in function.blocks for i in b.instrs]
        made |= {i.target.text for i in instrs if isinstance(i, Assign) and i.value.text in made}
        values = [i.value for i in instrs if isinstance(i, Return) and i.value is not None]
        return bool(made) and any(v.text in made or (isinstance(v, Const) and v.value == 0) for v in values)


@dataclass(frozen=True, slots=True)
class Stays:
    """A walk that stays where it is: the member that says so when it is set, and the calls that step on else."""

    mark: str
    steps: frozenset[str]

    def failed(self, errors: Errors, flow: Flow, loop: Loop) -> Items:
        """What has failed in a loop where its walk is told to stay where it is."""
        blocks = flow.function.blocks
        told = [n for n in loop.blocks if n in flow.starts and any(_marks(i, self.mark) for i in blocks[n].instrs)]
        return frozenset().union(*(end_state(errors, flow, n).failed for n in told))


def starved(facts: Facts, allocators: Iterable[str], stays: Stays) -> Iterator[Starved]:
    """Each allocation that is tried again for ever."""
    givers = Givers(facts, allocators)
    for found, text in all_bodies(facts):
        if goes_back(text) and not found.mentions.isdisjoint(givers.names):
            yield from _of(facts, givers, found, stays)


def _of(facts: Facts, givers: Givers, found: Definition, stays: Stays) -> Iterator[Starved]:
    function = facts.program.lower(found.key)
    for call in function.calls() if function is not None else ():
        if function is not None and call.result is not None and givers.gives(call, found.path):
            empty = _again(function, call, call.result.text, stays)
            if empty is not None:
                yield Starved(function, call, empty)


def _again(function: Function, call: Call, result: str, stays: Stays) -> Assume | None:
    """The branch on which an allocation gave nothing, where an idle path leads from it back to the allocation."""
    names = _names(function, result)
    home = home_of(function, call)
    assert home is not None
    first = function.blocks[home].instrs
    at = next(n for n, i in enumerate(first) if i is call)
    work: list[tuple[int, int, Assume | None, bool]] = [(home, at + 1, None, False)]
    seen: set[tuple[int, bool, bool]] = set()
    while work and len(seen) < MAX_STATES:
        block, start, empty, marked = work.pop()
        for instr in function.blocks[block].instrs[start:]:
            if instr is call:
                return empty
            side = _side(instr, names)
            marked = marked or _marks(instr, stays.mark)
            stayed = marked and isinstance(instr, Call) and instr.callee in stays.steps
            if side is False or (side is None and not stayed and not _idle(instr, names)):
                break
            empty = instr if side and isinstance(instr, Assume) and empty is None else empty
        else:
            for nxt in function.blocks[block].successors:
                if (nxt, empty is not None, marked) not in seen:
                    seen.add((nxt, empty is not None, marked))
                    work.append((nxt, 0, empty, marked))
    return None


def _marks(instr: Instr, mark: str) -> bool:
    """Whether a walk is told to stay where it is."""
    if not isinstance(instr, Assign) or not isinstance(instr.target, Field) or instr.target.name != mark:
        return False
    return isinstance(instr.value, Const) and bool(instr.value.value)


def _names(function: Function, result: str) -> frozenset[str]:
    """The variables that hold what was given."""
    copies = (i for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.value.text == result)
    return frozenset((result, *(i.target.text for i in copies)))


def _side(instr: Instr, names: frozenset[str]) -> bool | None:
    """Whether a branch says that nothing was given; None where it is about something else."""
    test = truth_of(instr.cond, instr.truth, {}) if isinstance(instr, Assume) else None
    if test is None or test.kind != "true" or test.subject not in names:
        return None
    return not test.holds


def _idle(instr: Instr, names: frozenset[str]) -> bool:
    """Whether an instruction can make no difference to the next try."""
    match instr:
        case Call():
            return _IDLE.match(instr.callee) is not None and not (instr.result and instr.result.text in names)
        case Assign(target=Name(), value=Binary()) if instr.target.names <= instr.value.names:
            return False  # tries are counted, or it goes on to another place
        case Assign():
            empty = isinstance(instr.value, Const) or instr.value.text in names
            return instr.target.text not in names or empty
        case Assume():
            return not instr.wraps
        case Hole() | Return():
            return False
    return True
