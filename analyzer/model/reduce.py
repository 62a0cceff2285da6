"""Reductions that keep every verdict: exchanging vCPUs, and forgetting private values that nobody will read."""

from __future__ import annotations

from dataclasses import replace

from analyzer.model.expr import Assign, Effect, If, const, reads, var, when, writes
from analyzer.model.machine import Machine, Move

Living = dict[int, frozenset[str]]  # of one actor: at each place, what may still be read


def plain(machine: Machine) -> Machine:
    """Without exchanging vCPUs: the counts that other checkers give."""
    return replace(machine, symmetric=())


def forget_dead(machine: Machine) -> Machine:
    """Private variables become zero where their actor will write them before it reads them.

    A variable that another actor reads is never forgotten. A claim may read one only where the owner does too, which
    the claims of this model do; the tests compare runs with and without.
    """
    private, living = _liveness(machine)
    owners = {name: a for a, own in private.items() for name in own}
    moves = tuple(_forgetful(machine, move, owners, living) for move in machine.moves)
    return replace(machine, moves=moves)


def dead_places(machine: Machine) -> dict[str, dict[int, tuple[str, ...]]]:
    """For each actor and place, the private variables that are zero there once dead values are forgotten."""
    private, living = _liveness(machine)
    return {a: {p: tuple(sorted(private[a] - names)) for p, names in living[a].items()} for a in living}


def _liveness(machine: Machine) -> tuple[dict[str, frozenset[str]], dict[str, Living]]:
    private = {a.name: _private(machine, a.name) for a in machine.actors}
    return private, {a: _living(machine, a, own) for a, own in private.items()}


def _private(machine: Machine, actor: str) -> frozenset[str]:
    """What only its owner reads."""
    own = {v.name for v in machine.variables if v.owner == actor and v.name != machine.pc(actor) and not v.init}
    for move in machine.moves:
        if move.actor != actor:
            own -= reads(move.guard) | _read_by(move.effects)
    return frozenset(own)


def _read_by(effects: tuple[Effect, ...]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for effect in effects:
        if isinstance(effect, Assign):
            found |= reads(effect.value)
        else:
            found |= reads(effect.test) | _read_by(effect.then) | _read_by(effect.otherwise)
    return found


def _used(move: Move) -> tuple[frozenset[str], frozenset[str]]:
    """What a move reads before it surely writes it, and what it surely writes."""
    read, sure = set(reads(move.guard)), set[str]()
    for effect in move.effects:
        read |= _read_by((effect,)) - sure
        if isinstance(effect, Assign):
            sure.add(effect.name)
    return frozenset(read), frozenset(sure)


def _living(machine: Machine, actor: str, own: frozenset[str]) -> Living:
    """For each place, the private variables whose value may still be read: the usual backward fixed point."""
    moves = [m for m in machine.moves if m.actor == actor]
    places = next(len(a.places) for a in machine.actors if a.name == actor)
    living = dict.fromkeys(range(places), frozenset[str]())
    changed = True
    while changed:
        changed = False
        for move in moves:
            read, sure = _used(move)
            now = living[move.at] | (own & (read | (living[move.to] - sure)))
            if now != living[move.at]:
                living[move.at], changed = now, True
    return living


def _forgetful(machine: Machine, move: Move, owners: dict[str, str], living: dict[str, Living]) -> Move:
    effects = tuple(_guarded(machine, effect, move.actor, owners, living) for effect in move.effects)
    own = {name for name, owner in owners.items() if owner == move.actor}
    alive = living[move.actor][move.at] | set(writes(move.effects))
    dead = sorted(own & alive - living[move.actor][move.to])
    return replace(move, effects=(*effects, *(var(name).to(0) for name in dead)))


def _guarded(machine: Machine, effect: Effect, actor: str, owners: dict[str, str], living: dict[str, Living]) -> Effect:
    """Another actor's write to a private variable counts only where its owner will read it."""
    if isinstance(effect, If):
        then = tuple(_guarded(machine, e, actor, owners, living) for e in effect.then)
        otherwise = tuple(_guarded(machine, e, actor, owners, living) for e in effect.otherwise)
        return If(effect.test, then, otherwise)
    owner = owners.get(effect.name, actor)
    if owner == actor:
        return effect
    places = frozenset(p for p, names in living[owner].items() if effect.name in names)
    return when(var(machine.pc(owner)).among(places), effect, otherwise=(Assign(effect.name, const(0)),))
