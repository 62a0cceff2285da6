"""Statements: sequences, scopes and declarations; the lowering of one function as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from analyzer.frontend import semantics
from analyzer.frontend.builder import Scope
from analyzer.frontend.jumps import JumpLowering
from analyzer.frontend.nodes import Node, child, declared, inner
from analyzer.ir.types import Call, Expr, Name

_BODY = semantics.BODY.encode()


class Lowering(JumpLowering):
    """Lowers the body of one function."""

    def statement(self, node: Node) -> None:
        """Lower one statement into the current block."""
        handler = self.statements.get(node.type)
        if handler is not None:
            handler(self, node)
        elif node.type.endswith(("_expression", "identifier", "literal")):
            self.effect(node)
        elif node.type == "ERROR" or node.is_missing:
            self.unknown(node)

    def effect(self, node: Node) -> None:
        """Evaluate for side effects: the value of a call is thrown away."""
        content: Node | None = node
        while content is not None and content.type == "parenthesized_expression":
            content = inner(content)
        if content is None:
            return
        if content.type == "compound_statement":
            self.statements_of(content)
            return
        if content.type == "call_expression" and self.called(content):
            return
        value = self.expr(content)
        instrs = self.blocks[self.current].instrs
        last = instrs[-1] if instrs else None
        if isinstance(last, Call) and last.result is value and isinstance(value, Name) and value.temporary:
            last.result = None

    def called(self, node: Node) -> bool:
        """A call as a statement, where that differs from its value: an assertion, a macro."""
        function = child(node, "function")
        name = self.text(function) if function.type == "identifier" else ""
        if name in semantics.ASSERTING:
            self.current = self.meet(*self.branch(node))
            return True
        return bool(name) and self.expand_statement(node, name, None)

    def sequence(self, nodes: list[Node]) -> Expr | None:
        """Statements in order; the value of the last one if it is an expression."""
        value: Expr | None = None
        index = 0
        while index < len(nodes):
            node = nodes[index]
            index += 1
            if node.start_byte in self.origin.conditionals and node.type == "compound_statement":
                second = nodes[index] if index < len(nodes) and nodes[index].start_byte == node.end_byte else None
                index += second is not None
                self.conditional_arms(node, second)
                continue
            if index == len(nodes) and node.type == "expression_statement" and node.named_children:
                value = self.expr(node.named_children[0]) if self.wants_value else None
                if value is not None:
                    return value
            self.statement(node)
        return value

    def statements_of(self, node: Node) -> Expr | None:
        """A GNU statement expression."""
        before, self.wants_value = self.wants_value, True
        value = self.compound(node)
        self.wants_value = before
        return value

    def compound(self, node: Node) -> Expr | None:
        """``{ ... }``: a scope."""
        self.scopes.append(Scope())
        value = self.sequence(node.named_children)
        scope = self.scopes.pop()
        self.release([scope], self.origin.locate(max(node.end_byte - 1, 0)))
        return value

    def plain_compound(self, node: Node) -> None:
        """A block whose value nobody wants."""
        before, self.wants_value = self.wants_value, False
        self.compound(node)
        self.wants_value = before

    def conditional_arms(self, first: Node, second: Node | None) -> None:
        """``#if`` inside a body: either arm may be compiled."""
        meet, start = self.block(), self.current
        for arm in (first, second):
            self.current = self.block()
            self.edge(start, self.current)
            if arm is not None:
                self.sequence(arm.named_children)
            self.edge(self.current, meet)
        self.current = meet

    def declaration(self, node: Node) -> None:
        """Local variables and their initial values."""
        base = self.text(child(node, "type"))
        for each in node.children_by_field_name("declarator"):
            value = each.child_by_field_name("value") if each.type == "init_declarator" else None
            declarator = child(each, "declarator") if each.type == "init_declarator" else each
            name, stars = declared(declarator)
            if name is None:
                continue
            identifier = self.text(name)
            self.locals[identifier] = f"{base} {stars}".strip()
            if value is not None:
                self.assign(Name(identifier), value, self.where(each), self.locals[identifier])

    def expression_statement(self, node: Node) -> None:
        """A statement that is an expression, or the place of the user's block in a block macro."""
        if not node.named_children:
            return
        content = node.named_children[0]
        if self.user_body is not None and self.origin.text.startswith(_BODY, content.start_byte):
            self.user_body()
            return
        self.effect(content)

    def else_clause(self, node: Node) -> None:
        """The statements of an ``else`` that lost its ``if``."""
        for each in node.named_children:
            self.statement(each)

    statements: ClassVar[Mapping[str, Callable[[Any, Node], None]]] = {
        "compound_statement": plain_compound,
        "expression_statement": expression_statement,
        "declaration": declaration,
        "if_statement": JumpLowering.if_statement,
        "for_statement": JumpLowering.for_statement,
        "while_statement": JumpLowering.while_statement,
        "do_statement": JumpLowering.do_statement,
        "break_statement": JumpLowering.leave,
        "continue_statement": JumpLowering.leave,
        "return_statement": JumpLowering.return_statement,
        "goto_statement": JumpLowering.goto_statement,
        "labeled_statement": JumpLowering.labeled_statement,
        "switch_statement": JumpLowering.switch_statement,
        "case_statement": JumpLowering.case_statement,
        "else_clause": else_clause,
    }
