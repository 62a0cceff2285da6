"""Provenance of the roots of the TDP MMU inside one function: direct, mirror, of the fault, or several kinds of a walk.

A root is what ``root_to_sp()`` makes of a field of the MMU of a vCPU, what a getter or a walk gives for an enum of
types, or what a helper returns that does one of these. Kinds are sets of ``direct`` and ``mirror``; the empty set is
not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.analyses.facts import Facts
from analyzer.analyses.roots import GETTERS, TYPES, WALKS
from analyzer.dataflow.values import evaluate
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Call, Const, Expr, Function, Instr, Name, Return

Kinds = frozenset[str]
DIRECT: Kinds = frozenset(("direct",))
MIRROR: Kinds = frozenset(("mirror",))
UNKNOWN: Kinds = frozenset()
ROOT_TYPES = "enum kvm_tdp_mmu_root_types"
ROOT_POINTER = "struct kvm_mmu_page *"


@dataclass(frozen=True, slots=True)
class Root:
    """A root that a function comes by: the variable, the instruction, its kinds; ``types`` is the mask of a walk."""

    name: str
    instr: Instr
    kinds: Kinds
    types: int | None = None
    walk: bool = False


def values_of(function: Function, name: str) -> list[Expr | Call]:
    """What a variable is set to: expressions, and calls whose result it takes."""
    found: list[Expr | Call] = []
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and instr.target.text == name:
                found.append(instr.value)
            elif isinstance(instr, Call) and instr.result is not None and instr.result.text == name:
                found.append(instr)
    return found


def kinds_of_mask(mask: int, constants: dict[str, int]) -> Kinds:
    """The kinds of valid roots that an enum selects."""
    names = (("mirror", "KVM_MIRROR_ROOTS"), ("direct", "KVM_DIRECT_ROOTS"))
    return frozenset(kind for kind, word in names if mask & constants[word])


def types_of(facts: Facts, function: Function, expr: Expr) -> int | None:
    """The value of an expression of root types, where it is one constant."""
    constants = {**TYPES, **facts.program.constants}
    if isinstance(expr, Name) and expr.id not in constants:
        if any(p.name == expr.id for p in function.params):
            return None
        made = values_of(function, expr.id)
        if len(made) != 1 or isinstance(made[0], Call):
            return None
        expr = made[0]
    value = evaluate(expr, {}, constants)
    return value if isinstance(value, int) else None


def roots_in(facts: Facts, function: Function, depth: int = 2) -> Iterator[Root]:
    """Every root that a function comes by, one for each instruction."""
    for call in function.calls():
        yield from _of_walk(facts, function, call)
        yield from _of_getter(facts, function, call, depth)


def _masked(facts: Facts, call: Call, name: str, mask: int | None, walk: bool, fixed: bool = False) -> Root:
    """A root of the kinds that a mask of types selects."""
    constants = dict(TYPES) if fixed else {**TYPES, **facts.program.constants}
    return Root(name, call, UNKNOWN if mask is None else kinds_of_mask(mask, constants), mask, walk)


def _of_walk(facts: Facts, function: Function, call: Call) -> Iterator[Root]:
    """The roots of a walk, by the macro (where it is not seen) or by what it expands to."""
    name = call.callee
    if name == "tdp_mmu_root_match" and len(call.args) > 1:
        yield _masked(facts, call, call.args[0].text, types_of(facts, function, call.args[1]), True)
    elif name == "tdp_mmu_next_root" and call.result is not None and len(call.args) > 2:
        if isinstance(call.args[1], Const) and call.args[1].value == 0:  # else the same walk goes on
            yield _masked(facts, call, call.result.text, types_of(facts, function, call.args[2]), True)
    elif name in WALKS:
        at, types, fixed = WALKS[name]
        if len(call.args) > max(at, types or 0):
            mask = fixed if types is None else types_of(facts, function, call.args[types])
            yield _masked(facts, call, call.args[at].text, mask, True, types is None)


def _of_getter(facts: Facts, function: Function, call: Call, depth: int) -> Iterator[Root]:
    """The root that a call gives."""
    name, result = call.callee, call.result.text if call.result is not None else ""
    if not result or name == "tdp_mmu_next_root":
        return
    if name == "root_to_sp" and call.args:
        yield Root(result, call, _of_address(facts, function, call.args[0], 2))
    elif name == "tdp_mmu_get_root_for_fault":
        shown = _returned(facts, function, call, depth) if depth and facts.program.whole else UNKNOWN
        yield Root(result, call, shown or DIRECT | MIRROR)
    elif name in GETTERS and len(call.args) > GETTERS[name]:
        yield _masked(facts, call, result, types_of(facts, function, call.args[GETTERS[name]]), False)
    elif depth and name and (kinds := _returned(facts, function, call, depth)):
        yield Root(result, call, kinds)


def _of_address(facts: Facts, function: Function, address: Expr, depth: int) -> Kinds:
    """The kind of a root by the field its address is read from, here or in a helper; not known if one value is not."""
    values = values_of(function, address.id) if isinstance(address, Name) else [address]
    kinds: list[Kinds] = []
    for value in values:
        if isinstance(value, Call):
            helpers = facts.program.functions(facts.program.resolve(value.callee, function.path)) if depth else ()
            given = [_of_address(facts, f, r, depth - 1) for f in helpers for r in _returns(f)]
            kinds.append(frozenset().union(*given) if given and all(given) else UNKNOWN)
        elif isinstance(value, Name) and depth:
            kinds.append(_of_address(facts, function, value, depth - 1))
        elif "mirror_root" in value.text or value.text.endswith("root.hpa"):
            kinds.append(MIRROR if "mirror_root" in value.text else DIRECT)
        else:
            kinds.append(UNKNOWN)
    return frozenset().union(*kinds) if kinds and all(kinds) else UNKNOWN


def _returns(function: Function) -> list[Expr]:
    """What a function returns."""
    found = (i.value for b in function.blocks for i in b.instrs if isinstance(i, Return))
    return [value for value in found if value is not None]


def _returned(facts: Facts, function: Function, call: Call, depth: int) -> Kinds:
    """What a helper that returns a root gives; not known if one of those it may be is not."""
    found = [returned_kinds(facts, key, depth - 1) for key in facts.program.resolve(call.callee, function.path)]
    return frozenset().union(*found) if all(found) else UNKNOWN


def returned_kinds(facts: Facts, key: Key, depth: int) -> Kinds:
    """The kinds of root that a function returns."""
    return facts.solve(("root kinds", key, depth), lambda: _kinds_returned(facts, key, depth))


def _kinds_returned(facts: Facts, key: Key, depth: int) -> Kinds:
    definition = facts.program.definitions[key]
    words = {"root_to_sp", *GETTERS}
    if definition.mentions.isdisjoint(words) and depth <= 0:
        return UNKNOWN
    function = facts.program.lower(key)
    if function is None or function.returns.replace("static inline ", "") != ROOT_POINTER:
        return UNKNOWN
    roots = list(roots_in(facts, function, depth))
    found = [_of_value(function, roots, value, 3) for value in _returns(function) if not isinstance(value, Const)]
    return frozenset().union(*found) if all(found) else UNKNOWN


def _of_value(function: Function, roots: list[Root], value: Expr, depth: int) -> Kinds:
    """The kinds of root that a value may be; not known if one of them is not."""
    if not isinstance(value, Name) or not depth:
        return UNKNOWN
    kinds = [r.kinds for r in roots if r.name == value.id]
    for made in values_of(function, value.id):
        if isinstance(made, Call):
            kinds += [] if any(r.instr is made for r in roots) else [UNKNOWN]
        elif not isinstance(made, Const):
            kinds.append(_of_value(function, roots, made, depth - 1))
    return frozenset().union(*kinds) if kinds and all(kinds) else UNKNOWN


def settled(facts: Facts, function: Function, handles: tuple[str, ...]) -> bool:
    """Whether the roots of a function are all of one known kind."""
    kinds = [r.kinds for r in roots_in(facts, function)]
    named = any(p.type in handles for p in function.params)
    return bool(kinds) and not named and all(k in (DIRECT, MIRROR) for k in kinds)
