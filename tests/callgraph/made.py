"""Programs made of texts or folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from analyzer.callgraph.build import build
from analyzer.callgraph.graph import UNKNOWN, CallGraph, Edge
from analyzer.frontend.load import load
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Program
from analyzer.tree.snapshot import Snapshot, SourceFile

VOCABULARY = Vocabulary(asynchronous=frozenset(("call_rcu", "INIT_WORK", "timer_setup")))


def program(files: Mapping[str, str]) -> Program:
    overlay = {path: SourceFile(path, text.encode()) for path, text in files.items()}
    return load(Snapshot("made", None, overlay), sorted(files))


def graph(files: Mapping[str, str]) -> CallGraph:
    return build(program(files), VOCABULARY)


def folder(place: Path) -> dict[str, str]:
    found = [p for p in place.rglob("*") if p.suffix in (".c", ".h")]
    return {str(p.relative_to(place)): p.read_text() for p in sorted(found)}


def words(edge: Edge) -> str:
    """An edge as the cases write it."""
    callee = "unknown" if edge.callee == UNKNOWN else ":".join(edge.callee)
    via = f" {'.' if edge.kind == 'table' and edge.via.isidentifier() else ''}{edge.via}" if edge.via else ""
    through = f" through {' > '.join(edge.through)}" if edge.through and not edge.expanded else ""
    return f"{':'.join(edge.caller)} -> {callee} {edge.kind}{' use' if edge.expanded else ''}{via}{through}"
