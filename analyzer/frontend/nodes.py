"""Small questions about syntax nodes."""

from __future__ import annotations

import tree_sitter

Node = tree_sitter.Node


def child(node: Node, name: str) -> Node:
    """The child in a field; where the parser left it out, any child, else the node itself."""
    found = node.child_by_field_name(name)
    return found if found is not None else node.children[0] if node.children else node


def inner(node: Node) -> Node | None:
    """The first named child that is no comment."""
    for each in node.named_children:
        if each.type != "comment":
            return each
    return None


def plain(node: Node) -> list[Node]:
    """The named children without comments."""
    return [each for each in node.named_children if each.type != "comment"]


def comma_list(node: Node | None) -> list[Node]:
    """``a, b, c`` as its parts."""
    if node is None:
        return []
    if node.type == "comma_expression":
        return [*comma_list(node.child_by_field_name("left")), *comma_list(node.child_by_field_name("right"))]
    return [node]


def declared(node: Node) -> tuple[Node | None, str]:
    """The identifier of a declarator and its stars; None for the declaration of a function."""
    stars = ""
    current: Node | None = node
    while current is not None and current.type not in ("identifier", "field_identifier"):
        if current.type == "function_declarator" and not _pointer_to_function(current):
            return None, ""
        stars += "*" if current.type == "pointer_declarator" else ""
        current = current.child_by_field_name("declarator") or (
            inner(current) if current.type in ("parenthesized_declarator", "attributed_declarator") else None
        )
    return current, stars


def _pointer_to_function(node: Node) -> bool:
    declarator = node.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "parenthesized_declarator"


def function_declarator(node: Node) -> Node | None:
    """The declarator with the parameters of a function."""
    current = node.child_by_field_name("declarator")
    while current is not None and current.type != "function_declarator":
        current = current.child_by_field_name("declarator")
    return current


def body_of(root: Node) -> list[Node]:
    """The statements of the one function in a made-up text."""
    body = root.named_children[0].child_by_field_name("body") if root.named_children else None
    return body.named_children if body is not None else []
