"""A counterexample for people: who moved, what changed, and where the correct protocol would have done otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.model.engines.outcome import Discovery
from analyzer.model.engines.python import numbered_successors, predicate
from analyzer.model.expr import TRUE, Expr
from analyzer.model.kvm_tdx.sources import SOURCES, Source
from analyzer.model.machine import Machine, Move

SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "add": "+", "sub": "-", "iff": "iff"}


@dataclass(frozen=True, slots=True)
class Step:
    """One move: its actor, what it changed (variable, old, new) and where it was read."""

    number: int
    actor: str
    move: str
    changed: tuple[tuple[str, str, str], ...]
    source: Source
    status: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the correct protocol differs first: a guard that fails, or an effect or a next place of its own."""

    step: int
    kind: str  # "guard", "effect", "order"
    text: str


def steps(machine: Machine, discovery: Discovery) -> tuple[Step, ...]:
    """The moves of a counterexample."""
    found = []
    counters = {a.pc for a in machine.actors}
    for number, n in enumerate(discovery.moves, 1):
        before, after = (machine.show(s) for s in discovery.states[number - 1 : number + 1])
        changed = tuple(
            (name, old, after[name]) for name, old in before.items() if old != after[name] and name not in counters
        )
        move = machine.moves[n]
        found.append(Step(number, move.actor, move.name, changed, SOURCES[move.source], move.status))
    return tuple(found)


def stop(broken: Machine, correct: Machine, discovery: Discovery) -> Stop | None:
    """The first step that the correct machine would not take, or would take otherwise."""
    state, advance = correct.init, numbered_successors(correct)
    for number, n in enumerate(discovery.moves, 1):
        move = broken.moves[n]
        out: list[tuple[int, bytes]] = []
        advance(state, out.append)
        wanted = [(k, s) for k, s in out if (correct.moves[k].actor, correct.moves[k].name) == (move.actor, move.name)]
        if not wanted:
            return _refused(correct, state, move, number)
        after, want = correct.show(wanted[0][1]), broken.show(discovery.states[number])
        different = _different(broken, correct, want, after)
        if different is not None:
            return Stop(number, different[0], f"{move.actor} {move.name}: in the correct protocol {different[1]}")
        state = wanted[0][1]
    return None


def _different(
    broken: Machine, correct: Machine, got: Mapping[str, str], want: Mapping[str, str]
) -> tuple[str, str] | None:
    effects = [
        f"{name} becomes {want[name]}, not {got[name]}" for name in want if got.get(name, want[name]) != want[name]
    ]
    counters = {a.pc: a.name for a in correct.actors}
    places = [text for text in effects if text.split(" ", 1)[0] in counters]
    values = [text for text in effects if text not in places]
    if values:
        return "effect", ", ".join(values)
    if places:
        name = places[0].split(" ", 1)[0]
        actor = counters[name]
        return "order", f"{actor} goes on with {want[name]}, not {got[name]}{_entered(correct, actor, got[name])}"
    return None


def _entered(correct: Machine, actor: str, place: str) -> str:
    """By which guarded moves the correct actor comes to a place."""
    ways = [
        m for m in correct.moves if m.actor == actor and correct.place(actor, m.to) == place and m.guard is not TRUE
    ]
    first = next((m for m in ways if m.at != m.to), None)
    return f", which is entered by {first.name} if {pretty(correct, first.guard)}" if first is not None else ""


def _refused(correct: Machine, state: bytes, move: Move, number: int) -> Stop:
    """The move is not enabled: its guard, or what the actor would do at its place instead."""
    shown = correct.show(state)
    place = shown[correct.pc(move.actor)]
    same = [m for m in correct.moves if (m.actor, m.name) == (move.actor, move.name)]
    here = [m for m in same if correct.place(m.actor, m.at) == place]
    if here:
        guard = pretty(correct, here[0].guard)
        return Stop(number, "guard", f"{move.actor} {move.name} needs {guard}")
    there = [m for m in correct.moves if m.actor == move.actor and correct.place(m.actor, m.at) == place]
    able = [m for m in there if predicate(correct, m.guard)(state)] or there
    names = ", ".join(m.name if m.guard is TRUE else f"{m.name} if {pretty(correct, m.guard)}" for m in able[:3])
    return Stop(number, "order", f"the correct {move.actor} has no {move.name} at {place}, only {names}")


def pretty(machine: Machine, node: Expr, inner: bool = False) -> str:
    """An expression with the words of its variables."""
    if node.op == "const":
        return str(node.value) if node.kind == "int" else ("true" if node.value else "false")
    if node.op == "var":
        return node.name
    if node.op == "in":
        return f"{node.args[0].name} is {' or '.join(_word(machine, node.args[0].name, v) for v in node.values)}"
    if node.op in ("eq", "ne") and node.args[0].op == "var" and node.args[1].op == "const":
        name, value = node.args[0].name, node.args[1].value
        return f"{name} {SIGNS[node.op]} {_word(machine, name, value)}"
    parts = [pretty(machine, a, True) for a in node.args]
    if node.op == "not":
        return f"not ({pretty(machine, node.args[0])})" if node.args[0].args else f"not {parts[0]}"
    joint = "+" if node.op == "count" else SIGNS.get(node.op, node.op)
    written = f" {joint} ".join(parts)
    return f"({written})" if inner and node.op in ("and", "or", "iff", "count") else written


def _word(machine: Machine, name: str, value: int) -> str:
    return next(v.show(value) for v in machine.variables if v.name == name)
