"""Answers about the call graph as DOT, GraphML and SVG."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator

from analyzer.callgraph.graph import UNKNOWN
from analyzer.core.problem import AnalyzerError
from analyzer.core.visible import visible
from analyzer.graphs.query import Answer
from analyzer.graphs.words import identity, manner

SVG_SECONDS = 60
_STYLE = {"macro": "dashed", "table": "bold", "callback": "bold", "async": "dotted", "unknown": "dotted"}
_COLOUR = {"table": "blue", "callback": "darkgreen", "async": "purple", "unknown": "red"}
_CHANGED = {"added": "darkgreen", "removed": "red"}


def graphml(answer: Answer) -> str:
    """GraphML of the answer; node ids are ``path:function``."""
    import networkx

    made = networkx.MultiDiGraph()
    for key, node in answer.nodes.items():
        made.add_node(
            visible(identity(key)), path=visible(key[0]), function=visible(key[1]), kind=node.kind, line=node.line
        )
    for index, edge in enumerate(answer.edges):
        words = {"kind": edge.kind, "path": edge.path, "via": edge.via, "through": " ".join(edge.through)}
        words = {name: visible(value) for name, value in words.items()}
        ends = (visible(identity(edge.caller)), visible(identity(edge.callee)))
        made.add_edge(*ends, key=str(index), line=edge.line, expanded=edge.expanded, **words)
    out = io.BytesIO()
    networkx.write_graphml_xml(made, out, prettyprint=True)
    return out.getvalue().decode("utf-8")


def dot(answer: Answer) -> str:
    """Graphviz source of the answer; the kinds of edges differ in style and colour."""
    return "\n".join(["digraph calls {", *_dot_lines(answer), "}", ""])


def _dot_lines(answer: Answer) -> Iterator[str]:
    yield "  rankdir=LR;"
    yield '  node [shape=box, fontname="monospace"];'
    for key, node in answer.nodes.items():
        shape = {"macro": "hexagon", "unknown": "diamond"}.get(node.kind, "box")
        style = ", style=bold" if key in answer.start else ""
        tint = f", color={_CHANGED[answer.changes[key]]}" if key in answer.changes else ""
        label = _quoted(key[1]) if key == UNKNOWN else f"{_quoted(key[1])[:-1]}\\n{_quoted(key[0])[1:]}"
        yield f"  {_quoted(identity(key))} [label={label}, shape={shape}{style}{tint}];"
    for edge in answer.edges:
        style = _STYLE.get(edge.kind, "solid")
        colour = _CHANGED.get(answer.changes.get(edge, ""), _COLOUR.get(edge.kind, "black"))
        label = "" if edge.kind == "direct" else f", label={_quoted(manner(edge))}"
        ends = f"{_quoted(identity(edge.caller))} -> {_quoted(identity(edge.callee))}"
        yield f"  {ends} [style={style}, color={colour}{label}];"


def _quoted(words: str) -> str:
    escaped = visible(words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def svg(answer: Answer) -> str:
    """A picture made by graphviz; AnalyzerError (exit 2) where there is no ``dot``, or it does not finish."""
    program = shutil.which("dot")
    if program is None:
        raise AnalyzerError("SVG needs graphviz, and there is no `dot` on the path; take DOT, or install graphviz")
    try:
        run = subprocess.run(
            [program, "-Tsvg"], input=dot(answer).encode(), capture_output=True, timeout=SVG_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise AnalyzerError(f"`dot` did not finish in {SVG_SECONDS} s; ask for fewer levels, or take DOT") from None
    except OSError as error:
        raise AnalyzerError(f"`dot` could not be run: {error.strerror}") from None
    if run.returncode != 0:
        reason = visible(run.stderr.decode("utf-8", "surrogateescape").strip().partition("\n")[0])
        raise AnalyzerError(f"`dot` failed: {reason or run.returncode}")
    return run.stdout.decode("utf-8", "replace")
