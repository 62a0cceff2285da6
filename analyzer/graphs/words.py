"""Nodes and edges of the call graph in words."""

from __future__ import annotations

from analyzer.callgraph.graph import UNKNOWN, Edge
from analyzer.ir.program import Key


def identity(key: Key) -> str:
    """``path:function``, or ``unknown``."""
    return f"{key[0]}:{key[1]}" if key != UNKNOWN else "unknown"


def manner(edge: Edge) -> str:
    """How a call is made, in words: ``table .set_external_spte``, ``direct``, ``macro tdh_do_no_vcpus``."""
    through = " > ".join(edge.through)
    if edge.kind == "macro":
        return "macro use" if edge.expanded else f"macro {through}".rstrip()
    via = f".{edge.via}" if edge.kind == "table" and edge.via.isidentifier() else edge.via
    words = f"{edge.kind} {via}".rstrip()
    return f"{words} in macro {through}" if through else words
