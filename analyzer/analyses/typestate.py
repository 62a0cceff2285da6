"""Typestate: an object that moves through states by the calls made on it; chains that cross functions included.

A Protocol is given by a step function; the exploration starts at the functions of a selection that no other of the
selection calls, so that a chain split over helpers is seen whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from analyzer.analyses.locks import BUGS_VM
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import Facts, Value, evaluate
from analyzer.ir.change import Change
from analyzer.ir.effect import Effect, Verb, Vocabulary
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Assume, Call, Expr, Instr, Name, Return

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Event(Generic[S]):
    """An event of a protocol: what happened (``mode`` of the effect), the call, its arguments, where."""

    what: str
    call: Call
    args: tuple[Expr, ...]
    context: Context[S]
    facts: Facts = field(hash=False, compare=False)


@dataclass(slots=True)
class Leaving(Generic[S]):
    """A return in some state."""

    state: S
    instr: Instr
    context: Context[S]


@dataclass(frozen=True, slots=True)
class _Taken(Generic[S]):
    """A step that was taken: the state before the event."""

    state: S
    event: Event[S]


BUSY_TESTS = frozenset(("tdx_operand_busy", "IS_TDX_OPERAND_BUSY", "tdx_operand_invalid", "IS_TDX_OPERAND_INVALID"))


class Protocol(Generic[S]):
    """The Property of one protocol; ``label`` names its events in the vocabulary."""

    def __init__(
        self,
        program: Program,
        vocabulary: Vocabulary,
        label: str,
        step: Callable[[S, Event[S]], Iterable[tuple[S, Value | None]]],
        branch: Callable[[Assume, S, Context[S]], S],
        start: S,
        unknown: S,
    ) -> None:
        self.program = program
        self.label = label
        self.constants = {**vocabulary.constants, **program.constants}
        self.events: dict[str, Effect] = {
            n: e for n, es in vocabulary.effects.items() for e in es if e.verb is Verb.EVENT and e.label == label
        }
        self.step = step
        self.on_branch = branch
        self.start = start
        self.lost = unknown
        self.seen = 0
        self.leavings: list[Leaving[S]] = []
        self._known: set[tuple[S, int, int]] = set()

    def event(self, call: Call, facts: Facts, context: Context[S]) -> Event[S] | None:
        """The event that a call is, directly or as the argument of a retrying macro that is not visible."""
        effect = self.events.get(call.callee)
        args = call.args
        if effect is None:
            for index, arg in enumerate(call.args):
                if (
                    isinstance(arg, Name)
                    and arg.id in self.events
                    and not self.program.resolve(call.callee, context.key[0])
                ):
                    effect, args = self.events[arg.id], call.args[index + 2 :]
                    break
        if effect is None or (effect.when == "unseen" and self.program.resolve(call.callee, context.key[0])):
            return None
        return Event(effect.mode, call, args, context, facts)

    def call(self, call: Call, state: S, facts: Facts, context: Context[S]) -> Iterable[tuple[S, Value | None]] | None:
        """Events move the state; a busy test of a success says no."""
        if call.callee in BUSY_TESTS and call.args:
            return [(state, 0)] if evaluate(call.args[0], facts, self.constants) == 0 else [(state, None)]
        event = self.event(call, facts, context)
        if event is None:
            return None
        context.kept.append(_Taken(state, event))
        return self.take(state, event)

    def take(self, state: S, event: Event[S]) -> Iterable[tuple[S, Value | None]]:
        """One step of the protocol."""
        self.seen += 1
        return self.step(state, event)

    def adopt(self, context: Context[S], since: Change) -> None:
        """Steps are taken once more, for what the rule notes on the way; the states that follow are known."""
        kept, context.kept = context.kept, []
        for one in kept:
            if isinstance(one, Leaving):
                self.observe(since.moved(context.key, one.instr), one.state, {}, context)
            elif isinstance(one, _Taken):
                call = since.moved(context.key, one.event.call)
                assert isinstance(call, Call)
                again = _Taken(one.state, replace(one.event, call=call))
                context.kept.append(again)
                self.take(again.state, again.event)

    def observe(self, instr: Instr, state: S, facts: Facts, context: Context[S]) -> None:
        """Keep returns that leave a chain open."""
        if instr.__class__ is Return and state not in (self.start, self.lost):
            known = (state, id(instr), id(context))
            if known not in self._known:
                self._known.add(known)
                self.leavings.append(Leaving(state, instr, context))
                context.kept.append(self.leavings[-1])

    def feasible(self, call: Call, state: S) -> bool:
        """Nothing that matters happens once a VM is bugged."""
        return call.callee not in BUGS_VM

    def after(self, call: Call, facts: Facts) -> None:
        """No results to model."""

    def branch(self, assume: Assume, state: S, context: Context[S]) -> S:
        """What the rule says of a branch."""
        return self.on_branch(assume, state, context)

    def hole(self, state: S) -> S:
        """Unknown statements may have done any step."""
        return self.lost

    def unknown(self) -> S:
        """Callers are not shown."""
        return self.lost


def explore(
    program: Program, names: NameGraph, vocabulary: Vocabulary, protocol: Protocol[S], covers: Callable[[str], bool]
) -> Explorer[S]:
    """Run a protocol over the functions of the files in ``covers`` that lead to its events."""
    words = frozenset(protocol.events)
    wanted = names.where(lambda d: covers(d.path) and not d.mentions.isdisjoint(words))
    relevant = frozenset(k for k in names.reaching(wanted) if covers(k[0]))
    slot = ("typestate", protocol.label, protocol.step.__module__, protocol.step.__qualname__)
    earlier = program.left.get(slot)
    explorer = Explorer(program, vocabulary, protocol, relevant | _asked(program, wanted, words, covers))
    if isinstance(earlier, Explorer):
        explorer.take_over(earlier, protocol.adopt)
    program.left[slot] = explorer
    waiting = {k for k in relevant if program.definitions[k].kind == "function"}
    while waiting:  # what a top only mentions (a handler it stores in a table) is a top of the next round
        for key in _tops(names, waiting):
            explorer.enter(key, protocol.start if program.whole else protocol.lost, {})
        waiting = {k for k in waiting if not explorer.visited(k)}
    return explorer


def _asked(
    program: Program, wanted: Iterable[Key], words: frozenset[str], covers: Callable[[str], bool]
) -> frozenset[Key]:
    """The helpers that are handed the result of an event: what they say depends on whether it succeeded."""
    found: set[Key] = set()
    for key in wanted:
        function = program.lower(key)
        calls = list(function.calls()) if function is not None else []
        made = {c.result.text for c in calls if c.result is not None and _names(c, words)}
        for call in calls:
            if made and call.callee and call.callee not in words and any(a.text in made for a in call.args):
                found.update(k for k in program.resolve(call.callee, key[0]) if covers(k[0]))
    return frozenset(k for k in found if program.definitions[k].kind == "function")


def _names(call: Call, words: frozenset[str]) -> bool:
    """Whether a call is an event, or hands one on."""
    return call.callee in words or any(isinstance(a, Name) and a.id in words for a in call.args)


def _tops(names: NameGraph, keys: set[Key]) -> list[Key]:
    """Those that no other of the keys mentions; where all do, the first."""
    tops = sorted(k for k in keys if not any(c in keys for c in names.callers.get(k, ()) if c != k))
    return tops or sorted(keys)[:1]
