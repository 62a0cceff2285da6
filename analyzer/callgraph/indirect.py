"""Where function pointers go: from names through variables, fields, arguments and results to the calls of them.

Flow-insensitive and field-based (one node for a field name, whatever the struct), as ops tables are used in the kernel.
A target remembers whether a table (file-scope initialiser, run-time assignment) or a callback (argument, field of a
local struct) brought it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Call, Deref, Expr, Field, Function, Index, Init, Name, Return

Place = tuple[str, ...]  # ("var", path, function, name), ("field", name), ("global", name), ("result", path, function)
Target = tuple[Key, str]  # the function, and how it got there: "table" or "callback"
STORES: Final = frozenset(("WRITE_ONCE", "rcu_assign_pointer", "RCU_INIT_POINTER", "smp_store_release"))
_NUMBER = re.compile(
    r"int|unsigned|signed|long|short|char|bool|float|double|[us](8|16|32|64)|u?int\d+_t|s?size_t|loff_t|[gh](fn|pa|va)_t"
    r"|(kvm_)?pfn_t|pid_t|pgoff_t|phys_addr_t"
)
_ENTRY = re.compile(r"[={,]\s*&?\s*([A-Za-z_]\w*)\s*(?=[,}])")
_OBJECTS = frozenset(("struct", "union", "enum"))


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A call in a function; ``place`` holds the pointer that is called, or is None for a call by name."""

    owner: Key
    call: Call
    place: Place | None


def array_entries(program: Program, path: str, name: str) -> tuple[Key, ...]:
    """The functions that the initialiser of an array of the file lists (``handlers[] = { [REASON] = handle, }``)."""
    text = program.code(path)
    start = re.search(rf"\b{re.escape(name)}\s*\[[^\]]*\][^=;{{}}]*=\s*{{", text)
    if start is None:
        return ()
    end = text.find("}", start.end())
    names = dict.fromkeys(_ENTRY.findall(text, start.end() - 1, end + 1))
    found = (key for word in names for key in program.resolve(word, path))
    return tuple(key for key in found if program.definitions[key].kind == "function")


class Scope:
    """The variables of one function, and the places its expressions stand for."""

    def __init__(self, program: Program, function: Function) -> None:
        """The scope of a lowered function."""
        self.program = program
        self.key = function.key
        self.types = {**function.locals, **{p.name: p.type for p in function.params}}
        self.blanks = frozenset(p.name for p in function.params) if function.kind == "macro" else frozenset()

    def pointer(self, name: str) -> bool:
        """Whether a name is a variable that can be called; ``min`` beside an ``int min`` is not."""
        return name in self.types and _may_point(self.types[name])

    def functions(self, expr: Expr) -> tuple[Key, ...]:
        """The functions an expression names (``f``, ``&f``)."""
        expr = expr.base if isinstance(expr, Addr) else expr
        if not isinstance(expr, Name) or expr.id in self.types or expr.id not in self.program.by_name:
            return ()
        found = self.program.resolve(expr.id, self.key[0])
        return tuple(k for k in found if self.program.definitions[k].kind == "function")

    def place(self, expr: Expr) -> Place | None:
        """Where the value of an expression is kept; elements and what is pointed to count as the whole."""
        while isinstance(expr, Addr | Deref | Index):
            expr = expr.base
        if isinstance(expr, Field):
            return None if expr.name in self.blanks else ("field", expr.name)
        if not isinstance(expr, Name):
            return None
        if expr.temporary or self.pointer(expr.id):
            return ("var", *self.key, expr.id)
        return None if expr.id in self.types else ("global", expr.id)


def _may_point(words: str) -> bool:
    """Whether a variable of that type can hold the address of a function, or an array of them.

    Numbers, and objects (fields have places of their own), cannot; a typedef, ``void *`` and a macro's parameter can.
    """
    if "(" in words:
        return True
    bare = [w for w in words.replace("*", " ").split() if w not in ("const", "volatile")]
    return not bare or (bare[0] not in _OBJECTS and not all(_NUMBER.fullmatch(w) for w in bare))


class Pointers:
    """The solver: facts flow along copies until nothing changes; calls through pointers bind arguments then."""

    def __init__(self, program: Program, known: frozenset[Key]) -> None:
        """A solver that looks into the bodies of ``known``."""
        self.program = program
        self.known = known
        self.facts: dict[Place, dict[Target, None]] = {}
        self.copies: dict[Place, dict[Place, None]] = {}
        self.sites: dict[Place, list[tuple[Site, Scope]]] = {}
        self.bound: set[tuple[int, Key]] = set()
        self.work: deque[tuple[Place, Target]] = deque()

    def add(self, place: Place, target: Target) -> None:
        """A function is at a place."""
        known = self.facts.setdefault(place, {})
        if target not in known:
            known[target] = None
            self.work.append((place, target))

    def copy(self, source: Place, target: Place) -> None:
        """What is at one place is at another."""
        known = self.copies.setdefault(source, {})
        if target in known or source == target:
            return
        known[target] = None
        for fact in list(self.facts.get(source, ())):
            self.add(target, fact)

    def flow(self, expr: Expr, target: Place | None, scope: Scope, how: str = "callback") -> None:
        """The value of an expression goes to a place; fields of an initialiser go to their own places."""
        inner = expr.base if isinstance(expr, Addr) else expr
        if isinstance(inner, Init):
            for name, value in inner.entries:
                self.flow(value, ("field", name.rsplit(".", 1)[-1]) if name else target, scope)
            return
        if target is None:
            return
        named = scope.functions(expr)
        for key in named:
            self.add(target, (key, how))
        source = None if named else scope.place(expr)
        if source is not None:
            self.copy(source, target)

    def read(self, function: Function, scope: Scope) -> None:
        """Assignments and returns of a function."""
        result: Place = ("result", *function.key)
        for block in function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assign):
                    how = "table" if isinstance(instr.target, Field) else "callback"
                    self.flow(instr.value, scope.place(instr.target), scope, how)
                elif isinstance(instr, Return) and instr.value is not None:
                    self.flow(instr.value, result, scope)

    def call(self, site: Site, scope: Scope, keys: Iterable[Key]) -> None:
        """A call with the definitions its name can mean."""
        call = site.call
        if call.callee in STORES and len(call.args) > 1:
            self.flow(call.args[1], scope.place(call.args[0]), scope, "table")
        for key in keys:
            self.bind(site, scope, key)
        if site.place is not None:
            self.sites.setdefault(site.place, []).append((site, scope))

    def bind(self, site: Site, scope: Scope, key: Key) -> None:
        """Arguments go to parameters, the result comes back."""
        if key not in self.known or (id(site), key) in self.bound:
            return
        self.bound.add((id(site), key))
        function = self.program.lower(key)
        if function is None:
            return
        for param, arg in zip(function.params, site.call.args, strict=False):
            if param.name:
                self.flow(arg, ("var", *key, param.name), scope)
        if site.call.result is not None:
            target = scope.place(site.call.result)
            if target is not None:
                self.copy(("result", *key), target)

    def solve(self) -> None:
        """Run to the fixed point."""
        while self.work:
            place, target = self.work.popleft()
            for following in list(self.copies.get(place, ())):
                self.add(following, target)
            for site, scope in self.sites.get(place, ()):
                self.bind(site, scope, target[0])

    def targets(self, place: Place, arguments: int) -> dict[Key, str]:
        """The functions at a place and how they got there; those that take that many arguments, if any do."""
        found: dict[Key, str] = {}
        for key, how in self.facts.get(place, ()):
            if found.get(key) != "table":
                found[key] = how
        fitting = {k: how for k, how in found.items() if self._takes(k, arguments)}
        return fitting or found

    def _takes(self, key: Key, arguments: int) -> bool:
        function = self.program.lower(key)
        return function is None or len(function.params) == arguments
