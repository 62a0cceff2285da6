"""Values that derive from some calls: through copies, choices, arguments and thin wrappers, across functions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.analyses.guards import entered_by
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Binary, Call, Const, Expr, Function, Instr, Name, Return

MAX_FUNCTIONS = 60


@dataclass(slots=True)
class Derived:
    """Per function, the variables that carry such a value, each with the instruction that brought it there."""

    names: dict[Key, dict[str, Instr]] = field(default_factory=dict)
    makers: set[Key] = field(default_factory=set)  # wrappers that return one

    def of(self, function: Function) -> dict[str, Instr]:
        """The variables of one function."""
        return self.names.get(function.key, {})


def derived(
    facts: Facts,
    words: frozenset[str],
    call: Callable[[Call], bool],
    expr: Callable[[Expr], bool],
    covers: Callable[[str], bool],
) -> Derived:
    """Follow the results of calls, and expressions, that pass a test; begin where one of ``words`` is mentioned."""
    out = Derived()
    found = facts.names.where(lambda d: covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(words))
    work, rounds = deque(sorted(found)), 0
    while work and rounds < MAX_FUNCTIONS:
        rounds += 1
        key = work.popleft()
        function = facts.program.lower(key)
        if function is None:
            continue
        carried = dict(out.names.get(key, {}))
        _inside(facts, function, carried, out.makers, call, expr)
        out.names[key] = carried
        if key not in out.makers and _returns(function, carried):
            out.makers.add(key)
            work += [c for c in facts.names.callers.get(key, ()) if covers(c[0]) and c not in work]
        work += [k for k in _handed_on(facts, function, carried, out) if covers(k[0]) and k not in work]
    return out


def _inside(
    facts: Facts,
    function: Function,
    carried: dict[str, Instr],
    makers: set[Key],
    source: Callable[[Call], bool],
    test: Callable[[Expr], bool],
) -> None:
    """Add the variables of one function that carry a value, until nothing is new."""
    before = -1
    while before != len(carried):
        before = len(carried)
        for index, block in enumerate(function.blocks):
            chosen = _chosen(function, index, carried)
            for instr in block.instrs:
                if isinstance(instr, Call) and isinstance(instr.result, Name):
                    if source(instr) or any(k in makers for k in _targets(facts, function, instr)):
                        carried.setdefault(instr.result.id, instr)
                elif isinstance(instr, Assign) and isinstance(instr.target, Name):
                    why = _carries(instr.value, carried, test, instr)
                    if why is None and isinstance(instr.value, Const):
                        why = chosen
                    if why is not None:
                        carried.setdefault(instr.target.id, why)


def _chosen(function: Function, index: int, carried: dict[str, Instr]) -> Instr | None:
    """What brought the value that a block is entered by."""
    names = (n for assume in entered_by(function, index) for n in sorted(assume.cond.names))
    return next((carried[n] for n in names if n in carried), None)


def _targets(facts: Facts, function: Function, call: Call) -> tuple[Key, ...]:
    return facts.program.resolve(call.callee, function.path) if call.callee else ()


def _carries(value: Expr, carried: dict[str, Instr], test: Callable[[Expr], bool], at: Instr) -> Instr | None:
    if test(value):
        return at
    if isinstance(value, Name):
        return carried.get(value.id)
    if isinstance(value, Binary):
        return _carries(value.left, carried, test, at) or _carries(value.right, carried, test, at)
    operand = getattr(value, "operand", None)
    return _carries(operand, carried, test, at) if isinstance(operand, Expr) else None


def _returns(function: Function, carried: dict[str, Instr]) -> bool:
    """Whether a function that answers yes or no gives such a value."""
    if function.returns.split()[-1:] not in (["bool"], ["int"]):
        return False
    yes_or_no = function.returns.split()[-1:] == ["bool"]
    for index, block in enumerate(function.blocks):
        for value in (i.value for i in block.instrs if isinstance(i, Return)):
            if isinstance(value, Name) and value.id in carried:
                return True
            if yes_or_no and isinstance(value, Const) and _chosen(function, index, carried) is not None:
                return True
    return False


def _handed_on(facts: Facts, function: Function, carried: dict[str, Instr], out: Derived) -> list[Key]:
    """Callees one of whose parameters now carries a value."""
    new = []
    for call in function.calls():
        for index, arg in enumerate(call.args):
            if isinstance(arg, Name) and arg.id in carried and not arg.id.isupper():
                for key in _targets(facts, function, call):
                    callee = facts.program.lower(key)
                    if callee is None or callee.kind == "macro" or index >= len(callee.params):
                        continue
                    known = out.names.setdefault(key, {})
                    if callee.params[index].type == "bool" and callee.params[index].name not in known:
                        known[callee.params[index].name] = call
                        new.append(key)
    return new
