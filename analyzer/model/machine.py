"""A machine: variables, actors with program counters, moves and claims. Everything a back end needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.model.expr import TRUE, Effect, Expr, all_of, var


@dataclass(frozen=True, slots=True)
class Variable:
    """A small unsigned integer: its range is 0 to ``top``; ``words`` name its values for people."""

    name: str
    top: int
    init: int = 0
    words: tuple[str, ...] = ()
    owner: str = ""  # the actor it is private to, or ""

    @property
    def bits(self) -> int:
        """Width in a packed state."""
        return max(1, self.top.bit_length())

    def show(self, value: int) -> str:
        """The value in words."""
        return self.words[value] if value < len(self.words) else str(value)


@dataclass(frozen=True, slots=True)
class Move:
    """One atomic step of an actor: enabled at a place under a guard, with effects and a next place.

    ``source`` is a key of the table of sources, ``status`` the SEAMCALL status the step returns, if it is not success.
    """

    actor: str
    name: str
    at: int
    to: int
    guard: Expr
    effects: tuple[Effect, ...]
    source: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What must hold in every reachable state."""

    id: str
    text: str
    holds: Expr


@dataclass(frozen=True, slots=True)
class Goal:
    """Progress: from every reachable state a state of ``goal`` can be reached."""

    id: str
    text: str
    goal: Expr


@dataclass(frozen=True, slots=True)
class Actor:
    """A thread of control: the name of its program counter and of its places."""

    name: str
    pc: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """A complete model. ``symmetric`` lists blocks of variable positions that may be exchanged with each other."""

    name: str
    variables: tuple[Variable, ...]
    actors: tuple[Actor, ...]
    moves: tuple[Move, ...]
    claims: tuple[Claim, ...]
    goals: tuple[Goal, ...] = ()
    symmetric: tuple[tuple[int, ...], ...] = ()
    may_end: Expr = field(default_factory=lambda: ~TRUE)  # where having no move left is no deadlock

    @property
    def init(self) -> bytes:
        """The first state."""
        return bytes(v.init for v in self.variables)

    @property
    def bits(self) -> int:
        """Width of a state."""
        return sum(v.bits for v in self.variables)

    def pc(self, actor: str) -> str:
        """The program counter of an actor."""
        return next(a.pc for a in self.actors if a.name == actor)

    def place(self, actor: str, number: int) -> str:
        """The name of a place."""
        return next(a.places[number] for a in self.actors if a.name == actor)

    def show(self, state: bytes) -> Mapping[str, str]:
        """A state in words."""
        return {v.name: v.show(value) for v, value in zip(self.variables, state, strict=True)}


@dataclass(slots=True)
class ActorBuilder:
    """Collects the moves of one actor; places are numbered as they are mentioned."""

    name: str
    pc: Expr
    places: dict[str, int] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    sections: dict[str, set[str]] = field(default_factory=dict)

    def move(
        self, name: str, at: str, to: str | None, *effects: Effect, when: Expr = TRUE, source: str, status: str = ""
    ) -> None:
        """Add a move; ``to=None`` stays where it is. A guard that never holds adds nothing."""
        start = self._number(at)
        end = start if to is None else self._number(to)
        if when is TRUE or when.op != "const":
            self.moves.append(Move(self.name, name, start, end, when, effects, source, status))

    def section(self, what: str, places: Iterable[str]) -> None:
        """Say at which places this actor holds a lock or is inside a window."""
        self.sections.setdefault(what, set()).update(places)

    def inside(self, what: str) -> Expr:
        """Whether this actor is inside a section."""
        wanted = self.sections.get(what, set())
        return self.pc.among(frozenset(number for place, number in self.places.items() if place in wanted))

    def at(self, *names: str) -> Expr:
        """Whether this actor is at one of some places; places that no move has are left out."""
        return self.pc.among(frozenset(self.places[name] for name in names if name in self.places))

    def _number(self, place: str) -> int:
        return self.places.setdefault(place, len(self.places))


@dataclass(slots=True)
class Builder:
    """Collects variables and actors, and makes the machine."""

    name: str
    variables: dict[str, Variable] = field(default_factory=dict)
    actors: list[ActorBuilder] = field(default_factory=list)

    def var(self, name: str, top: int, init: int = 0, words: str = "", owner: str = "") -> Expr:
        """A new variable; ``words`` are the names of its values, separated by blanks."""
        if name in self.variables:
            raise ValueError(f"variable {name} exists")
        self.variables[name] = Variable(name, top, init, tuple(words.split()), owner)
        return var(name)

    def actor(self, name: str, first: str) -> ActorBuilder:
        """A new actor that starts at ``first``; its counter stands where it is declared among the variables."""
        built = ActorBuilder(name, self.var(f"pc_{name}", 255, owner=name))
        built.places[first] = 0
        self.actors.append(built)
        return built

    def machine(
        self, claims: Iterable[Claim], goals: Iterable[Goal], symmetric: Iterable[Iterable[str]], may_end: Expr
    ) -> Machine:
        """Put together; program counters get the width they need."""
        variables = []
        counters = {a.pc.name: a for a in self.actors}
        for v in self.variables.values():
            places = counters[v.name].places if v.name in counters else None
            variables.append(v if places is None else Variable(v.name, len(places) - 1, 0, tuple(places), v.owner))
        order = {v.name: n for n, v in enumerate(variables)}
        return Machine(
            self.name,
            tuple(variables),
            tuple(Actor(a.name, a.pc.name, tuple(a.places)) for a in self.actors),
            tuple(m for a in self.actors for m in a.moves),
            tuple(claims),
            tuple(goals),
            tuple(tuple(order[name] for name in block) for block in symmetric),
            may_end,
        )


def enabled(machine: Machine, move: Move) -> Expr:
    """The whole guard of a move: its place and its condition."""
    return all_of(var(machine.pc(move.actor)) == move.at, move.guard)
