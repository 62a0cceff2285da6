"""The order to solve functions in (callees first), and what has to be solved again when something was touched."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from analyzer.callgraph.graph import UNKNOWN, CallGraph
from analyzer.ir.program import Key

NOW = frozenset(("direct", "macro", "table", "callback"))  # kinds of edges whose callee runs before the call returns


def callees_first(graph: CallGraph, kinds: Collection[str] = NOW) -> tuple[tuple[Key, ...], ...]:
    """The strongly connected components, each after all that it calls; where that leaves a choice, sorted."""
    import networkx

    plain = networkx.DiGraph()
    plain.add_nodes_from(k for k in graph if k != UNKNOWN)
    for caller, callee, kind in graph.nx.edges(data="kind"):
        if kind in kinds and callee != UNKNOWN:
            plain.add_edge(callee, caller)
    folded = networkx.condensation(plain)
    members = {n: tuple(sorted(keys)) for n, keys in folded.nodes(data="members")}
    return tuple(members[n] for n in networkx.lexicographical_topological_sort(folded, key=members.__getitem__))


def recursive(graph: CallGraph, component: Collection[Key], kinds: Collection[str] = NOW) -> bool:
    """Whether the functions of a component call themselves or each other."""
    return len(component) > 1 or any(e.callee == k and e.kind in kinds for k in component for e in graph.out(k))


def affected(graph: CallGraph, touched: Iterable[Key]) -> frozenset[Key]:
    """What was touched with all its callers, direct or not; a touched macro affects what it is expanded in."""
    start = {k for k in touched if k in graph}
    seen = set(start)
    work = deque(start)
    while work:
        key = work.popleft()
        for caller, _, data in graph.nx.in_edges(key, data=True):
            if caller not in seen and (key in start or not data["edge"].expanded):
                seen.add(caller)
                work.append(caller)
    return frozenset(seen)
