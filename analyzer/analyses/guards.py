"""Guards: which branches decide whether an instruction runs, and which conditions surely hold where it does.

A branch *decides* about an instruction when one of its sides can reach it and the other cannot (in the same turn of a
loop). A condition *holds* when every path from the entry takes it, in the function or in all its callers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.analyses.facts import Facts, step
from analyzer.analyses.ops import callers_of
from analyzer.core.finding import Step
from analyzer.ir.cfg import home_of, reach
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Assume, Call, Const, Expr, Function, Instr, Name, Return, Unary

Evidence = Callable[[Function, Instr], Step | None]
Edges = frozenset[tuple[int, int]]
MAX_LEVELS = 5  # callers followed upwards


def turns(function: Function) -> Edges:
    """The edges that close a loop."""
    found: set[tuple[int, int]] = set()
    active: set[int] = set()
    seen: set[int] = set()
    stack: list[tuple[int, bool]] = [(0, False)]
    while stack:
        at, done = stack.pop()
        if done:
            active.discard(at)
        elif at not in seen:
            seen.add(at)
            active.add(at)
            stack.append((at, True))
            for nxt in function.blocks[at].successors:
                if nxt in active:
                    found.add((at, nxt))
                stack.append((nxt, False))
    return frozenset(found)


def branches(function: Function) -> list[tuple[int, list[tuple[Assume, int]]]]:
    """Each block that ends in a choice, with the sides: the condition taken and the block it begins."""
    found = []
    for index, block in enumerate(function.blocks):
        sides = [(i, s) for s in block.successors if (i := _first(function, s)) is not None]
        if len(sides) > 1:
            found.append((index, sides))
    return found


def _first(function: Function, block: int) -> Assume | None:
    instrs = function.blocks[block].instrs
    return instrs[0] if instrs and isinstance(instrs[0], Assume) else None


def deciding(function: Function, instr: Instr, test: Callable[[Assume], bool]) -> list[Assume]:
    """The sides that can reach an instruction while their sibling cannot, of the conditions that pass a test."""
    home, cut = home_of(function, instr), turns(function)
    found = []
    for at, sides in branches(function):
        if not any(test(side) for side, _ in sides):
            continue
        can = [home in reach(function, block, (at,), cut) for _, block in sides]
        if any(can) and not all(can):
            found += [side for (side, _), yes in zip(sides, can, strict=True) if yes]
    return found


def one_sided(function: Function, calls: list[Call], test: Callable[[Assume], bool]) -> tuple[Assume, Call] | None:
    """A side of a branch that passes a test and leads to a call, while its sibling leads to none, or can do without."""
    cut = turns(function)
    for at, sides in branches(function):
        if not any(test(side) for side, _ in sides):
            continue
        led = []
        for side, block in sides:
            blocks = reach(function, block, (at,), cut)
            led.append((side, next((c for c in calls if home_of(function, c) in blocks), None)))
        some = [(side, call) for side, call in led if call is not None]
        if len(some) == 1:
            return some[0]
        homes = tuple(home for c in calls if (home := home_of(function, c)) is not None)
        sure = [not _leaves(function, block, (at, *homes), cut) for _, block in sides]
        if len(some) == len(sides) == 2 and any(sure) and not all(sure):
            return some[sure.index(True)]
    return None


def _leaves(function: Function, start: int, without: tuple[int, ...], cut: Edges) -> bool:
    """Whether a function can be left from a block without some others."""
    return start not in without and any(
        isinstance(i, Return) for n in reach(function, start, without, cut) for i in function.blocks[n].instrs
    )


def taken(function: Function, instr: Instr) -> list[Assume]:
    """The conditions that every path from the entry to an instruction takes."""
    home = home_of(function, instr)
    found = []
    for index in range(len(function.blocks)):
        first = _first(function, index)
        if first is None or (index != home and home not in reach(function, index)):
            continue
        if index == home or index == 0 or home not in reach(function, 0, (index,)):
            found.append(first)
    return found


def plain(assume: Assume) -> tuple[Expr, bool]:
    """The condition without negations, and whether it is true."""
    cond, truth = assume.cond, assume.truth
    while isinstance(cond, Unary) and cond.op == "!":
        cond, truth = cond.operand, not truth
    return cond, truth


Said = tuple[Expr, bool, Function]


def implied(program: Program, function: Function, assume: Assume, depth: int = 3) -> list[Said]:
    """What holds where a condition does: itself, what its variable or helper says; and who says it.

    ``flag = x == Y``, ``flag = a && b``, a helper that returns one of these or true and false on its branches.
    """
    cond, truth = plain(assume)
    found: list[Said] = [(cond, truth, function)]
    if not isinstance(cond, Name) or not depth:
        return found
    made = made_by(function).get(cond.id)
    keys = program.resolve(made.callee, function.path) if made is not None and made.callee else []
    if len(keys) == 1 and (helper := program.lower(keys[0])) is not None and helper.kind == "function":
        returns: list[tuple[Instr, Expr | None]] = [
            (i, i.value) for b in helper.blocks for i in b.instrs if isinstance(i, Return)
        ]
        return found + _agreed(program, helper, returns, truth, depth)
    sets = [i for b in function.blocks for i in b.instrs if _sets(i, cond)]
    values: list[tuple[Instr, Expr | None]] = [(i, i.value) for i in sets if isinstance(i, Assign)]
    own = len(values) == len(sets) and all(p.name != cond.id for p in function.params)
    return found + _agreed(program, function, values, truth, depth) if own else found


def says_not(program: Program, key: Key, assume: Assume, value: str) -> bool:
    """Whether a condition says, by itself or by what gave it, that something is not ``value``."""
    function = program.lower(key)
    said = implied(program, function, assume) if function is not None else []
    return any(value in c.names and t is ("!=" in c.text) for c, t, _ in said)


def _sets(instr: Instr, name: Name) -> bool:
    """Whether an instruction gives a variable a value."""
    target = getattr(instr, "result", None) or getattr(instr, "target", None)
    return target is not None and target.text == name.id


def _agreed(
    program: Program, function: Function, values: Sequence[tuple[Instr, Expr | None]], truth: bool, depth: int
) -> list[Said]:
    """What all the places say that may have given a value of that truth."""
    said: list[list[Said]] = []
    for instr, value in values:
        if value is None:
            return []
        if isinstance(value, Const) and value.value is not None:
            if bool(value.value) is truth:
                said.append([c for a in taken(function, instr) for c in implied(program, function, a, depth - 1)])
            continue
        said.append(
            implied(program, function, Assume((instr.line, instr.column, instr.frames), value, truth), depth - 1)
        )
    if not said:
        return []
    shared = [{(c.text, t) for c, t, _ in one} for one in said]
    return [(c, t, f) for c, t, f in said[0] if all((c.text, t) in one for one in shared)]


def entered_by(function: Function, index: int, depth: int = 3) -> list[Assume]:
    """The conditions under which a block is entered: its own, or those of the branches that lead straight to it."""
    first = _first(function, index)
    if first is not None:
        return [first]
    found = []
    for above, block in enumerate(function.blocks):
        if depth and block.successors == [index] and len(block.instrs) < 2:
            found += entered_by(function, above, depth - 1)
    return found


def made_by(function: Function) -> dict[str, Call]:
    """Temporaries and variables that only ever hold the result of one call -> that call."""
    found: dict[str, Call | None] = {p.name: None for p in function.params}
    for block in function.blocks:
        for instr in block.instrs:
            target = getattr(instr, "result", None) or getattr(instr, "target", None)
            if isinstance(target, Name):
                found[target.id] = instr if isinstance(instr, Call) and target.id not in found else None
    return {n: c for n, c in found.items() if c is not None}


def surely(facts: Facts, key: Key, instr: Instr, evidence: Evidence, levels: int = MAX_LEVELS) -> tuple[Step, ...]:
    """The steps that show a condition to hold at an instruction; nothing where some way there lacks it.

    ``evidence`` gives the step of one function. Where the function itself has none, all its callers must have it; the
    steps are those of one of them. A function without callers that are seen has none.
    """
    function = facts.program.lower(key)
    if function is None:
        return ()
    own = evidence(function, instr)
    if own is not None:
        return (own,)
    sites = callers_of(facts, key) if levels else []
    if not sites or not (facts.program.whole or facts.program.definitions[key].static):
        return ()
    shown: tuple[Step, ...] = ()
    for site in sites:
        if site.function.key == key:
            continue
        steps = surely(facts, site.function.key, site.call, evidence, levels - 1)
        if not steps:
            return ()
        shown = shown or (*steps, step(site.function, site.call, f"calls {key[1]}()"))
    return shown
