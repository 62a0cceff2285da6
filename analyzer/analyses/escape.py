"""Escape: in which objects the result of a call is kept, across copies, arrays, lists, helpers and returns.

Flow-insensitive within a function: a variable that ever holds the value carries it. What a helper returns is
followed to its callers, what it is handed into its body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from analyzer.analyses.facts import step
from analyzer.callgraph.names import NameGraph
from analyzer.core.finding import Step
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Call, Deref, Expr, Field, Function, Index, Instr, Name, Return

# Linking calls: index of what is linked -> index of what it is linked to.
LINKS = {
    "list_add": (0, 1), "list_add_tail": (0, 1), "list_add_rcu": (0, 1), "hlist_add_head": (0, 1), "llist_add": (0, 1),
    "xa_store": (2, 0), "xa_insert": (2, 0), "rcu_assign_pointer": (1, 0), "WRITE_ONCE": (1, 0),
    "smp_store_release": (1, 0), "list_move": (0, 1), "hlist_add_head_rcu": (0, 1), "xchg": (1, 0),
}  # fmt: skip
# Calls whose result is another name of their argument.
VIEWS = frozenset(
    """page_address page_to_phys page_to_pfn page_to_virt virt_to_page __pa virt_to_phys page_folio
    pfn_to_page phys_to_virt __va ERR_PTR no_free_ptr return_ptr""".split()
)
MAX_HOPS = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """A value is stored: in which function, by which instruction, into what, and the calls that brought it there."""

    function: Function
    instr: Instr
    target: Expr
    path: tuple[Step, ...]


def root_of(expr: Expr) -> Name | None:
    """The variable that an access path starts at."""
    while isinstance(expr, Field | Deref | Index | Addr):
        expr = expr.base
    return expr if isinstance(expr, Name) else None


def type_of(function: Function, name: str) -> str:
    """The declared type of a variable or parameter, or what the call returns that made a temporary."""
    for param in function.params:
        if param.name == name:
            return param.type
    return function.locals.get(name, "")


def values_of(function: Function, name: str) -> Iterator[Expr | Call]:
    """What a variable is ever set to: expressions, and calls by their results."""
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and isinstance(instr.target, Name) and instr.target.id == name:
                yield instr.value
            elif isinstance(instr, Call) and isinstance(instr.result, Name) and instr.result.id == name:
                yield instr


class Escape:
    """Follows results; ``program`` and ``names`` say where helpers and callers are."""

    def __init__(self, program: Program, names: NameGraph) -> None:
        self.program = program
        self.names = names

    def of(self, function: Function, call: Call) -> Iterator[Kept]:
        """Every place that the result of a call is stored in, those of callers and callees included."""
        if call.result is not None:
            yield from self._result(function, call, (), frozenset())

    def filled(self, function: Function, call: Call, index: int) -> Iterator[Kept]:
        """The same for what a call puts into an array that it is given."""
        array = call.args[index] if index < len(call.args) else None
        if isinstance(array, Addr):
            array = array.base
        if isinstance(array, Name):
            yield from self._carried(function, array.id, (), frozenset())
            yield from self._given(function, array, ())
        elif array is not None:
            yield Kept(function, call, array, ())

    def _given(self, function: Function, name: Name, path: tuple[Step, ...]) -> Iterator[Kept]:
        """The arrays that callers hand over as a parameter."""
        index = next((n for n, p in enumerate(function.params) if p.name == name.id), None)
        for key in self.names.callers.get(function.key, ()) if index is not None and len(path) < MAX_HOPS else ():
            caller = self.program.lower(key)
            for call in caller.calls() if caller is not None else ():
                if index is None or caller is None or call.callee != function.name or index >= len(call.args):
                    continue
                arg, here = call.args[index], (*path, step(caller, call, f"{function.name}() fills it for the caller"))
                if isinstance(arg, Name):
                    yield from self._carried(caller, arg.id, here, frozenset())
                    yield from self._given(caller, arg, here)
                else:
                    yield Kept(caller, call, arg, here)

    def _result(
        self, function: Function, call: Call, path: tuple[Step, ...], seen: frozenset[tuple[Key, str]]
    ) -> Iterator[Kept]:
        if isinstance(call.result, Name):
            yield from self._carried(function, call.result.id, path, seen)
        elif isinstance(call.result, Index) and isinstance(call.result.base, Name):
            yield from self._carried(function, call.result.base.id, path, seen)
        elif call.result is not None:
            yield Kept(function, call, call.result, path)
            yield from self._out(function, call.result, path)
            root = root_of(call.result)
            if root is not None and not any(p.name == root.id for p in function.params):
                yield from self._carried(function, root.id, path, seen)

    def _out(self, function: Function, target: Expr, path: tuple[Step, ...], depth: int = MAX_HOPS) -> Iterator[Kept]:
        """The places whose addresses callers give for what a function stores through a parameter."""
        held = target.base if isinstance(target, Deref) else None
        index = next((n for n, p in enumerate(function.params) if isinstance(held, Name) and p.name == held.id), None)
        for key in self.names.callers.get(function.key, ()) if index is not None and depth else ():
            caller = self.program.lower(key)
            for call in caller.calls() if caller is not None else ():
                if index is None or caller is None or call.callee != function.name or index >= len(call.args):
                    continue
                arg, here = call.args[index], (*path, step(caller, call, f"{function.name}() stores it for the caller"))
                if isinstance(arg, Addr):
                    yield Kept(caller, call, arg.base, here)
                else:
                    yield from self._out(caller, Deref(arg), here, depth - 1)

    def _carried(
        self, function: Function, name: str, path: tuple[Step, ...], seen: frozenset[tuple[Key, str]]
    ) -> Iterator[Kept]:
        if (function.key, name) in seen or len(path) > MAX_HOPS:
            return
        seen |= {(function.key, name)}
        carriers = self._carriers(function, name)
        for block in function.blocks:
            for instr in block.instrs:
                match instr:
                    case Assign() if _carries(instr.value, carriers) and not isinstance(instr.target, Name):
                        yield Kept(function, instr, instr.target, path)
                        yield from self._out(function, instr.target, path)
                    case Call():
                        yield from self._call(function, instr, carriers, path, seen)
                    case Return() if instr.value is not None and _carries(instr.value, carriers):
                        yield from self._callers(function, path, seen)

    def _carriers(self, function: Function, name: str) -> set[str]:
        """The variables that hold the value, or an object in which it is stored."""
        carriers = {name}
        params = {p.name for p in function.params}
        while True:
            size = len(carriers)
            for block in function.blocks:
                for instr in block.instrs:
                    if isinstance(instr, Assign) and _carries(instr.value, carriers):
                        root = root_of(instr.target)
                        if root is not None and (isinstance(instr.target, Name) or root.id not in params):
                            carriers.add(root.id)
                    elif isinstance(instr, Call) and isinstance(instr.result, Name) and _views(instr, carriers):
                        carriers.add(instr.result.id)
            if len(carriers) == size:
                return carriers

    def _call(
        self,
        function: Function,
        call: Call,
        carriers: set[str],
        path: tuple[Step, ...],
        seen: frozenset[tuple[Key, str]],
    ) -> Iterator[Kept]:
        if call.result is not None and not isinstance(call.result, Name) and _views(call, carriers):
            yield Kept(function, call, call.result, path)
        if call.callee in LINKS:
            what, where = LINKS[call.callee]
            if max(what, where) < len(call.args) and _carries(call.args[what], carriers):
                yield Kept(function, call, call.args[where], path)
            return
        for index, arg in enumerate(call.args):
            if not _carries(arg, carriers):
                continue
            for key in self.program.resolve(call.callee, function.path) if call.callee else ():
                callee = self.program.lower(key)
                if callee is not None and index < len(callee.params) and callee.params[index].name:
                    here = (*path, step(function, call, f"hands it to {call.callee}()"))
                    yield from self._carried(callee, callee.params[index].name, here, seen)

    def _callers(self, function: Function, path: tuple[Step, ...], seen: frozenset[tuple[Key, str]]) -> Iterator[Kept]:
        for key in self.names.callers.get(function.key, ()):
            caller = self.program.lower(key)
            for call in caller.calls() if caller is not None else ():
                if caller is not None and call.callee == function.name and call.result is not None:
                    here = (*path, step(caller, call, f"gets it from {function.name}()"))
                    yield from self._result(caller, call, here, seen)

    def lives_in(
        self, function: Function, expr: Expr, lived: Callable[[str], bool], casts: Mapping[str, str], depth: int = 4
    ) -> bool:
        """Whether an access path starts at an object of a type that passes, over local pointers into one."""
        root = root_of(expr)
        if root is None or not depth:
            return False
        kind = type_of(function, root.id)
        if "*" in kind and lived(kind.replace("const ", "").replace("*", "").strip()):
            return True
        for value in values_of(function, root.id):
            if isinstance(value, Call):
                if value.callee in casts and lived(casts[value.callee]):
                    return True
            elif self.lives_in(function, value, lived, casts, depth - 1):
                return True
        return False


def _views(call: Call, carriers: set[str]) -> bool:
    """Whether a call makes another name of a carried value."""
    return call.callee in VIEWS and any(_carries(a, carriers) for a in call.args)


def _carries(expr: Expr, carriers: set[str]) -> bool:
    """Whether an expression is a carried value: the variable, an element, or the address of a member of it."""
    inner = expr
    if isinstance(inner, Addr):
        inner = inner.base
        while isinstance(inner, Field | Deref):
            inner = inner.base
    while isinstance(inner, Index):
        inner = inner.base
    return isinstance(inner, Name) and inner.id in carriers


def derives(function: Function, text: str, marks: tuple[str, ...], depth: int = 4) -> bool:
    """Whether a variable is made, step by step in its function, of something whose name has one of the marks."""
    if any(mark in text for mark in marks):
        return True
    if not depth:
        return False
    for value in values_of(function, text):
        parts = (value.callee, *(a.text for a in value.args)) if isinstance(value, Call) else (value.text,)
        if any(part != text and derives(function, part, marks, depth - 1) for part in parts):
            return True
    return False
