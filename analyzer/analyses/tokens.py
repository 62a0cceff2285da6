"""What a result can be: tokens, what is known of variables at a point, and a function that was solved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from analyzer.analyses.reception import Test
from analyzer.ir.types import Function, Instr


@dataclass(frozen=True, slots=True)
class Token:
    """A value a result can have.

    ``name``: the errno without its sign, an enumerator or a number; ``@2`` is parameter 2. ``bugged``: the VM is dead
    by then. ``under``: the predicate that held where it was made. ``narrow``: ``bool`` or ``unsigned`` once its sign is
    lost. ``hides``: the error that this value stands for (``RET_PF_RETRY`` returned because of ``-EIO``).
    """

    name: str
    error: bool
    bugged: bool = False
    under: str = ""
    narrow: str = ""
    hides: str = ""

    @property
    def cause(self) -> Token:
        """The error that this value stands for, as a value of its own."""
        return Token(self.hides, True, False, self.under)

    @property
    def known(self) -> bool:
        """Whether it is an error of its own, not what a parameter may be."""
        return self.error and (self.name[0] != "@" or self.name == "@")


def narrowed(token: Token, kind: str) -> Token:
    """A token that loses its sign, unless it has lost it before."""
    return token if token.narrow or not kind else replace(token, narrow=kind)


def on_path(token: Token, bugged: bool, under: str) -> Token:
    """A token with what a path says of it besides what it says itself."""
    if (token.bugged or not bugged) and (token.under or not under):
        return token
    return replace(token, bugged=token.bugged or bugged, under=token.under or under)


def like(one: Token, other: Token) -> bool:
    """Whether two tokens are the same value, whatever the path said of them."""
    return (one.name, one.error, one.hides) == (other.name, other.error, other.hides)


ANY = Token("@", True)  # any error at all
SOME = Token("?", False)  # a number that is not known, and no error that is
Item = tuple[Token, Instr]  # a token with the instruction of this function that made it, or called for it
Items = frozenset[Item]
Env = dict[str, Items]
NONE: Items = frozenset()


def by_place(items: Items) -> list[Item]:
    """Items in the order of the source, the same on every run; before those of a dead VM."""
    return sorted(items, key=lambda item: (item[0].bugged, item[1].line, item[1].column, *_words(item[0])))


def _words(token: Token) -> tuple[str, ...]:
    return (token.name, str(token.error), token.under, token.narrow, token.hides)


@dataclass(slots=True)
class State:
    """What is known at a point: values of variables, failures tested on the way here, and whether the VM is bugged."""

    env: Env
    failed: Items = NONE
    bugged: bool = False
    under: str = ""
    just: Items = NONE  # failures that the branch just taken tells of
    refuted: bool = False  # no call gives a value that takes the branch to here

    def copy(self) -> State:
        """A state that can be changed."""
        return State(dict(self.env), self.failed, self.bugged, self.under, self.just)

    def join(self, other: State) -> bool:
        """Add what holds on another path; whether something is new."""
        grown = False
        for name, items in other.env.items():
            old = self.env.get(name, NONE)
            if not items <= old:
                self.env[name] = old | items
                grown = True
        if not other.failed <= self.failed:
            self.failed |= other.failed
            grown = True
        if not other.just <= self.just:
            self.just |= other.just
            grown = True
        if (self.bugged and not other.bugged) or (self.under and other.under != self.under):
            self.bugged = self.bugged and other.bugged
            self.under = self.under if other.under == self.under else ""
            grown = True
        return grown


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller of the analysis knows of the words of the code.

    ``externals``: errors of functions that are not shown. ``predicates``: those worth remembering (``is_mirror_sp``).
    ``retries``: values that ask for another try. ``dead``: words of a test that the VM is dead.
    """

    externals: Callable[[str], Iterable[str]]
    predicates: frozenset[str] = frozenset()
    retries: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()


@dataclass(slots=True)
class Flow:
    """One function solved: the state at the start of each block that is reached, and what it returns."""

    function: Function
    tests: Mapping[str, Test]
    starts: dict[int, State] = field(default_factory=dict)
    results: dict[Token, Instr] = field(default_factory=dict)
    narrowed: dict[Item, Item] = field(default_factory=dict)
