"""Macros: their definitions, and the expansion of a use with a map from its text back to the source."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from analyzer.ir.types import Frame

_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\(([^()]*)\))?((?:\\\n|[^\n])*)", re.M)
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|##|#\s*\w+|\w+|\s+|.', re.S)
_LOWER_CALL = re.compile(r"\b[a-z_]\w*\s*\(|[{]|[^=!<>]=[^=]|\bfor\b|\bdo\b")
_PURE = re.compile(r"\b(?:sizeof|typeof|__typeof__|container_of|offsetof|__builtin_\w+|u8|u16|u32|u64|ilog2)\s*\(")

Where = tuple[int, int, tuple[Frame, ...]]


_MACRO_CALL = re.compile(r"\b([A-Z]\w+)\s*\(")


@dataclass(frozen=True, slots=True)
class Macro:
    """A ``#define``: ``params`` is None for an object-like one; ``rest`` names the variadic parameter."""

    name: str
    path: str
    line: int
    params: tuple[str, ...] | None
    rest: str
    body: str

    @property
    def acts(self) -> bool:
        """Whether the body calls, assigns or branches, so that its expansion matters to an analysis."""
        return _acts(self.body)

    @property
    def calls(self) -> frozenset[str]:
        """The names in capitals that the body calls: it acts if one of them does."""
        return _calls(self.body)


@cache
def _calls(body: str) -> frozenset[str]:
    return frozenset(_MACRO_CALL.findall(body))


@cache
def _acts(body: str) -> bool:
    return bool(_LOWER_CALL.search(_PURE.sub("", body)))


def read_macros(code: str, path: str) -> list[Macro]:
    """All macros defined in a file (comments already blanked)."""
    found = []
    line, seen = 1, 0
    for match in _DEFINE.finditer(code):
        line += code.count("\n", seen, match.start())
        seen = match.start()
        params: tuple[str, ...] | None = None
        rest = ""
        if match.group(2) is not None:
            names = [p.strip() for p in match.group(3).replace("\\\n", " ").split(",") if p.strip()]
            if names and names[-1].endswith("..."):
                rest = names.pop()[:-3].strip() or "__VA_ARGS__"
            params = tuple(names)
        found.append(Macro(match.group(1), path, line, params, rest, match.group(4).replace("\\\n", " \n")))
    return found


_CLASS = re.compile(r"^DEFINE_CLASS\(", re.M)


def read_classes(code: str, path: str) -> list[Macro]:
    """``DEFINE_CLASS(name, type, exit, init, args...)`` as two macros: a constructor and a destructor of ``_T``."""
    found = []
    for match in _CLASS.finditer(code):
        parts, end = split_arguments(code, match.end())
        if end < 0 or len(parts) < 4:
            continue
        name, line = parts[0].strip(), code.count("\n", 0, match.start()) + 1
        params = tuple(p.split()[-1].lstrip("*") for p in parts[4:] if p.strip() and p.strip() != "void")
        found.append(Macro(f"class_{name}_constructor", path, line, params, "", parts[3]))
        found.append(Macro(f"class_{name}_destructor", path, line, ("_T",), "", parts[2]))
    return found


def split_arguments(code: str, start: int) -> tuple[list[str], int]:
    """The comma-separated texts from ``start`` (behind the opening bracket), and the offset of the closing one."""
    parts, depth, begin = [], 0, start
    for index in range(start, min(len(code), start + 20_000)):
        char = code[index]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        if (char == "," and depth == 0) or depth < 0:
            parts.append(code[begin:index])
            begin = index + 1
        if depth < 0:
            return parts, index
    return parts, -1


class Origin(Protocol):
    """A text that is lowered: where an offset of it stands in the source, and what normalising hid in it."""

    text: bytes
    blocks: dict[int, str]
    conditionals: set[int]

    def locate(self, offset: int) -> Where:
        """(line, column, frames) of a byte offset."""
        ...


@dataclass(slots=True)
class Argument:
    """An argument of a macro use: its text, and where it starts in the text of the use."""

    text: str
    offset: int


@dataclass(slots=True)
class Expansion:
    """The text of an expanded use. ``pieces`` are (offset, macro line or -1, offset in the outer text).

    ``alone``: there is no use, the macro stands for itself.
    """

    text: bytes
    outer: Origin
    at: int
    macro: Macro
    pieces: list[tuple[int, int, int]]
    blocks: dict[int, str] = field(default_factory=dict)
    conditionals: set[int] = field(default_factory=set)
    alone: bool = False

    def locate(self, offset: int) -> Where:
        """An argument's words stand where they were written; the macro's own words at the use, with a frame."""
        index = bisect.bisect_right(self.pieces, (offset, 1 << 60, 0)) - 1
        start, line, outer = self.pieces[max(index, 0)]
        if self.alone:
            line = next((n for _, n, _ in reversed(self.pieces[: index + 1]) if n >= 0), self.macro.line)
            return line, 1, (Frame(self.macro.name, self.macro.path, line),)
        if line < 0:
            return self.outer.locate(outer + offset - start)
        at_line, column, frames = self.outer.locate(self.at)
        return at_line, column, (*frames, Frame(self.macro.name, self.macro.path, line))


def expand(macro: Macro, args: list[Argument], outer: Origin, at: int, prefix: str, suffix: str) -> Expansion:
    """The body with parameters substituted, between ``prefix`` and ``suffix``.

    GNU rules where the kernel relies on them: ``#x``, ``a##b``, named variadics, ``, ##rest`` vanishing when empty.
    """
    out, pieces = [prefix], [(0, macro.line, 0)]
    size = len(prefix.encode("utf-8", "surrogateescape"))
    bound = dict(zip(macro.params or (), args, strict=False))
    rest = args[len(macro.params or ()) :]
    line = macro.line
    for kind, word in _tokens(macro, bound, rest):
        if kind == "rest":
            for index, argument in enumerate(rest):
                if index:
                    out.append(", ")
                    size += 2
                pieces.append((size, -1, argument.offset))
                out.append(argument.text)
                size += len(argument.text.encode("utf-8", "surrogateescape"))
            continue
        if kind == "arg":
            pieces.append((size, -1, bound[word].offset))
            word = bound[word].text
        else:
            pieces.append((size, line, 0))
            line += word.count("\n")
        out.append(word)
        size += len(word.encode("utf-8", "surrogateescape"))
    pieces.append((size, line, 0))
    out.append(suffix)
    return Expansion("".join(out).encode("utf-8", "surrogateescape"), outer, at, macro, pieces)


def _quoted(name: str, bound: dict[str, Argument]) -> str:
    """``#x``: the argument as a string."""
    text = " ".join(bound[name].text.split()) if name in bound else name
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tokens(macro: Macro, bound: dict[str, Argument], rest: list[Argument]) -> list[tuple[str, str]]:
    """(kind, word) with kind ``text``, ``arg`` (a parameter) or ``rest`` (the variadic one)."""
    out: list[tuple[str, str]] = []
    paste = False
    for word in _TOKEN.findall(macro.body):
        if word == "##":
            while out and out[-1][1].isspace():
                out.pop()
            paste = True
            continue
        if paste and word.isspace():
            continue
        kind = "arg" if word in bound else "rest" if word == macro.rest and macro.rest else "text"
        if word[0] == "#" and len(word) > 1:
            kind, word = "text", _quoted(word[1:].strip(), bound)
        if kind == "rest" and not rest:
            while out and (out[-1][1].isspace() or out[-1][1] == ","):
                out.pop()
        elif paste and out and kind != "rest" and out[-1][1] != ",":
            before = bound[out[-1][1]].text if out[-1][0] == "arg" else out[-1][1]
            out[-1] = ("text", before.strip() + (bound[word].text.strip() if kind == "arg" else word))
        else:
            out.append((kind, word))
        paste = False
    return out
