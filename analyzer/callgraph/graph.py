"""CallGraph: nodes, edges and what could not be resolved; the one home of the graph library's types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from analyzer.ir.program import Key

UNKNOWN: Final[Key] = ("", "unknown")
KINDS: Final = ("direct", "macro", "table", "callback", "async", "unknown")
_RANK = {kind: index for index, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Node:
    """A definition: ``kind`` is ``function``, ``macro`` or ``unknown``; ``line`` is where it is defined."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A call: who calls whom, how, and where it is written (``path``, ``line``).

    ``kind`` is one of KINDS. ``via`` is what the call goes through: the field of a table, the expression called, the
    function a callback was handed to. ``through`` are the macros it came out of, outermost first. ``expanded`` marks
    the use of a macro whose calls are edges of the caller already: such an edge ends a path, nothing continues from it.
    """

    caller: Key
    callee: Key
    kind: str
    path: str
    line: int
    via: str = ""
    through: tuple[str, ...] = ()
    expanded: bool = False

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by place, then the plainest kind."""
        return (self.path, self.line, _RANK[self.kind], self.expanded, self.callee, self.caller, self.via, self.through)


@dataclass(frozen=True, slots=True, order=True)
class Unresolved:
    """An indirect call without a known target."""

    path: str
    line: int
    function: str
    expression: str


@dataclass(slots=True)
class CallGraph:
    """The calls of a program.

    ``nx`` is a networkx.MultiDiGraph whose nodes are Keys (and UNKNOWN), with ``node`` a Node, and whose edges
    carry ``kind`` and ``edge``, an Edge. ``external`` counts calls of names that are defined nowhere in the program.
    ``unread`` lists the definitions that could not be lowered: they have no edges out.
    """

    nx: Any
    unresolved: tuple[Unresolved, ...] = ()
    external: Mapping[str, int] = field(default_factory=dict, repr=False)
    unread: tuple[Key, ...] = field(default=(), repr=False)

    def nodes(self) -> dict[Key, Node]:
        """All nodes, sorted by path and name."""
        return {key: self.nx.nodes[key]["node"] for key in sorted(self.nx)}

    def edges(self) -> list[Edge]:
        """All edges, sorted by place."""
        return sorted((data["edge"] for _, _, data in self.nx.edges(data=True)), key=_by_order)

    def out(self, key: Key) -> list[Edge]:
        """The calls a node makes, in source order."""
        return sorted((data["edge"] for _, _, data in self.nx.out_edges(key, data=True)), key=_by_order)

    def into(self, key: Key) -> list[Edge]:
        """The calls of a node, sorted by place."""
        return sorted((data["edge"] for _, _, data in self.nx.in_edges(key, data=True)), key=_by_order)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a node."""
        return key in self.nx

    def __iter__(self) -> Iterator[Key]:
        """All nodes, UNKNOWN among them where something is unresolved."""
        return iter(self.nx)

    def statistics(self) -> dict[str, int]:
        """Counts: nodes by kind, edges by kind, unresolved calls, calls that leave the program, unread bodies."""
        counts = {"functions": 0, "macros": 0, **dict.fromkeys(KINDS, 0)}
        for _, node in self.nx.nodes(data="node"):
            if node.kind != "unknown":
                counts[f"{node.kind}s"] += 1
        for _, _, kind in self.nx.edges(data="kind"):
            counts[kind] += 1
        counts |= {
            "unresolved": len(self.unresolved),
            "external": sum(self.external.values()),
            "unread": len(self.unread),
        }
        return counts


def _by_order(edge: Edge) -> tuple[object, ...]:
    return edge.order


def make(nodes: Mapping[Key, Node], edges: Iterable[Edge]) -> Any:
    """A networkx.MultiDiGraph of nodes and edges; equal edges are one."""
    import networkx

    made = networkx.MultiDiGraph()
    made.add_nodes_from((key, {"node": node}) for key, node in nodes.items())
    made.add_edges_from((e.caller, e.callee, e, {"kind": e.kind, "edge": e}) for e in edges)
    return made
