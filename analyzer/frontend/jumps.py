"""Jumps and what they lead to: returns, gotos and labels, switches and cases."""

from __future__ import annotations

from analyzer.frontend import semantics
from analyzer.frontend.builder import Loop, Switch
from analyzer.frontend.control import ControlLowering
from analyzer.frontend.nodes import Node, child, inner
from analyzer.ir.types import Assume, Binary, Expr, Opaque, Return

_HIDDEN = semantics.HOLE.encode()  # the label of cases that are not known


class JumpLowering(ControlLowering):
    """Lowers statements that leave, and their targets."""

    def sequence(self, nodes: list[Node]) -> Expr | None:
        """Statements in order; the value of the last one if it is an expression."""
        raise NotImplementedError

    def return_statement(self, node: Node) -> None:
        """``return e``: the value is computed before guards are released."""
        content = inner(node)
        value = self.expr(content) if content is not None else None
        where = self.where(node)
        self.release(self.scopes, where)
        self.emit(Return(where, value))
        self.dead()

    def goto_statement(self, node: Node) -> None:
        """Resolved when all labels are known."""
        self.gotos.append((self.current, self.text(child(node, "label")), list(self.scopes), self.where(node)))
        self.dead()

    def labeled_statement(self, node: Node) -> None:
        """``label: statement``."""
        target = self.block()
        self.start(target)
        self.labels[self.text(child(node, "label"))] = (target, list(self.scopes))
        for each in node.named_children[1:]:
            self.statement(each)

    def switch_statement(self, node: Node) -> None:
        """Each case is entered with the assumption that the value equals its label."""
        value = self.expr(inner(child(node, "condition")) or child(node, "condition"))
        dispatch, after = self.current, self.block()
        where = self.where(node)
        self.switches.append(Switch(value))
        self.loops.append(Loop(after, -1, len(self.scopes)))
        self.dead()
        self.body(node.child_by_field_name("body"))
        self.loops.pop()
        self.edge(self.current, after)
        cases = self.switches.pop().cases
        known = [label for label, _ in cases if label is not None]
        default = next((block for label, block in cases if label is None), after)
        for label, block in cases:
            if label is not None:
                self.entry_edge(dispatch, block, [Assume(where, Binary("==", value, label), True)])
        exact = [] if any(isinstance(x, Opaque) for x in known) else known
        self.entry_edge(dispatch, default, [Assume(where, Binary("==", value, x), False) for x in exact])
        self.current = after

    def entry_edge(self, source: int, target: int, assumes: list[Assume]) -> None:
        """An edge that carries assumptions."""
        between = self.block()
        self.blocks[between].instrs += assumes
        self.edge(source, between)
        self.edge(between, target)

    def case_statement(self, node: Node) -> None:
        """``case X:`` and ``default:`` with the statements behind it."""
        block = self.block()
        self.edge(self.current, block)
        self.current = block
        value = node.child_by_field_name("value")
        label: Expr | None = None
        if value is not None:
            raw = self.origin.text[value.start_byte : value.end_byte]
            label = Opaque("range") if b" + " in raw or raw == _HIDDEN else self.expr(value)
        if self.switches:
            self.switches[-1].cases.append((label, block))
        skip = value.end_byte if value is not None else node.start_byte
        self.sequence([c for c in node.named_children if c.start_byte >= skip and c != value])
