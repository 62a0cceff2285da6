"""Answers about the call graph as text and JSON, and the door to all formats."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from analyzer.callgraph.graph import CallGraph, Edge
from analyzer.core.problem import AnalyzerError
from analyzer.core.visible import encodable, visible
from analyzer.graphs.picture import dot, graphml, svg
from analyzer.graphs.query import Answer, Path
from analyzer.graphs.words import identity, manner
from analyzer.ir.program import Key

Held = Callable[[Key], Sequence[str]]  # what is held when a function is entered, one text for each lock
Along = Callable[[Sequence[Key]], Mapping[Key, Sequence[str]]]  # the same for the functions of one path


# -- text ------------------------------------------------------------------------------------------------------------


def text(answer: Answer, held: Held | None = None, along: Along | None = None) -> str:
    """The answer for a reader: a tree, numbered paths, or the differences; lines are free of control characters.

    ``held`` adds to each function what is held when it is entered; ``along`` does so for each path by itself.
    """
    if answer.kind in ("callers", "callees"):
        lines = _tree(answer, held)
    elif answer.kind in ("diff", "graph"):
        lines = _list(answer)
    else:
        lines = _paths(answer, held, along)
    if not answer.complete:
        lines = [*lines, "(cut: there is more)"]
    return "".join(f"{visible(line)}\n" for line in lines)


def _head(answer: Answer, key: Key, held: Held | None) -> str:
    node = answer.nodes[key]
    place = f"  {key[0]}:{node.line}" if node.kind != "unknown" else ""
    return f"{key[1]}{place}{_states(key, held)}"


def _states(key: Key, held: Held | None) -> str:
    states = held(key) if held is not None else ()
    return f"  [{', '.join(states)}]" if states else ""


def _names(answer: Answer) -> dict[Key, str]:
    """Functions by name, with their path where two in the answer have the same."""
    times = Counter(key[1] for key in answer.nodes)
    return {key: f"{key[1]} ({key[0]})" if times[key[1]] > 1 and key[0] else key[1] for key in answer.nodes}


def _far(answer: Answer, edge: Edge) -> Key:
    return edge.caller if answer.kind == "callers" else edge.callee


def _looked_up(states: Mapping[Key, Sequence[str]]) -> Held:
    return lambda key: states.get(key, ())


def _tree(answer: Answer, held: Held | None) -> list[str]:
    """Each function is opened where it was found first; calls that differ in their line only share a line."""
    below: dict[Key, dict[tuple[object, ...], list[Edge]]] = {}
    first: dict[Key, Edge] = {}
    for edge in answer.edges:
        far = _far(answer, edge)
        near = edge.callee if answer.kind == "callers" else edge.caller
        group = (far, edge.kind, edge.via, edge.through, edge.path, edge.expanded)
        below.setdefault(near, {}).setdefault(group, []).append(edge)
        first.setdefault(far, edge)
    lines, names = [_head(answer, answer.start[0], held)], _names(answer)
    opened = {answer.start[0]}
    stack = [(1, g) for g in reversed(list(below.get(answer.start[0], {}).values()))]
    while stack:
        level, group_edges = stack.pop()
        edge = group_edges[0]
        far = _far(answer, edge)
        again = far in opened or first[far] not in group_edges
        more = list(below.get(far, {}).values())
        mark = "  (shown elsewhere)" if again and more else ""
        numbers = ",".join(str(e.line) for e in group_edges)
        words = f"{names[far]}  {manner(edge)}  {edge.path}:{numbers}{_states(far, held)}{mark}"
        lines.append("  " * level + words)
        if not again:
            opened.add(far)
            stack += [(level + 1, g) for g in reversed(more)]
    return lines


def _functions(path: Path) -> list[Key]:
    return [*(e.caller for e in path[:1]), *(e.callee for e in path)]


def _paths(answer: Answer, held: Held | None, along: Along | None) -> list[str]:
    if not answer.paths:
        return ["no path"]
    lines, names = list[str](), _names(answer)
    for number, path in enumerate(answer.paths, 1):
        top = path[0].caller if path else answer.start[0]
        if along is not None:
            held = _looked_up(along(_functions(path) or [top]))
        lines.append(f"{number}. {len(path)} call{'s' if len(path) != 1 else ''}")
        lines.append(f"  {_head(answer, top, held)}")
        for edge in path:
            states = _states(edge.callee, held)
            lines.append(f"    -> {names[edge.callee]}  {manner(edge)}  {edge.path}:{edge.line}{states}")
    return lines


def _list(answer: Answer) -> list[str]:
    signs = {"added": "+ ", "removed": "- ", "": ""}
    lines, names = list[str](), _names(answer)
    for key in answer.start:
        node, sign = answer.nodes[key], signs[answer.changes.get(key, "")]
        lines.append(f"{sign}{node.kind} {key[1]}  {key[0]}:{node.line}")
    for edge in answer.edges:
        sign = signs[answer.changes.get(edge, "")]
        lines.append(f"{sign}{names[edge.caller]} -> {names[edge.callee]}  {manner(edge)}  {edge.path}:{edge.line}")
    return lines or ["no difference" if answer.kind == "diff" else "no calls"]


def text_unresolved(graph: CallGraph) -> str:
    """One line for each indirect call without a known target."""
    lines = (f"{u.path}:{u.line}: {u.function}(): {u.expression}" for u in graph.unresolved)
    return "".join(f"{visible(line)}\n" for line in lines)


# -- data ------------------------------------------------------------------------------------------------------------


def to_json(answer: Answer, held: Held | None = None, along: Along | None = None) -> str:
    """The answer as a JSON object.

    ``{"kind", "start": [id], "complete": bool,
    "nodes": [{"id", "path", "function", "kind", "line", "held"?: [text], "change"?}],
    "edges": [{"caller": id, "callee": id, "kind", "path", "line", "via", "through": [macro], "expanded", "change"?}],
    "paths": [[index into edges]], "path_held"?: [{id: [text]}]}``. An id is ``path:function``, or ``unknown``; ``path``
    and ``line`` of an edge are the place of the call. ``kind`` of an edge is one of ``analyzer.callgraph.graph.KINDS``.
    """
    number = {edge: index for index, edge in enumerate(answer.edges)}
    made: dict[str, object] = {
        "kind": answer.kind,
        "start": [identity(k) for k in answer.start],
        "complete": answer.complete,
        "nodes": [_json_node(answer, key, held) for key in answer.nodes],
        "edges": [_json_edge(answer, edge) for edge in answer.edges],
        "paths": [[number[e] for e in path] for path in answer.paths],
    }
    if along is not None:
        states = [along(_functions(path)) for path in answer.paths]
        made["path_held"] = [{identity(k): list(words) for k, words in found.items()} for found in states]
    return encodable(json.dumps(made, indent=1, ensure_ascii=False)) + "\n"


def _json_node(answer: Answer, key: Key, held: Held | None) -> dict[str, object]:
    node = answer.nodes[key]
    made: dict[str, object] = {
        "id": identity(key),
        "path": key[0],
        "function": key[1],
        "kind": node.kind,
        "line": node.line,
    }
    if held is not None:
        made["held"] = list(held(key))
    if key in answer.changes:
        made["change"] = answer.changes[key]
    return made


def _json_edge(answer: Answer, edge: Edge) -> dict[str, object]:
    made: dict[str, object] = {
        "caller": identity(edge.caller),
        "callee": identity(edge.callee),
        "kind": edge.kind,
        "path": edge.path,
        "line": edge.line,
        "via": edge.via,
        "through": list(edge.through),
        "expanded": edge.expanded,
    }
    if edge in answer.changes:
        made["change"] = answer.changes[edge]
    return made


FORMATS: dict[str, Callable[[Answer], str]] = {
    "text": text,
    "json": to_json,
    "dot": dot,
    "graphml": graphml,
    "svg": svg,
}


def draw(answer: Answer, form: str, held: Held | None = None, along: Along | None = None) -> str:
    """The answer in one of FORMATS; ``held`` and ``along`` show in text and JSON."""
    if form == "text":
        return text(answer, held, along)
    if form == "json":
        return to_json(answer, held, along)
    if form not in FORMATS:
        raise AnalyzerError(f"no format {form}; there are {', '.join(FORMATS)}")
    return FORMATS[form](answer)


def whole(graph: CallGraph) -> Answer:
    """The whole graph as an answer, of the kind ``graph``."""
    return Answer("graph", (), tuple(graph.edges()), graph.nodes())
