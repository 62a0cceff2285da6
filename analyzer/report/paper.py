"""What the terminal report is written on: wrapped, safe, perhaps coloured lines."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from analyzer.core.visible import visible

BOLD, DIM, RED, YELLOW, CYAN, GREEN = "1", "2", "1;31", "1;33", "36", "32"
NARROWEST = 40  # columns; below that wrapping makes text unreadable instead of readable


def use_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour: only on a terminal that can, and never where ``NO_COLOR`` is set (no-color.org)."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # a closed stream
        return False


@dataclass(frozen=True, slots=True)
class Paper:
    """Makes lines of at most ``width`` columns where words allow it; ``width`` 0 never wraps."""

    color: bool
    width: int

    def text(self, text: str, indent: int = 0, hang: int = 0, style: str = "", lead: str = "") -> list[str]:
        """``text`` from strangers as lines.

        Continuation lines are indented by ``hang`` more. ``lead`` goes before the text; ``style`` colours the
        lead where there is one, otherwise all of it.
        """
        lead = visible(lead)
        lines = self._wrapped(lead + visible(text), indent, hang)
        if not (self.color and style):
            return lines
        if not lead:
            return [self._painted(line, style) for line in lines]
        start = " " * indent + lead.rstrip()
        if lines[0].startswith(start):
            lines[0] = self._painted(start, style) + lines[0][len(start) :]
        return lines

    def _wrapped(self, text: str, indent: int, hang: int) -> list[str]:
        first, rest = " " * indent, " " * (indent + hang)
        if not self.width or len(first) + len(text) <= self.width:
            return [(first + text).rstrip()]
        return textwrap.wrap(
            text,
            width=max(self.width, NARROWEST, indent + hang + NARROWEST // 2),
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]

    def _painted(self, line: str, style: str) -> str:
        bare = line.lstrip(" ")
        margin = line[: len(line) - len(bare)]
        return f"{margin}\x1b[{style}m{bare}\x1b[0m" if bare else line
