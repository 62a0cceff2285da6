"""What one function does with the values it gets: a flow-sensitive pass with symbolic origins, and its summary.

An origin is a parameter of the function, a source inside it, a field of a struct type, or what a callee returns of
its own making. A place is a variable, a field path or an element; a store to a variable overwrites it, a store
to an element or through a pointer adds to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzer.analyses.origins import NONE, FunctionFlow, Origin, Origins, State, comparisons
from analyzer.analyses.reading import Reader
from analyzer.analyses.spec import Effects, Spec
from analyzer.ir.cfg import Worklist
from analyzer.ir.effect import RESULT, Verb
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Assign, Assume, Call, Deref, Expr, Field, Function, Index, Init, Instr, Name, Return


def flow_of(
    function: Function,
    program: Program,
    effects: Effects,
    spec: Spec,
    flows: Mapping[Key, FunctionFlow],
    callbacks: Mapping[tuple[Key, int], set[Key]],
    populated: frozenset[Key],
) -> FunctionFlow:
    """The flow summary of one function."""
    made = _Pass(function, program, effects, spec, flows, callbacks)
    made.populated = function.key in populated
    return made.run()


CUT_PFN = re.compile(r"^(?:\w+_)?pfn$")


class _Pass(Reader):
    def __init__(
        self,
        function: Function,
        program: Program,
        effects: Effects,
        spec: Spec,
        flows: Mapping[Key, FunctionFlow],
        callbacks: Mapping[tuple[Key, int], set[Key]],
    ) -> None:
        super().__init__(function, spec)
        self.program = program
        self.effects = effects
        self.flows = flows
        self.callbacks = callbacks
        self.out = FunctionFlow()
        self.sinks: dict[tuple[int, str], tuple[Instr, Expr, Origins]] = {}
        self.looked_at: set[int] = set()
        self.checks: dict[str, tuple[str, tuple[Expr, ...]]] = {}
        self.populated = False
        self.index = {p.name: i for i, p in enumerate(function.params)}

    def run(self) -> FunctionFlow:
        """Worklist over the blocks, then the summary."""
        function = self.function
        entry: State = {}
        for index, param in enumerate(function.params):
            if param.name:
                entry[param.name] = frozenset((Origin("param", function.key, index),))
                if self.spec.typed(function, index) or (self.populated and param.type == "kvm_pfn_t"):
                    origin = Origin("param", function.key, index)
                    self.source_steps.setdefault(
                        origin, self.step_at(function.line, f"{param.name} is a guest memory PFN ({param.type})")
                    )
        if function.partial:
            self.cut_parameters(entry)
        states: dict[int, State] = {0: entry}
        work = Worklist(function, None)
        while work and work.rounds < 5_000:
            block, _ = work.take()
            state = dict(states[block])
            for instr in function.blocks[block].instrs:
                self.transfer(instr, state)
            for successor in function.blocks[block].successors:
                if _merge(states, successor, state):
                    work.add(successor, None)
        edges = [(a, b, s) for (a, b), s in self.edges.items()]
        self.out.edges = [edge for edge in edges if edge[0].inner]
        self.out.joins = [edge for edge in edges if not edge[0].inner]
        self.out.sources = list(self.source_steps.items())
        self.out.sinks = list(self.sinks.values())
        self.out.looked_at = len(self.looked_at)
        return self.out

    def cut_parameters(self, entry: State) -> None:
        """In a rebuilt image the end of a parameter list may be missing: a PFN that nothing declares is one of them."""
        function = self.function
        if not self.spec.typed_scope(function.path, function.name):
            return
        used = frozenset().union(*(a.names for c in function.calls() for a in c.args), NONE)
        for name in sorted(n for n in used if isinstance(n, str) and CUT_PFN.match(n) and n not in function.locals):
            origin = Origin("param", function.key, len(function.params), name=name)
            entry[name] = frozenset((origin,))
            note = f"{name} is a guest memory PFN (declared where the patch does not show it)"
            self.source_steps.setdefault(origin, self.step_at(function.line, note))

    # -- transfer ----------------------------------------------------------------------------------------------

    def transfer(self, instr: Instr, state: State) -> None:
        """One instruction."""
        self.line = instr.line
        match instr:
            case Assign():
                if self.spec.compares:
                    self.compared(instr, instr.value, state)
                    self.level(instr, instr.target, self.read(instr.value, state))
                self.assign(instr.target, instr.value, instr, state)
            case Call():
                self.call(instr, state)
            case Return():
                if instr.value is not None:
                    if self.spec.compares:
                        self.compared(instr, instr.value, state)
                    self.returned(self.read(instr.value, state), instr)
                self.outputs(state, instr)
            case Assume():
                if self.spec.compares:
                    self.compared(instr, instr.cond, state)
                self.assumed(instr, state)

    def level(self, instr: Instr, target: Expr, origins: Origins) -> None:
        """A store to what the spec calls a level."""
        if origins and self.spec.levels(self.function, target):
            self.arrive(instr, target, origins)

    def assign(self, target: Expr, value: Expr, instr: Instr, state: State) -> None:
        """Store; an initialiser stores field by field."""
        if isinstance(value, Init) and isinstance(target, Name):
            self.store(target, NONE, instr, state)
            for name, entry in value.entries:
                place = Field(target, name) if name and "." not in name else target
                origins = self.read(entry, state)
                if origins:
                    self.store(
                        place, origins | (state.get(place.text, NONE) if place is target else NONE), instr, state
                    )
            return
        self.store(target, self.read(value, state), instr, state)

    def store(self, target: Expr, origins: Origins, instr: Instr, state: State) -> None:
        """Overwrite a variable or field; add to an element."""
        target = self.pointee(target)
        if isinstance(target, Index):
            root = target.base.text
            if origins:
                state[root] = state.get(root, NONE) | origins
            return
        state[target.text] = origins
        if isinstance(target, Name):
            for place in [p for p in state if p.startswith((f"{target.id}.", f"{target.id}->"))]:
                del state[place]
        elif isinstance(target, Field) and origins:
            struct = self.struct_of(target.base)
            if struct:
                self.edge(origins, Origin("field", struct=struct, name=target.name), instr, f"stored in {target.text}")

    def returned(self, origins: Origins, instr: Instr) -> None:
        """What flows to the result."""
        params = frozenset(o.at for o in origins if o.kind == "param")
        self.out.returns |= params
        inner = frozenset(o for o in origins if o.kind != "param")
        if inner:
            self.out.makes = True
            self.edge(inner, Origin("return", self.function.key), instr, "returned")

    def outputs(self, state: State, instr: Instr) -> None:
        """What was stored through pointer parameters."""
        for name, index in self.index.items():
            origins = state.get(f"*{name}", NONE)
            if not origins:
                continue
            self.out.outs[index] = self.out.outs.get(index, frozenset()) | frozenset(
                o.at for o in origins if o.kind == "param"
            )
            inner = frozenset(o for o in origins if o.kind != "param")
            if inner:
                self.out.out_makes.add(index)
                self.edge(inner, Origin("out", self.function.key, index), instr, f"stored in *{name}")

    def assumed(self, instr: Assume, state: State) -> None:
        """Behind a sanitizer that said yes, the value is clean."""
        check = self.checks.get(instr.cond.text)
        if check is None or not instr.truth or not self.spec.sanitized(self.function.path):
            return
        for effect in self.effects.of(check[0], Verb.SANITIZE):
            if effect.slot < len(check[1]):
                state[check[1][effect.slot].text] = NONE

    # -- calls -------------------------------------------------------------------------------------------------

    def call(self, call: Call, state: State) -> None:
        """Vocabulary first, then summaries of the callees."""
        args = [self.read(a, state) for a in call.args]
        result = self.words(call, args, state)
        targets = self.targets(call)
        clean = call.callee in self.effects.cleaning
        for key in targets:
            given = self.summary(call, key, args, dict(state) if clean else state)
            result |= NONE if clean else given
        if call.result is not None:
            if isinstance(call.result, Name) and call.result.temporary:
                self.checks[call.result.text] = (call.callee, call.args)
            if self.spec.compares:
                self.level(call, call.result, result)
            self.store(call.result, result, call, state)

    def words(self, call: Call, args: list[Origins], state: State) -> Origins:
        """What the vocabulary says of the callee."""
        result: Origins = NONE
        for effect in self.effects.by_name.get(call.callee, ()):
            slot = effect.slot
            if effect.verb is Verb.SINK:
                self.looked_at.add(id(call))
                if slot < len(args):
                    self.arrive(call, call.args[slot], args[slot])
            elif effect.verb is Verb.PASS and slot < len(args):
                result |= args[slot]
            elif effect.verb is Verb.SOURCE:
                made = self.source(call, f"{call.name}() gives a guest memory PFN")
                if slot == RESULT:
                    result |= made
                elif slot < len(call.args):
                    self.write_through(call.args[slot], made, call, state)
        return result

    def arrive(self, instr: Instr, expr: Expr, origins: Origins) -> None:
        """A value is at a sink."""
        if origins:
            key = (id(instr), expr.text)
            known = self.sinks.get(key, (instr, expr, NONE))[2]
            self.sinks[key] = (instr, expr, known | origins)

    def compared(self, instr: Instr, expr: Expr, state: State) -> None:
        """Comparisons are sinks where the spec says so."""
        for found in comparisons(expr):
            self.looked_at.add(id(instr))
            self.arrive(instr, found, self.read(found.left, state) | self.read(found.right, state))

    def write_through(self, pointer: Expr, origins: Origins, call: Call, state: State) -> None:
        """``*pointer = value`` by a callee."""
        target = pointer.base if isinstance(pointer, Addr) else Deref(pointer)
        self.store(target, origins, call, state)

    def targets(self, call: Call) -> list[Key]:
        """Callees whose flow is known."""
        program, path = self.program, self.function.path
        found: list[Key] = []
        if call.callee in self.index:
            found = sorted(self.callbacks.get((self.function.key, self.index[call.callee]), ()))
        elif call.callee in self.function.locals:
            found = self.assigned(call.callee)
        elif call.callee:
            found = list(program.resolve(call.callee, path))
        elif call.table:
            for entry in program.tables.get(call.table, ()):
                found += program.resolve(entry.function, entry.path)
        return [k for k in dict.fromkeys(found) if k in self.flows]

    def assigned(self, variable: str) -> list[Key]:
        """The functions that are stored in a local variable somewhere in the function."""
        found: list[Key] = []
        for block in self.function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assign) and instr.target.text == variable:
                    found += self.program.resolve(instr.value.text.lstrip("&"), self.function.path)
                    if isinstance(instr.value, Field):
                        for entry in self.program.tables.get(instr.value.name, ()):
                            found += self.program.resolve(entry.function, entry.path)
        return found

    def summary(self, call: Call, key: Key, args: list[Origins], state: State) -> Origins:
        """Arguments flow into the callee; its results flow back."""
        flow = self.flows[key]
        result: Origins = NONE
        for index, origins in enumerate(args):
            address = call.args[index]
            if isinstance(address, Addr):
                self.object_fields(address.base, key, index, call, state)
            if origins:
                self.edge(origins, Origin("param", key, index), call, f"passed to {key[1]}()")
                if index in flow.returns:
                    result |= origins
        if flow.makes:
            result |= frozenset((Origin("return", key),))
        for index in set(flow.outs) | flow.out_makes:
            if index >= len(call.args):
                continue
            made = frozenset().union(*(args[p] for p in flow.outs.get(index, ()) if p < len(args)), NONE)
            if index in flow.out_makes:
                made |= frozenset((Origin("out", key, index),))
            if made:
                self.write_through(call.args[index], made, call, state)
        return result

    def object_fields(self, base: Expr, key: Key, index: int, call: Call, state: State) -> None:
        """Fields of a local object whose address is passed are fields of its type for the callee."""
        struct = self.struct_of(base)
        if not struct:
            return
        prefix = f"{base.text}."
        for place, origins in state.items():
            if place.startswith(prefix) and origins:
                name = place[len(prefix) :]
                self.edge(
                    origins,
                    Origin("field", struct=struct, name=name),
                    call,
                    f"passed to {key[1]}() in {base.text}.{name}",
                )


def _merge(states: dict[int, State], block: int, state: State) -> bool:
    known = states.get(block)
    if known is None:
        states[block] = dict(state)
        return True
    changed = False
    for place, origins in state.items():
        old = known.get(place)
        if old is None:
            known[place] = origins
            changed = changed or bool(origins)
        elif not origins <= old:
            known[place] = old | origins
            changed = True
    return changed
