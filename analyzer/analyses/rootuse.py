"""What a root is used for: the walks and operations it goes to, and what says that memory is private or shared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.analyses.facts import step
from analyzer.analyses.guards import implied, made_by, plain, taken
from analyzer.analyses.rootkind import Root
from analyzer.core.finding import Step
from analyzer.core.source import Location
from analyzer.dataflow.values import NZ, evaluate
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Program
from analyzer.ir.types import Assign, Assume, Binary, Call, Function, Init, Instr, Name, Return

FILTER_TYPE = "enum kvm_gfn_range_filter"
MAX_STATES = 200


@dataclass(frozen=True, slots=True)
class MemorySpec:
    """What tells private memory: ``calls`` that say yes, ``shared`` calls that say no, ``flags`` that are tested.

    ``walkers`` go through the entries under a root; ``getters`` only give one. ``named`` are functions whose name says
    that they are for private memory, ``direct_only`` those that work on direct roots only.
    """

    calls: re.Pattern[str]
    shared: frozenset[str]
    flags: frozenset[str]
    walkers: re.Pattern[str]
    getters: frozenset[str]
    named: re.Pattern[str]
    direct_only: frozenset[str]


def says_memory(spec: MemorySpec, function: Function, assume: Assume, private: bool) -> bool:
    """Whether a condition means that the memory at hand is private (or, for False, that it is shared)."""
    cond, truth = plain(assume)
    call = made_by(function).get(cond.id) if isinstance(cond, Name) else None
    if call is not None and spec.calls.match(call.name):
        return truth is private
    if call is not None and call.name in spec.shared:
        return truth is not private
    if isinstance(cond, Binary) and cond.op == "&":
        flag = cond.names & spec.flags
        return private and bool(flag) and truth
    if isinstance(cond, Binary) and cond.op in ("==", "!=") and "KVM_MIRROR_ROOTS" in cond.names:
        return (truth is (cond.op == "==")) is private
    return cond.text.endswith(("->is_private", ".is_private")) and truth is private


def memory_evidence(
    spec: MemorySpec, private: bool, function: Function, instr: Instr, program: Program | None = None
) -> Step | None:
    """The step that shows memory to be private (shared) at an instruction of a function, with a program by helpers."""
    for assume in taken(function, instr):
        at = (assume.line, assume.column, assume.frames)
        said_by = implied(program, function, assume) if program is not None else []
        helped = any(says_memory(spec, f, Assume(at, c, t), private) for c, t, f in said_by)
        if helped or says_memory(spec, function, assume, private):
            what = "private" if private else "shared"
            return step(function, assume, f"here the memory is {what}: {said(function, assume)}")
    if private and spec.named.search(function.name):
        return Step(Location(function.path, function.line), function.name, f"{function.name}() is for private memory")
    if not private and function.name in spec.direct_only:
        return Step(
            Location(function.path, function.line), function.name, f"{function.name}() is for direct roots only"
        )
    return _made_private(function, instr) if private else None


def said(function: Function, assume: Assume) -> str:
    """A condition in words."""
    cond, truth = plain(assume)
    call = made_by(function).get(cond.id) if isinstance(cond, Name) else None
    return f"{call.shown if call is not None else cond.text} is {'true' if truth else 'false'}"


def _made_private(function: Function, instr: Instr) -> Step | None:
    """A fault or range that is made for private memory is handed to a call."""
    for block in function.blocks if isinstance(instr, Call) else ():
        for made in block.instrs:
            if isinstance(made, Assign) and isinstance(made.value, Init) and isinstance(made.target, Name):
                fields = {f: v for f, v in made.value.entries if f in ("is_private", "attr_filter")}
                yes = any(v.text in ("1", "true", "KVM_FILTER_PRIVATE") for v in fields.values())
                if yes and isinstance(instr, Call) and any(made.target.id in a.names for a in instr.args):
                    return step(function, made, f"{made.target.id} is made for private memory")
    return None


def uses_of(spec: MemorySpec, function: Function, root: Root) -> list[Instr]:
    """Where a root is walked, handed on with a GFN, or returned."""
    names = {root.name}
    made = made_by(function)
    found: list[Instr] = []
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and isinstance(instr.value, Name) and instr.value.id in names:
                names.add(instr.target.text)
            if isinstance(instr, Return) and instr.value is not None and instr.value.text in names:
                found.append(instr)
            elif (
                isinstance(instr, Call)
                and instr.callee not in spec.getters
                and any(a.text in names for a in instr.args)
            ):
                others = [a for a in instr.args if a.text not in names]
                texts = [made[a.text].shown if a.text in made else a.text for a in others]
                if spec.walkers.match(instr.callee) or any(_PLACE.search(t) for t in texts):
                    found.append(instr)
    return found


_PLACE = re.compile(r"gfn|gpa|\baddr\b|\bstart\b|iter")


FILTERS = {"KVM_FILTER_SHARED": 1, "KVM_FILTER_PRIVATE": 2}


def wide_or_wrong(function: Function, instr: Instr, private: bool) -> tuple[bool, Assume | None]:
    """Whether a choice of mirror roots lasts for shared memory alone, and a condition that says the other kind."""
    filtered = not private and any(p.type == FILTER_TYPE for p in function.params)
    wide = filtered and _lasts_for_shared(function, instr)
    return wide, next((a for a in taken(function, instr) if _filter_says(a, private)), None)


def _filter_says(assume: Assume, private: bool) -> bool:
    """Whether a condition says that the filter of a range has the bit for private (shared) memory, or is that bit."""
    cond, truth = plain(assume)
    word = "KVM_FILTER_PRIVATE" if private else "KVM_FILTER_SHARED"
    said = cond.names & FILTERS.keys() if isinstance(cond, Binary) and cond.op in ("&", "==") else frozenset()
    return truth and word in said and (len(said) == 1 or "&" in cond.text)


def _lasts_for_shared(function: Function, instr: Instr) -> bool:
    """Whether a choice is what a function gives for a filter that is shared memory alone."""
    start: Known = {Name(p.name): FILTERS["KVM_FILTER_SHARED"] for p in function.params if p.type == FILTER_TYPE}
    target = instr.target.text if isinstance(instr, Assign) else ""
    work: list[tuple[int, Known, bool]] = [(0, start, False)]
    seen: set[tuple[int, bool, frozenset[object]]] = set()
    while work:
        index, known, chosen = work.pop()
        if (index, chosen, frozenset(known.items())) in seen or len(seen) > MAX_STATES:
            continue
        seen.add((index, chosen, frozenset(known.items())))
        known = dict(known)
        for at in function.blocks[index].instrs:
            if isinstance(at, Assume) and evaluate(at.cond, known, FILTERS) in ((0,) if at.truth else (1, 2, 3, NZ)):
                break
            chosen = at is instr or (chosen and not _replaces(at, target))
            if chosen and isinstance(at, Return):
                return True
            if isinstance(at, Assign):
                known.pop(at.target, None)
                value = evaluate(at.value, known, FILTERS)
                known |= {at.target: value} if value is not None else {}
        else:
            work += [(after, known, chosen) for after in function.blocks[index].successors]
    return False


def _replaces(instr: Instr, target: str) -> bool:
    """Whether an instruction gives a variable a value that is not made of its old one."""
    return isinstance(instr, Assign) and instr.target.text == target and target not in instr.value.names


def misplaced_addresses(spec: MemorySpec, function: Function) -> Iterator[tuple[Assign, bool, Step]]:
    """Where the address of a root is chosen for memory of the other kind: the choice, whether that is private, why."""
    used = {a.text for c in function.calls() if c.callee == "root_to_sp" for a in c.args}
    for instr in (i for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target.text in used):
        private = instr.value.text.endswith("root.hpa")
        if private or instr.value.text.endswith("root_hpa"):
            evidence = memory_evidence(spec, private, function, instr)
            if evidence is not None:
                yield instr, private, evidence
