"""Places whose object always is open: fields that are only ever given what a pair opened, and who ends with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.analyses.escape import derives, values_of
from analyzer.analyses.facts import Facts, shown, step
from analyzer.analyses.pairing import Ledger, Seen, Token
from analyzer.analyses.pairs import opening_steps
from analyzer.analyses.reach import calls_of
from analyzer.core.finding import Step
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Call, Const, Deref, Expr, Field, Function, Index, Instr, Name


@dataclass(frozen=True, slots=True)
class Owner:
    """Where a place was given what is open."""

    key: Key
    instr: Assign
    token: Token


def place(expr: Expr) -> str:
    """The field that a place in memory is, or is an element of."""
    while isinstance(expr, Index | Deref):
        expr = expr.base
    return expr.name if isinstance(expr, Field) else ""


def owners(facts: Facts, ledger: Ledger) -> dict[str, Owner]:
    """The places that are given nothing else than what is open (or NULL)."""
    found: dict[str, Owner] = {}
    for key, instr, token in ledger.stored.values():
        if place(instr.target):
            found.setdefault(place(instr.target), Owner(key, instr, token))
    return {n: o for n, o in found.items() if not any(_stores_other(ledger, f, i, n) for f, i in _mentioning(facts, n))}


def _mentioning(facts: Facts, field: str) -> Iterator[tuple[Function, Instr]]:
    """The instructions of the functions that mention a field."""
    for function in facts.mentioning(frozenset((field,))):
        yield from ((function, instr) for block in function.blocks for instr in block.instrs)


def _stores_other(ledger: Ledger, function: Function, instr: Instr, name: str) -> bool:
    """Whether something that is not known to be open is put into a place; an array that is put there is a place."""
    if not isinstance(instr, Assign | Call):
        return False
    target = instr.target if isinstance(instr, Assign) else instr.result
    if target is None or place(target) != name or id(instr) in ledger.stored:
        return False
    if isinstance(instr, Call):
        return "alloc" not in instr.callee or "page" in instr.callee
    array = function.locals.get(instr.value.text, "").count("*") > 1
    return not array and not (isinstance(instr.value, Const) and instr.value.value == 0)


def ended(facts: Facts, ledger: Ledger, known: dict[str, Owner], seen: Seen) -> tuple[Owner, tuple[Step, ...]] | None:
    """The place that an event ends with, if neither the function nor a caller that hands it over closes it there."""
    function = ledger.program.lower(seen.context.key)
    if function is None or seen.effect.slot >= len(seen.call.args):
        return None
    ends = step(function, seen.call, shown(seen.call))
    return _ended(facts, ledger, known, function, seen.call.args[seen.effect.slot], (ends,), 3)


def _ended(
    facts: Facts,
    ledger: Ledger,
    known: dict[str, Owner],
    function: Function,
    expr: Expr,
    steps: tuple[Step, ...],
    depth: int,
) -> tuple[Owner, tuple[Step, ...]] | None:
    values = [v for v in values_of(function, expr.text) if not isinstance(v, Call)] if isinstance(expr, Name) else []
    found = next((p for p in map(place, (expr, *values)) if p in known), "")
    if _closes(ledger, function, {expr.text, found} - {""}):
        return None
    if found:
        owner = known[found]
        maker = ledger.program.lower(owner.key)
        assert maker is not None
        kept = step(maker, owner.instr, f"is kept in {owner.instr.target.text}")
        return owner, (*opening_steps(ledger, owner.token), kept, *steps)
    index = next((n for n, p in enumerate(function.params) if p.name == expr.text), None)
    for caller, call in calls_of(facts, function) if index is not None and depth else ():
        if index is not None and index < len(call.args):
            here = (step(caller, call, f"calls {function.name}()"), *steps)
            answer = _ended(facts, ledger, known, caller, call.args[index], here, depth - 1)
            if answer is not None:
                return answer
    return None


def _closes(ledger: Ledger, function: Function, words: set[str]) -> bool:
    """Whether a function closes, or has a helper close, the object of some words."""
    names = [n for key, n in ledger.closed if key == function.key]
    names += [n for context, _, n, _, _ in ledger.handed if context.key == function.key]
    named = [function.params[int(n[1:])].name if n.startswith("#") else n for n in names]
    return any(n in words or derives(function, n, tuple(words)) for n in named)
