"""Rebuilt images with holes: hole lines are filled so that the parser sees whole functions (DESIGN D3).

A hunk rarely holds a whole function. Before a region of known lines that begins inside a body, the heading that the
hunk header gave is opened; between two regions of one function, and where a region stops inside a body, the hole
is written as a call that the lowering turns into an unknown statement. Only hole lines are written to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from analyzer.frontend.fragment import Token, tokens
from analyzer.frontend.heading import NOTHING, Kind, read_section
from analyzer.frontend.leading import read_lead
from analyzer.frontend.normalize import is_whole, join_names, strip_comments, strip_directives
from analyzer.frontend.opening import Place, Start, Weaver, place
from analyzer.frontend.semantics import HOLE
from analyzer.tree.snapshot import SourceFile

_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_STAR = re.compile(rb"[ \t]*\*(?P<blank>[ \t]|$)?")
_CONDITIONAL = re.compile(rb"^[ \t]*#[ \t]*(if|else|endif)", re.M)
_STRING = re.compile(rb'"(?:\\.|[^"\\])*"')
_MACRO = "#define __nak_macro__"  # for a #define whose first line is not known


@dataclass(frozen=True, slots=True)
class Region:
    """A run of known lines, and what it is known to begin or end in the middle of.

    ``code`` is its text without comments and directives; ``header`` is the text of its hunk header. ``ifs`` counts
    the conditionals that it leaves open; ``in_else``: it has the second arm of one whose first line is hidden,
    ``split``: of any one.
    """

    first: int
    last: int
    code: str
    header: str
    in_comment: bool = False
    open_comment: bool = False
    in_macro: bool = False
    open_macro: bool = False
    ifs: int = 0
    in_else: bool = False
    split: bool = False

    def without_first(self) -> Region:
        """The region when its first line is the last one of a macro."""
        code = self.code.lstrip("\n")
        return replace(self, code="\n" * (len(self.code) - len(code)) + code.partition("\n")[2], in_macro=True)


def complete(source: SourceFile) -> bytes:
    """The text with hole lines filled; same number of lines, known lines untouched. Never raises on text."""
    return complete_with_bodies(source)[0]


def complete_with_bodies(source: SourceFile) -> tuple[bytes, list[tuple[int, int]]]:
    """The same, and the first and last lines of the bodies of functions."""
    lines = source.text.split(b"\n")
    holes = _Holes(lines, source)
    regions = [_region(lines, *run) for run in _runs(lines, source)]
    for region in regions:
        holes.edges(region)
    weaver, last, since = Weaver(), 0, 0
    for region in regions:
        region, words, closing, opening = _woven(weaver, region, region.first - last - 1, since)
        holes.write(last, region, closing, opening)
        if words:
            weaver.scanner.feed(words)
            weaver.scanner.line = last = region.last
            since = region.first
    holes.put(holes.free(last, len(lines) + 1)[:1], 1, weaver.scanner.finish(1))
    return holes.filled(), weaver.scanner.bodies


def _woven(weaver: Weaver, region: Region, gap: int, since: int) -> tuple[Region, list[Token], str, str]:
    """The region, its words, and what is to be written before it."""
    words = tokens(region.code, region.first)
    if not words:
        return region, words, "", ""
    section = read_section(region.header) if region.header else NOTHING
    start = Start(read_lead(words), section, gap, since)
    start.lead.split = region.split
    where = place(start, weaver.scanner) if region.first > 1 else Place.FILE
    if where is Place.MACRO and not region.in_macro:
        return _woven(weaver, region.without_first(), gap, since)
    return region, words, *weaver.begin(start, where)


def _runs(lines: list[bytes], source: SourceFile) -> Iterator[tuple[int, int, str]]:
    """(first line, last line, text of the hunk header) of each run of known lines."""
    sections = dict(source.sections)
    following = 1
    for first, last in [*sorted(h for h in source.holes if h[0] <= h[1]), (len(lines) + 1, len(lines) + 1)]:
        if first > following and following <= len(lines):
            end = min(first - 1, len(lines))
            yield following, end, _header(lines, following, end, sections)
        following = max(following, last + 1)


def _header(lines: list[bytes], first: int, last: int, sections: dict[int, str]) -> str:
    """The header of the first hunk in the run, unless a heading stands in the run before it."""
    for line in range(first, last + 1):
        if line in sections:
            return sections[line]
        text = lines[line - 1]
        if text[:1].isalpha() or text[:1] == b"_":
            break
    return ""


def _region(lines: list[bytes], first: int, last: int, header: str) -> Region:
    text = b"\n".join(lines[first - 1 : last])
    edge = _COMMENT_EDGE.search(text)
    in_comment = edge is not None and edge.group() == b"*/"
    if in_comment and edge is not None:
        text = b"\n" * text.count(b"\n", 0, edge.end()) + text[edge.end() :]
    elif edge is None and _starred(text):
        in_comment, text = True, b""
    open_comment = text.rfind(b"/*") > text.rfind(b"*/") or (in_comment and not text)
    text = strip_comments(text)
    rows = text.split(b"\n")
    in_macro = _of_macro(rows[0])
    if in_macro:
        behind = next((n for n, row in enumerate(rows) if not row.endswith(b"\\")), len(rows)) + 1
        text = b"\n".join([b"" for _ in rows[:behind]] + rows[behind:])
    ifs, in_else = _conditionals(text)
    return Region(
        first,
        last,
        join_names(strip_directives(text)).decode("latin-1"),
        header,
        in_comment,
        open_comment,
        in_macro,
        rows[-1].endswith(b"\\"),
        ifs,
        in_else,
        in_else or text.lstrip()[:1] == b"#",
    )


def _of_macro(line: bytes) -> bool:
    """Whether a line goes on behind its end, or has a ``#`` that is not its first word: no line of plain C."""
    words = _STRING.sub(b"", line).strip()
    return words[:1] != b"#" and (words.endswith(b"\\") or b"#" in words)


def _starred(text: bytes) -> bool:
    """Whether all lines are those of a comment: a star first, in most of them with a blank behind."""
    found = [_STAR.match(line) for line in text.split(b"\n") if line.strip()]
    return bool(found) and all(found) and 2 * sum(m is not None and m["blank"] is not None for m in found) > len(found)


def _conditionals(text: bytes) -> tuple[int, bool]:
    """How many conditionals are left open in a whole arm, and whether an ``#else`` splits the text from its start.

    Both only where the arms are whole statements; what is not counted here is read as if it were not there.
    """
    starts: list[int] = []
    split = closed = False
    for match in _CONDITIONAL.finditer(text):
        word = match.group(1)
        if word == b"if":
            starts.append(match.end())
        elif starts:
            closed = closed or (split and len(starts) == 1 and word == b"endif")
            if split and len(starts) == 1 and not _whole(text[starts[0] : match.start()]):
                split = False
            starts[-1:] = [match.end()] if word == b"else" else []
        elif word == b"else" and not closed and _whole(text[: match.start()]):
            split = True
            starts.append(match.end())
    left = [_whole(text[start:]) for start in starts]
    return (len(left), split) if all(left) else (0, split and closed)


def _whole(arm: bytes) -> bool:
    """Whether the text, which begins behind the name of a directive, is a sequence of whole statements."""
    return is_whole(strip_directives(b"#if" + arm))


class _Holes:
    """The lines that may be written to: three texts each, put together at the end."""

    def __init__(self, lines: list[bytes], source: SourceFile) -> None:
        self.lines = lines
        self.parts: dict[int, list[str]] = {}
        self.taken: set[int] = set()  # lines that a directive needs for itself
        for first, last in source.holes:
            for line in range(max(first, 1), min(last, len(lines)) + 1):
                if not lines[line - 1].strip():
                    self.parts[line] = ["", "", ""]

    def put(self, at: list[int], part: int, text: str) -> None:
        """Add to one of the three texts of a line, if there is one."""
        for line in at:
            self.parts[line][part] += text

    def free(self, last: int, first: int) -> list[int]:
        """The lines of holes behind line ``last`` and before line ``first`` that no directive needs."""
        return [n for n in range(last + 1, first) if n in self.parts and n not in self.taken]

    def edges(self, region: Region) -> None:
        """Close and open comments, macros and conditionals that the ends of the region cut through."""
        before, behind = region.first - 1, region.last + 1
        if region.in_comment and before in self.parts:
            self.put([before], 2, "/*")
        if behind not in self.parts:
            return
        if region.open_comment:
            self.put([behind], 0, "*/")
        if region.open_macro:
            self.taken.add(behind)
            self.put([behind], 1, f"{HOLE}()")
        for line in range(behind, behind + region.ifs + region.open_macro):
            if line not in self.taken and line + 1 in self.parts:
                self.taken.add(line)
                self.put([line], 1, "#endif")

    def write(self, last: int, region: Region, closing: str, opening: str) -> None:
        """Put the texts between line ``last`` and the region."""
        lines = self.free(last, region.first)
        if region.in_macro and lines[-1:] == [region.first - 1] and (len(lines) > 1 or not closing + opening):
            self.taken.add(lines[-1])
            section = read_section(region.header)
            head = f"{section.text} {HOLE}();" if section.kind is Kind.MACRO else _MACRO
            self.put([lines.pop()], 1, f"{head} \\")
        elif region.in_macro and region.first - 1 in self.taken and "#" not in self.parts[region.first - 1][1]:
            self.put([region.first - 1], 1, " \\")
        if region.in_else and len(lines) > 1 and lines[-1] == region.first - 1:
            self.taken.add(lines[-1])
            self.put([lines.pop()], 1, f"#ifdef {HOLE}")
        self.put(lines[:1], 1, closing)
        self.put(lines[-1:], 1, opening)

    def filled(self) -> bytes:
        """All lines."""
        out = list(self.lines)
        for line, parts in self.parts.items():
            out[line - 1] = " ".join(part for part in parts if part).encode("latin-1", "replace")
        return b"\n".join(out)
