"""Pairs solved: every opening of a pair followed through the functions that open or close for their callers."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.analyses.facts import shown, step
from analyzer.analyses.loops import visible_loops
from analyzer.analyses.pairing import Ledger, Token
from analyzer.callgraph.names import NameGraph
from analyzer.core.finding import Step
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts, Value, evaluate
from analyzer.ir.effect import Effect, Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Call, Expr, Function, Return

MAX_ROUNDS = 4  # how many helpers away an end of a pair is looked for


def solve_pairs(
    program: Program,
    names: NameGraph,
    vocabulary: Vocabulary,
    label: str,
    covers: Callable[[str], bool],
    results: frozenset[str] = frozenset(),
) -> Ledger:
    """Follow every opening of a pair; functions that open or close for their callers bring these in.

    An effect of mode ``iterate`` stands for a loop macro that calls the first opener of the pair for its argument.
    """
    events: dict[str, list[Effect]] = {}
    loops: dict[str, Effect] = {}
    for word, effects in vocabulary.effects.items():
        for effect in effects:
            if effect.verb is Verb.EVENT and effect.label == label:
                if effect.mode == "iterate":
                    loops[word] = effect
                else:
                    events.setdefault(word, []).append(effect)
    words = frozenset(events) | frozenset(loops)
    program = visible_loops(program, {w: (e.slot, e.when) for w, e in loops.items()})
    definitions = program.definitions
    wanted = {
        k
        for k in names.where(lambda d: covers(d.path) and not d.mentions.isdisjoint(words))
        if definitions[k].kind == "function" and k[1] not in words
    }
    for _ in range(MAX_ROUNDS):
        ledger = Ledger(program, vocabulary, label, events=events, results=results)
        ledger.explorer = Explorer(program, vocabulary, ledger, frozenset(wanted))
        for key in sorted(wanted):
            ledger.explorer.enter(key, frozenset(), {})
        above = {c for k in ledger.helpers for c in names.callers.get(k, ()) if definitions[c].kind == "function"}
        above = {k for k in above if covers(k[0]) and k[1] not in words} - wanted
        if not above:
            break
        wanted |= above
    return ledger


def opening_steps(ledger: Ledger, token: Token) -> list[Step]:
    """Where a token was opened, and the calls that brought it here."""
    steps = []
    for number, (key, call) in enumerate(ledger.sites[token.site]):
        function = ledger.program.lower(key)
        if function is not None:
            note = f"takes it: {shown(call)}" if not number else f"gets it from {call.name}()"
            steps.append(step(function, call, note))
    return steps


def calls_to(function: Function, names: frozenset[str]) -> list[Call]:
    """The calls of a function to any of some names."""
    return [c for c in function.calls() if c.callee in names]


def value_in(program: Program, vocabulary: Vocabulary, expr: Expr, facts: Facts) -> Value | None:
    """What is known of a value, constants of headers included."""
    return evaluate(expr, facts, {**vocabulary.constants, **program.constants})


def closes_always(ledger: Ledger, key: Key, place: int, depth: int = 3) -> bool:
    """Whether a function closes, on every path, what a parameter holds."""
    function = ledger.program.lower(key)
    if function is None or place >= len(function.params):
        return False
    name = function.params[place].name
    closing = {
        n for n, b in enumerate(function.blocks) if any(_closes(ledger, function, i, name, depth) for i in b.instrs)
    }
    seen, work = {0}, [0]
    while work:
        block = work.pop()
        if block in closing:
            continue
        if any(isinstance(i, Return) for i in function.blocks[block].instrs):
            return False
        new = set(function.blocks[block].successors) - seen
        seen |= new
        work += new
    return True


def _closes(ledger: Ledger, function: Function, instr: object, name: str, depth: int) -> bool:
    if not isinstance(instr, Call):
        return False
    places = [n for n, a in enumerate(instr.args) if a.text == name]
    if any(e.mode == "close" and e.slot in places for e in ledger.events.get(instr.callee, ())):
        return True
    keys = ledger.program.resolve(instr.callee, function.path) if depth and places and instr.callee else ()
    return bool(keys) and all(any(closes_always(ledger, k, p, depth - 1) for p in places) for k in keys)
