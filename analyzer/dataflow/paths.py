"""Path-sensitive exploration: one property (a hashable state) with the facts of values that go with it.

Per block the solver keeps at most one set of facts for each state of the property, so that facts which tell
apart different states survive a join and others meet (property simulation). Functions are explored per
entry state and per constant of their parameters, on demand from the roots; what a call does to the state is the
set of exits of its callee, remembered per entry (a summary). A context knows the call that first led to it,
which gives every observation its call path. Contexts of an earlier program of the same run are taken over where
nothing that they looked at has changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic

from analyzer.core.problem import Problem, ProblemKind
from analyzer.dataflow import store, values
from analyzer.dataflow.context import MAX_DEPTH, Adopt, Context, Contexts, Entry, Property, S, above
from analyzer.dataflow.earlier import Earlier
from analyzer.dataflow.project import into_callee, result_class
from analyzer.dataflow.settings import fetched
from analyzer.dataflow.values import Alias, Constants, Facts, Fn, Pred, Value
from analyzer.ir.change import change
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Asm, Assign, Assume, Call, Function, Hole, Instr, Name, Return

MAX_CASES = 8  # states kept per block (DESIGN D5)
MAX_CONTEXTS = 48  # entries kept apart per function


class Explorer(Generic[S]):
    """Explores a program for one property."""

    def __init__(
        self,
        program: Program,
        vocabulary: Vocabulary,
        tracked: Property[S],
        relevant: frozenset[Key],
        constants: Constants | None = None,
    ) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self.property = tracked
        self.relevant = relevant
        self.constants: Constants = {**vocabulary.constants, **program.constants} if constants is None else constants
        self.contexts: Contexts[S] = {}
        self.depth = 0
        self._exploring: list[Context[S]] = []
        self.earlier: Earlier[S] | None = None
        self._fetched: dict[Key, dict[str, str]] = {}

    def take_over(self, earlier: Explorer[S], adopt: Adopt[S], words: Iterable[str] = ()) -> None:
        """Use what still holds of an exploration of an earlier program for the same property.

        ``earlier`` has nothing from then on; ``adopt`` is told of each context that is taken over. ``words`` are names
        that the property treats in another way now.
        """
        differing = {*words, *(key[1] for key in earlier.relevant ^ self.relevant)}
        contexts, earlier.contexts = earlier.contexts, {}
        since = change(earlier.program, self.program, differing)
        self.earlier = Earlier(contexts, since, adopt, self.enter_at, self._explore)

    # -- contexts ----------------------------------------------------------------------------------------------

    def enter(
        self, key: Key, state: S, facts: Facts, caller: Context[S] | None = None, call: Call | None = None
    ) -> Context[S]:
        """The context for an entry, explored if it is new."""
        known = self.contexts.get(key, ())
        if len(known) >= MAX_CONTEXTS:
            facts = {}
        return self.enter_at(key, (state, frozenset(facts.items())), facts, caller, call)

    def enter_at(
        self, key: Key, entry: Entry[S], facts: Facts, caller: Context[S] | None, call: Call | None
    ) -> Context[S]:
        """The same, for an entry that was made before."""
        known = self.contexts.setdefault(key, {})
        context = known.get(entry)
        if context is not None and not context.done:
            for each in self._exploring[self._exploring.index(context) :] if context in self._exploring else ():
                each.cyclic = True
        if context is None and self.earlier is not None:
            context = self._adopted(key, entry, caller, call)
        if context is None:
            context = known[entry] = Context(key, entry[0], dict(facts), caller, call, entry)
            self._explore(context)
        if caller is not None:
            caller.entered.setdefault(context, call)
            caller.up = max(caller.up, above(context, caller))
        return context

    def _adopted(self, key: Key, identity: Entry[S], caller: Context[S] | None, call: Call | None) -> Context[S] | None:
        """The context of an earlier exploration, if it fits."""
        if self.earlier is None or self.depth >= MAX_DEPTH:
            return None
        context = self.earlier.found(key, identity, caller is None)
        if context is None:
            return None
        self.contexts[key][identity] = context
        context.caller, context.call = caller, call
        self.depth += 1
        self.earlier.adopt(context)
        self.depth -= 1
        return context

    @property
    def asynchronous(self) -> set[Key]:
        """Handlers that were stored to run later, with nothing held."""
        return set().union(*(c.later for known in self.contexts.values() for c in known.values()))

    @property
    def problems(self) -> list[Problem]:
        """What was not followed."""
        return [p for known in self.contexts.values() for c in known.values() for p in c.problems]

    def visited(self, key: Key) -> bool:
        """Whether any context of the function was explored."""
        return bool(self.contexts.get(key))

    def _explore(self, context: Context[S]) -> None:
        function = self.program.lower(context.key)
        if function is None or self.depth >= MAX_DEPTH:
            if self.depth >= MAX_DEPTH:
                where = f"{context.key[0]}:{context.key[1]}()"
                context.problems.append(Problem(ProblemKind.TOO_LARGE, where, f"call path longer than {MAX_DEPTH}"))
                context.up = MAX_DEPTH
            context.exits, context.done = [(context.state, None)], True
            return
        self.depth += 1
        self._exploring.append(context)
        _Run(self, context, function).solve()
        self._exploring.pop()
        self.depth -= 1
        context.done = True

    # -- calls -------------------------------------------------------------------------------------------------

    def targets(self, call: Call, facts: Facts, path: str, within: Function | None = None) -> tuple[list[Key], bool]:
        """The definitions a call (of a function) may reach, and whether all targets are known."""
        name = call.callee
        if call.target is not None or name:
            value = facts.get(call.target if call.target is not None else Name(name))
            if isinstance(value, Fn):
                return list(self.program.resolve(value.name, path)), True
        table = call.table
        if name:
            keys = list(self.program.resolve(name, path))
            table = "" if keys or within is None else self._field_of(name, within)
            if not table:
                return keys, True
        entries = self.program.tables.get(table, ())
        found: list[Key] = []
        for entry in entries:
            found += [k for k in self.program.resolve(entry.function, entry.path) if k not in found]
        return found, bool(found)

    def _field_of(self, name: str, within: Function) -> str:
        """The field of a table that a variable was read from."""
        if within.key not in self._fetched:
            self._fetched[within.key] = fetched(within)
        return self._fetched[within.key].get(name, "")

    def apply(self, call: Call, state: S, facts: Facts, context: Context[S]) -> list[tuple[S, Value | None]]:
        """The exits of a call: what the property says, else the summaries of its relevant targets."""
        own = self.property.call(call, state, facts, context)
        if own is not None:
            return list(own)
        keys, _ = self.targets(call, facts, context.key[0], self.program.lower(context.key))
        relevant = [k for k in keys if k in self.relevant]
        self._callbacks(call, state, facts, context, bool(relevant))
        if not relevant:
            return [(state, None)]
        exits: list[tuple[S, Value | None]] = [(state, None)] if len(relevant) < len(keys) else []
        for key in relevant:
            function = self.program.lower(key)
            if function is None:
                exits.append((state, None))
                continue
            entry = into_callee(function, call.args, facts, self.constants, self.program.by_name)
            inner = self.enter(key, state, entry, context, call)
            found = inner.exits if inner.done or inner.exits else [(state, None)]
            if any(after != state for after, _ in found):
                context.notes.update(dict.fromkeys(inner.notes, call))  # what it did stays done here
            exits += [e for e in found if e not in exits]
        return exits

    def _callbacks(self, call: Call, state: S, facts: Facts, context: Context[S], handled: bool) -> None:
        """Functions passed as arguments are run: by the callee that is visible, or now, or later with nothing held."""
        if handled and call.callee not in self.vocabulary.asynchronous:
            return
        if call.callee.isupper() and call.callee not in self.vocabulary.asynchronous:
            return  # an uppercase macro compares or declares, it does not call
        for arg in call.args:
            value = store.value_of(arg, facts, self.constants, self.program.by_name)
            if not isinstance(value, Fn):
                continue
            for key in self.program.resolve(value.name, context.key[0]):
                if key not in self.relevant or self.program.definitions[key].kind != "function":
                    continue
                if call.callee in self.vocabulary.asynchronous:
                    context.later.add(key)
                else:
                    visible = bool(self.program.resolve(call.callee, context.key[0])) if call.callee else False
                    now = visible or call.callee in self.vocabulary.synchronous
                    self.enter(key, state if now else self.property.unknown(), {}, context, call)


class _Run(Generic[S]):
    """The worklist over the blocks of one function in one context."""

    def __init__(self, explorer: Explorer[S], context: Context[S], function: Function) -> None:
        self.explorer = explorer
        self.context = context
        self.function = function
        self.reached: list[dict[S, Facts]] = [{} for _ in function.blocks]
        self.constant = frozenset(p.name for p in function.params if p.type.startswith("const "))

    def solve(self) -> None:
        """Run to the fixed point; fills ``context.exits``."""
        self.reached[0][self.context.state] = dict(self.context.facts)
        work: deque[tuple[int, S]] = deque([(0, self.context.state)])  # as they come: paths are told apart for longer
        queued = {(0, self.context.state)}
        steps = 0
        while work and steps < 20_000:
            steps += 1
            item = work.popleft()
            queued.discard(item)
            block, state = item
            for after, facts in self.block(block, state, dict(self.reached[block][state])):
                for successor in self.function.blocks[block].successors:
                    target = self.flow(successor, after, facts)
                    if target is not None and (successor, target) not in queued:
                        queued.add((successor, target))
                        work.append((successor, target))
        if work:
            where = f"{self.function.path}:{self.function.line}"
            problem = Problem(ProblemKind.TOO_LARGE, where, f"{self.function.name}(): too many states on its paths")
            self.context.problems.append(problem)

    def flow(self, block: int, state: S, facts: Facts) -> S | None:
        """Merge into a block; the state to be worked on, or None when nothing is new there."""
        known = self.reached[block]
        old = known.get(state)
        if old is None:
            if len(known) >= MAX_CASES:
                self.context.problems.append(
                    Problem(ProblemKind.TOO_LARGE, f"{self.function.path}:{self.function.line}",
                            f"{self.function.name}(): more than {MAX_CASES} states meet")
                )  # fmt: skip
                return None
            known[state] = dict(facts)
            return state
        met = values.meet(old, facts)
        if met == old:
            return None
        known[state] = met
        return state

    def block(self, index: int, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        """All (state, facts) at the end of a block for one at its start."""
        self.context.block = index
        cases = [(state, facts)]
        for instr in self.function.blocks[index].instrs:
            following: list[tuple[S, Facts]] = []
            for current, known in cases:
                self.context.block = index
                following += self.step(instr, current, known)
            cases = following
            if not cases:
                break
        return cases

    def step(self, instr: Instr, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        """One instruction for one case."""
        explorer = self.explorer
        explorer.property.observe(instr, state, facts, self.context)
        match instr:
            case Call():
                return self.call(instr, state, facts)
            case Assign():
                store.store(instr.target, instr.value, facts, explorer.constants, explorer.program.by_name)
            case Assume():
                if not values.assume(instr.cond, instr.truth, facts, explorer.constants):
                    return []
                return [(explorer.property.branch(instr, state, self.context), facts)]
            case Return():
                self.leave(instr, state, facts)
                return []
            case Hole():
                return [(explorer.property.hole(state), {})]
            case Asm():
                for output in instr.outputs:
                    for name in output.names:
                        store.forget(facts, name)
        return [(state, facts)]

    def leave(self, instr: Return, state: S, facts: Facts) -> None:
        """An exit of the function: the state, and what is known of the result."""
        value = instr.value
        known = None if value is None else result_class(values.evaluate(value, facts, self.explorer.constants))
        if (state, known) not in self.context.exits:
            self.context.exits.append((state, known))

    def call(self, call: Call, state: S, facts: Facts) -> list[tuple[S, Facts]]:
        """A call: exits of the callee, then what its result and its pointers do to the facts."""
        explorer = self.explorer
        if not explorer.property.feasible(call, state):
            return []
        exits = self.error_pointer(call, state, facts) or explorer.apply(call, state, facts, self.context)
        predicate = call.callee in explorer.vocabulary.predicates
        if not predicate:
            store.escape(facts, call.args, self.constant)
        out = []
        for index, (after, value) in enumerate(exits):
            mine = facts if index == len(exits) - 1 else dict(facts)
            if call.result is not None:
                self.result(call, value, predicate, mine)
            explorer.property.after(call, mine)
            out.append((after, mine))
        return out

    def error_pointer(self, call: Call, state: S, facts: Facts) -> list[tuple[S, Value | None]]:
        """``ERR_PTR`` makes what ``IS_ERR`` tells (linux/err.h)."""
        if call.callee == "ERR_PTR":
            return [(state, values.ERRPTR)]
        if call.callee in ("IS_ERR", "IS_ERR_OR_NULL") and call.args and facts.get(call.args[0]) == values.ERRPTR:
            return [(state, 1)]
        return []

    def result(self, call: Call, value: Value | None, predicate: bool, facts: Facts) -> None:
        """Bind the result."""
        target = call.result
        assert target is not None
        if isinstance(target, Name):
            if not target.temporary:
                store.forget(facts, target.id)
            facts.pop(target, None)
        else:
            store.store(target, Name("%"), facts, self.explorer.constants, {})
        if predicate:
            facts[target] = Alias(Pred(call.callee, call.args))
        elif value is not None:
            facts[target] = value
