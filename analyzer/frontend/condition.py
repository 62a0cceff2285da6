"""Conditions: tests, short circuits and the macros around them become branches with assumptions."""

from __future__ import annotations

from typing import ClassVar

from analyzer.frontend import semantics
from analyzer.frontend.expr import ExprLowering, Handlers
from analyzer.frontend.macros import Where
from analyzer.frontend.nodes import Node, child, inner, plain
from analyzer.ir.types import FALSE, TRUE, Assign, Assume, Call, Const, Expr, Opaque


class ConditionLowering(ExprLowering):
    """Lowers what chooses between blocks inside an expression."""

    def truth_value(self, node: Node) -> Expr:
        """A condition used as a value: 1 or 0 by branch."""
        target, where = self.temporary(), self.where(node)
        yes, no = self.branch(node)
        self.join_value(target, [(yes, TRUE), (no, FALSE)], where)
        return target

    def conditional(self, node: Node) -> Expr:
        """``c ? a : b`` (and ``c ?: b``)."""
        target, where = self.temporary(), self.where(node)
        chosen = node.child_by_field_name("consequence")
        condition = child(node, "condition")
        meet = self.block()
        if chosen is None:
            value = self.expr(condition)
            yes, no = self.block(), self.block()
            self.edge(self.current, yes)
            self.edge(self.current, no)
            self.blocks[yes].instrs += [Assume(where, value, True), Assign(where, target, value)]
            self.blocks[no].instrs.append(Assume(where, value, False))
            self.edge(yes, meet)
        else:
            yes, no = self.branch(condition)
            self.current = yes
            self.emit(Assign(where, target, self.expr(chosen)))
            self.edge(self.current, meet)
        self.current = no
        self.emit(Assign(where, target, self.expr(child(node, "alternative"))))
        self.edge(self.current, meet)
        self.current = meet
        return target

    def branch(self, node: Node, wraps: tuple[str, ...] = ()) -> tuple[int, int]:
        """Evaluate a condition; the blocks where it holds and where it does not."""
        kind = node.type
        if kind == "parenthesized_expression":
            content = inner(node)
            if content is not None and content.type != "compound_statement":
                return self.branch(content, wraps)
        elif kind == "unary_expression" and self.text(child(node, "operator")) == "!":
            yes, no = self.branch(child(node, "argument"), wraps)
            return no, yes
        elif kind == "binary_expression":
            operator = self.text(child(node, "operator"))
            if operator in ("&&", "||"):
                return self.short_circuit(node, operator, wraps)
        elif kind == "call_expression":
            found = self.branch_call(node, wraps)
            if found is not None:
                return found
        elif kind in ("true", "false", "identifier", "number_literal"):
            constant = self.expr(node)
            if isinstance(constant, Const) and constant.value is not None:
                return self.constant_branch(bool(constant.value))
        return self.assume_both(self.expr(node), self.where(node), wraps)

    def constant_branch(self, truth: bool) -> tuple[int, int]:
        """One of the two blocks is never entered."""
        live, dead = self.block(), self.block()
        self.edge(self.current, live)
        return (live, dead) if truth else (dead, live)

    def assume_both(self, value: Expr, where: Where, wraps: tuple[str, ...]) -> tuple[int, int]:
        """Two blocks that begin with the assumption and with its opposite."""
        yes, no = self.block(), self.block()
        for block, truth in ((yes, True), (no, False)):
            self.edge(self.current, block)
            self.blocks[block].instrs.append(Assume(where, value, truth, wraps))
        return yes, no

    def short_circuit(self, node: Node, operator: str, wraps: tuple[str, ...]) -> tuple[int, int]:
        """``a && b``, ``a || b``."""
        first = self.branch(child(node, "left"), wraps)
        self.current = first[0] if operator == "&&" else first[1]
        second = self.branch(child(node, "right"), wraps)
        if operator == "&&":
            return second[0], self.meet(first[1], second[1])
        return self.meet(first[0], second[0]), second[1]

    def meet(self, left: int, right: int) -> int:
        """A block entered from both."""
        block = self.block()
        self.edge(left, block)
        self.edge(right, block)
        return block

    def branch_call(self, node: Node, wraps: tuple[str, ...]) -> tuple[int, int] | None:
        """``likely(c)`` is ``c``; ``WARN_ON(c)`` is ``c`` with the warning on its true side."""
        function = child(node, "function")
        args = plain(child(node, "arguments"))
        if function.type != "identifier" or not args:
            return None
        name = self.text(function)
        if name in semantics.TRANSPARENT:
            return self.branch(args[0], wraps)
        if name not in semantics.ASSERTING:
            return None
        # TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, ...): which SEAMCALL it speaks of, for images without the call itself
        leaf = (self.text(args[1]),) if name.startswith("TDX_BUG_ON") and len(args) > 1 else ()
        yes, no = self.branch(args[0], (*wraps, name, *leaf))
        back, self.current = self.current, yes
        values = tuple(Opaque(self.text(a)[:60]) for a in args)
        self.emit(Call(self.where(node), name, values, None, shown=self.text(node)))
        yes = self.block() if name in semantics.FATAL else self.current
        self.current = back
        return yes, no

    handlers: ClassVar[Handlers] = {**ExprLowering.handlers, "conditional_expression": conditional}
