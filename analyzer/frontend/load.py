"""Snapshot to Program: read the files, join what they define, lower bodies on demand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.frontend import semantics
from analyzer.frontend.builder import MacroSource
from analyzer.frontend.heading import NO_TYPE
from analyzer.frontend.macros import Argument, Macro, expand
from analyzer.frontend.nodes import body_of, function_declarator
from analyzer.frontend.normalize import normalize
from analyzer.frontend.parser import parse
from analyzer.frontend.reuse import Asked, Lines, Lowered, Used, macros_moved, moved, text_of
from analyzer.frontend.reuse import UnitCache as UnitCache  # part of what load() asks for
from analyzer.frontend.stmt import Lowering
from analyzer.frontend.unit import (
    Unit,
    constants,
    fields,
    fold,
    prototypes,
    read_unit,
    split_params,
    tables,
)
from analyzer.ir.program import Definition, Key, Program, Prototype, TableEntry
from analyzer.ir.types import Block, Function, Param, Return
from analyzer.tree.snapshot import Snapshot, SourceFile


class _Macros(MacroSource):
    """Macros by name: the file's own first, then those of headers."""

    def __init__(self, units: list[Unit]) -> None:
        self.table: dict[str, list[Macro]] = {}
        self.acting: dict[tuple[str, str, str], bool] = {}
        self.asked: Asked = {}  # what a lowering depends on outside of its file
        for unit in units:
            for macro in unit.macros:
                if macro.params is not None and macro.body.strip():
                    self.table.setdefault(macro.name, []).append(macro)

    def find(self, name: str, path: str) -> Macro | None:
        """A function-like macro that acts, visible in ``path``."""
        found = self.asked[name, path] = self.look_up(name, path)
        return found

    def look_up(self, name: str, path: str) -> Macro | None:
        """The same, unrecorded."""
        candidates = self.table.get(name)
        if not candidates or name in semantics.ASSERTING or name in semantics.TRANSPARENT or name in semantics.OP_CALLS:
            return None
        own = [m for m in candidates if m.path == path] or [m for m in candidates if m.path.endswith(".h")]
        return own[0] if own and self.acts(own[0], path) else None

    def acts(self, macro: Macro, path: str) -> bool:
        """Whether its body does something: by itself, or through an assertion or a macro of those that do."""
        key = (macro.name, macro.path, path)
        if key not in self.acting:
            self.acting[key] = macro.acts  # what it says of itself stands while those it uses are looked at
            if not macro.acts:
                used = macro.calls - {macro.name}
                self.acting[key] = any(w in semantics.ASSERTING or self.look_up(w, path) is not None for w in used)
        return self.acting[key]


def load(snapshot: Snapshot, paths: Iterable[str], cache: UnitCache | None = None, limits: Limits = DEFAULT) -> Program:
    """The program made of the C files at ``paths`` in a snapshot.

    Snapshots that get the same ``cache`` share what they have in common.
    """
    cache = UnitCache() if cache is None else cache
    units: list[Unit] = []
    problems: list[Problem] = list(snapshot.problems)
    functions = 0
    for path in paths:
        if functions > limits.functions:
            problems.append(
                Problem(ProblemKind.TOO_LARGE, path, f"more than {limits.functions} functions: not looked at")
            )
            continue
        functions += len(units[-1].definitions) if units else 0
        place = f"{id(snapshot.files)}:{path}"
        if path not in snapshot.overlay and place in cache.units:
            units.append(cache.units[place])
            continue
        source = snapshot.read(path)
        if source is None:
            continue
        if len(source.text) > limits.file_bytes:
            problems.append(Problem(ProblemKind.TOO_LARGE, path, f"{len(source.text)} bytes: not looked at"))
            continue
        units.append(_unit(source, cache))
        if path not in snapshot.overlay:
            cache.units[place] = units[-1]
    return _Linker(units, problems, cache).program()


def _unit(source: SourceFile, cache: UnitCache) -> Unit:
    digest = source.digest
    unit = cache.units.get(digest)
    if unit is None:
        unit = cache.units[digest] = read_unit(source)
    return unit


class _Linker:
    """Joins units to a Program; keeps the bodies that were lowered."""

    def __init__(self, units: list[Unit], problems: list[Problem], cache: UnitCache) -> None:
        self.cache = cache
        self.units = {u.path: u for u in units}
        self.problems = problems
        self.macros = _Macros(units)
        self.definitions: dict[Key, Definition] = {}
        self.by_name: dict[str, list[Key]] = {}
        self.before = cache.next(self.units)
        self.used = cache.used
        self.bodies: dict[Key, Function | None] = {key: of.function for key, of in self.used.items()}
        for unit in units:
            problems += unit.problems
            for definition in unit.definitions.values():
                self.definitions[definition.key] = definition
                self.by_name.setdefault(definition.name, []).append(definition.key)

    def program(self) -> Program:
        """The joined program."""
        units = self.units.values()
        values: dict[str, int] = {}
        for unit in units:
            values.update(constants(unit))
        return Program(
            definitions=self.definitions,
            by_name={name: tuple(keys) for name, keys in self.by_name.items()},
            tables=self.tables(),
            prototypes=self.prototypes,
            constants=values,
            lower=self.lower,
            problems=self.problems,
            partial_files=frozenset(u.path for u in units if u.partial),
            files=tuple(self.units),
            lines=sum(u.lines for u in units),
            exported=frozenset().union(*(u.exported for u in units)),
            fields=self.fields,
            code=self.code,
            left=self.cache.left,
        )

    def tables(self) -> dict[str, tuple[TableEntry, ...]]:
        """Field -> what is stored in it."""
        known = frozenset(
            n for n, keys in self.by_name.items() if any(self.definitions[k].kind == "function" for k in keys)
        )
        named = {m.name: m for ms in self.macros.table.values() for m in ms[:1] if "##" in m.body}
        joined: dict[str, list[TableEntry]] = {}
        for unit in self.units.values():
            for entry in tables(unit, known, named):
                joined.setdefault(entry.field, []).append(entry)
        return {field: tuple(entries) for field, entries in joined.items()}

    def prototypes(self) -> tuple[Prototype, ...]:
        """All declarations and definitions."""
        return tuple(p for unit in self.units.values() for p in prototypes(unit))

    def fields(self) -> tuple[Prototype, ...]:
        """All members of structs that point to functions."""
        return tuple(p for unit in self.units.values() for p in fields(unit))

    def code(self, path: str) -> str:
        """The text of a file without comments."""
        return self.units[path].known() if path in self.units else ""

    def lower(self, key: Key) -> Function | None:
        """The IR of a definition; a body that cannot be lowered is None and a Problem."""
        if key not in self.bodies:
            definition, unit = self.definitions.get(key), self.units.get(key[0])
            self.bodies[key] = None if definition is None or unit is None else self._lowered(definition, unit)
        return self.bodies[key]

    def _lowered(self, definition: Definition, unit: Unit) -> Function | None:
        """The body as an earlier program made it, if all macros it asked for are still the same."""
        text = text_of(definition, unit)
        used = self.before.get(definition.key)
        if used is not None and used.text == text:
            return self._use(definition, text, used.made, used.function, {})
        known = self.cache.bodies.setdefault(text, [])
        for made in known:
            macros = macros_moved(made.asked, {question: self.macros.look_up(*question) for question in made.asked})
            if macros is not None:
                return self._use(definition, text, made, made.function, macros)
        self.macros.asked = {}
        function = self._lower(definition, unit)
        if function is None:
            return None
        function = replace(function, body=next(self.cache.numbers))
        known.append(Lowered(self.macros.asked, function, frozenset(name for name, _ in self.macros.asked)))
        return self._use(definition, text, known[-1], function, {})

    def _use(self, definition: Definition, text: object, made: Lowered, stood: Function, macros: Lines) -> Function:
        """A body where the definition stands now; ``stood``: where it stood before."""
        lines = definition.line - stood.line
        function = moved(stood, lines, macros) if lines or macros else stood
        self.used[definition.key] = Used(text, made, function)
        return function

    def _lower(self, definition: Definition, unit: Unit) -> Function | None:
        key = definition.key
        try:
            if definition.kind == "macro":
                return self._lower_macro(definition, unit)
            return self._lower_function(definition, unit)
        except RecursionError:
            self.problems.append(
                Problem(ProblemKind.TOO_LARGE, f"{key[0]}:{definition.line}", f"{key[1]}(): nested too deep")
            )
            return None

    def _lower_function(self, definition: Definition, unit: Unit) -> Function | None:
        node = unit.nodes[definition.name]
        declarator, body = function_declarator(node), node.child_by_field_name("body")
        if declarator is None or body is None:
            return None
        lowering = Lowering(unit, self.macros, unit.path)
        params_node = declarator.child_by_field_name("parameters")
        words = (
            unit.code[params_node.start_byte + 1 : params_node.end_byte - 1].decode("latin-1") if params_node else ""
        )
        params = split_params(words)
        lowering.locals.update((p.name, p.type) for p in params)
        lowering.parameters = frozenset(p.name for p in params)
        lowering.plain_compound(body)
        lowering.emit(Return(unit.locate(body.end_byte - 1), None))
        returns = fold(unit.text[node.start_byte : declarator.start_byte].decode("latin-1")).replace(NO_TYPE, "")
        return self._finish(lowering, definition, params, returns, unit.holed(node))

    def _lower_macro(self, definition: Definition, unit: Unit) -> Function | None:
        """A macro on its own, as a node of the call graph: its parameters stand for themselves."""
        macro = next(m for m in unit.macros if m.name == definition.name and m.line == definition.line)
        names = [*(macro.params or ()), *([macro.rest] if macro.rest else [])]
        for suffix in (";\n}\n", "\n\t;}\n", "\n\t{}\n}\n", ";}}\n", ");\n}\n"):
            made = expand(macro, [Argument(n, 0) for n in names], unit, 0, "int m(void)\n{\n\t", suffix)
            made.alone = True
            normal = normalize(made.text)
            made.text, made.blocks, made.conditionals = normal.text, normal.blocks, normal.conditionals
            root = parse(made.text).root_node
            if not root.has_error:
                break
        else:
            if self._builds(macro.name):
                where, detail = (
                    f"{unit.path}:{macro.line}",
                    f"{macro.name}(): the definitions it makes are not looked at",
                )
                self.problems.append(Problem(ProblemKind.UNPARSED, where, detail))
            return None
        lowering = Lowering(made, self.macros, unit.path)
        lowering.depth = 1
        for statement in body_of(root):
            lowering.statement(statement)
        return self._finish(lowering, definition, tuple(Param(n, "") for n in names), "", False)

    def _builds(self, macro: str) -> bool:
        """Whether a macro stands where definitions do.

        In a function it is read in its place, and what cannot be read there is told of; elsewhere it is data.
        """
        start = f"\n{macro}(".encode("latin-1")
        return any(start in unit.code for unit in self.units.values())

    def _finish(
        self, lowering: Lowering, definition: Definition, params: tuple[Param, ...], returns: str, partial: bool
    ) -> Function:
        lowering.finish_gotos()
        lowering.revive()
        for line, words in lowering.unread:
            where = f"{definition.path}:{line}"
            self.problems.append(Problem(ProblemKind.UNPARSED, where, f"{definition.name}(): cannot read `{words}`"))
        return Function(
            definition.name,
            definition.path,
            definition.line,
            definition.end_line,
            returns.replace("static ", "").replace("inline ", "").strip(),
            params,
            _reachable(lowering.blocks),
            dict(lowering.locals),
            definition.kind,
            definition.static,
            partial,
        )


def _reachable(blocks: list[Block]) -> tuple[Block, ...]:
    """Blocks that control can reach, renumbered, straight lines merged."""
    order: list[int] = []
    seen = {0}
    stack = [0]
    preds: dict[int, int] = {}
    while stack:
        index = stack.pop()
        order.append(index)
        for nxt in blocks[index].successors:
            preds[nxt] = preds.get(nxt, 0) + 1
            if nxt not in seen:
                seen.add(nxt)
                stack.append(nxt)
    merged: set[int] = set()
    for index in order:
        if index in merged:
            continue
        block = blocks[index]
        while len(block.successors) == 1 and preds[block.successors[0]] == 1 and block.successors[0] not in (0, index):
            follower = block.successors[0]
            merged.add(follower)
            block.instrs += blocks[follower].instrs
            block.successors = blocks[follower].successors
    kept = [i for i in order if i not in merged]
    number = {old: new for new, old in enumerate(kept)}
    return tuple(Block(blocks[i].instrs, [number[s] for s in blocks[i].successors]) for i in kept)
