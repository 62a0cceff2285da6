"""What the rooms know of an input, as text: the series, the IR, the calls, the locks; same input, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.analyses.held import HeldResult
from analyzer.analyses.locks import Assertion, Held
from analyzer.callgraph.graph import CallGraph
from analyzer.core.problem import AnalyzerError
from analyzer.core.visible import visible
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import Alias, Fn, Value
from analyzer.graphs.locks import show_state
from analyzer.graphs.query import find
from analyzer.graphs.words import manner
from analyzer.ir.program import Key, Program
from analyzer.ir.show import show
from analyzer.series.types import Patch, Series


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


# -- series ----------------------------------------------------------------------------------------------------------


def dump_series(series: Series) -> str:
    """A series: heading, base, each patch with its files and hunks, problems."""
    return _joined(_series(series))


def _series(series: Series) -> Iterator[str]:
    marks = " RFC" if series.rfc else ""
    total = "?" if series.total is None else str(series.total)
    yield f"series v{series.revision}{marks}  {series.title}"
    yield f"  id {series.id or '-'}  patches {len(series.patches)} of {total}"
    yield f"  cover {series.cover.id if series.cover else '-'}"
    base = series.base
    yield f"  base {base.base_commit or '-'}"
    for word, values in (
        ("change-id", (base.change_id,) if base.change_id else ()),
        ("prerequisite patch", base.prerequisite_patch_ids),
        ("prerequisite commit", base.prerequisite_commits),
        ("based on", base.based_on),
    ):
        yield from (f"  {word} {value}" for value in values)
    for patch in series.patches:
        yield from _patch(patch)
    yield from (f"  problem {p.kind}: {p.where}: {p.detail}" for p in series.problems)


def _patch(patch: Patch) -> Iterator[str]:
    yield f"  {patch.label or patch.index}  {patch.title}"
    yield f"      {patch.commit or patch.message_id or '-'}  {patch.author}"
    for trailer in patch.trailers:
        yield f"      {trailer.key}: {trailer.value}"
    for diff in patch.files:
        renamed = f" (was {diff.old})" if diff.old and diff.new and diff.old != diff.new else ""
        binary = " binary" if diff.binary else ""
        plus = sum(line[:1] == "+" for h in diff.hunks for line in h.lines)
        minus = sum(line[:1] == "-" for h in diff.hunks for line in h.lines)
        yield f"      {diff.status} {diff.path}{renamed}{binary}  +{plus} -{minus}"
        for hunk in diff.hunks:
            ranges = f"-{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count}"
            yield f"        @@ {ranges} @@ {hunk.section}".rstrip()


# -- IR and calls ----------------------------------------------------------------------------------------------------


def chosen(program: Program, names: Iterable[str]) -> list[Key]:
    """The definitions that names mean: a file for all in it, in line order; ``func`` and ``path:func`` for one."""
    keys: dict[Key, None] = {}
    for name in names:
        inside = [d for d in program.definitions.values() if d.path == name]
        if inside:
            keys.update(dict.fromkeys(d.key for d in sorted(inside, key=lambda d: (d.line, d.name))))
        elif name in program.files:
            continue
        elif name.endswith((".c", ".h")):
            raise AnalyzerError(f"{name} is not among the files read")
        else:
            keys[find(program.definitions, name)] = None
    return list(keys)


def dump_ir(program: Program, names: Iterable[str]) -> str:
    """The IR of functions and macros; AnalyzerError (exit 2) for a name that means nothing."""
    out: list[str] = []
    for key in chosen(program, names):
        function = program.lower(key)
        words = show(function) if function is not None else f"{key[1]}  {key[0]}: could not be lowered\n"
        out += words.rstrip("\n").split("\n")
    return _joined(out)


def dump_calls(graph: CallGraph, path: str) -> str:
    """The calls made in a file, by function; then its indirect calls without a target."""
    keys = [k for k in graph if k[0] == path]
    if not keys:
        raise AnalyzerError(f"no function of {path} is in the call graph")
    out: list[str] = []
    for key in sorted(keys, key=lambda k: (graph.nx.nodes[k]["node"].line, k)):
        node = graph.nx.nodes[key]["node"]
        out.append(f"{node.kind} {key[1]}  {path}:{node.line}")
        for edge in graph.out(key):
            where = f"  {edge.callee[0]}" if edge.callee[0] not in ("", path) else ""
            out.append(f"  {edge.line:5}  {edge.callee[1]}  {manner(edge)}{where}")
    out += [f"unresolved {u.path}:{u.line} {u.function}(): {u.expression}" for u in graph.unresolved if u.path == path]
    return _joined(out)


# -- locks -----------------------------------------------------------------------------------------------------------


def dump_held(held: HeldResult, path: str) -> str:
    """Per function of a file and context: what is held on entry, what is known, the exits; then its lock assertions."""
    program = held.explorer.program
    inside = sorted((d for d in program.definitions.values() if d.path == path), key=lambda d: (d.line, d.name))
    if not inside:
        raise AnalyzerError(f"no function of {path} is among the files read")
    asserted: dict[str, list[Assertion]] = {}
    for assertion in held.tracked.assertions.values():
        if assertion.path == path:
            asserted.setdefault(assertion.function, []).append(assertion)
    out: list[str] = []
    for definition in inside:
        contexts = list(held.explorer.contexts.get(definition.key, {}).values())
        lines = asserted.get(definition.name, [])
        if contexts or lines:
            out.append(f"{definition.name}  {path}:{definition.line}")
            out += _contexts(contexts, held.unknown_roots.get(definition.key, ""))
            out += [f"  asserts {a.line}: {a.words}  {a.label}: {a.status}" for a in sorted(lines, key=_line)]
    return _joined(out) if out else _joined([f"no function of {path} has to do with the locks"])


def _line(assertion: Assertion) -> tuple[int, str]:
    return (assertion.line, assertion.words)


def _contexts(contexts: list[Context[Held]], root: str) -> Iterator[str]:
    entries = sorted(contexts, key=lambda c: (show_state(c.state), _facts(c)))
    for context in entries:
        if context.caller is not None and context.call is not None:
            via = f"from {context.caller.key[1]}() {context.caller.key[0]}:{context.call.line}"
        else:
            via = f"entry point{f' ({root})' if root else ''}"
        knows = _facts(context)
        yield f"  enter: {show_state(context.state)}  {via}{f'  where {knows}' if knows else ''}"
        exits = sorted({(show_state(s), _value(v)) for s, v in context.exits})
        yield from (f"    exit: {state}{f'  returns {value}' if value else ''}" for state, value in exits)


def _facts(context: Context[Held]) -> str:
    return ", ".join(sorted(f"{expr.text} = {_value(value)}" for expr, value in context.facts.items()))


def _value(value: Value | None) -> str:
    if isinstance(value, Fn):
        return value.name
    if isinstance(value, Alias):
        return value.expr.text
    return "" if value is None else str(value)
