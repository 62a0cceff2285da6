"""Unit: one parsed file with what it defines and declares, before any body is lowered."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter

from analyzer.core.problem import Problem, ProblemKind
from analyzer.frontend.macros import Macro, Where, read_classes, read_macros
from analyzer.frontend.nodes import function_declarator
from analyzer.frontend.normalize import Normal, closing, normalize
from analyzer.frontend.parser import parse
from analyzer.frontend.partial import complete_with_bodies
from analyzer.frontend.semantics import CONVERSIONS, HOLE, UNKNOWN
from analyzer.ir.program import Definition, Prototype, TableEntry
from analyzer.ir.types import Param
from analyzer.tree.snapshot import SourceFile

_WORD = re.compile(r"[A-Za-z_]\w+")
_INITIALISER = re.compile(r"\.\s*(\w+)\s*=\s*&?\s*(\w+)\s*(\(\s*(\w+)\s*\))?\s*[,}]")
_ASSIGNMENT = re.compile(r"(?:\.|->)\s*(\w+)\s*=\s*&?\s*([A-Za-z_]\w*)\s*;")
_CHOICE = re.compile(r"\?\s*&?\s*([A-Za-z_]\w*)\s*:\s*&?\s*([A-Za-z_]\w*)\s*[,;}]")
_CHOSEN_FOR = re.compile(r"(?:\.|->)\s*(\w+)\s*=[^,;{}=?]*$")
_ENUM = re.compile(r"enum\b(?<!\wenum)[^{};()=]*\{([^{}]*)\}")  # a literal to begin with makes it fast
_EXPORT = re.compile(r"^EXPORT_SYMBOL\w*\(\s*(\w+)", re.M)
_BLANKS = re.compile(r"\s+")
_EMPTY_LINE = re.compile(rb"\n[ \t]*\n")
_POINTER_MEMBER = re.compile(
    rb"^[ \t]+(?!typedef\b|return\b|static\b)((?:[A-Za-z_]\w*[ \t*]+)+)\(\s*\*\s*([A-Za-z_]\w*)\s*\)\s*\(", re.M
)
_OP_LINE = re.compile(rb"^[ \t]*(KVM_X86(?:_\w+)?_OP(?:_OPTIONAL)?(?:_RET0)?)\(\s*(\w+)\s*\)", re.M)
_QUALIFIERS = re.compile(r"\b(?:static|inline|extern|__always_inline|__init|__exit|__must_check|__weak|noinline)\b")


@dataclass(slots=True)
class Unit:
    """One file: ``text`` is what the parser saw; offsets in it are offsets in ``code`` (words untouched)."""

    path: str
    text: bytes
    code: bytes
    tree: tree_sitter.Tree
    blocks: dict[int, str]
    conditionals: set[int]
    partial: bool
    nodes: dict[str, tree_sitter.Node] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    macros: list[Macro] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lines: int = 0
    errors: int = 0
    exported: frozenset[str] = frozenset()
    declared: list[Prototype] | None = None  # kept by prototypes() and fields(): a series asks at each step
    pointers: list[Prototype] | None = None
    stored: list[tuple[str, str, str, int, str]] | None = None  # (field, name, macro argument, line, how); see tables()
    values: dict[str, int] | None = None
    shown: str | None = None

    def locate(self, offset: int) -> Where:
        """(line, column, no frames)."""
        start = self.text.rfind(b"\n", 0, offset)
        return self.line_of(offset), offset - start, ()

    def line_of(self, offset: int) -> int:
        """The line of a byte offset, from 1."""
        return bisect.bisect_right(self.line_starts, offset)

    line_starts: list[int] = field(default_factory=list)
    holes: tuple[tuple[int, int], ...] = ()

    def holed(self, first: tree_sitter.Node, last: tree_sitter.Node | None = None) -> bool:
        """Whether a hole runs through the lines from the start of one node to the end of another (or the same)."""
        start, end = first.start_point[0] + 1, (last or first).end_point[0] + 1
        return any(a <= end and start <= b for a, b in self.holes)

    def known_from(self, line: int) -> int:
        """The line, or the first known one behind the hole it is in."""
        return next((b + 1 for a, b in self.holes if a <= line <= b), line)

    def known_until(self, line: int) -> int:
        """The line, or the last known one before the hole it is in."""
        return next((a - 1 for a, b in self.holes if a <= line <= b), line)

    def known(self) -> str:
        """The text without comments, with holes empty."""
        if self.shown is None:
            self.shown = self._known()
        return self.shown

    def _known(self) -> str:
        code = self.code.decode("latin-1")
        if not self.holes:
            return code
        lines = code.split("\n")
        for first, last in self.holes:
            for line in range(first, min(last, len(lines)) + 1):
                lines[line - 1] = ""
        return "\n".join(lines)


def read_unit(source: SourceFile) -> Unit:
    """Normalise and parse a file and list its definitions. Never raises on text."""
    text, bodies = complete_with_bodies(source) if source.partial else (source.text, None)
    normal = normalize(text, bodies)
    unit = Unit(
        source.path, normal.text, normal.code, parse(normal.text), normal.blocks, normal.conditionals, source.partial
    )
    unit.holes = source.holes
    unit.line_starts = [0, *(m.end() for m in re.finditer(rb"\n", normal.text))]
    unit.lines = len(unit.line_starts) - 1
    code = normal.code.decode("latin-1")
    macros = (m for m in read_macros(code, source.path) if m.name not in CONVERSIONS)
    unit.macros = [*macros, *read_classes(code, source.path)]
    unit.exported = frozenset(_EXPORT.findall(code))
    _dropped(unit, normal)
    for node in unit.tree.root_node.named_children:
        if node.type == "function_definition":
            _function(unit, node, code)
        elif node.has_error:
            for inner in _functions_below(node):
                _function(unit, inner, code)
    for macro in unit.macros:
        _macro(unit, macro)
    return unit


def _dropped(unit: Unit, normal: Normal) -> None:
    for first, last in normal.dropped:
        detail = f"lines {first}-{last}: an #else arm that cuts through statements is not looked at"
        unit.problems.append(Problem(ProblemKind.UNPARSED, unit.path, detail))


def _functions_below(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    found = []
    for child in node.named_children:
        if child.type == "function_definition":
            found.append(child)
        elif child.has_error:
            found += _functions_below(child)
    return found


def _function(unit: Unit, node: tree_sitter.Node, code: str) -> None:
    declarator = function_declarator(node)
    body = node.child_by_field_name("body")
    if declarator is None or body is None:
        return
    name_node = declarator.child_by_field_name("declarator")
    name = unit.text[name_node.start_byte : name_node.end_byte].decode("ascii", "replace") if name_node else ""
    if not name.isidentifier():
        return
    _unread(unit, node, name, body.has_error)
    words = unit.text[body.start_byte : body.end_byte].decode("latin-1")
    hidden = tuple(name for at, name in unit.blocks.items() if body.start_byte <= at < body.end_byte)
    known = unit.definitions.get(name)
    if (
        known is not None
        and known.kind == "function"
        and known.end_line - known.line >= node.end_point[0] - node.start_point[0]
    ):
        return
    head = code[node.start_byte : declarator.start_byte]
    line = code.rfind("\n", 0, node.start_byte) + 1  # __weak is blanked, and may stand before the type
    unit.nodes[name] = node
    unit.definitions[name] = Definition(
        name,
        unit.path,
        unit.known_from(unit.line_of(name_node.start_byte)) if name_node else 0,
        unit.known_until(node.end_point[0] + 1),
        "static" in head,
        "function",
        frozenset((*_WORD.findall(words), *hidden)),
        hash((words, code[node.start_byte : body.end_byte])),
        "__weak" in code[line : declarator.start_byte],
    )


def _unread(unit: Unit, node: tree_sitter.Node, name: str, broken: bool) -> None:
    """Note what is not known of a function."""
    line = node.start_point[0] + 1
    if name.startswith(UNKNOWN):
        detail = "a hunk stands in a function whose name is not known"
        unit.problems.append(Problem(ProblemKind.UNPARSED, f"{unit.path}:{unit.known_from(line)}", detail))
    if broken:
        unit.errors += 1
        detail = f"{name}(): parts of the body could not be parsed"
        unit.problems.append(Problem(ProblemKind.UNPARSED, f"{unit.path}:{line}", detail))


def _macro(unit: Unit, macro: Macro) -> None:
    if macro.params is None or macro.name in unit.definitions or not macro.acts:
        return
    end = unit.known_until(macro.line + macro.body.count("\n"))
    words = frozenset(_WORD.findall(macro.body))
    unit.definitions[macro.name] = Definition(
        macro.name, unit.path, macro.line, end, True, "macro", words, hash((macro.body, macro.params))
    )


# -- prototypes --------------------------------------------------------------------------------------------------


def prototypes(unit: Unit) -> list[Prototype]:
    """Declarations and definitions of functions with their types as written."""
    if unit.declared is not None:
        return unit.declared
    found = unit.declared = []
    for node in unit.tree.root_node.named_children:
        if node.type in ("declaration", "function_definition"):
            declarator = function_declarator(node)
            if declarator is not None:
                made = _prototype(unit, node, declarator)
                if made is not None:
                    found.append(made)
    return found


def _prototype(unit: Unit, node: tree_sitter.Node, declarator: tree_sitter.Node) -> Prototype | None:
    name_node = declarator.child_by_field_name("declarator")
    params_node = declarator.child_by_field_name("parameters")
    if name_node is None or params_node is None or name_node.type != "identifier":
        return None
    code = unit.code
    head = unit.text[node.start_byte : name_node.start_byte].decode("latin-1")
    params = split_params(code[params_node.start_byte + 1 : params_node.end_byte - 1].decode("latin-1"))
    name = code[name_node.start_byte : name_node.end_byte].decode("latin-1")
    line = unit.line_of(name_node.start_byte)
    returns = fold(_QUALIFIERS.sub("", head))
    cut = unit.holed(node, params_node)
    return Prototype(name, unit.path, line, returns, params, node.type == "function_definition", "static" in head, cut)


def _holed(words: bytes) -> bool:
    """Whether a hole may run through a declaration: it is an empty line there, or was filled."""
    return _EMPTY_LINE.search(words) is not None or HOLE.encode() in words


def fields(unit: Unit) -> list[Prototype]:
    """Members of structs that point to functions, and the lines of op lists that name them."""
    if unit.pointers is not None:
        return unit.pointers
    code = unit.code
    bodies = [(n.start_byte, n.end_byte) for n in unit.nodes.values()]
    found = unit.pointers = []
    for match in _POINTER_MEMBER.finditer(code):
        start, end = match.end() - 1, closing(code, match.end() - 1)
        if end < 0 or code[end:].lstrip()[:1] != b";" or any(a <= start < b for a, b in bodies):
            continue
        returns, name = fold(match.group(1).decode("latin-1")), match.group(2).decode("latin-1")
        params = split_params(code[start + 1 : end - 1].decode("latin-1"))
        cut = unit.partial and _holed(code[match.start(1) : end])
        found.append(Prototype(name, unit.path, unit.line_of(match.start(2)), returns, params, False, False, cut))
    for match in _OP_LINE.finditer(code):
        macro, name = match.group(1).decode("latin-1"), match.group(2).decode("latin-1")
        found.append(Prototype(name, unit.path, unit.line_of(match.start(1)), macro, (), True, False))
    return found


def fold(text: str) -> str:
    """Single blanks, ``*`` set off from the word before it."""
    return _BLANKS.sub(" ", text.replace("*", " * ")).replace("* *", "**").strip()


def split_params(text: str) -> tuple[Param, ...]:
    """``int a, struct page *p`` to parameters; ``void`` and ``...`` are no parameters."""
    out, depth, start = [], 0, 0
    for index, char in enumerate(text + ","):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            part, start = text[start:index], index + 1
            made = _param(part)
            if made is not None:
                out.append(made)
    return tuple(out)


_FUNCTION_POINTER = re.compile(r"^(.*?)\(\s*\*\s*(\w*)\s*\)\s*(\(.*\))$", re.S)
_NAMED = re.compile(r"^(.*?[\s*])([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)$", re.S)
_TYPE_WORDS = frozenset("int long char short unsigned signed void bool float double".split())


def _param(text: str) -> Param | None:
    text = _BLANKS.sub(" ", _QUALIFIERS.sub("", text)).strip()
    if text in ("", "void", "..."):
        return None
    pointer = _FUNCTION_POINTER.match(text)
    if pointer:
        return Param(pointer.group(2), fold(f"{pointer.group(1)}(*){pointer.group(3)}"))
    named = _NAMED.match(text)
    if named and named.group(2) not in _TYPE_WORDS and not re.fullmatch(r"(?:struct|union|enum)\s*", named.group(1)):
        return Param(named.group(2), fold(named.group(1) + ("*" if named.group(3) else "")))
    return Param("", fold(text))


# -- tables and constants ----------------------------------------------------------------------------------------


def tables(unit: Unit, known: frozenset[str], named: dict[str, Macro]) -> list[TableEntry]:
    """Functions stored in fields, by initialiser or by assignment."""
    if unit.stored is None:
        code = unit.text.decode("latin-1")
        unit.stored = [
            (m.group(1), m.group(2), (m.group(4) or "") if how == "initialiser" else "", unit.line_of(m.start()), how)
            for pattern, how in ((_INITIALISER, "initialiser"), (_ASSIGNMENT, "assignment"))
            for m in pattern.finditer(code)
        ]
        unit.stored += _choices(unit, code)
    found = []
    for member, name, argument, line, how in unit.stored:
        function = _pasted(named.get(name), argument, known) if argument else name
        if function in known:
            found.append(TableEntry(member, function, unit.path, line, how))
    return found


def _choices(unit: Unit, code: str) -> Iterator[tuple[str, str, str, int, str]]:
    """``.member = condition ? one : other``."""
    for choice in _CHOICE.finditer(code):
        member = _CHOSEN_FOR.search(code, max(0, choice.start() - 120), choice.start())
        if member is not None:
            how = "initialiser" if member.group()[0] == "." else "assignment"
            yield from ((member.group(1), name, "", unit.line_of(choice.start()), how) for name in choice.groups())


def _pasted(macro: Macro | None, argument: str, known: frozenset[str]) -> str:
    """``vt_op(x)`` where ``#define vt_op(name) vt_##name``: the function it names."""
    if macro is None or len(macro.params or ()) != 1:
        return ""
    param = (macro.params or ("",))[0]
    pasted = re.sub(rf"\s*##\s*{re.escape(param)}\b|\b{re.escape(param)}\s*##\s*", argument, macro.body).strip()
    return next((w for w in _WORD.findall(pasted) if w in known), "")


def constants(unit: Unit) -> dict[str, int]:
    """Enumerators and object-like macros that are plain integers."""
    if unit.values is None:
        unit.values = _constants(unit)
    return unit.values


def _constants(unit: Unit) -> dict[str, int]:
    values: dict[str, int] = {}
    for macro in unit.macros:
        if macro.params is None:
            number = _integer(macro.body.strip(), values)
            if number is not None:
                values[macro.name] = number
    for match in _ENUM.finditer(unit.code.decode("latin-1")):
        following: int | None = 0
        for entry in match.group(1).split(","):
            name, _, value = (s.strip() for s in entry.partition("="))
            if not name.isidentifier():
                continue
            number = _integer(value, values) if value else following
            following = None if number is None else number + 1
            if number is not None:
                values[name] = number
    return values


_BIT = re.compile(r"^\(?\s*(?:BIT|BIT_ULL|_BITUL|_BITULL)\s*\(\s*(\d+)\s*\)\s*\)?$")
_SHIFT = re.compile(r"^\(?\s*(\d+)[UL]*\s*<<\s*(\d+)\s*\)?$")


def _integer(text: str, known: dict[str, int]) -> int | None:
    bit, shift = _BIT.match(text), _SHIFT.match(text)
    if bit:
        return 1 << int(bit.group(1)) if int(bit.group(1)) < 64 else None
    if shift:
        return int(shift.group(1)) << int(shift.group(2)) if int(shift.group(2)) < 64 else None
    if "|" in text:
        parts = [_integer(p.strip(" ()"), known) for p in text.split("|")]
        total = 0
        for part in parts:
            if part is None:
                return None
            total |= part
        return total
    bare = text.strip("() ")
    if bare in known:
        return known[bare]
    try:
        return int(bare.rstrip("uUlL"), 0)
    except ValueError:
        return None
