"""Taint: where labelled values go, across calls, returns, out-parameters, fields, tables and callbacks.

Each function is looked at once, with every parameter as an origin of its own, callees first; what it does with
them is its summary. The summaries are joined to one graph of flows, and a breadth-first walk from the sources
gives each sink the shortest path that brings a labelled value there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.analyses.flow import flow_of
from analyzer.analyses.flows import Inputs, Left, Summaries
from analyzer.analyses.origins import Edge, FunctionFlow, Origin
from analyzer.analyses.spec import Effects, Spec
from analyzer.callgraph.names import NameGraph
from analyzer.core.finding import Step
from analyzer.ir.effect import Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Expr, Function, Instr


@dataclass(frozen=True, slots=True)
class Arrival:
    """A labelled value at a sink: the instruction, the tainted expression, the function, the path from the source."""

    instr: Instr
    expr: Expr
    function: Function
    source: str
    path: tuple[Step, ...]


@dataclass(slots=True)
class TaintResult:
    """Arrivals, and counts that show what was looked at."""

    arrivals: list[Arrival] = field(default_factory=list)
    sources: int = 0
    sinks: int = 0
    functions: int = 0


HELPER_LINES = 12  # a function that only passes on what it gets is short
Parents = dict[Origin, tuple[Origin | None, Step]]


def select(program: Program, names: NameGraph, effects: Effects, spec: Spec) -> list[Key]:
    """The functions that can carry a value from a source to a sink, or supply one by what they return or store."""
    sinks = effects.names(Verb.SINK)
    made = effects.names(Verb.SOURCE)
    sources = made | {f for _, f in spec.fields}
    ends = names.where(lambda d: spec.sink_scope(d.path) and (spec.compares or not d.mentions.isdisjoint(sinks)))
    starts = names.where(lambda d: spec.origin_scope(d.path) and not d.mentions.isdisjoint(sources))
    starts |= names.where(lambda d: d.kind == "function" and spec.typed_scope(d.path, d.name))
    populating = names.where(lambda d: not d.mentions.isdisjoint(spec.populate))
    starts |= {k for caller in populating for k in names.callees[caller]}
    carrying = names.reachable(starts) | names.reaching(starts) | populating
    chosen = (names.reaching(ends) | populating) & carrying
    making = names.where(lambda d: spec.origin_scope(d.path) and not d.mentions.isdisjoint(made))
    chosen |= making | (names.reaching(making) & names.reachable(chosen))
    chosen |= _helpers(program, names, chosen)
    return [k for k in chosen if program.definitions[k].kind == "function"]


def _helpers(program: Program, names: NameGraph, chosen: Iterable[Key]) -> set[Key]:
    """Short functions that others call: what they get may come back by their result or through a pointer."""
    found: set[Key] = set()
    wave = set(chosen)
    while wave:
        called = set().union(*(names.callees[key] for key in wave if key in names.callees)) - found
        wave = {k for k in called if (d := program.definitions[k]).end_line - d.line <= HELPER_LINES}
        found |= wave
    return found


def solve_taint(program: Program, names: NameGraph, vocabulary: Vocabulary, spec: Spec) -> TaintResult:
    """All arrivals of ``spec.label`` at its sinks."""
    effects = Effects(vocabulary, spec.label)
    keys = sorted(select(program, names, effects, spec))
    functions = {k: f for k in keys if (f := program.lower(k)) is not None}
    callbacks = _callbacks(program, functions.values())
    populated = _populated(program, functions.values(), spec)
    inputs = _inputs(program, names, functions, callbacks, populated)
    slot = ("taint", spec.label, spec.compares)
    left = program.left.get(slot)

    def make(function: Function, flows: Mapping[Key, FunctionFlow]) -> FunctionFlow:
        return flow_of(function, program, effects, spec, flows, callbacks, populated)

    flows = Summaries(program, functions, inputs, make, left if isinstance(left, Left) else None).solve()
    program.left[slot] = Left(program, inputs, flows)
    return _walk(functions, flows, spec, populated)


def _populated(program: Program, functions: Iterable[Function], spec: Spec) -> frozenset[Key]:
    """The callbacks handed to ``spec.populate``."""
    found: set[Key] = set()
    known: dict[object, frozenset[str]] = program.left.setdefault("names populating", {})  # type: ignore[assignment]
    for function in functions if spec.populate else ():
        words = known.get((function.body, spec.populate))
        if words is None:
            args = (a.text.lstrip("&") for c in function.calls() if c.callee in spec.populate for a in c.args)
            words = known[function.body, spec.populate] = frozenset(w for w in args if w not in function.locals)
        for word in words:
            found.update(program.resolve(word, function.path))
    return frozenset(found)


def _inputs(
    program: Program,
    names: NameGraph,
    functions: dict[Key, Function],
    callbacks: dict[tuple[Key, int], set[Key]],
    populated: frozenset[Key],
) -> dict[Key, Inputs]:
    """What each function calls by name, and what it is handed."""
    handed: dict[Key, list[tuple[int, frozenset[Key]]]] = {}
    for (callee, index), passed in sorted(callbacks.items()):
        handed.setdefault(callee, []).append((index, frozenset(passed)))
    known: dict[object, list[Key]] = program.left.setdefault("below in order", {})  # type: ignore[assignment]
    found = {}
    for key in functions:
        named, given = names.named(key), tuple(handed.get(key, ()))
        below = known.get((named, given))
        if below is None:
            below = known[named, given] = sorted(named.union(*(passed for _, passed in given)))
        found[key] = Inputs(tuple(k for k in below if k in functions), given, key in populated)
    return found


def _callbacks(program: Program, functions: Iterable[Function]) -> dict[tuple[Key, int], set[Key]]:
    """(callee, parameter index) -> functions passed there."""
    found: dict[tuple[Key, int], set[Key]] = {}
    known: dict[int, _Handed] = program.left.setdefault("names handed", {})  # type: ignore[assignment]
    for function in functions:
        if function.body not in known:
            known[function.body] = _names_handed(function)
        for callee, index, word in known[function.body]:
            if word in program.by_name:
                targets = program.resolve(word, function.path)
                for key in program.resolve(callee, function.path):
                    found.setdefault((key, index), set()).update(targets)
    return found


_Handed = tuple[tuple[str, int, str], ...]


def _names_handed(function: Function) -> _Handed:
    """Callee, argument and name, for each name that a function hands to a call and that is none of its variables."""
    args = ((c.callee, i, a.text.lstrip("&")) for c in function.calls() if c.callee for i, a in enumerate(c.args))
    return tuple((callee, i, word) for callee, i, word in args if word.isidentifier() and word not in function.locals)


def _walk(
    functions: dict[Key, Function], flows: dict[Key, FunctionFlow], spec: Spec, populated: frozenset[Key]
) -> TaintResult:
    """Breadth first from the sources over the joined flows."""
    result = TaintResult(functions=len(flows), sinks=sum(f.looked_at for f in flows.values()))
    parents: Parents = {}
    for key, flow in flows.items():
        if spec.origin_scope(key[0]) or key in populated:
            result.sources += len(flow.sources)
            for origin, step in flow.sources:
                parents.setdefault(origin, (None, step))
    _spread(parents, flows)
    for key, flow in flows.items():
        if spec.sink_scope(key[0]):
            _arrivals(functions[key], flow, parents, result)
    result.arrivals.sort(key=lambda a: (a.function.path, a.instr.line, a.instr.column, len(a.path)))
    return result


def _spread(parents: Parents, flows: dict[Key, FunctionFlow]) -> None:
    """Give every origin that a source reaches the origin it is reached from, nearest first."""
    joined: dict[Origin, list[Edge]] = {}
    for flow in flows.values():
        for edge in flow.joins:
            joined.setdefault(edge[0], []).append(edge)
    work = deque(parents)
    while work:
        origin = work.popleft()
        own = flows[origin.key].edges if origin.inner and origin.key in flows else ()
        for start, target, step in own or joined.get(origin, ()):
            if start == origin and target not in parents:
                parents[target] = (origin, step)
                work.append(target)


def _arrivals(function: Function, flow: FunctionFlow, parents: Parents, result: TaintResult) -> None:
    best: dict[int, Arrival] = {}
    for instr, expr, origins in flow.sinks:
        for origin in sorted(origins, key=repr):
            if origin not in parents:
                continue
            path = _path(origin, parents)
            known = best.get(id(instr))
            if known is None or len(path) < len(known.path):
                best[id(instr)] = Arrival(instr, expr, function, path[0].note if path else "", tuple(path))
    result.arrivals += best.values()


def _path(origin: Origin, parents: Parents) -> list[Step]:
    steps: list[Step] = []
    current: Origin | None = origin
    while current is not None and len(steps) < 64:
        current, step = parents[current]
        steps.append(step)
    return steps[::-1]
