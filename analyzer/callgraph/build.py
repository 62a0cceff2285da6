"""Program to CallGraph: by name, through macros, through tables, through callbacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analyzer.callgraph.applied import applied_arguments
from analyzer.callgraph.graph import UNKNOWN, CallGraph, Edge, Node, Unresolved, make
from analyzer.callgraph.indirect import Place, Pointers, Scope, Site, array_entries
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Definition, Key, Program, TableEntry
from analyzer.ir.types import Call, Expr, Frame, Function, Index, Name


def build(program: Program, vocabulary: Vocabulary, keys: Iterable[Key] | None = None) -> CallGraph:
    """The calls made by the definitions in ``keys``, or by all.

    With ``keys`` only the bodies of those are looked at: a function that others pass to one of them is not seen.
    """
    chosen = sorted(program.definitions if keys is None else {k for k in keys if k in program.definitions})
    return _Builder(program, vocabulary, chosen).graph()


@dataclass(slots=True)
class _Body:
    """A lowered definition with its calls."""

    function: Function
    scope: Scope
    sites: list[Site] = field(default_factory=list)


class _Builder:
    def __init__(self, program: Program, vocabulary: Vocabulary, keys: list[Key]) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.keys = keys
        self.pointers = Pointers(program, frozenset(keys))
        self.unread: list[Key] = []
        self.unresolved: list[Unresolved] = []
        self.external: Counter[str] = Counter()
        self.edges: dict[Edge, None] = {}

    def graph(self) -> CallGraph:
        """Read the bodies, solve where pointers go, make the edges."""
        bodies = [self.read(f) for f in self.lowered()]
        self.tables()
        self.pointers.solve()
        for body in bodies:
            self.body(body)
        nodes = {k: self.node(k) for k in self.keys}
        for edge in self.edges:
            for key in (edge.caller, edge.callee):
                if key not in nodes:
                    nodes[key] = self.node(key)
        made = make(nodes, self.edges)
        external = dict(sorted(self.external.items()))
        return CallGraph(made, tuple(sorted(self.unresolved)), external, tuple(self.unread))

    def node(self, key: Key) -> Node:
        """What is known of a node."""
        definition = self.program.definitions.get(key)
        return Node("unknown", 0) if definition is None else Node(definition.kind, definition.line)

    def lowered(self) -> Iterator[Function]:
        """The bodies that can be read."""
        for key in self.keys:
            function = self.program.lower(key)
            if function is None:
                self.unread.append(key)
            else:
                yield function

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, function: Function) -> _Body:
        """Tell the solver what a function stores, passes and calls."""
        body = _Body(function, Scope(self.program, function))
        self.pointers.read(function, body.scope)
        for call in function.calls():
            site = Site(function.key, call, self.called(call, body.scope))
            named = self.named(call, body.scope)
            deferred = call.callee in self.vocabulary.asynchronous
            self.pointers.call(site, body.scope, () if deferred else named)
            self.array(site)
            body.sites.append(site)
        return body

    def array(self, site: Site) -> None:
        """What the array holds that a call indexes."""
        if site.place is not None and site.place[0] == "global" and isinstance(site.call.target, Index):
            for key in array_entries(self.program, site.owner[0], site.place[1]):
                self.pointers.add(site.place, (key, "table"))

    def called(self, call: Call, scope: Scope) -> Place | None:
        """The place of the pointer that is called; None for a plain name."""
        if call.table:
            return ("field", call.table)
        if call.callee:
            if scope.pointer(call.callee):
                return ("var", *scope.key, call.callee)
            return None if call.callee in self.program.by_name else ("global", call.callee)
        return scope.place(call.target) if call.target is not None else None

    def named(self, call: Call, scope: Scope) -> tuple[Key, ...]:
        """The definitions that a call by name means."""
        if not call.callee or scope.pointer(call.callee):
            return ()
        return self.program.resolve(call.callee, scope.key[0])

    def tables(self) -> None:
        """What initialisers and assignments store in fields, in bodies that are not read as well."""
        enclosing = _Enclosing(self.program.definitions.values())
        for name, entries in self.program.tables.items():
            for entry in entries:
                owner = enclosing.at(entry.path, entry.line)
                if owner is not None and self.shadowed(owner, entry):
                    continue
                how = "callback" if owner is not None and entry.how == "initialiser" else "table"
                for key in self.program.resolve(entry.function, entry.path):
                    self.pointers.add(("field", name), (key, how))

    def shadowed(self, owner: Key, entry: TableEntry) -> bool:
        """Whether the word is a variable there (``x->level = level``) that only shares its name with a function."""
        function = self.program.lower(owner)
        return function is not None and entry.function in Scope(self.program, function).types

    # -- edges ---------------------------------------------------------------------------------------------------

    def body(self, body: _Body) -> None:
        """All edges out of one definition, and out of the macros it uses."""
        self.expansions(body.function)
        applied = applied_arguments(self.program, body.function)
        for site in body.sites:
            call = site.call
            frames = _own(body.function, call.frames or applied.get(id(call), ()))
            found = self.targets(site, body)
            for key, (kind, via) in found.items():
                self.edge(body.function, call, frames, key, kind, via)
            self.handed_over(site, body, frames)

    def targets(self, site: Site, body: _Body) -> dict[Key, tuple[str, str]]:
        """Callee -> (kind, via); notes a call that leads nowhere."""
        call = site.call
        named = self.named(call, body.scope)
        if named:
            return {k: ("macro" if self.program.definitions[k].kind == "macro" else "direct", "") for k in named}
        via = call.table or call.callee or (call.target.text if call.target is not None else "?")
        pointed = self.pointers.targets(site.place, len(call.args)) if site.place is not None else {}
        if pointed:
            return {k: (how, via) for k, how in sorted(pointed.items())}
        if call.callee and not body.scope.pointer(call.callee):
            self.external[call.callee] += 1
            return {}
        if body.function.kind == "macro" and call.callee in body.scope.types:
            return {}  # a parameter of the macro: each use says what it is
        written = isinstance(call.target, Name) and call.target.temporary
        expression = (
            call.shown if written or not (call.target or call.callee) else via if call.callee else str(call.target)
        )
        self.unresolved.append(Unresolved(body.function.path, call.line, body.function.name, expression))
        return {UNKNOWN: ("unknown", expression)}

    def handed_over(self, site: Site, body: _Body, frames: tuple[Frame, ...]) -> None:
        """Functions passed to what runs them later, or to what is not visible here."""
        call = site.call
        deferred = call.callee in self.vocabulary.asynchronous
        if not call.callee or body.scope.pointer(call.callee) or (self.named(call, body.scope) and not deferred):
            return
        if call.callee.isupper() and not deferred:
            return  # an uppercase macro stores, compares or declares
        for arg in call.args:
            for key in self.held(arg, body.scope):
                self.edge(body.function, call, frames, key, "async" if deferred else "callback", call.callee)

    def held(self, arg: Expr, scope: Scope) -> list[Key]:
        """The functions an argument can be; what a field has is judged where the field is called."""
        named = scope.functions(arg)
        if named:
            return list(named)
        place = scope.place(arg)
        if place is None or place[0] == "field":
            return []
        return sorted({key for key, _ in self.pointers.facts.get(place, ())})

    def edge(self, function: Function, call: Call, frames: tuple[Frame, ...], key: Key, kind: str, via: str) -> None:
        """The call as an edge of the function, and of each macro it came out of."""
        words = tuple(f.macro for f in frames)
        if kind == "direct" and (frames or function.kind == "macro"):
            kind = "macro"
        line = call.line if function.kind == "function" else _line(function, call)
        self.add(Edge(function.key, key, kind, function.path, line, via, words))
        for index, frame in enumerate(frames if key != UNKNOWN else ()):
            self.add(Edge((frame.path, frame.macro), key, kind, frame.path, frame.line, via, words[index + 1 :]))

    def add(self, edge: Edge) -> None:
        """Keep an edge between nodes that exist."""
        if edge.caller in self.program.definitions:
            self.edges[edge] = None

    def expansions(self, function: Function) -> None:
        """The macros a function uses, each as an edge that ends there: their calls are edges of the function itself."""
        seen: set[tuple[int, tuple[Frame, ...]]] = set()
        for block in function.blocks:
            for instr in block.instrs:
                if instr.frames and (instr.line, instr.frames) not in seen:
                    seen.add((instr.line, instr.frames))
                    self.expansion(function, instr.line, _own(function, instr.frames))

    def expansion(self, function: Function, line: int, frames: tuple[Frame, ...]) -> None:
        """One use, with the macros that its expansion uses."""
        words = tuple(f.macro for f in frames)
        for index, frame in enumerate(frames):
            key = (frame.path, frame.macro)
            if key in self.program.definitions:
                at = line if function.kind == "function" else function.line
                self.add(Edge(function.key, key, "macro", function.path, at, "", words[:index], expanded=True))


def _own(function: Function, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The macros below a definition: the IR of a macro is an expansion of itself."""
    return frames[1:] if function.kind == "macro" and frames and frames[0].macro == function.name else frames


def _line(macro: Function, call: Call) -> int:
    """The line of a call in the body of a macro."""
    return call.frames[0].line if call.frames and call.frames[0].macro == macro.name else macro.line


class _Enclosing:
    """The function around a line."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.spans: dict[str, list[Definition]] = {}
        for definition in definitions:
            if definition.kind == "function":
                self.spans.setdefault(definition.path, []).append(definition)

    def at(self, path: str, line: int) -> Key | None:
        """The function whose body has the line; None at file scope."""
        for definition in self.spans.get(path, ()):
            if definition.line <= line <= definition.end_line:
                return definition.key
        return None
