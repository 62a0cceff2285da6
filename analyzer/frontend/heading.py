"""What the function text behind the ``@@`` of a hunk says: a function, an aggregate, a macro, or nothing of use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from analyzer.frontend import words


class Kind(StrEnum):
    """What a section line opens; NONE also for text that ends on its own line."""

    FUNCTION = "function"
    STRUCT = "struct"
    ENUM = "enum"
    INIT = "init"
    MACRO = "macro"
    INVOCATION = "invocation"  # a file-scope macro with arguments: TRACE_EVENT(...)
    ENDED = "ended"  # a declaration or a definition that is over at the end of the line, or a line of a macro
    LABEL = "label"
    TYPE = "type"  # the return type on a line of its own
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Section:
    """``text`` opens what the line opens (for a function ``type name(`` and the parameters known in full).

    ``begun``: the bracket of the parameters is still open at the end of the line.
    """

    kind: Kind
    name: str = ""
    text: str = ""
    begun: bool = False


NOTHING = Section(Kind.NONE)
NO_TYPE = "__nak_type__"  # stands for a return type that is on a line not known
_NAME_MACRO = re.compile(r"(?a)\b([A-Z]*NAME)\((\w+)\)(?=\()")  # FNAME(walk)(...): as the parser sees it
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|//.*$")
_MACRO = re.compile(r"(?a)^#\s*define\s+(\w+)(\([\w\s,.]*\))?(?=\W|$)")
_LABEL = re.compile(r"(?a)^[A-Za-z_]\w*\s*:(?!:)")
_AGGREGATE = re.compile(r"(?a)^(?:(?:typedef|static|const|extern)\s+)*(struct|union|enum)\b\s*(\w*)[^()=;{]*\{?$")
_INIT = re.compile(r"(?a)^[A-Za-z_][\w\s*]*?(\w+)\s*((?:\[[^]]*\]|__\w+(?:\([^)]*\))?|\s)*)=\s*(?:\{|$)")
_POINTER_INIT = re.compile(r"(?a)^[A-Za-z_][\w\s*]*\(\s*\*\s*(?:const\s+)?(\w+)[\w\s*\[\]().,]*=\s*(?:\{|$)")
_TYPE = re.compile(r"(?a)(?:static |extern |inline |const )*(?:unsigned |struct |enum )?[a-z_]\w*[ *]*")
_CALLED = re.compile(r"(?a)([A-Za-z_]\w*)\s*\(")
_PREFIX = re.compile(r"(?a)[A-Za-z_][\w\s*]*|")
_PARAMETERS = re.compile(r"(?a)[\w\s*,\[\].()]*")
_ATTRIBUTES = frozenset(w.decode("ascii") for w in words.ATTRIBUTES_WITH_ARGS)
_FILE_SCOPE = tuple(w.decode("ascii") for w in words.FILE_SCOPE_MACROS)
_BEHIND = re.compile(r"(?a)\s*(?:\{|__|[A-Z]{2}|$)")  # what may follow the parameters of a function
_NO_HEADING = frozenset("if for while switch return sizeof do else goto case typeof __typeof__".split())
_NO_NAME = _NO_HEADING | frozenset("void int long bool".split())
_TRUNCATED = 78  # git cuts the text at 80 bytes and strips the blanks at its end
_MOST_WORDS = 8  # before the name of a function; more is prose


def read_section(line: str) -> Section:
    """Read the text of a hunk header; anything may stand in it."""
    text = _NAME_MACRO.sub(r"\1_\2_", " ".join(_COMMENT.sub(" ", line).split()))
    macro = _MACRO.match(text)
    if macro:
        return Section(Kind.MACRO, macro.group(1), macro.group())
    if not text or not (text[0].isalpha() or text[0] in "_$"):
        return NOTHING
    if text.endswith((";", "\\")):
        return Section(Kind.ENDED)
    if _LABEL.match(text):
        return Section(Kind.LABEL)
    if _TYPE.fullmatch(text):
        return Section(Kind.TYPE, "", text)
    return _aggregate(text) or _function(text, len(line.strip()) >= _TRUNCATED) or NOTHING


def _aggregate(text: str) -> Section | None:
    found = _AGGREGATE.match(text)
    if found:
        kind = Kind.ENUM if found.group(1) == "enum" else Kind.STRUCT
        return Section(kind, found.group(2), f"{found.group(1)} {found.group(2)} {{")
    found = _INIT.match(text) or _POINTER_INIT.match(text)
    if found:
        return Section(Kind.INIT, found.group(1), found.group().rstrip("{ ") + " {")
    return None


def _function(text: str, cut: bool) -> Section | None:
    called = next((m for m in _CALLED.finditer(text) if m.group(1) not in _ATTRIBUTES), None)
    if called is None or called.group(1) in _NO_NAME:
        return None
    name = called.group(1)
    end = _balanced(text, called.end())
    if name.startswith(_FILE_SCOPE):
        return Section(Kind.ENDED if end > 0 else Kind.INVOCATION, name, f"{name}(")
    before = _without_attributes(text[: called.start()])
    if not _PREFIX.fullmatch(before) or len(before.split()) > _MOST_WORDS or set(before.split()) & _NO_HEADING:
        return None
    if end > 0 and not _BEHIND.match(text, end):
        return None
    brace = text.find("{", end) if end > 0 else -1
    if brace > 0 and (cut or text[brace:].count("{") == text[brace:].count("}")) and not text.endswith("{"):
        return Section(Kind.ENDED)
    inside = text[called.end() : end - 1] if end > 0 else text[called.end() :]
    heading = f"{before.strip() or NO_TYPE} {name}({_complete(inside, end < 0)}"
    return Section(Kind.FUNCTION, name, heading, end < 0)


def _without_attributes(text: str) -> str:
    for found in reversed(list(_CALLED.finditer(text))):
        end = _balanced(text, found.end())
        text = text[: found.start()] + (text[end:] if end > 0 else "")
    return text


def _balanced(text: str, start: int) -> int:
    """The offset behind the bracket that closes the one before ``start``, or -1."""
    depth = 1
    for index in range(start, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return index + 1
    return -1


def _complete(inside: str, begun: bool) -> str:
    """The parameters that are known in full: what follows the last comma of an open list may be cut off."""
    if not _PARAMETERS.fullmatch(inside):
        return ""
    if begun:
        while inside.count("(") > inside.count(")"):
            inside = inside[: inside.rfind("(")]
        inside = inside[: inside.rfind(",")] if "," in inside else ""
    return inside if inside.count("(") == inside.count(")") else ""
