"""Results that may be NULL: whether a path uses one, or derives a pointer from it, before it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from analyzer.analyses.locks import BUGS_VM
from analyzer.ir.cfg import reach
from analyzer.ir.program import Key, Program
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Hole,
    Index,
    Instr,
    Name,
    Return,
    Unary,
)

DEEPEST = 4  # calls a pointer is followed into
Carriers = frozenset[Expr]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A use without a check: the instruction, how it uses the pointer, the calls it went through, outermost first."""

    function: Function
    instr: Instr
    how: str
    calls: tuple[tuple[Function, Call], ...] = ()


@dataclass(slots=True)
class _Path:
    """What one walk over a function found."""

    uses: list[Unchecked] = field(default_factory=list)
    returned: bool = False
    tests: bool = False


class Checks:
    """Follows a pointer over all paths; ``casts`` says which callees make another pointer of it."""

    def __init__(self, program: Program, casts: Callable[[str], bool]) -> None:
        self.program = program
        self.casts = casts
        self._parameters: dict[tuple[Key, int], _Path] = {}

    def after(self, function: Function, call: Call) -> tuple[tuple[Unchecked, ...], bool]:
        """The uses of a call's result that no check comes before, and whether it is returned unchecked."""
        if call.result is None:
            return (), False
        for index, block in enumerate(function.blocks):
            for at, instr in enumerate(block.instrs):
                if instr is call:
                    found = self._walk(function, index, at + 1, frozenset((call.result,)), DEEPEST)
                    return tuple(found.uses), found.returned
        return (), False

    def _parameter(self, key: Key, index: int, depth: int) -> _Path:
        """What a function does with a parameter."""
        known = self._parameters.get((key, index))
        if known is None:
            known = self._parameters[key, index] = _Path()  # recursion sees nothing
            function = self.program.lower(key)
            if function is not None and index < len(function.params) and function.params[index].name:
                name = Name(function.params[index].name)
                known = self._parameters[key, index] = self._walk(function, 0, 0, frozenset((name,)), depth)
        return known

    def _walk(self, function: Function, block: int, at: int, carriers: Carriers, depth: int) -> _Path:
        """All paths from an instruction on, each until the pointer is checked or used."""
        found = _Path()
        work: list[tuple[int, int, Carriers]] = [(block, at, carriers)]
        seen: set[tuple[int, Carriers]] = set()
        while work:
            index, start, held = work.pop()
            after: Carriers | None = held
            for instr in function.blocks[index].instrs[start:]:
                after = self._instr(function, instr, after, found, depth) if after else None
            if after:
                following = [(n, after) for n in _following(function, index, after)]
                work += [(n, 0, h) for n, h in following if (n, h) not in seen]
                seen.update(following)
        return found

    def _instr(self, function: Function, instr: Instr, carriers: Carriers, found: _Path, depth: int) -> Carriers | None:
        """The carriers after an instruction; None where the path ends."""
        how = _used(instr, carriers)
        if how:
            found.uses.append(Unchecked(function, instr, how))
            return None
        match instr:
            case Assume():
                return self._branch(instr, carriers, found)
            case Return():
                found.returned = found.returned or instr.value in carriers
                return None
            case Call():
                return self._call(function, instr, carriers, found, depth)
            case Assign():
                return _assigned(instr.target, instr.value, carriers)
            case Hole():
                return None
            case _:
                return carriers

    def _branch(self, assume: Assume, carriers: Carriers, found: _Path) -> Carriers | None:
        """The side of a check on which the pointer is not NULL ends the path."""
        if _fixed(assume.cond, carriers) is (not assume.truth):
            return None
        said = _says(assume.cond, carriers)
        if said is None:
            return carriers
        found.tests = True
        return None if said is assume.truth else carriers

    def _call(self, function: Function, call: Call, carriers: Carriers, found: _Path, depth: int) -> Carriers | None:
        """A cast, or a callee that uses it, is a use; one that checks it says so by its result."""
        held = _assigned(call.result, call, carriers) if call.result is not None else carriers
        for index, arg in enumerate(call.args):
            if arg not in carriers or call.callee in BUGS_VM:
                continue
            if self.casts(call.callee):
                found.uses.append(Unchecked(function, call, f"{call.callee}() makes a pointer of it"))
                return None
            keys = self.program.resolve(call.callee, function.path) if call.callee and depth else ()
            for inner in (self._parameter(k, index, depth - 1) for k in keys):
                if inner.uses:
                    first = inner.uses[0]
                    found.uses.append(
                        Unchecked(first.function, first.instr, first.how, ((function, call), *first.calls))
                    )
                    return None
            if call.result is not None and (not keys or any(self._parameters[k, index].tests for k in keys)):
                held = held | {_tested(call.result)}
        return held


def _following(function: Function, index: int, carriers: Carriers) -> list[int]:
    """The successors of a block; where #if takes a check out, whether what follows runs without it is not known."""
    arms = list(function.blocks[index].successors)
    first = [next(iter(function.blocks[n].instrs), None) for n in arms]
    if len(arms) < 2 or any(isinstance(i, Assume) for i in first):
        return arms
    reached = {n: reach(function, n) for n in arms}
    if any(index in r for r in reached.values()):
        return arms  # a loop
    others = {n: set().union(*(reached[m] for m in arms if m != n)) for n in arms}
    asking = [n for n in arms if any(_asks(function, b, carriers) for b in reached[n] - others[n])]
    return asking or arms


def _asks(function: Function, block: int, carriers: Carriers) -> bool:
    """Whether a block begins with a check."""
    return any(isinstance(i, Assume) and _says(i.cond, carriers) is not None for i in function.blocks[block].instrs)


def _tested(result: Expr) -> Expr:
    """A mark for the result of a call that looked at the pointer: a branch on it is a check."""
    return Unary("?", result)


def _says(cond: Expr, carriers: Carriers) -> bool | None:
    """The truth of a condition for which a carrier is not NULL; None when it is no check of one."""
    match cond:
        case Unary(op="!"):
            inner = _says(cond.operand, carriers)
            return None if inner is None else not inner
        case Binary(op="==" | "!="):
            for one, other in ((cond.left, cond.right), (cond.right, cond.left)):
                said = True if one in carriers else None if other not in (Const("0", 0),) else _says(one, carriers)
                if said is not None:
                    null = isinstance(other, Const) and other.value == 0
                    return (cond.op == "!=") if null else (cond.op == "==")
            return None
        case _:
            return True if cond in carriers or _tested(cond) in carriers else None


def _fixed(cond: Expr, carriers: Carriers) -> bool | None:
    """The truth of a condition on a variable that was set to a constant on this path."""
    if isinstance(cond, Unary) and cond.op == "!":
        inner = _fixed(cond.operand, carriers)
        return None if inner is None else not inner
    if Binary("==", cond, Const("0", 0)) in carriers:
        return False
    return True if Binary("==", cond, Const("1", 1)) in carriers else None


def _assigned(target: Expr, value: Expr | Call, carriers: Carriers) -> Carriers:
    """A copy carries it on, and so does the truth of it; what is overwritten does not."""
    rest = frozenset(c for c in carriers if c != target and not (isinstance(target, Name) and target.id in c.names))
    if isinstance(value, Call):
        return rest
    if value in carriers:
        return rest | {target}
    if isinstance(value, Const) and isinstance(target, Name):
        return rest | {Binary("==", target, value)}  # what a short circuit leaves of the check
    said = _says(value, carriers)
    if said is not None:
        return rest | {_tested(target) if said else Unary("?", Unary("!", target))}
    return rest


def _used(instr: Instr, carriers: Carriers) -> str:
    """How an instruction dereferences a carrier, or takes an address in what it points to; ``""`` if it does not."""
    if isinstance(instr, Call) and instr.callee in BUGS_VM:
        return ""  # the VM is looked at only once it is bugged
    for expr in read_expressions(instr):
        for inner in inner_expressions(expr):
            if isinstance(inner, Field | Index) and isinstance(inner.base, Deref) and inner.base.base in carriers:
                return f"{inner.text} is looked at"
            if isinstance(inner, Deref) and inner.base in carriers:
                return f"{inner.text} is looked at"
    return ""


def read_expressions(instr: Instr) -> Iterator[Expr]:
    """The expressions an instruction is made of."""
    match instr:
        case Assign():
            yield instr.target
            yield instr.value
        case Call():
            yield from instr.args
            if instr.result is not None:
                yield instr.result
            if instr.target is not None:
                yield instr.target
        case Assume():
            yield instr.cond
        case Return() if instr.value is not None:
            yield instr.value


def inner_expressions(expr: Expr) -> Iterator[Expr]:
    """An expression with all its parts."""
    yield expr
    match expr:
        case Field() | Deref() | Addr():
            yield from inner_expressions(expr.base)
        case Index():
            yield from inner_expressions(expr.base)
            yield from inner_expressions(expr.index)
        case Unary():
            yield from inner_expressions(expr.operand)
        case Binary():
            yield from inner_expressions(expr.left)
            yield from inner_expressions(expr.right)


def sources(
    program: Program, checks: Checks, given: frozenset[str]
) -> Iterator[tuple[Function, Call, tuple[Unchecked, ...]]]:
    """Every call of a source, and of functions that return what one gave them unchecked, with the unchecked uses."""
    words, done = given, frozenset[str]()
    while words - done:
        new, done = words - done, words
        for key in sorted(k for k, d in program.definitions.items() if not d.mentions.isdisjoint(new)):
            function = program.lower(key) if program.definitions[key].kind == "function" else None
            for call in function.calls() if function is not None else ():
                if call.callee in new and function is not None:
                    uses, returned = checks.after(function, call)
                    words |= {function.name} if returned else frozenset()
                    yield function, call, uses
