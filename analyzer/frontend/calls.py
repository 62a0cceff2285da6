"""Calls: words with a meaning of their own, ops, guards, macros, and ordinary callees."""

from __future__ import annotations

from typing import ClassVar

from analyzer.frontend import semantics
from analyzer.frontend.condition import ConditionLowering
from analyzer.frontend.expr import Handlers
from analyzer.frontend.nodes import Node, child, plain
from analyzer.frontend.normalize import OFFSETOF
from analyzer.ir.guards import GUARDS
from analyzer.ir.types import Call, Deref, Expr, Field, Name, Opaque

_NO_VALUE = frozenset((semantics.BODY, OFFSETOF.decode("ascii")))


class CallLowering(ConditionLowering):
    """Lowers calls."""

    def expand_value(self, node: Node, name: str) -> Expr | None:
        """Lower the use of a macro as a value; None when it is no macro that acts."""
        raise NotImplementedError

    def call(self, node: Node) -> Expr:
        """A call: a word with its own meaning, an op, a macro, or an ordinary callee."""
        function, arguments = child(node, "function"), child(node, "arguments")
        if function.type == "call_expression":
            return self.call_of_call(node, function, arguments)
        if function.type != "identifier":
            return self.indirect(node, function, arguments)
        name = self.text(function)
        args = plain(arguments)
        if name in semantics.TRANSPARENT and args:
            return self.expr(args[0])
        if name in semantics.ASSERTING and args:
            return self.truth_value(node)
        if name == semantics.HOLE:
            for arg in args:
                self.expr(arg)
            self.hole(self.where(node))
            return Opaque("...")
        if name in _NO_VALUE:
            return Opaque(name)
        expanded = self.expand_value(node, name)
        if expanded is not None:
            return expanded
        return self.plain_call(node, name, args)

    def plain_call(self, node: Node, name: str, args: list[Node], table: str = "", target: Expr | None = None) -> Expr:
        """Emit the call; its value is a temporary."""
        values = tuple(self.expr(a) for a in args)
        result = self.temporary()
        self.emit(Call(self.where(node), name, values, result, table=table, target=target, shown=self.text(node)))
        if name in semantics.NORETURN:
            self.dead()
        return result

    def indirect(self, node: Node, function: Node, arguments: Node) -> Expr:
        """``ops->field(...)``, ``(*fn)(...)``."""
        args = plain(arguments)
        target = self.expr(function)
        if isinstance(target, Deref) and isinstance(target.base, Name | Field):
            target = target.base
        if isinstance(target, Field):
            return self.plain_call(node, "", args, table=target.name, target=target)
        if isinstance(target, Name) and not target.temporary:
            return self.plain_call(node, target.id, args)
        return self.plain_call(node, "", args, target=target)

    def call_of_call(self, node: Node, function: Node, arguments: Node) -> Expr:
        """``kvm_x86_call(op)(...)``, ``guard(x)(...)``, ``CLASS(t, v)(...)``."""
        name = self.text(child(function, "function"))
        inner = plain(child(function, "arguments"))
        args = plain(arguments)
        if name in semantics.OP_CALLS and inner:
            op = self.text(inner[0]).removeprefix(semantics.OP_CALLS[name] or "\0").removeprefix("pmu_")
            return self.plain_call(node, "", args, table=op)
        if name == "guard" and inner and self.text(inner[0]) in GUARDS:
            values = tuple(self.expr(a) for a in args)
            self.hold(GUARDS[self.text(inner[0])], values, self.where(node))
            return Opaque("guard")
        if name == "CLASS" and len(inner) == 2:
            return self.class_object(node, self.text(inner[0]), inner[1], args)
        return self.plain_call(node, "", args, target=self.expr(function))

    def class_object(self, node: Node, kind: str, variable: Node, args: list[Node]) -> Expr:
        """``CLASS(kind, variable)(args)``: constructed here, destroyed at the end of the scope (linux/cleanup.h)."""
        name = Name(self.text(variable))
        self.locals[name.id] = kind
        where = self.where(node)
        values = tuple(self.expr(a) for a in args)
        self.emit(Call(where, f"class_{kind}_constructor", values, name, shown=self.text(node)))
        self.scopes[-1].releases.append((f"class_{kind}_destructor", (name,)))
        return name

    handlers: ClassVar[Handlers] = {**ConditionLowering.handlers, "call_expression": call}
