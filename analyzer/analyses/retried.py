"""Which functions are called again when they fail: by a macro or helper that retries, or by a loop on their result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analyzer.analyses.effects import BUSY_WORDS
from analyzer.analyses.lifetime import calls_of
from analyzer.callgraph.names import NameGraph
from analyzer.ir.cfg import in_loop
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Assume, Call, Function, Name


@dataclass(frozen=True, slots=True)
class Retry:
    """``callee`` is called again by ``call`` of ``caller``, directly or through ``via``."""

    callee: str
    caller: Key
    call: Call
    via: str = ""
    looped: bool = False


def retried_calls(function: Function) -> Iterator[Call]:
    """The calls that are made again, with the same words, where a test of their result says busy."""
    calls = function.calls()
    for call in calls:
        if not isinstance(call.result, Name):
            continue
        again = [c for c in calls if c.callee == call.callee and c is not call and _same(c, call)]
        looped = in_loop(function, call)
        if (again or looped) and any(
            _reaches(function, block, again or [call]) for block in _busy(function, call.result.id)
        ):
            yield call


def _same(left: Call, right: Call) -> bool:
    return left.shown == right.shown or [a.text for a in left.args] == [a.text for a in right.args]


def _busy(function: Function, result: str) -> Iterator[int]:
    """The blocks behind a test that says that a result is busy."""
    carriers = {result}
    tests: set[str] = set()
    for block in function.blocks:
        for instr in block.instrs:
            if (
                isinstance(instr, Assign)
                and isinstance(instr.target, Name)
                and not instr.value.names.isdisjoint(carriers)
            ):
                carriers.add(instr.target.id)
            about = isinstance(instr, Call) and any(not a.names.isdisjoint(carriers) for a in instr.args)
            if about and isinstance(instr, Call) and isinstance(instr.result, Name) and BUSY_WORDS.search(instr.callee):
                tests.add(instr.result.id)
    for index, block in enumerate(function.blocks):
        for instr in block.instrs:
            if isinstance(instr, Assume) and not instr.cond.names.isdisjoint(carriers | tests):
                named = not instr.cond.names.isdisjoint(tests) or BUSY_WORDS.search(instr.cond.text)
                if named and instr.truth is not ("!=" in instr.cond.text):
                    yield index


def _reaches(function: Function, start: int, calls: list[Call]) -> bool:
    seen, work = {start}, [start]
    while work:
        block = function.blocks[work.pop()]
        if any(i is c for i in block.instrs for c in calls):
            return True
        work += [b for b in block.successors if b not in seen]
        seen.update(block.successors)
    return False


def retries(
    program: Program, names: NameGraph, candidates: list[Key], known: dict[str, int], matters: Callable[[str], bool]
) -> Iterator[Retry]:
    """Every function that is retried; ``known`` are retrying callees that are not visible, with the slot of theirs."""
    for key in candidates:
        function = program.lower(key)
        if function is None:
            continue
        params = {p.name: i for i, p in enumerate(function.params)}
        for call in function.calls():
            slot = known.get(call.callee)
            if slot is not None and slot < len(call.args) and isinstance(call.args[slot], Name):
                yield Retry(call.args[slot].text, key, call, call.callee)
        for call in retried_calls(function):
            name = call.callee or (call.target.text if call.target is not None else "")
            if name in params:
                yield from _handed(program, names, function, params[name])
            elif matters(name):
                yield Retry(name, key, call, call.frames[-1].macro if call.frames else "", in_loop(function, call))


def _handed(program: Program, names: NameGraph, function: Function, slot: int) -> Iterator[Retry]:
    """What the callers of a retrying helper hand to it."""
    if function.kind == "macro":
        return
    for key in names.callers.get(function.key, ()):
        caller = program.lower(key)
        if caller is None:
            continue
        for call in calls_of(program, caller, function.key):
            if slot < len(call.args) and isinstance(call.args[slot], Name):
                yield Retry(call.args[slot].text, key, call, function.name)
