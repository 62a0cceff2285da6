"""Questions about a tree that are no review: the call graph, and dumps of what nak sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.core.limits import DEFAULT
from analyzer.core.problem import AnalyzerError
from analyzer.engine.registry import load_vocabulary
from analyzer.frontend.load import load
from analyzer.ir.program import Program
from analyzer.review import PATHS
from analyzer.tree.snapshot import Snapshot

if TYPE_CHECKING:
    from analyzer.analyses.held import HeldResult

LOCKS = frozenset(("mmu_lock", "slots_lock"))


def graph(tree: Path, paths: Iterable[str], form: str, asked: Mapping[str, Any]) -> str:
    """The answer to ``nak graph``. Raises AnalyzerError for unknown names and revisions."""
    from analyzer.callgraph.build import build
    from analyzer.graphs import draw, query
    from analyzer.graphs.locks import lock_states

    program = _tree(tree, paths)
    made = build(program, load_vocabulary())
    if asked["unresolved"]:
        return draw.text_unresolved(made)
    along = None
    if asked["start"] or asked["end"]:
        if not (asked["start"] and asked["end"]):
            raise AnalyzerError("--from and --to go together")
        answer = query.paths(made, asked["start"], asked["end"], asked["limit"])
        if asked["locks"]:
            held = _held(program)
            along = partial(lock_states, held)
    elif asked["base"]:
        answer = query.diff(build(_revision(tree, asked["base"], paths), load_vocabulary()), made)
    elif asked["callers"]:
        answer = query.callers(made, asked["callers"], asked["depth"])
    elif asked["callees"]:
        answer = query.callees(made, asked["callees"], asked["depth"])
    elif asked["roots"]:
        answer = query.roots(made, asked["roots"])
    else:
        answer = draw.whole(made)
    return draw.draw(answer, form, along=along)


def dump(what: str, files: tuple[str, ...], tree: Path | None) -> str:
    """The answer to ``nak dump``."""
    from analyzer.graphs import dump as dumps

    if what == "series":
        from analyzer.series.assemble import load_series

        found, _ = load_series(files, None, DEFAULT)
        return "\n".join(dumps.dump_series(s) for s in found)
    program, names = _program(files, tree)
    if what == "ir":
        return dumps.dump_ir(program, names)
    if what == "calls":
        from analyzer.callgraph.build import build

        made = build(program, load_vocabulary())
        return "".join(dumps.dump_calls(made, name) for name in names)
    held = _held(program)
    return "".join(dumps.dump_held(held, name) for name in names)


def _tree(tree: Path, paths: Iterable[str]) -> Program:
    from analyzer.tree.repo import open_tree

    with open_tree(tree) as opened:
        return _load(Snapshot("tree", opened.worktree_files()), paths)


def _revision(tree: Path, revision: str, paths: Iterable[str]) -> Program:
    from analyzer.tree.repo import open_tree

    with open_tree(tree) as opened:
        commit = opened.need(revision)
        return _load(Snapshot(revision, opened.files_at(commit), commit=commit), paths)


def _load(snapshot: Snapshot, paths: Iterable[str]) -> Program:
    return load(snapshot, [p for p in snapshot.paths(tuple(paths) or PATHS) if p.endswith((".c", ".h"))])


def _program(files: tuple[str, ...], tree: Path | None) -> tuple[Program, list[str]]:
    """The program around the files: the tree that holds them, or the files alone."""
    from analyzer.tree.repo import find_kernel_root
    from analyzer.tree.snapshot import SourceFile

    place = next((Path(f) for f in files if Path(f).is_file()), None)
    root = tree or (find_kernel_root(place.resolve().parent) if place else None)
    if root is not None:
        names = [str(Path(f).resolve().relative_to(root.resolve())) if Path(f).is_file() else f for f in files]
        return _tree(root, [*PATHS, *(n for n in names if n.endswith((".c", ".h")))]), names
    overlay = {f: SourceFile(f, Path(f).read_bytes()) for f in files if Path(f).is_file()}
    if not overlay:
        raise AnalyzerError(f"no such file: {files[0]}")
    return load(Snapshot("files", None, overlay), sorted(overlay)), list(files)


def _held(program: Program) -> HeldResult:
    from analyzer.analyses.held import solve_held
    from analyzer.callgraph.names import NameGraph

    return solve_held(program, NameGraph(program), load_vocabulary(), LOCKS, frozenset())
