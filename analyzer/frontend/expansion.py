"""Uses of macros: expanded, parsed and lowered in place, with the user's block stepped into where it belongs."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.frontend import semantics
from analyzer.frontend.calls import CallLowering
from analyzer.frontend.macros import Argument, Expansion, Origin, expand
from analyzer.frontend.nodes import Node, body_of, child, comma_list, inner
from analyzer.frontend.normalize import normalize
from analyzer.frontend.parser import parse
from analyzer.ir.types import Expr

MAX_DEPTH = 8  # nested macro expansions
Step = Callable[[], None]


class ExpansionLowering(CallLowering):
    """Lowers uses of macros; ``user_body`` lowers the block behind the block macro that is being expanded."""

    user_body: Step | None = None

    def statement(self, node: Node) -> None:
        """Lower one statement into the current block."""
        raise NotImplementedError

    def arguments(self, node: Node) -> list[Argument]:
        """The arguments of a macro use as text with their offsets."""
        holder = node.child_by_field_name("arguments") or child(node, "condition")
        children = holder.named_children
        if holder.type == "parenthesized_expression":
            children = comma_list(inner(holder))
        return [
            Argument(self.origin.text[c.start_byte : c.end_byte].decode("utf-8", "surrogateescape"), c.start_byte)
            for c in children
            if c.type != "comment"
        ]

    def expansion(self, node: Node, name: str, prefix: str, suffix: str) -> tuple[Expansion, Node] | None:
        """The parsed expansion of a use; None when ``name`` is no macro that acts or cannot be read."""
        macro = self.macros.find(name, self.path)
        if macro is None or self.depth >= MAX_DEPTH:
            return None
        made = expand(macro, self.arguments(node), self.origin, node.start_byte, prefix, suffix)
        normal = normalize(made.text)
        made.text, made.blocks, made.conditionals = normal.text, normal.blocks, normal.conditionals
        root = parse(made.text).root_node
        if root.has_error:
            return None
        return made, root

    def expand_value(self, node: Node, name: str) -> Expr | None:
        """A macro in an expression."""
        found = self.expansion(node, name, "int m(void)\n{\n\t(", ");\n}\n")
        if found is None:
            return None
        made, root = found
        with Inside(self, made):
            statements = body_of(root)
            single = len(statements) == 1 and statements[0].named_children
            return self.expr(statements[0].named_children[0]) if single else None

    def expand_statement(self, node: Node, name: str, body: Step | None) -> bool:
        """A macro as a statement; ``body`` lowers the block that the user wrote behind it."""
        suffix = f"\n\t{semantics.BODY}();\n}}\n" if body is not None else ";\n}\n"
        found = self.expansion(node, name, "int m(void)\n{\n\t", suffix)
        if found is None:
            return False
        made, root = found
        outer = self.user_body
        with Inside(self, made) as saved:
            self.user_body = (lambda: saved.outside(body, outer)) if body is not None else None
            for statement in body_of(root):
                self.statement(statement)
        self.user_body = outer
        return True


class Inside:
    """Lower inside an expansion, and step outside again for the user's own block."""

    def __init__(self, lowering: ExpansionLowering, origin: Origin) -> None:
        """``origin`` is the expansion; the text being lowered now is outside."""
        self.lowering = lowering
        self.inner = origin
        self.outer = lowering.origin

    def __enter__(self) -> Inside:
        """Go inside."""
        self.lowering.origin = self.inner
        self.lowering.depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Come back."""
        self.lowering.origin = self.outer
        self.lowering.depth -= 1

    def outside(self, body: Step, outer: Step | None) -> None:
        """Run ``body`` as if at the place of use, where ``outer`` is the block that the user wrote."""
        user_body, self.lowering.user_body = self.lowering.user_body, outer
        self.lowering.origin, self.lowering.depth = self.outer, self.lowering.depth - 1
        body()
        self.lowering.origin, self.lowering.depth = self.inner, self.lowering.depth + 1
        self.lowering.user_body = user_body
