"""A leaf that is installed where a table may hang: walks of a root, what they test of the entry, what they install.

The property follows one walk: whether the root is known to be none of those at risk, whether the entry at hand is
known to have no table below (absent, a leaf, the lowest level, above the goal, or the goal was lowered), whether a
leaf was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from analyzer.analyses.guards import entered_by, made_by, taken
from analyzer.analyses.locks import BUGS_VM
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, Facts, Value
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assign, Assume, Binary, Call, Const, Expr, Field, Function, Instr, Name, Unary


@dataclass(frozen=True, slots=True)
class WalkSpec:
    """What the calls mean.

    ``steps`` go to another entry, ``roots`` to another root; ``at_risk`` are predicates of a root (or fields of what
    asks for it), ``spared`` say the opposite; ``present`` and
    ``leaf`` of an entry; ``makes`` make a leaf; ``sets`` says whether a call installs a value; ``goal`` is the field of
    the level aimed at, ``lowest`` the name of the lowest level.
    """

    steps: Callable[[str], bool]
    roots: frozenset[str]
    at_risk: frozenset[str]
    spared: frozenset[str]
    present: frozenset[str]
    leaf: frozenset[str]
    makes: frozenset[str]
    sets: Callable[[Key], bool]
    goal: str
    lowest: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The state of one walk."""

    spared: bool = False  # the root is none of those at risk
    bare: bool = False  # no table hangs below the entry, or the goal is lowered
    made: bool = False  # a leaf was made
    home: Key = ("", "")  # the function that walks; walks below it are another matter


@dataclass(slots=True)
class Install:
    """A leaf goes in where a table may hang."""

    call: Call
    context: Context[Walk]


class CoarserProperty:
    """The Property."""

    def __init__(self, program: Program, spec: WalkSpec) -> None:
        self.program = program
        self.spec = spec
        self.installs: dict[tuple[int, Key], Install] = {}
        self.seen = 0

    def call(
        self, call: Call, state: Walk, facts: Facts, context: Context[Walk]
    ) -> Iterable[tuple[Walk, Value | None]] | None:
        """Steps, leaves made and installed; other callees are explored."""
        name = call.callee
        if self.spec.steps(name):
            above = [seen.key for seen, _ in context.path()[:-1]]
            mine = state.home not in above
            return [(Walk(state.spared, home=context.key) if mine else state, None)]
        if name in self.spec.roots:
            return [(Walk(), None)]
        if name in self.spec.makes:
            return [(replace(state, made=True), None)]
        keys = self.program.resolve(name, context.key[0]) if name else ()
        if any(self.always_lowers(k) for k in keys):
            return [(replace(state, bare=True), None)]
        if any(self.spec.sets(k) for k in keys):
            self.seen += 1
            if state.made and not state.bare and not state.spared:
                self.installs.setdefault((id(call), context.path()[0][0].key), Install(call, context))
            return [(state, 0), (state, NEG)]
        return None

    def always_lowers(self, key: Key) -> bool:
        """Whether a function lowers the goal whatever it is given."""
        function = self.program.lower(key) if self.spec.goal in self.program.definitions[key].mentions else None
        found = (
            [i for b in function.blocks for i in b.instrs if lowers(i, self.spec.goal)] if function is not None else []
        )
        return any(function is not None and not taken(function, i) for i in found)

    def observe(self, instr: Instr, state: Walk, facts: Facts, context: Context[Walk]) -> None:
        """Nothing to note."""

    def branch(self, assume: Assume, state: Walk, context: Context[Walk]) -> Walk:
        """What a branch says of the root or the entry."""
        if self.lowered_next(context):
            return replace(state, bare=True)
        said = self.says(assume.cond, assume.truth, context, 4, state.home)
        if said == "spared":
            return replace(state, spared=True)
        return replace(state, bare=True) if said == "bare" else state

    def lowered_next(self, context: Context[Walk]) -> bool:
        """Whether the goal is lowered before the next branch."""
        function = self.program.lower(context.key)
        at, seen = context.block, set()
        while function is not None and at not in seen:
            seen.add(at)
            block = function.blocks[at]
            if any(lowers(i, self.spec.goal) for i in block.instrs):
                return True
            if len(block.successors) != 1:
                return False
            at = block.successors[0]
        return False

    def says(self, cond: Expr, truth: bool, context: Context[Walk], depth: int, home: Key) -> str:
        """``spared``, ``bare`` or nothing."""
        while isinstance(cond, Unary) and cond.op == "!":
            cond, truth = cond.operand, not truth
        if isinstance(cond, Binary):
            return "bare" if self._low(cond, truth) else ""
        function = self.program.lower(context.key)
        if not isinstance(cond, Name) or function is None or not depth:
            return "spared" if isinstance(cond, Field) and cond.name in self.spec.at_risk and not truth else ""
        made = made_by(function).get(cond.id)
        if made is not None:
            known = {p.name for p in function.params}
            own = home in ("", context.key) or home == ("", "") or any(a.names & known for a in made.args)
            said = self._predicate(made.callee, truth)
            return said if own or said == "spared" else ""
        at = next((i for i, p in enumerate(function.params) if p.name == cond.id), None)
        if at is not None and context.caller is not None and context.call is not None and at < len(context.call.args):
            return self.says(context.call.args[at], truth, context.caller, depth - 1, home)
        values = [
            i.value for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target.text == cond.id
        ]
        if len(values) == 1:
            return self.says(values[0], truth, context, depth - 1, home)
        return self._chosen(function, cond.id, truth, context, home) if depth > 1 else ""

    def _chosen(self, function: Function, name: str, truth: bool, context: Context[Walk], home: Key) -> str:
        """What ``name = a && b`` says: what all its ways say. A root that is not there is none at risk."""
        said = set()
        for index, block in enumerate(function.blocks):
            for instr in block.instrs:
                if isinstance(instr, Assign) and instr.target.text == name:
                    if not isinstance(instr.value, Const):
                        return ""
                    for way in entered_by(function, index) if bool(instr.value.value) is truth else ():
                        pointer = isinstance(way.cond, Name) and "*" in _type(function, way.cond.id) and not way.truth
                        said.add("spared" if pointer else self.says(way.cond, way.truth, context, 1, home))
        return said.pop() if len(said) == 1 else ""

    def _predicate(self, name: str, truth: bool) -> str:
        if name in self.spec.at_risk | self.spec.spared:
            return "spared" if truth is (name in self.spec.spared) else ""
        if name in self.spec.present:
            return "" if truth else "bare"
        return "bare" if name in self.spec.leaf and truth else ""

    def _low(self, cond: Binary, truth: bool) -> bool:
        """The entry is at the lowest level, or not at the level aimed at."""
        if cond.right.text in (self.spec.lowest, "1") and "level" in cond.left.text:
            return truth if cond.op in ("==", "<=") else not truth if cond.op in (">", "!=") else False
        if cond.left.text.endswith(self.spec.goal) or cond.right.text.endswith(self.spec.goal):
            return truth is (cond.op == "!=") if cond.op in ("==", "!=") else False
        return False

    def feasible(self, call: Call, state: Walk) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def hole(self, state: Walk) -> Walk:
        """Unknown statements may have tested anything."""
        return Walk(True, True, False)

    def unknown(self) -> Walk:
        """Callers are not shown."""
        return Walk()


def lowers(instr: Instr, goal: str) -> bool:
    """Whether an instruction makes the goal smaller."""
    if not isinstance(instr, Assign) or not instr.target.text.endswith((f"->{goal}", f".{goal}")):
        return False
    value = instr.value
    return isinstance(value, Binary) and value.op == "-"


def _type(function: Function, name: str) -> str:
    """The type of a variable or parameter as written."""
    return function.locals.get(name) or next((p.type for p in function.params if p.name == name), "")
