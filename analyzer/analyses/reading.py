"""Reading values: the origins of an expression in a state."""

from __future__ import annotations

from analyzer.analyses.origins import COMPARISONS, NONE, Origin, Origins, State
from analyzer.analyses.spec import Spec
from analyzer.core.finding import Step
from analyzer.core.source import Location
from analyzer.dataflow.settings import pointees
from analyzer.ir.types import Addr, Binary, Deref, Expr, Field, Function, Index, Init, Instr, Name, Unary


class Reader:
    """Reads expressions of one function; notes sources and edges it comes by."""

    def __init__(self, function: Function, spec: Spec) -> None:
        self.function = function
        self.spec = spec
        self.edges: dict[tuple[Origin, Origin], Step] = {}
        self.source_steps: dict[Origin, Step] = {}
        self.line = 0
        self.points = pointees(function)

    def step_at(self, line: int, note: str) -> Step:
        """A step in this function."""
        return Step(Location(self.function.path, line), self.function.name, note)

    def edge(self, origins: Origins, target: Origin, instr: Instr, note: str) -> None:
        """Each origin flows to the target at an instruction."""
        for origin in origins:
            if origin != target:
                self.edges.setdefault((origin, target), self.step_at(instr.line, note))

    def source(self, instr: Instr, note: str) -> Origins:
        """A source at an instruction."""
        origin = Origin("source", self.function.key, id(instr))
        self.source_steps.setdefault(origin, self.step_at(instr.line, note))
        return frozenset((origin,))

    def read(self, expr: Expr, state: State) -> Origins:
        """The origins of the value of an expression."""
        match expr:
            case Name():
                return state.get(expr.id, NONE)
            case Field():
                return self.read_field(self.pointee(expr), state)
            case Deref() if self.pointee(expr) is not expr:
                return self.read(self.pointee(expr), state)
            case Index() | Deref():
                return state.get(expr.text, NONE) | self.read(expr.base, state)
            case Addr():
                return NONE if isinstance(expr.base, Name) else self.read(expr.base, state)
            case Unary():
                return NONE if expr.op == "!" else self.read(expr.operand, state)
            case Binary():
                if expr.op in COMPARISONS:
                    return NONE
                return self.read(expr.left, state) | self.read(expr.right, state)
            case Init():
                return frozenset().union(*(self.read(v, state) for _, v in expr.entries)) if expr.entries else NONE
            case _:
                return NONE

    def pointee(self, expr: Expr) -> Expr:
        """The same place without the detour over a local pointer that only ever points to one object."""
        match expr:
            case Deref(base=Name(id=name)):
                return self.points.get(name, expr)
            case Field(base=base):
                place = self.pointee(base)
                return expr if place is base else Field(place, expr.name)
            case _:
                return expr

    def read_field(self, expr: Expr, state: State) -> Origins:
        """A field: what was stored in it here, what others store in that field of the type, or a source."""
        own = state.get(expr.text)
        if own is not None:
            return own
        assert isinstance(expr, Field)
        struct = self.struct_of(expr.base)
        if (struct, expr.name) in self.spec.fields:
            origin = Origin("field", struct=struct, name=expr.name)
            note = f"{expr.text} is a guest memory PFN"
            self.source_steps.setdefault(origin, self.step_at(self.line, note))
            return frozenset((origin,))
        return frozenset((Origin("field", struct=struct, name=expr.name),)) if struct else NONE

    def struct_of(self, base: Expr) -> str:
        """The struct tag of an expression whose type is written here, or ``""``."""
        while isinstance(base, Deref | Index | Addr):
            base = base.base
        if isinstance(base, Name):
            words = self.function.locals.get(base.id, "").replace("*", " ").replace("const ", "").split()
            return words[1] if len(words) > 1 and words[0] in ("struct", "union") else ""
        return ""
