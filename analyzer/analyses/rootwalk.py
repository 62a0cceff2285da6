"""What walks of roots do to what they find: end it, or refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analyses.facts import Facts
from analyzer.analyses.guards import made_by, taken
from analyzer.analyses.ops import callers_of
from analyzer.analyses.rootkind import ROOT_TYPES, Root, roots_in
from analyzer.analyses.roots import TYPES
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Assume, Call, Function, Instr, Return


def invalidates(facts: Facts, key: Key) -> bool:
    """Whether a function ends what is mapped under the roots it walks: marks them invalid, or zaps them."""
    function = facts.program.lower(key)
    if function is None:
        return False
    for block in function.blocks:
        for instr in block.instrs:
            if (
                isinstance(instr, Assign)
                and instr.target.text.endswith("role.invalid")
                and instr.value.text in ("1", "true")
            ):
                return True
    return False


def ends_vm(facts: Facts, function: Function, teardown: re.Pattern[str], levels: int = 3) -> bool:
    """Whether a function runs at the end of a VM only."""
    if teardown.search(function.name) or not facts.program.whole:
        return True
    sites = callers_of(facts, function.key) if levels else []
    return bool(sites) and all(ends_vm(facts, s.function, teardown, levels - 1) for s in sites)


def refusal(facts: Facts, key: Key) -> tuple[Function, Assume] | None:
    """The sanity check at the start of a function that no mirror entry passes."""
    function = facts.program.lower(key) if facts.program.definitions[key].mentions & _TESTS else None
    for block in function.blocks if function is not None else ():
        for instr in block.instrs[:1]:
            if isinstance(instr, Assume) and instr.wraps and instr.truth and function is not None:
                made = made_by(function)
                names = [made[n].name for n in instr.cond.names if n in made]
                if names and names[0].startswith("is_mirror_sp") and _plain_checks(function, instr):
                    return function, instr
    return None


_TESTS = frozenset(("is_mirror_sp", "is_mirror_sptep"))


def _plain_checks(function: Function, assume: Assume) -> bool:
    """Whether nothing but parameters that are true comes before a check."""
    names = {p.name for p in function.params if p.type == "bool"}
    return all(a is assume or a.wraps or (a.truth and a.cond.text in names) for a in taken(function, assume))


def refuses(call: Call, function: Function, assume: Assume) -> bool:
    """Whether a call may fail the check of its callee: no parameter that the check asks is false there."""
    asked = {a.cond.text for a in taken(function, assume)}
    false = {p.name for p, arg in zip(function.params, call.args, strict=False) if arg.text in ("0", "false")}
    return asked.isdisjoint(false)


def _gives_constant(function: Function, instr: Return) -> bool:
    """Whether a function that chooses types for its callers gives constant ones."""
    names = instr.value.names if instr.value is not None and function.returns == ROOT_TYPES else frozenset()
    return bool(names - {"KVM_INVALID_ROOTS"}) and names <= set(TYPES)


def constant_walks(
    facts: Facts, function: Function, roots: list[Root], name: str
) -> Iterator[tuple[Instr, frozenset[str]]]:
    """Walks of constant types: here, of types to which constants are added or that are returned, and in callees that
    get the bounds."""
    for root in roots:
        if root.walk and root.types is not None and root.kinds:
            yield root.instr, root.kinds
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Assign) and function.locals.get(instr.target.text) == ROOT_TYPES:
            added = instr.value.names & set(TYPES) - {"KVM_INVALID_ROOTS"}
            if added and instr.value.names - set(TYPES):
                yield instr, frozenset(("direct", "mirror"))
        elif isinstance(instr, Return) and _gives_constant(function, instr):
            yield instr, frozenset(("direct", "mirror"))
        elif isinstance(instr, Call) and any(a.text.startswith(f"{name}->start") for a in instr.args):
            for callee in facts.program.functions(facts.program.resolve(instr.callee, function.path)):
                found = [r for r in roots_in(facts, callee) if r.walk and r.types is not None and "mirror" in r.kinds]
                if found:
                    yield instr, found[0].kinds
