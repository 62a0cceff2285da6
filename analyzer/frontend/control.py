"""Branches and loops, those of block macros included."""

from __future__ import annotations

from analyzer.frontend import semantics
from analyzer.frontend.builder import Loop, Scope
from analyzer.frontend.expansion import ExpansionLowering, Step
from analyzer.frontend.nodes import Node, child, comma_list, inner
from analyzer.ir.guards import GUARDS
from analyzer.ir.types import Addr, Assign, Call, Hole, Name, Opaque


class ControlLowering(ExpansionLowering):
    """Lowers statements that control others."""

    wants_value = False  # whether the last statement of the current sequence is the value of a statement expression

    def declaration(self, node: Node) -> None:
        """Local variables and their initial values."""
        raise NotImplementedError

    def effect(self, node: Node) -> None:
        """Evaluate for side effects."""
        raise NotImplementedError

    def if_statement(self, node: Node) -> None:
        """``if``/``else``."""
        yes, no = self.branch(child(node, "condition"))
        meet = self.block()
        self.current = yes
        self.body(node.child_by_field_name("consequence"))
        self.edge(self.current, meet)
        self.current = no
        alternative = node.child_by_field_name("alternative")
        if alternative is not None:
            for each in alternative.named_children if alternative.type == "else_clause" else [alternative]:
                self.body(each)
        self.edge(self.current, meet)
        self.current = meet

    def body(self, node: Node | None) -> None:
        """A controlled statement."""
        if node is not None:
            before, self.wants_value = self.wants_value, False
            self.statement(node)
            self.wants_value = before

    def loop(self, condition: Node | None, body: Step, step: Step, *, test_last: bool = False) -> None:
        """The shape of ``for``, ``while`` and ``do``."""
        head, after, again, inside = self.block(), self.block(), self.block(), self.block()
        self.edge(self.current, inside if test_last else head)
        self.current = head
        if condition is None:
            self.edge(head, inside)
        else:
            yes, no = self.branch(condition)
            self.edge(yes, inside)
            self.edge(no, after)
        self.current = inside
        self.loops.append(Loop(after, again, len(self.scopes)))
        body()
        self.loops.pop()
        self.start(again)
        step()
        self.edge(self.current, head)
        self.current = after

    def for_statement(self, node: Node) -> None:
        """``for (init; condition; update) body``."""
        initial = node.child_by_field_name("initializer")
        if initial is not None:
            (self.declaration if initial.type == "declaration" else self.effect)(initial)
        update = node.child_by_field_name("update")
        body = node.child_by_field_name("body")
        self.loop(
            node.child_by_field_name("condition"),
            lambda: self.body(body),
            lambda: self.effect(update) if update is not None else None,
        )

    def while_statement(self, node: Node) -> None:
        """``while``, or a block macro that was rewritten to one."""
        macro = self.origin.blocks.get(node.start_byte)
        condition, body = child(node, "condition"), node.child_by_field_name("body")
        if macro is None:
            self.loop(condition, lambda: self.body(body), lambda: None)
        elif macro in semantics.SCOPED:
            self.scoped(condition, body)
        elif not self.expand_statement(node, macro, lambda: self.body(body)):
            self.unknown_loop(macro, condition, body)

    def scoped(self, condition: Node, body: Node | None) -> None:
        """``scoped_guard(class, args...) body``."""
        args = comma_list(inner(condition))
        kind = self.text(args[0]) if args else ""
        self.scopes.append(Scope())
        self.loops.append(Loop(self.block(), self.block(), len(self.scopes) - 1))
        rest = args[2:] if kind.endswith(("_intr", "_kill", "_try")) and len(args) > 2 else args[1:]
        values = tuple(self.expr(a) for a in rest)
        if kind in GUARDS:
            self.hold(GUARDS[kind], values, self.where(condition))
        self.body(body)
        loop = self.loops.pop()
        self.release([self.scopes.pop()], self.origin.locate(condition.end_byte))
        for block in (loop.breaks, loop.continues):
            self.edge(self.current, block)
        self.edge(loop.breaks, loop.continues)
        self.current = loop.continues

    def unknown_loop(self, macro: str, condition: Node, body: Node | None) -> None:
        """A ``for_each`` macro that is not defined here: its cursors change with each round."""
        args = [self.expr(a) for a in comma_list(inner(condition))]
        where = self.where(condition)
        head, inside, after = self.block(), self.block(), self.block()
        self.start(head)
        for index, arg in enumerate(args):
            cursor = arg.base if isinstance(arg, Addr) else arg
            if isinstance(cursor, Name) and self.is_cursor(macro, index, cursor.id):
                self.emit(Assign(where, cursor, Opaque("next")))
        self.emit(Call(where, macro, tuple(args), None))
        self.edge(self.current, inside)
        self.edge(self.current, after)
        self.current = inside
        self.loops.append(Loop(after, head, len(self.scopes)))
        self.body(body)
        self.loops.pop()
        self.edge(self.current, head)
        self.current = after

    def is_cursor(self, macro: str, index: int, name: str) -> bool:
        """Whether a loop macro that is not defined here writes an argument: known macros say which, else any local."""
        known = semantics.CURSORS.get(macro)
        if known is not None:
            return index in known
        return name in self.locals and name not in self.parameters

    def do_statement(self, node: Node) -> None:
        """``do body while (condition)``."""
        body = node.child_by_field_name("body")
        condition = child(node, "condition")
        test = inner(condition) if condition.type == "parenthesized_expression" else condition
        if test is not None and self.text(test) == "0":
            after = self.block()
            self.loops.append(Loop(after, after, len(self.scopes)))
            self.body(body)
            self.loops.pop()
            self.start(after)
            return
        self.loop(condition, lambda: self.body(body), lambda: None, test_last=True)

    def leave(self, node: Node) -> None:
        """``break`` and ``continue``; where what they leave begins in a hole, nothing is known of what comes next."""
        again = node.type == "continue_statement"
        loop = next((x for x in reversed(self.loops) if x.continues >= 0 or not again), None)
        if loop is not None:
            self.release(self.scopes[loop.depth :], self.where(node))
            self.edge(self.current, loop.continues if again else loop.breaks)
        elif self.holes:
            self.emit(Hole(*self.where(node)))
        self.dead()
