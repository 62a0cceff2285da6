"""Interrupt context: which functions handlers run, and which locks they take there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from analyzer.callgraph.names import NameGraph
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Call, Expr, Function, Name


@dataclass(frozen=True, slots=True)
class RunsIn:
    """A registration: the argument that is run, the context it runs in, what it is in words.

    ``softer``: a word of another argument with which it runs in the softer context.
    """

    slot: int
    where: str
    what: str
    softer: str = ""


@dataclass(frozen=True, slots=True)
class Masking:
    """Calls that mask interrupts or softirqs (-> label), unmask them, or say that they are masked."""

    takes: Mapping[str, str]
    gives: Mapping[str, str]
    asserts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that runs in an interrupt, with where it is registered."""

    key: Key
    where: str
    what: str
    call: Call
    function: Function


@dataclass(frozen=True, slots=True)
class Reached:
    """A function that a handler runs: the handler, and the calls on the way, outermost first."""

    key: Key
    handler: Handler
    calls: tuple[tuple[Function, Call], ...]


def handlers(program: Program, names: NameGraph, runs_in: Mapping[str, RunsIn], soft: str) -> tuple[Handler, ...]:
    """Every function of a program that is registered to run in an interrupt; ``soft`` names the softer context."""
    found: dict[tuple[Key, str], Handler] = {}
    words = frozenset(runs_in)
    for key in sorted(names.where(lambda d: not d.mentions.isdisjoint(words) and d.kind == "function")):
        function = program.lower(key)
        for call in function.calls() if function is not None else ():
            kind = runs_in.get(call.callee)
            if kind is None or kind.slot >= len(call.args) or function is None:
                continue
            softer = bool(kind.softer) and any(kind.softer in a.text for a in call.args)
            where = soft if softer else kind.where
            for target in named(program, call.args[kind.slot], key[0]):
                found.setdefault((target, where), Handler(target, where, kind.what, call, function))
    return tuple(found.values())


def named(program: Program, expr: Expr, path: str) -> tuple[Key, ...]:
    """The functions an expression names."""
    inner = expr.base if isinstance(expr, Addr) else expr
    found = program.resolve(inner.id, path) if isinstance(inner, Name) else ()
    return tuple(k for k in found if program.definitions[k].kind == "function")


def reached(
    program: Program, vocabulary: Vocabulary, starts: Iterable[Handler], within: frozenset[Key]
) -> Iterator[Reached]:
    """The functions of a set that handlers run before they return, nearest first; each once for a context."""
    seen: set[tuple[Key, str]] = set()
    work: deque[Reached] = deque(Reached(h.key, h, ()) for h in starts)
    while work:
        here = work.popleft()
        if (here.key, here.handler.where) in seen or here.key not in within:
            continue
        seen.add((here.key, here.handler.where))
        yield here
        function = program.lower(here.key)
        for call in function.calls() if function is not None else ():
            for target in _targets(program, vocabulary, call, here.key[0]):
                if function is not None and (target, here.handler.where) not in seen:
                    work.append(Reached(target, here.handler, (*here.calls, (function, call))))


def _targets(program: Program, vocabulary: Vocabulary, call: Call, path: str) -> list[Key]:
    """What a call runs before it returns."""
    if call.callee in vocabulary.asynchronous:
        return []
    if call.callee:
        return [k for k in program.resolve(call.callee, path) if program.definitions[k].kind == "function"]
    entries = program.tables.get(call.table, ()) if call.table else ()
    return [k for e in entries for k in program.resolve(e.function, e.path)]


Free = Callable[[Key, frozenset[str]], bool]
