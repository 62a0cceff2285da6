"""Questions to a call graph: callers, callees, paths, roots, and what changed between two programs.

The use of a macro whose calls are edges of the user already (``Edge.expanded``) ends a path: going on from the macro
would mix the arguments of its uses.
"""

from __future__ import annotations

import difflib
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from analyzer.callgraph.graph import UNKNOWN, CallGraph, Edge, Node
from analyzer.core.problem import AnalyzerError
from analyzer.ir.program import Key

MAX_STEPS = 50_000  # partial paths looked at before a search for paths gives up
MAX_EDGES = 20_000  # edges in the answer to callers or callees

Path = tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    ``kind`` is ``callers``, ``callees``, ``paths``, ``roots``, ``diff`` or ``graph`` (all of it); ``start`` is what was
    asked about. ``edges`` are all edges of the answer, in the order they were found; ``paths`` (from caller to callee)
    are set for ``paths`` and ``roots``; ``changes`` says ``added`` or ``removed`` of an edge or node of a ``diff``.
    ``complete`` is False when a bound was hit. ``nodes`` has every node of the edges and of ``start``.
    """

    kind: str
    start: tuple[Key, ...]
    edges: tuple[Edge, ...]
    nodes: Mapping[Key, Node]
    paths: tuple[Path, ...] = ()
    changes: Mapping[Edge | Key, str] = field(default_factory=dict)
    complete: bool = True


def find(keys: Iterable[Key], name: str) -> Key:
    """The one key that ``func`` or ``path:func`` names; a path may leave out leading folders.

    Raises AnalyzerError (exit 2) with the candidates when there are several, with close names when there is none.
    """
    known = [k for k in keys if k != UNKNOWN]
    path, _, function = name.strip().rpartition(":")
    found = sorted(k for k in known if k[1] == function and (not path or _ends(k[0], path)))
    exact = [k for k in found if k[0] == path]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        places = ", ".join(f"{p}:{f}" for p, f in found[:8])
        raise AnalyzerError(f"{function} is defined {len(found)} times, say which: {places}")
    elsewhere = sorted(f"{p}:{f}" for p, f in known if f == function)
    near = elsewhere or difflib.get_close_matches(function, sorted({f for _, f in known}), n=5, cutoff=0.6)
    hint = f"; did you mean {', '.join(near[:5])}?" if near else ""
    raise AnalyzerError(f"no function or macro {name} in the files read{hint}")


def _ends(path: str, tail: str) -> bool:
    return path == tail or path.endswith("/" + tail.removeprefix("./"))


def callers(graph: CallGraph, name: str, depth: int | None = None) -> Answer:
    """Who calls a function, ``depth`` calls up (all when None)."""
    start = _find(graph, name)

    def above(key: Key) -> list[Edge]:
        return [e for e in graph.into(key) if key == start or not e.expanded]

    edges, complete = _walk(start, depth, above, lambda e: e.caller)
    return _answer(graph, "callers", (start,), edges, complete=complete)


def callees(graph: CallGraph, name: str, depth: int | None = None) -> Answer:
    """What a function calls, ``depth`` calls down (all when None)."""
    start = _find(graph, name)
    edges, complete = _walk(start, depth, graph.out, lambda e: None if e.expanded else e.callee)
    return _answer(graph, "callees", (start,), edges, complete=complete)


def paths(graph: CallGraph, a: str, b: str, limit: int = 10) -> Answer:
    """Up to ``limit`` paths without repetition from ``a`` to ``b``, shortest first; of parallel calls the first."""
    start, end = _find(graph, a), _find(graph, b)
    found, complete = _paths(graph, start, end, max(limit, 1))
    return _answer(graph, "paths", (start, end), _flat(found), tuple(found), complete)


def roots(graph: CallGraph, name: str) -> Answer:
    """The functions nobody calls from which a function is reached, each with a shortest path.

    A group of functions that only call each other is entered at its first member.
    """
    import networkx

    target = _find(graph, name)
    toward = _toward(graph, target)
    above = networkx.DiGraph()
    used = (k for k in toward if graph.nx.nodes[k]["node"].kind == "function" or _usable(graph, k, target))
    above.add_nodes_from((target, *used))
    above.add_edges_from((e.caller, k) for k in above for e in _usable(graph, k, target) if e.caller in above)
    folded = networkx.condensation(above)
    tops = sorted(min(folded.nodes[n]["members"]) for n in folded if not folded.in_degree(n))
    found = [_descend(toward, top, target) for top in tops]
    found.sort(key=len)
    return _answer(graph, "roots", (target,), _flat(found), tuple(found))


def diff(before: CallGraph, after: CallGraph) -> Answer:
    """Functions, macros and calls that one program has and the other has not; lines do not count."""
    old, new = {_same(e): e for e in reversed(before.edges())}, {_same(e): e for e in reversed(after.edges())}
    gone = sorted((old[i] for i in old.keys() - new.keys()), key=_place)
    come = sorted((new[i] for i in new.keys() - old.keys()), key=_place)
    nodes = {**before.nodes(), **after.nodes()}
    changes: dict[Edge | Key, str] = {}
    for keys, word in ((sorted(set(before) - set(after)), "removed"), (sorted(set(after) - set(before)), "added")):
        changes.update(dict.fromkeys((k for k in keys if k != UNKNOWN), word))
    start = tuple(k for k in changes if isinstance(k, tuple))
    for edges, word in ((gone, "removed"), (come, "added")):
        changes.update(dict.fromkeys(edges, word))
    shown = {k for e in (*gone, *come) for k in (e.caller, e.callee)} | set(start)
    return Answer("diff", start, (*gone, *come), {k: nodes[k] for k in sorted(shown)}, (), changes)


# -- searching -------------------------------------------------------------------------------------------------------


def _find(graph: CallGraph, name: str) -> Key:
    try:
        return find(graph, name)
    except AnalyzerError as error:
        times = graph.external.get(name)
        if times is None:
            raise
        often = "once" if times == 1 else f"{times} times"
        detail = f"{name} is called {often} but defined in none of the files read"
        raise AnalyzerError(detail, error.exit_code) from None


def _place(edge: Edge) -> tuple[object, ...]:
    return edge.order


def _same(edge: Edge) -> tuple[object, ...]:
    return (edge.caller, edge.callee, edge.kind, edge.via, edge.through, edge.expanded)


def _answer(
    graph: CallGraph,
    kind: str,
    start: tuple[Key, ...],
    edges: tuple[Edge, ...],
    found: tuple[Path, ...] = (),
    complete: bool = True,
) -> Answer:
    keys = {*start, *(e.caller for e in edges), *(e.callee for e in edges)}
    return Answer(kind, start, edges, {k: graph.nx.nodes[k]["node"] for k in sorted(keys)}, found, {}, complete)


def _flat(found: Iterable[Path]) -> tuple[Edge, ...]:
    return tuple(dict.fromkeys(e for path in found for e in path))


def _walk(
    start: Key, depth: int | None, edges_of: Callable[[Key], list[Edge]], onward: Callable[[Edge], Key | None]
) -> tuple[tuple[Edge, ...], bool]:
    """Breadth first from a node; each node is opened once."""
    found: dict[Edge, None] = {}
    seen = {start}
    work = deque([(start, 0)])
    while work:
        key, level = work.popleft()
        if depth is not None and level >= depth:
            continue
        for edge in edges_of(key):
            if len(found) >= MAX_EDGES:
                return tuple(found), False
            found[edge] = None
            following = onward(edge)
            if following is not None and following != UNKNOWN and following not in seen:
                seen.add(following)
                work.append((following, level + 1))
    return tuple(found), True


def _usable(graph: CallGraph, key: Key, end: Key) -> list[Edge]:
    """The edges into a node that a path to ``end`` may use."""
    return [e for e in graph.into(key) if key == end or not e.expanded]


def _toward(graph: CallGraph, end: Key) -> dict[Key, tuple[int, dict[Key, Edge]]]:
    """Node -> (calls to ``end`` at least, next node -> the edge to take), for all nodes that reach it."""
    reach: dict[Key, tuple[int, dict[Key, Edge]]] = {end: (0, {})}
    work = deque([end])
    while work:
        key = work.popleft()
        for edge in _usable(graph, key, end):
            if edge.caller not in reach:
                reach[edge.caller] = (reach[key][0] + 1, {})
                work.append(edge.caller)
            reach[edge.caller][1].setdefault(key, edge)
    return reach


def _descend(toward: Mapping[Key, tuple[int, dict[Key, Edge]]], start: Key, end: Key) -> Path:
    """One shortest path."""
    out: list[Edge] = []
    key = start
    while key != end:
        distance, following = toward[key]
        key = min(k for k in following if toward[k][0] == distance - 1)
        out.append(following[key])
    return tuple(out)


def _paths(graph: CallGraph, start: Key, end: Key, limit: int) -> tuple[list[Path], bool]:
    """Simple paths in order of length, guided by the exact distance to the end."""
    toward = _toward(graph, end)
    if start not in toward or start == end:
        return [], True
    found: list[Path] = []
    queue: list[tuple[int, tuple[Key, ...]]] = [(toward[start][0], (start,))]
    steps = 0
    while queue and len(found) < limit:
        steps += 1
        if steps > MAX_STEPS:
            return found, False
        _, keys = heapq.heappop(queue)
        if keys[-1] == end:
            found.append(tuple(toward[u][1][v] for u, v in pairwise(keys)))
            continue
        for key in toward[keys[-1]][1]:
            if key not in keys:
                heapq.heappush(queue, (len(keys) + toward[key][0], (*keys, key)))
    return found, not queue or len(found) >= limit
