"""Lock states in words: labels, modes, what satisfies what; assertions and what their contexts say of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.dataflow import values
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import Facts
from analyzer.ir.effect import Verb
from analyzer.ir.program import Program
from analyzer.ir.types import Addr, Assume, Call, Deref, Expr, Field, Index, Instr, Name, Return

BUGS_VM = frozenset(
    """KVM_BUG_ON KVM_BUG_ON_DATA_CORRUPTION TDX_BUG_ON TDX_BUG_ON_1 TDX_BUG_ON_2 TDX_BUG_ON_3 kvm_vm_bugged
    kvm_vm_dead""".split()
)
Held = frozenset[tuple[str, str]]
LOCK_VERBS = (Verb.ACQUIRE, Verb.RELEASE, Verb.REQUIRE)


def lock_label(expr: Expr) -> str:
    """The class of a lock: its field or variable name, as lockdep groups them."""
    while True:
        match expr:
            case Addr() | Deref() | Index():
                expr = expr.base
            case Field():
                return expr.name
            case Name():
                return expr.id
            case _:
                return ""


def held_mode(state: Held, label: str) -> str | None:
    """The mode a label is held in; None when it is known not to be held."""
    return next((m for name, m in state if name == label), None)


def operations(call: Call) -> list[str]:
    """What a call runs: its callee, or the functions it is handed (a retrying macro that is not visible)."""
    return [call.callee or call.table, *(a.id for a in call.args if isinstance(a, Name))]


def with_mode(state: Held, label: str, mode: str | None) -> Held:
    """The state with the label in another mode, or not held."""
    rest = frozenset(t for t in state if t[0] != label)
    return rest if mode is None else rest | {(label, mode)}


def avoidable(program: Program, context: Context[Held]) -> bool:
    """Whether a path of the function, with what is known on entry, returns without the block being worked on.

    Checks that bug the VM or warn are no branches here.
    """
    function = program.lower(context.key)
    if function is None:
        return False
    seen, work = {0}, [0] if context.block != 0 else []
    while work:
        block = function.blocks[work.pop()]
        if any(i.__class__ is Return for i in block.instrs):
            return True
        for nxt in block.successors:
            if nxt in seen or nxt == context.block or not _open(function.blocks[nxt].instrs, context.facts):
                continue
            seen.add(nxt)
            work.append(nxt)
    return False


def _open(instrs: list[Instr], facts: Facts) -> bool:
    """Whether a block can be entered given the facts of the entry; sides of sanity checks that fire cannot."""
    for instr in instrs[:1]:
        if isinstance(instr, Assume):
            if instr.wraps and any(isinstance(i, Call) and i.callee in instr.wraps for i in instrs):
                return False
            known = values.truth(values.evaluate(instr.cond, facts, {}))
            return known is None or known is instr.truth
    return True


def satisfies(mode: str | None, required: str) -> bool | None:
    """Whether a held mode meets a requirement (``any``, ``r``, ``w``); None when that is not known."""
    if mode is None:
        return False
    if mode == "?":
        return None
    mode = "r" if mode == "R" else mode
    if required in ("any", "") or mode == "x" or mode == required:
        return True
    return None if mode == "a" else False


@dataclass(slots=True)
class Assertion:
    """A lock assertion in the source and what its contexts say of it."""

    path: str
    line: int
    function: str
    words: str
    label: str
    proven: list[Context[Held]] = field(default_factory=list)
    unknown: list[Context[Held]] = field(default_factory=list)
    absent: list[Context[Held]] = field(default_factory=list)
    conditional: list[Context[Held]] = field(default_factory=list)
    contradicted: list[tuple[Context[Held], Call]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """``proven`` by every caller, ``contradicted`` by one, or left ``open``."""
        if self.contradicted or (self.absent and not (self.proven or self.unknown or self.conditional)):
            return "contradicted"
        return "open" if self.unknown or self.absent or self.conditional or not self.proven else "proven"

    @property
    def reason(self) -> str:
        """Why it is open."""
        if self.unknown:
            return "a caller's locks are not known"
        if self.conditional:
            return "a path in the other mode depends on a condition on data"
        return "a path without the lock depends on a condition on data" if self.absent else "never reached"
