"""Ops tables: what a table of callbacks declares, where each of its ops is called, and who leads there.

An op is known by up to two lines: the macro that lists it (``KVM_X86_OP_OPTIONAL(name)``) and the member of the struct.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analyzer.analyses.facts import Facts
from analyzer.ir.program import Key, Prototype
from analyzer.ir.types import Call, Function


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a table; ``entry`` is the line of the list, ``member`` the field of the struct."""

    name: str
    entry: Prototype | None = None
    member: Prototype | None = None

    @property
    def place(self) -> Prototype:
        """Where a reader looks for it first."""
        found = self.entry or self.member
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class CallSite:
    """One call in one function."""

    function: Function
    call: Call


def ops_of(facts: Facts, wanted: Callable[[str], bool]) -> tuple[Op, ...]:
    """The ops whose names pass a test, in the order they are listed.

    A member that no list has is an op as well where no list is known to be read.
    """
    entries: dict[str, Prototype] = {}
    members: dict[str, Prototype] = {}
    for found in facts.program.fields():
        if wanted(found.name):
            (entries if found.defined else members).setdefault(found.name, found)
    names = dict.fromkeys((*entries, *members))
    return tuple(Op(n, entries.get(n), members.get(n)) for n in names)


def op_calls(facts: Facts, op: str, covers: Callable[[str], bool]) -> Iterator[CallSite]:
    """The calls of an op through its table."""
    for function in facts.mentioning(frozenset((op, f"kvm_x86_{op}")), covers):
        for call in function.calls():
            if call.table == op and not call.callee:
                yield CallSite(function, call)


def callers_of(facts: Facts, key: Key) -> list[CallSite]:
    """The calls of a function by its name."""
    found = []
    for caller in facts.names.callers.get(key, ()):
        function = facts.program.lower(caller) if facts.program.definitions[caller].kind == "function" else None
        for call in function.calls() if function is not None else ():
            if call.callee == key[1] and key in facts.program.resolve(call.callee, caller[0]):
                assert function is not None
                found.append(CallSite(function, call))
    return found


def hub(facts: Facts, function: Function, thin: Callable[[Key], bool]) -> Function:
    """The function that a thin wrapper is a part of: up as long as it is thin and one function alone calls it."""
    seen = {function.key}
    while True:
        if not thin(function.key):
            return function
        callers = {s.function.key: s.function for s in callers_of(facts, function.key)}
        if len(callers) != 1:
            return function
        (above,) = callers.values()
        if above.key in seen:
            return function
        seen.add(above.key)
        function = above


def nearest_callers(facts: Facts, key: Key, stop: Callable[[Key], bool]) -> frozenset[Key]:
    """The first functions that pass a test on each way up from a function, itself included."""
    found, seen, work = set(), {key}, deque((key,))
    while work:
        current = work.popleft()
        if stop(current):
            found.add(current)
            continue
        for caller in facts.names.callers.get(current, ()):
            if caller not in seen:
                seen.add(caller)
                work.append(caller)
    return frozenset(found)
