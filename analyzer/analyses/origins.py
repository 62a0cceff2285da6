"""The words of a flow: origins, places, and the summary of one function."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.core.finding import Step
from analyzer.ir.program import Key
from analyzer.ir.types import Binary, Expr, Instr, Unary


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    ``kind`` is ``param`` (``at`` is its index), ``source`` (an instruction of ``key``), ``field`` (``name`` of
    ``struct``), ``return`` (what ``key`` gives of its own making), ``out`` (what it stores through parameter ``at``).
    """

    kind: str
    key: Key = ("", "")
    at: int = 0
    struct: str = ""
    name: str = ""

    @property
    def inner(self) -> bool:
        """Whether it is at home in one function, so that it goes nowhere but from there."""
        return self.kind in ("param", "source")


Edge = tuple[Origin, Origin, Step]
Place = str
Origins = frozenset[Origin]
State = dict[Place, Origins]
NONE: Origins = frozenset()
COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">=", "&&", "||"))


@dataclass(slots=True)
class FunctionFlow:
    """The summary: where origins go.

    ``returns``: parameters that flow to the result; ``makes``: the result carries a value of the callee's own
    making; ``outs``: parameter index -> parameters that flow into what it points to; ``out_makes``: the same for
    values of its own making. ``edges`` (from what is its own), ``joins`` (from what others have, too) and ``sources``
    are for the joined graph, ``sinks`` what arrives where.
    """

    returns: frozenset[int] = frozenset()
    makes: bool = False
    outs: dict[int, frozenset[int]] = field(default_factory=dict)
    out_makes: set[int] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)
    joins: list[Edge] = field(default_factory=list)
    sources: list[tuple[Origin, Step]] = field(default_factory=list)
    sinks: list[tuple[Instr, Expr, Origins]] = field(default_factory=list)
    looked_at: int = 0

    def equals(self, other: FunctionFlow) -> bool:
        """Whether callers see the same."""
        mine, others = (self.returns, self.makes, self.outs), (other.returns, other.makes, other.outs)
        return mine == others and self.out_makes == other.out_makes


def comparisons(expr: Expr) -> list[Binary]:
    """The comparisons inside an expression."""
    match expr:
        case Binary():
            inner = comparisons(expr.left) + comparisons(expr.right)
            return [expr, *inner] if expr.op in COMPARISONS else inner
        case Unary():
            return comparisons(expr.operand)
        case _:
            return []
