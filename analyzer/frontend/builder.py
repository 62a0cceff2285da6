"""The control-flow graph under construction: blocks, scopes with their releases, labels, loops."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.frontend.macros import Macro, Origin, Where
from analyzer.ir.types import Assign, Block, Call, Expr, Hole, Instr, Name, Return


@dataclass(slots=True)
class Scope:
    """A lexical scope; ``releases`` are run, last first, when it is left in any way."""

    releases: list[tuple[str, tuple[Expr, ...]]] = field(default_factory=list)


@dataclass(slots=True)
class Loop:
    """Where ``break`` and ``continue`` go, and how many scopes were open outside."""

    breaks: int
    continues: int
    depth: int


@dataclass(slots=True)
class Switch:
    """The cases met so far in a switch: (label expression or None for default, block)."""

    value: Expr
    cases: list[tuple[Expr | None, int]] = field(default_factory=list)


class MacroSource:
    """Finds the macro that a name means in a file; None where it is no macro or acts on nothing."""

    def find(self, name: str, path: str) -> Macro | None:
        """The macro to expand, if any."""
        raise NotImplementedError


class Builder:
    """State shared by the lowering of statements and expressions of one function.

    ``holes`` are the blocks that begin with unknown statements, in the order of the text.
    """

    def __init__(self, origin: Origin, macros: MacroSource, path: str) -> None:
        """``origin`` is the text that is lowered, in the file ``path``."""
        self.origin = origin
        self.macros = macros
        self.path = path
        self.blocks: list[Block] = [Block()]
        self.current = 0
        self.scopes: list[Scope] = [Scope()]
        self.loops: list[Loop] = []
        self.switches: list[Switch] = []
        self.labels: dict[str, tuple[int, list[Scope]]] = {}
        self.gotos: list[tuple[int, str, list[Scope], Where]] = []
        self.holes: list[int] = []
        self.cut: list[int] = []  # blocks behind jumps
        self.locals: dict[str, str] = {}
        self.parameters: frozenset[str] = frozenset()
        self.temporaries = 0
        self.depth = 0
        self.unread: list[tuple[int, str]] = []

    def temporary(self) -> Name:
        """A fresh name for a value the source does not name."""
        self.temporaries += 1
        return Name(f"%{self.temporaries}")

    def emit(self, instr: Instr) -> None:
        """Append to the current block."""
        self.blocks[self.current].instrs.append(instr)

    def hole(self, where: Where) -> None:
        """Unknown statements: control may come to them from anywhere, and leave the loop or switch they are in."""
        self.start(self.block())
        self.holes.append(self.current)
        self.emit(Hole(*where))
        if self.loops:
            behind = self.block()
            self.edge(self.current, behind)
            self.edge(self.current, self.loops[-1].breaks)
            self.current = behind

    def block(self) -> int:
        """A new, empty, unconnected block."""
        self.blocks.append(Block())
        return len(self.blocks) - 1

    def edge(self, source: int, target: int) -> None:
        """Control may pass from the end of ``source`` to ``target``."""
        if target not in self.blocks[source].successors:
            self.blocks[source].successors.append(target)

    def start(self, block: int) -> None:
        """Continue in ``block``, entered from the current one."""
        self.edge(self.current, block)
        self.current = block

    def dead(self) -> None:
        """Nothing falls through from here."""
        self.current = self.block()
        self.cut.append(self.current)

    def release(self, scopes: list[Scope], where: Where) -> None:
        """Run the releases of the scopes, innermost first."""
        for scope in reversed(scopes):
            for callee, args in reversed(scope.releases):
                self.emit(Call(where, callee, args, None))

    def hold(self, pair: tuple[str, str], args: tuple[Expr, ...], where: Where) -> None:
        """Acquire now, release at the end of the innermost scope."""
        self.emit(Call(where, pair[0], args, None))
        self.scopes[-1].releases.append((pair[1], args))

    def join_value(self, target: Name, arms: list[tuple[int, Expr]], where: Where) -> None:
        """Assign a value per arm and continue where the arms meet."""
        meet = self.block()
        for block, value in arms:
            self.current = block
            self.emit(Assign(where, target, value))
            self.edge(self.current, meet)
        self.current = meet

    def finish_gotos(self) -> None:
        """Connect each goto to its label through the releases of the scopes it leaves.

        A label that is not there stands in a hole: the last one, as labels do.
        """
        for block, label, scopes, where in self.gotos:
            known = self.labels.get(label)
            if known is None:
                self.blocks[block].instrs.append(Hole(*where))
                if self.holes:
                    self.edge(block, self.holes[-1])
                continue
            target, outer = known
            common = sum(1 for _ in zip_same(scopes, outer))
            self.current = block
            self.release(scopes[common:], where)
            self.edge(self.current, target)

    def revive(self) -> None:
        """Connect what nothing leads to (holes, labels, code behind jumps): the way to it begins in a hole before it.

        Their blocks are numbered in the order of the text. A hole with nothing but the end behind it needs no way in.
        """
        if not self.holes:
            return
        seen, last = self.reachable(0), 0
        labels = (block for block, _ in self.labels.values())
        for block in sorted({*self.holes, *labels, *(block for block in self.cut if self.blocks[block].instrs)}):
            if block not in seen and self.leads_on(block):
                self.edge(last, block)
                seen |= self.reachable(block)
            if block in seen and block in self.holes:
                last = block

    def reachable(self, start: int) -> set[int]:
        """The blocks that control can get to from ``start``."""
        seen, stack = {start}, [start]
        while stack:
            for following in self.blocks[stack.pop()].successors:
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return seen

    def leads_on(self, hole: int) -> bool:
        """Whether anything but the end of the function is behind a hole."""
        instrs = (i for block in self.reachable(hole) for i in self.blocks[block].instrs)
        return any(not isinstance(i, Hole) and not (isinstance(i, Return) and i.value is None) for i in instrs)


def zip_same(left: list[Scope], right: list[Scope]) -> list[Scope]:
    """The common prefix of two scope stacks, by identity."""
    out = []
    for a, b in zip(left, right, strict=False):
        if a is not b:
            break
        out.append(a)
    return out
