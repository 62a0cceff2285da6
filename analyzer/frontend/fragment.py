"""What is open at the end of a piece of C, and the words that close it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.frontend.semantics import HOLE

CALL = f"{HOLE}()"
STATEMENT = f"{CALL};"
HIDDEN_CASE = f"case {HOLE}: "
TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?|[A-Za-z_$]\w*|\d[\w.]*|<<=|>>=|\.\.\.|->|\+\+|--|&&|\|\||'
    r"[-+*/%&|^!=<>]=|<<|>>|\S"
)
OPERATORS = frozenset(
    "&& || | & ^ == != <= >= < > + - * / % ? = += -= *= /= %= &= |= ^= <<= >>= << >> , ! ~ . ->".split()
)
_INDENT = re.compile(r"[ \t]*")
_UNFINISHED = OPERATORS | {"return", "sizeof", "case", "(*)"}
_CONTROL = frozenset("if while for switch".split())
_AGGREGATES = {"struct": "struct", "union": "struct", "enum": "enum"}
_STATEMENTS = frozenset("body block switch do value".split())
_BRACES = frozenset("body block switch do value struct enum init".split())
_JUMPS = (["return"], ["goto"], ["break"], ["continue"])
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, the width of the white space its line begins with, whether its line begins with it, and the line."""

    word: str
    indent: int
    first: bool
    line: int

    @property
    def margin(self) -> bool:
        """Whether it stands in column 0."""
        return self.first and not self.indent


def tokens(code: str, start: int) -> list[Token]:
    """The words of a piece of C without comments and directives, which begins at line ``start``."""
    out: list[Token] = []
    for number, line in enumerate(code.split("\n"), start):
        if not line or line.isspace():
            continue
        blanks = _INDENT.match(line)
        indent = len(blanks.group().expandtabs()) if blanks else 0
        first = True
        for word in TOKEN.findall(line):
            out.append(Token(word, indent, first, number))
            first = False
    return out


@dataclass(slots=True)
class Level:
    """An open bracket, or the file.

    ``role``: file, body, block, switch, do, value (``({``), init, struct, enum, head (of ``if`` and the like), params,
    call, index. ``words`` are those of the statement begun in it, groups folded (``()``). ``owner`` is the name of a
    body, the keyword of a block, the first words of an aggregate. ``indent`` is that of the statement it belongs to.
    """

    role: str
    indent: int = 0
    line: int = 0
    owner: str = ""
    words: list[str] = field(default_factory=list)
    at: int = 0
    semicolons: int = 0
    left: bool = False  # the last statement in it is a jump


class Scanner:
    """Follows C text; ``levels[0]`` is the file.

    ``ended``: the names of the functions seen to end, and where; ``bodies``: the first and last lines of their bodies.
    """

    def __init__(self) -> None:
        """At the top of a file."""
        self.levels: list[Level] = [Level("file")]
        self.ended: dict[str, int] = {}
        self.bodies: list[tuple[int, int]] = []
        self.line = 1

    @property
    def open(self) -> Level | None:
        """The body, aggregate or parameter list at file scope that is open."""
        return self.levels[1] if len(self.levels) > 1 else None

    def pending(self) -> str:
        """The name of the function whose heading is begun or complete, but not its body."""
        top = self.levels[-1]
        if len(self.levels) <= 2 and (top.role == "params" or (top.role == "file" and "()" in top.words)):
            return _function_name(self.levels[0].words)
        return ""

    def feed(self, found: Iterable[Token]) -> None:
        """Go on with some words."""
        for token in found:
            top = self.levels[-1]
            word = token.word
            self.line = token.line
            if word in _OPENING:
                self._begin(top, token)
            elif word in _CLOSING:
                self._end(token)
            elif word == ";":
                top.semicolons += 1
                top.left = top.words[:1] in _JUMPS
                top.words.clear()
            elif word == ":" and _is_label(top.words):
                top.left = False
                top.words.clear()
            else:
                if token.margin and top.role == "file" and top.words[1:] == ["()"]:
                    top.words.clear()  # a macro of file scope that needs no semicolon
                if not top.words:
                    top.at = token.indent
                top.words.append(word)

    def text(self, code: str) -> None:
        """Go on with some text behind the last line."""
        self.feed(tokens(code, self.line + 1))

    def _begin(self, top: Level, token: Token) -> None:
        if not top.words:
            top.at = token.indent
        role = _brace_role(top) if token.word == "{" else "index" if token.word == "[" else _paren_role(top)
        self.levels.append(Level(role, top.at, token.line, _owner(role, top)))

    def _end(self, token: Token) -> None:
        if token.word == "}":
            floor = (
                1
                if token.margin
                else next((n for n in range(len(self.levels) - 1, 0, -1) if self.levels[n].role in _BRACES), 0)
            )
            if floor and len(self.levels) > floor:
                self.closed(floor)
        elif len(self.levels) > 1 and self.levels[-1].role not in _BRACES:
            closed = self.levels.pop()
            cast = closed.words[-1:] == ["*"]
            self.levels[-1].words.append("[]" if token.word == "]" else "(*)" if cast else "()")

    def closed(self, floor: int) -> None:
        """The level numbered ``floor`` is closed by a brace, with all inside."""
        level = self.levels[floor]
        del self.levels[floor:]
        top = self.levels[-1]
        if level.role == "body":
            self.ended[level.owner] = self.line
            self.bodies.append((level.line, self.line))
        top.left = False
        if level.role in ("body", "block", "switch"):
            top.words.clear()
        else:
            top.words.append("{}")

    # -- closing -----------------------------------------------------------------------------------------------

    def finish(self, keep: int) -> str:
        """The words that end the begun statement and close all but ``keep`` levels (the file counts)."""
        out: list[str] = []
        while True:
            top = self.levels[-1]
            out.append(_finish_statement(top))
            top.words.clear()
            if len(self.levels) <= keep:
                return "".join(out)
            out.append(_CLOSERS.get(top.role, ")"))
            self.levels.pop()
            parent = self.levels[-1]
            if top.role == "body":
                self.bodies.append((top.line, self.line + 1))
            if top.role in ("body", "block", "switch"):
                parent.words.clear()
            else:
                parent.words.append("()" if top.role not in _BRACES else "{}")


_CLOSERS = {
    "body": f" {STATEMENT} }}",
    "block": f" {STATEMENT} }}",
    "switch": f" {HIDDEN_CASE}{STATEMENT} }}",
    "do": f" {STATEMENT} }}",
    "value": f" {STATEMENT} }}",
    "struct": " }",
    "enum": " }",
    "init": " }",
    "index": "]",
}


def _is_label(seen: list[str]) -> bool:
    return bool(seen) and (seen[0] in ("case", "default") or len(seen) == 1) and "?" not in seen


def _function_name(seen: list[str]) -> str:
    """The word before the first parentheses that are no attribute's."""
    at = seen.index("()") if "()" in seen else len(seen)
    return seen[at - 1] if at and (seen[at - 1][0].isalpha() or seen[at - 1][0] == "_") else ""


def _owner(role: str, top: Level) -> str:
    if role == "body":
        return _function_name(top.words)
    if role in ("struct", "enum", "init"):
        return " ".join(top.words)
    return next((w for w in reversed(top.words) if w in _CONTROL or w in ("do", "else")), "")


def _paren_role(top: Level) -> str:
    last = top.words[-1] if top.words else ""
    if last in _CONTROL:
        return "head"
    return "params" if top.role == "file" and last else "call"


def _brace_role(top: Level) -> str:
    """What a ``{`` opens, by the words before it in its statement."""
    seen = top.words
    if top.role in ("file", "struct"):
        return _file_brace(seen)
    if top.role in ("init", "enum"):
        return "init"
    if not seen:
        return "value" if top.role not in _STATEMENTS else "block"
    if seen[-1] == "do":
        return "do"
    if seen[-1] == "()" and _is_control(seen):
        return "switch" if seen[-2] == "switch" else "block"
    if seen[-1] in ("=", "()", "[]", ",") or top.role not in _STATEMENTS:
        return "init"
    return _AGGREGATES.get(next((w for w in seen if w in _AGGREGATES), ""), "block")


def _file_brace(seen: list[str]) -> str:
    if "=" in seen:
        return "init"
    if "()" in seen:
        return "body"
    return _AGGREGATES.get(next((w for w in seen if w in _AGGREGATES), ""), "block")


def _is_control(seen: list[str]) -> bool:
    """``if ()``, ``for_each_x ()``, ``else if ()``, ``if () while ()``: a block follows, no initialiser."""
    if len(seen) < 2 or not (seen[-2][0].isalpha() or seen[-2][0] == "_") or seen[-2] in ("return", "sizeof"):
        return False
    return seen[-2] in _CONTROL or len(seen) == 2 or seen[-3] in ("()", "else", "do")


def _finish_statement(level: Level) -> str:
    if level.role in _STATEMENTS:
        return _finish_plain(level.words)
    if level.role == "file":
        return _finish_declaration(level.words)
    if level.role == "struct":
        return " ;" if level.words else ""
    operand = _operand(level.words)
    if level.role == "head" and level.owner == "for":
        return operand + " ;" * max(0, 2 - level.semicolons)
    if level.role == "head" and not level.words:
        return CALL
    if level.role == "params":
        return " ..." if level.words[-1:] == [","] else ""
    return operand if level.words[-1:] != [","] or level.role == "call" else ""


def _operand(seen: list[str]) -> str:
    """What an expression that breaks off lacks."""
    out = f" {CALL}" if seen and (seen[-1] in _UNFINISHED or seen[-1] == ":") else ""
    return out + f" : {CALL}" * max(0, seen.count("?") - seen.count(":"))


def _finish_plain(seen: list[str]) -> str:
    """What a statement in a body lacks; a controlled statement that is not known is empty."""
    if not seen:
        return ""
    last = seen[-1]
    if seen[0] == "do" and "{}" in seen:
        return f" while ({CALL});" if last == "{}" else f" ({CALL});" if last == "while" else ";"
    if last == "do":
        return f" ; while ({CALL});"
    if last in _CONTROL:
        return f" ({CALL};{CALL};{CALL}) ;" if last == "for" else f" ({CALL}) ;"
    if seen[0] in ("case", "default") and ":" not in seen:
        return f"{_operand(seen)}: ;"
    return f"{_operand(seen)} ;"


def _finish_declaration(seen: list[str]) -> str:
    if not seen:
        return ""
    if seen[-1] in OPERATORS:
        return f" {CALL};" if "=" in seen else f" {HOLE};"
    return ";" if len(seen) > 1 else f" {HOLE};"
