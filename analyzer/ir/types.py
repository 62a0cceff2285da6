"""Expressions, instructions, blocks and functions.

Expressions are free of calls and side effects: the lowering turns each call into an instruction whose result
is a temporary (``%1``). An expression knows its normalised text (the key of facts) and the names in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_INTERNED: dict[tuple[type, str], Expr] = {}
_MADE_OF: dict[tuple[Any, ...], Expr] = {}  # most are made again and again of the same parts


class _Interned(type):
    """One object for equal expressions: facts are kept by the million, and identity is the fastest key."""

    def __call__(cls, *args: Any) -> Any:
        parts = (cls, *args)
        known = _MADE_OF.get(parts)
        if known is None:
            made = super().__call__(*args)
            known = _MADE_OF[parts] = _INTERNED.setdefault((cls, made.text), made)
        return known


class Expr(metaclass=_Interned):
    """A side-effect free expression; equal ones (same kind, same ``text``) are the same object.

    ``root`` is the variable that a place starts from, or ``""``; ``memory``: the value lives where a call may reach it
    through a pointer.
    """

    __slots__ = ("memory", "names", "root", "text")

    def __init__(self, text: str, names: frozenset[str], root: str = "", memory: bool = False) -> None:
        self.text = text
        self.names = names
        self.root = root
        self.memory = memory

    def __repr__(self) -> str:
        return self.text


_NONE: frozenset[str] = frozenset()


class Const(Expr):
    """A literal; ``value`` is an int where it is one (characters, true/false and NULL included)."""

    __slots__ = ("value",)

    def __init__(self, text: str, value: int | None) -> None:
        super().__init__(text, _NONE)
        self.value = value


class Name(Expr):
    """A variable, a function, an enumerator, or a temporary (``%n``)."""

    __slots__ = ("id",)

    def __init__(self, name: str) -> None:
        super().__init__(name, frozenset((name,)), name)
        self.id = name

    @property
    def temporary(self) -> bool:
        """Whether the lowering made it up."""
        return self.id.startswith("%")  # what cannot be read may be a name of nothing


class Field(Expr):
    """``base.name``, or ``base->name`` when ``base`` is a Deref."""

    __slots__ = ("base", "name")

    def __init__(self, base: Expr, name: str) -> None:
        text = f"{_tight(base.base)}->{name}" if isinstance(base, Deref) else f"{_tight(base)}.{name}"
        super().__init__(text, base.names, base.root, isinstance(base, Deref) or base.memory)
        self.base = base
        self.name = name


class Index(Expr):
    """``base[index]``."""

    __slots__ = ("base", "index")

    def __init__(self, base: Expr, index: Expr) -> None:
        super().__init__(f"{_tight(base)}[{index.text}]", base.names | index.names, base.root, True)
        self.base = base
        self.index = index


class Deref(Expr):
    """``*base``."""

    __slots__ = ("base",)

    def __init__(self, base: Expr) -> None:
        super().__init__(f"*{_tight(base)}", base.names, base.root, True)
        self.base = base


class Addr(Expr):
    """``&base``."""

    __slots__ = ("base",)

    def __init__(self, base: Expr) -> None:
        super().__init__(f"&{_tight(base)}", base.names, base.root)
        self.base = base


class Unary(Expr):
    """``op operand``; op is one of ``! ~ - +``."""

    __slots__ = ("op", "operand")

    def __init__(self, op: str, operand: Expr) -> None:
        super().__init__(f"{op}{_tight(operand)}", operand.names, memory=operand.memory)
        self.op = op
        self.operand = operand


class Binary(Expr):
    """``left op right``; no ``&&``, ``||`` or ``?:``, which are control flow."""

    __slots__ = ("left", "op", "right")

    def __init__(self, op: str, left: Expr, right: Expr) -> None:
        text = f"{_tight(left)} {op} {_tight(right)}"
        super().__init__(text, left.names | right.names, memory=left.memory or right.memory)
        self.op = op
        self.left = left
        self.right = right


class Init(Expr):
    """``{ .field = value, ... }``; a positional entry has the field ``""``."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[tuple[str, Expr], ...]) -> None:
        text = ", ".join(f".{k} = {v.text}" if k else v.text for k, v in entries)
        super().__init__("{" + text + "}", frozenset().union(*(v.names for _, v in entries)) if entries else _NONE)
        self.entries = entries


class Opaque(Expr):
    """Something unknown (havoc, a string, a type); keeps its words for messages only."""

    __slots__ = ()

    def __init__(self, text: str = "?") -> None:
        super().__init__(text, _NONE)


def children(expr: Expr) -> tuple[Expr, ...]:
    """What an expression is made of."""
    match expr:
        case Field() | Deref() | Addr():
            return (expr.base,)
        case Index():
            return (expr.base, expr.index)
        case Unary():
            return (expr.operand,)
        case Binary():
            return (expr.left, expr.right)
        case Init():
            return tuple(value for _, value in expr.entries)
        case _:
            return ()


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and all expressions inside it, what an address is taken of included."""
    yield expr
    for child in children(expr):
        yield from parts(child)


def _tight(expr: Expr) -> str:
    return f"({expr.text})" if isinstance(expr, Binary) else expr.text


TRUE, FALSE = Const("1", 1), Const("0", 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """One macro expansion that an instruction came out of: the macro, where it is defined."""

    macro: str
    path: str
    line: int


class Instr:
    """``line`` and ``column`` are in the file of the function; ``frames`` lists macros, outermost first."""

    __slots__ = ("column", "frames", "line")

    def __init__(self, line: int, column: int, frames: tuple[Frame, ...]) -> None:
        self.line = line
        self.column = column
        self.frames = frames


class Assign(Instr):
    """``target = value``; ``declares`` is the type text when it is a declaration."""

    __slots__ = ("declares", "target", "value")

    def __init__(self, at: tuple[int, int, tuple[Frame, ...]], target: Expr, value: Expr, declares: str = "") -> None:
        super().__init__(*at)
        self.target = target
        self.value = value
        self.declares = declares


class Call(Instr):
    """``result = callee(args)``.

    ``callee`` is the name called, ``""`` when only ``target`` (an expression) is known; ``table`` is the field
    through which an ops table is called (``kvm_x86_call(op)``, ``ops->op``). ``result`` is None when the value
    is thrown away; ``shown`` is the call as it stands in the source, for subjects and messages.
    """

    __slots__ = ("args", "callee", "result", "shown", "table", "target")

    def __init__(
        self,
        at: tuple[int, int, tuple[Frame, ...]],
        callee: str,
        args: tuple[Expr, ...],
        result: Expr | None,
        *,
        table: str = "",
        target: Expr | None = None,
        shown: str = "",
    ) -> None:
        super().__init__(*at)
        self.callee = callee
        self.args = args
        self.result = result
        self.table = table
        self.target = target
        self.shown = shown or f"{callee or table or target}({', '.join(a.text for a in args)})"

    @property
    def name(self) -> str:
        """The callee, the op, or the expression called."""
        return self.callee or self.table or (self.target.text if self.target else "?")


class Assume(Instr):
    """The branch condition holds (or not); ``wraps`` are transparent macros around it (``WARN_ON_ONCE``)."""

    __slots__ = ("cond", "truth", "wraps")

    def __init__(
        self, at: tuple[int, int, tuple[Frame, ...]], cond: Expr, truth: bool, wraps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(*at)
        self.cond = cond
        self.truth = truth
        self.wraps = wraps


class Return(Instr):
    """Leaves the function."""

    __slots__ = ("value",)

    def __init__(self, at: tuple[int, int, tuple[Frame, ...]], value: Expr | None) -> None:
        super().__init__(*at)
        self.value = value


class Asm(Instr):
    """Inline assembly: writes ``outputs``."""

    __slots__ = ("outputs",)

    def __init__(self, at: tuple[int, int, tuple[Frame, ...]], outputs: tuple[Expr, ...]) -> None:
        super().__init__(*at)
        self.outputs = outputs


class Hole(Instr):
    """Unknown statements that may do anything (DESIGN D3): may-facts survive, must-facts die."""

    __slots__ = ()


@dataclass(slots=True)
class Block:
    """Straight-line code; ``successors`` are indices into ``Function.blocks``."""

    instrs: list[Instr] = field(default_factory=list)
    successors: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter; ``type`` is its normalised text (``enum pg_level``, ``struct page *``)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Function:
    """A lowered function (or a macro with a body, ``kind`` "macro"); block 0 is the entry.

    ``body`` is a number that equal bodies share, wherever in the file they stand.
    """

    name: str
    path: str
    line: int
    end_line: int
    returns: str
    params: tuple[Param, ...]
    blocks: tuple[Block, ...]
    locals: Mapping[str, str]
    kind: str = "function"
    static: bool = False
    partial: bool = False
    body: int = 0
    _calls: list[Call] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """(path, name)."""
        return (self.path, self.name)

    @property
    def assigned(self) -> frozenset[str]:
        """What its own statements give a value; results of calls are not among it."""
        return frozenset(i.target.text for b in self.blocks for i in b.instrs if isinstance(i, Assign))

    def calls(self) -> list[Call]:
        """All calls in block order."""
        if not self._calls:
            self._calls.extend(i for b in self.blocks for i in b.instrs if isinstance(i, Call))
        return self._calls
