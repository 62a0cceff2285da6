"""Expressions: flattened to values free of calls; side effects become instructions of the current block."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from analyzer.frontend.builder import Builder
from analyzer.frontend.macros import Where
from analyzer.frontend.nodes import Node, child, inner, plain
from analyzer.ir.types import (
    FALSE,
    TRUE,
    Addr,
    Asm,
    Assign,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Index,
    Init,
    Name,
    Opaque,
    Unary,
)

_BLANKS = re.compile(r"\s+")
_NULL = Const("NULL", 0)
_WORDS = {"true": TRUE, "false": FALSE, "NULL": _NULL}
_SMALL = frozenset(("bool", "_Bool", "u8", "u16", "__u8", "__u16", "unsigned char", "unsigned short"))
_WIDE = frozenset(("int", "long", "s32", "s64", "ssize_t"))
Handlers = Mapping[str, Callable[[Any, Node], Expr]]


class ExprLowering(Builder):
    """Lowers expressions without control flow; ``handlers`` are by type of node."""

    handlers: ClassVar[Handlers] = {}

    def statements_of(self, node: Node) -> Expr | None:
        """Lower a compound statement; the value of its last expression (GNU statement expression)."""
        raise NotImplementedError

    def truth_value(self, node: Node) -> Expr:
        """A condition used as a value: 1 or 0 by branch."""
        raise NotImplementedError

    def text(self, node: Node) -> str:
        """The source words of a node, blanks folded."""
        raw = self.origin.text[node.start_byte : node.end_byte].decode("utf-8", "surrogateescape")
        return _BLANKS.sub(" ", raw) if "\n" in raw or "\t" in raw or "  " in raw else raw

    def where(self, node: Node) -> Where:
        """Location triple of a node."""
        return self.origin.locate(node.start_byte)

    def expr(self, node: Node) -> Expr:
        """The value of an expression; its side effects go to the current block."""
        handler = self.handlers.get(node.type)
        if handler is not None:
            return handler(self, node)
        return self.unknown(node)

    def unknown(self, node: Node) -> Expr:
        """Something the parser could not read, or that has no value here."""
        if node.type == "ERROR" or node.is_missing:
            self.unread.append((self.where(node)[0], self.text(node)[:60]))
        return Opaque(self.text(node)[:80])

    def identifier(self, node: Node) -> Expr:
        """A name, or one of the words that are constants."""
        name = self.text(node)
        return _WORDS.get(name) or Name(name)

    def number(self, node: Node) -> Expr:
        """An integer literal."""
        text = self.text(node)
        digits = text.rstrip("uUlL") or text
        try:
            value = int(digits, 0) if digits[:1] != "0" or digits[1:2] in "xXbB" else int(digits, 8)
        except ValueError:
            value = None
        return Const(text, value)

    def parenthesized(self, node: Node) -> Expr:
        """``(e)`` or ``({ ... })``."""
        content = inner(node)
        if content is None:
            return Opaque("()")
        if content.type == "compound_statement":
            return self.statements_of(content) or Opaque("({})")
        return self.expr(content)

    def pointer(self, node: Node) -> Expr:
        """``*e`` and ``&e``, with ``*&`` and ``&*`` folded."""
        base = self.expr(child(node, "argument"))
        if self.origin.text[node.start_byte : node.start_byte + 1] == b"*":
            return base.base if isinstance(base, Addr) else Deref(base)
        return base.base if isinstance(base, Deref) else Addr(base)

    def member(self, node: Node) -> Expr:
        """``a.b`` and ``a->b``."""
        argument = child(node, "argument")
        base = self.expr(argument)
        if b"->" in self.origin.text[argument.end_byte : node.end_byte]:
            base = base.base if isinstance(base, Addr) else Deref(base)
        return Field(base, self.text(child(node, "field")))

    def unary(self, node: Node) -> Expr:
        """``!e`` and friends."""
        operator = self.text(child(node, "operator"))
        operand = self.expr(child(node, "argument"))
        if operator in "-+" and isinstance(operand, Const) and operand.value is not None:
            value = -operand.value if operator == "-" else operand.value
            return Const(f"{operator}{operand.text}" if operator == "-" else operand.text, value)
        return Unary(operator, operand)

    def binary(self, node: Node) -> Expr:
        """Arithmetic and comparison; ``&&`` and ``||`` become branches."""
        operator = self.text(child(node, "operator"))
        if operator in ("&&", "||"):
            return self.truth_value(node)
        left = self.expr(child(node, "left"))
        return Binary(operator, left, self.expr(child(node, "right")))

    def assignment(self, node: Node) -> Expr:
        """``a = b`` and ``a op= b``."""
        target = self.expr(child(node, "left"))
        operator = self.text(child(node, "operator"))
        right = child(node, "right")
        if operator == "=":
            self.assign(target, right, self.where(node))
        else:
            value = self.expr(right)
            self.emit(Assign(self.where(node), target, Binary(operator[:-1], target, value)))
        return target

    def assign(self, target: Expr, node: Node, where: Where, declares: str = "") -> None:
        """Store the value of ``node``; a call stores its result directly."""
        before = len(self.blocks[self.current].instrs)
        value = self.expr(node)
        instrs = self.blocks[self.current].instrs
        last = instrs[-1] if len(instrs) > before else None
        if isinstance(last, Call) and last.result is value and isinstance(value, Name) and value.temporary:
            last.result = target
            if declares and isinstance(target, Name):
                self.locals[target.id] = declares
            return
        self.emit(Assign(where, target, value, declares))

    def update(self, node: Node) -> Expr:
        """``++e`` and ``e++``: the value is the new one, which no analysis here depends on."""
        target = self.expr(child(node, "argument"))
        operator = self.text(child(node, "operator"))
        self.emit(Assign(self.where(node), target, Binary(operator[0], target, Const("1", 1))))
        return target

    def subscript(self, node: Node) -> Expr:
        """``a[i]``."""
        base = self.expr(child(node, "argument"))
        index = node.child_by_field_name("index")
        return Index(base, self.expr(index) if index is not None else Opaque())

    def cast(self, node: Node) -> Expr:
        """The value; of a result that is cut to a flag or a small number, a variable of that type."""
        value = self.expr(child(node, "value"))
        kind = self.text(child(node, "type"))
        if kind not in _SMALL or not isinstance(value, Name):
            return value
        if not value.temporary and self.locals.get(value.id) not in _WIDE:
            return value
        cut = self.temporary()
        self.locals[cut.id] = kind
        self.emit(Assign(self.where(node), cut, value))
        return cut

    def comma(self, node: Node) -> Expr:
        """Both in order; the value is the last."""
        value: Expr = Opaque()
        for each in node.named_children:
            value = self.expr(each)
        return value

    def initializer(self, node: Node) -> Expr:
        """``{ .a = x, y }``."""
        entries: list[tuple[str, Expr]] = []
        for entry in plain(node):
            if entry.type == "initializer_pair":
                names = [self.text(c) for c in entry.named_children if c.type == "field_designator"]
                entries.append((".".join(n.lstrip(".") for n in names), self.expr(child(entry, "value"))))
            else:
                entries.append(("", self.expr(entry)))
        return Init(tuple(entries))

    def compound_literal(self, node: Node) -> Expr:
        """``(struct x){ ... }``."""
        return self.expr(child(node, "value"))

    def assembly(self, node: Node) -> Expr:
        """Inline assembly: its inputs are evaluated, its outputs become unknown."""
        outputs: list[Expr] = []
        for operands in node.named_children:
            if operands.type in ("gnu_asm_output_operand_list", "gnu_asm_input_operand_list"):
                found = [o for o in operands.named_children if o.type.endswith("_operand")]
                values = [self.expr(child(o, "value")) for o in found]
                outputs += values if operands.type == "gnu_asm_output_operand_list" else []
        self.emit(Asm(self.where(node), tuple(outputs)))
        return Opaque("asm")

    handlers = {
        "identifier": identifier,
        "field_identifier": identifier,
        "type_identifier": identifier,
        "true": lambda s, n: TRUE,
        "false": lambda s, n: FALSE,
        "null": lambda s, n: _NULL,
        "number_literal": number,
        "char_literal": lambda s, n: Const(s.text(n), None),
        "string_literal": lambda s, n: Opaque(s.text(n)[:80]),
        "concatenated_string": lambda s, n: Opaque(s.text(n)[:80]),
        "parenthesized_expression": parenthesized,
        "compound_statement": lambda s, n: s.statements_of(n) or Opaque("{}"),
        "pointer_expression": pointer,
        "field_expression": member,
        "unary_expression": unary,
        "binary_expression": binary,
        "assignment_expression": assignment,
        "update_expression": update,
        "subscript_expression": subscript,
        "cast_expression": cast,
        "comma_expression": comma,
        "initializer_list": initializer,
        "compound_literal_expression": compound_literal,
        "gnu_asm_expression": assembly,
        "sizeof_expression": lambda s, n: Const(s.text(n)[:80], None),
        "offsetof_expression": lambda s, n: Const(s.text(n)[:80], None),
        "alignof_expression": lambda s, n: Const(s.text(n)[:80], None),
        "extension_expression": lambda s, n: s.expr(n.named_children[-1]),
    }
