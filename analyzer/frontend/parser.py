"""The one tree-sitter parser."""

from __future__ import annotations

from functools import cache

import tree_sitter
import tree_sitter_c


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def parse(text: bytes) -> tree_sitter.Tree:
    """The syntax tree of normalised C."""
    return _parser().parse(text)
