"""The path to a lock state, as a reader follows it: from where the lock was taken, call by call."""

from __future__ import annotations

from analyzer.analyses.locks import Held, held_mode
from analyzer.core.finding import Step
from analyzer.core.source import Location
from analyzer.dataflow import values
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NZ
from analyzer.ir.program import Program
from analyzer.ir.types import Call, Expr, Function, Instr, Name


def lock_path(program: Program, context: Context[Held], label: str, to: Call | None = None) -> tuple[Step, ...]:
    """The call path to a context (to a call in it), from the function that took the lock (or the entry point), with
    the constants that select it."""
    path = [*context.path()[:-1], (context, to)]
    takers = [n for n, (seen, leaving) in enumerate(path) if _taken(seen, leaving, label) and _bare(seen, label)]
    steps: list[Step] = []
    for seen, leaving in path[takers[-1] if takers else 0 :]:
        function = program.lower(seen.key)
        if function is not None:
            steps += _steps(function, seen, leaving, label, seen is not context)
    return tuple(steps)


def _steps(function: Function, seen: Context[Held], leaving: Call | None, label: str, calls: bool) -> list[Step]:
    """What one context adds: what is known on entry, where it takes the lock, the call it leaves by."""
    steps = []
    known = ", ".join(
        f"{e.text} is {'true' if v in (NZ, 1) else 'false'}" for e, v in seen.facts.items() if _telling(e, v)
    )
    if seen.caller is None or known:
        note = f"enters {function.name}()" + (f" with {known}" if known else "")
        steps.append(Step(Location(function.path, function.line), function.name, note))
    for instr in _taken(seen, leaving, label)[-1:]:
        words = instr.shown if isinstance(instr, Call) else "takes the lock"
        steps.append(Step(Location(function.path, instr.line), function.name, words))
    if leaving is not None and calls:
        via = f" through {leaving.frames[0].macro}()" if leaving.frames else ""
        steps.append(Step(Location(function.path, leaving.line), function.name, f"calls {_entered(leaving)}{via}"))
    return steps


def _taken(seen: Context[Held], leaving: Call | None, label: str) -> list[Instr]:
    """Where a context takes the lock before it leaves, in line order."""
    found = [i for note, i in seen.notes.items() if note == label and (leaving is None or i.line <= leaving.line)]
    return sorted(found, key=lambda i: i.line)


def _bare(seen: Context[Held], label: str) -> bool:
    """Whether the lock is not held yet on entry; what drops it and takes it again is not where a path begins."""
    return held_mode(seen.state, label) in (None, "?")


def _entered(call: Call) -> str:
    return f"{call.callee}()" if call.callee else f"{call.table or call.name}() of an ops table"


def _telling(expr: Expr, value: values.Value) -> bool:
    return isinstance(expr, Name) and (value == NZ or value in (0, 1)) and "shared" in expr.id
