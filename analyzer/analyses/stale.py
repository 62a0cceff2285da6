"""Values that a dropped lock made stale: cursors of a walk, and copies of what the lock protects.

A cursor or a copy that was good before the drop is old behind it, once the lock is taken again. A cursor that was
marked (``iter.yielded = true``) may go on to its next step, which starts anew; what it read before is old all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from analyzer.analyses.checked import inner_expressions, read_expressions
from analyzer.analyses.regions import RegionChange
from analyzer.analyses.uses import LOGGING
from analyzer.callgraph.names import NameGraph
from analyzer.ir.program import Key, Program
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Hole,
    Instr,
    Name,
    Return,
    Unary,
)

Item = tuple[str, str]
State = frozenset[Item]
DROPPED, OUT = ("dropped", ""), ("out", "")  # the caller's lock was given back; a lock is out at this point
DEEPEST = 3
LIVE, OLD, LOST, MARKED, IN, TRUE, FALSE = "live", "old", "lost", "marked", "in", "true", "false"
AT = "at"  # where the lock was dropped last


@dataclass(frozen=True, slots=True)
class Walks:
    """Words of cursors: their type, the fields that are read from the structure, the field that marks them, calls that
    start them and that step them (both take the cursor first); ``reads``: calls that read the structure."""

    type: str
    fields: frozenset[str]
    mark: str
    starts: frozenset[str]
    steps: frozenset[str]
    reads: frozenset[str]
    loops: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stale:
    """A use of something old: the instruction, what is used, where the lock was dropped; ``step``: a walk goes on."""

    function: Function
    instr: Instr
    what: str
    drop: Instr
    step: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """How a function may return: whether it dropped its caller's lock, the parameters it marked, what it returned."""

    dropped: bool
    marked: frozenset[int]
    value: bool | None


@dataclass(slots=True)
class _Found:
    uses: dict[tuple[int, str], Stale] = field(default_factory=dict)
    exits: set[Exit] = field(default_factory=set)
    drops: dict[str, Instr] = field(default_factory=dict)


class Staleness:
    """Looks at functions one by one; what they call is known by its exits.

    ``changes`` gives the takes and gives of the locks that protect the structure; ``droppers`` the functions that may
    give one back; ``sleeps_without`` the calls that drop and retake a lock.
    """

    def __init__(
        self,
        program: Program,
        walks: Walks,
        changes: Callable[[Call, Function], list[RegionChange]],
        droppers: frozenset[Key],
        sleeps_without: frozenset[str],
    ) -> None:
        self.program = program
        self.walks = walks
        self.changes = changes
        self.droppers = droppers
        self.sleeps_without = sleeps_without
        self._exits: dict[Key, frozenset[Exit]] = {}

    def uses(self, function: Function) -> list[Stale]:
        """The uses of what a drop in the function made old."""
        return list(_Walk(self, function, DEEPEST).run().uses.values())

    def looks_into(self, names: NameGraph, key: Key) -> frozenset[Key]:
        """All functions that the uses in one depend on."""
        seen, wave = {key}, {key}
        for _ in range(DEEPEST):
            wave = {c for k in wave for c in names.named(k) if c in self.droppers} - seen
            seen |= wave
        return frozenset(seen)

    def exits(self, key: Key, depth: int) -> frozenset[Exit]:
        """How a callee may return."""
        known = self._exits.get(key)
        if known is None:
            known = self._exits[key] = frozenset()
            function = self.program.lower(key)
            if function is not None and function.kind == "function":
                known = self._exits[key] = frozenset(_Walk(self, function, depth).run().exits)
        return known


class _Walk:
    def __init__(self, rules: Staleness, function: Function, depth: int) -> None:
        self.rules = rules
        self.walks = rules.walks
        self.function = function
        self.depth = depth
        self.found = _Found()
        types = {**function.locals, **{p.name: p.type for p in function.params}}
        self.cursors = frozenset(n for n, t in types.items() if rules.walks.type in t)

    def run(self) -> _Found:
        """All paths from the entry."""
        work: list[tuple[int, State]] = [(0, frozenset())]
        seen = set(work)
        while work and len(seen) < 4000:
            index, state = work.pop()
            states = [state]
            for instr in self.function.blocks[index].instrs:
                states = [after for s in states for after in self.instr(instr, s)]
            for following in self.function.blocks[index].successors:
                new = {(following, self.entered(index, following, s)) for s in states} - seen
                seen |= new
                work += new
        return self.found

    def entered(self, block: int, following: int, state: State) -> State:
        """The state on an edge: a loop that is entered, not gone round, starts its cursor anew."""
        if following <= block:
            return state
        calls = (i for i in self.function.blocks[following].instrs if isinstance(i, Call) and i.args)
        started = {self.cursor(c.args[0]) for c in calls if c.callee in self.walks.loops}
        return frozenset(i for i in state if i[1] not in started or i[0] not in (LOST, MARKED)) if started else state

    def instr(self, instr: Instr, state: State) -> list[State]:
        """The states after an instruction."""
        self.look(instr, state)
        match instr:
            case Call():
                return self.call(instr, state)
            case Assign():
                return [self.assigned(instr, state)]
            case Assume():
                known = self.known(instr.cond, state)
                return [state] if known is None or known is instr.truth else []
            case Return():
                self.leave(instr, state)
                return []
            case Hole():
                return [frozenset()]
            case _:
                return [state]

    # -- uses ----------------------------------------------------------------------------------------------------

    def look(self, instr: Instr, state: State) -> None:
        """Note what is used that is old."""
        if OUT in state or not any(k in (OLD, LOST, MARKED) for k, _ in state):
            return
        if isinstance(instr, Call):
            if LOGGING.match(instr.callee):
                return
            cursor = self.cursor(instr.args[0]) if instr.args else ""
            if instr.callee in self.walks.steps | self.walks.loops and (LOST, cursor) in state:
                self.use(instr, cursor, state, True)
            if instr.callee in self.walks.steps | self.walks.starts | self.walks.loops:
                return
        for what in self.old(instr, state):
            self.use(instr, what, state)

    def old(self, instr: Instr, state: State) -> Iterator[str]:
        """The old things an instruction looks at."""
        if isinstance(instr, Assign) and isinstance(instr.value, Name | Field):
            return  # a copy is no use yet
        written = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
        for expr in read_expressions(instr):
            for inner in inner_expressions(expr):
                if inner is written:
                    continue
                if isinstance(inner, Field) and inner.name in self.walks.fields:
                    cursor = self.cursor(inner.base)
                    if (LOST, cursor) in state or (MARKED, cursor) in state:
                        yield inner.text
                elif isinstance(inner, Name) and (OLD, inner.id) in state:
                    yield inner.id

    def use(self, instr: Instr, what: str, state: State, step: bool = False) -> None:
        drop = next((self.found.drops[at] for kind, at in state if kind == AT), None)
        if drop is not None:
            self.found.uses.setdefault((id(instr), what), Stale(self.function, instr, what, drop, step))

    def cursor(self, expr: Expr) -> str:
        """The cursor that an expression is, or points to."""
        inner = expr.base if isinstance(expr, Addr | Deref) else expr
        return inner.id if isinstance(inner, Name) and inner.id in self.cursors else ""

    # -- changes -------------------------------------------------------------------------------------------------

    def call(self, call: Call, state: State) -> list[State]:
        """Locks, steps of a walk, callees that drop the lock; the result is something new, or a copy."""
        if isinstance(call.result, Name):
            name = call.result.id
            state = frozenset(i for i in state if i[1] != name or i[0] not in (LIVE, OLD, TRUE, FALSE))
            if call.callee in self.walks.reads:
                return [s | {(LIVE, name)} for s in self.called(call, state)]
        return self.called(call, state)

    def called(self, call: Call, state: State) -> list[State]:
        """What a call does to locks and cursors."""
        for change in self.rules.changes(call, self.function):
            state = self.locked(call, change, state)
        cursor = self.cursor(call.args[0]) if call.args else ""
        if call.callee in self.rules.sleeps_without:
            return [self.dropped(call, state) - {OUT}]
        if cursor and call.callee in self.walks.starts | self.walks.steps | self.walks.loops:
            return [state - {(LOST, cursor), (MARKED, cursor)}]
        keys = self.rules.program.resolve(call.callee, self.function.path) if call.callee and self.depth else ()
        exits = [e for k in keys if k in self.rules.droppers for e in self.rules.exits(k, self.depth - 1)]
        return [self.left(call, e, state) for e in exits] or [state]

    def left(self, call: Call, leaving: Exit, state: State) -> State:
        """After a callee that returned in one way."""
        if leaving.dropped:
            state = self.dropped(call, state) - {OUT}
            for index in leaving.marked:
                cursor = self.cursor(call.args[index]) if index < len(call.args) else ""
                state = (state - {(LOST, cursor)}) | {(MARKED, cursor)} if cursor else state
        if call.result is not None and leaving.value is not None:
            return state | {(TRUE if leaving.value else FALSE, call.result.text)}
        return state

    def locked(self, call: Call, change: RegionChange, state: State) -> State:
        """A lock is taken or given back."""
        if change.take:
            return (state - {OUT}) | {(IN, change.label)}
        if (IN, change.label) in state:
            return self.dropped(call, state - {(IN, change.label)}) - {DROPPED} | (state & {DROPPED})
        return self.dropped(call, state)

    def dropped(self, call: Call, state: State) -> State:
        """Cursors are lost, copies are old."""
        at = f"{call.line}:{call.column}"
        self.found.drops[at] = call
        keep = frozenset(i for i in state if i[0] not in (LIVE, AT))
        old = {(OLD, name) for kind, name in state if kind == LIVE}
        lost = {(LOST, c) for c in self.cursors if (MARKED, c) not in state}
        return keep | old | lost | {DROPPED, OUT, (AT, at)}

    def assigned(self, assign: Assign, state: State) -> State:
        """Marks, copies, and what is overwritten."""
        target = assign.target
        if isinstance(target, Field) and target.name == self.walks.mark:
            cursor = self.cursor(target.base)
            marks = isinstance(assign.value, Const) and assign.value.value == 1
            return (state - {(LOST, cursor)}) | {(MARKED, cursor)} if cursor and marks else state
        if not isinstance(target, Name) or target.id in self.cursors:
            return state  # the head of a loop sets its cursor, whatever the macro makes of it
        rest = frozenset(i for i in state if i[1] != target.id)
        if isinstance(assign.value, Const):
            return rest | {(TRUE if assign.value.value else FALSE, target.id)}
        inner = list(inner_expressions(assign.value))
        fields = [i for i in inner if isinstance(i, Field) and i.name in self.walks.fields and self.cursor(i.base)]
        lost = any((k, self.cursor(i.base)) in state for i in fields for k in (LOST, MARKED))
        if lost or any(isinstance(i, Name) and (OLD, i.id) in state for i in inner):
            return rest | {(OLD, target.id)}
        live = fields or any(isinstance(i, Name) and (LIVE, i.id) in state for i in inner)
        return rest | {(LIVE, target.id)} if live else rest

    def known(self, cond: Expr, state: State) -> bool | None:
        """The truth of a condition: that of a mark which the path has set too."""
        if isinstance(cond, Field) and cond.name == self.walks.mark and (MARKED, self.cursor(cond.base)) in state:
            return True
        return _known(cond, state)

    def leave(self, instr: Return, state: State) -> None:
        """An exit for callers."""
        names = [p.name for p in self.function.params]
        marked = frozenset(names.index(n) for k, n in state if k == MARKED and n in names)
        value = instr.value
        known = None if value is None else _known(value, state)
        if isinstance(value, Field) and value.name == self.walks.mark:
            known = (MARKED, self.cursor(value.base)) in state
        self.found.exits.add(Exit(DROPPED in state, marked, known))


def _known(cond: Expr, state: State) -> bool | None:
    """The truth of a condition, where the path told it."""
    match cond:
        case Unary(op="!"):
            inner = _known(cond.operand, state)
            return None if inner is None else not inner
        case Const():
            return None if cond.value is None else bool(cond.value)
        case _:
            return True if (TRUE, cond.text) in state else False if (FALSE, cond.text) in state else None
