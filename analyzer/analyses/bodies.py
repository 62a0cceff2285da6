"""The text of definitions: a cheap look before a body is lowered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from analyzer.analyses.facts import Facts
from analyzer.ir.program import Definition, Program

_NEWLINE = re.compile("\n")
_LABEL = re.compile(r"^[ \t]*([a-z_]\w*):(?!:)", re.M)
_GOTO = re.compile(r"\bgoto\s+(\w+)")
_LOOP = re.compile(r"\bwhile\b|\bfor\s*\(\s*;;|\bfor\s*\([^;]*;[^;]*;\s*(?:\)|\w+ = \w+\()")


Bodies = tuple[tuple[Definition, str], ...]


def text_of(program: Program, found: Definition) -> str:
    """The text of a definition, without comments."""
    code = program.code(found.path)
    starts = _lines(code)
    last = len(starts) - 1
    return code[starts[min(found.line - 1, last)] : starts[min(found.end_line, last)]]


# What is read off a text is kept by the text: most are the same from one state of a series to the next.
@lru_cache(maxsize=2048)
def _lines(code: str) -> tuple[int, ...]:
    """Where the lines of a file start, and where it ends."""
    return (0, *(m.end() for m in _NEWLINE.finditer(code)), len(code))


def all_bodies(facts: Facts) -> Bodies:
    """Every function with its text, without comments, in a stable order."""
    return facts.solve("bodies", lambda: tuple(_bodies(facts)))


def _bodies(facts: Facts) -> Iterator[tuple[Definition, str]]:
    """The same; the texts of files that an earlier program had are the same objects, which are told apart quickly."""
    program = facts.program
    left: dict[str, tuple[str, Bodies]] = program.left.setdefault("bodies", {})  # type: ignore[assignment]
    for path, found in groupby(facts.functions, lambda d: d.path):
        code = program.code(path)
        if path not in left or left[path][0] is not code:
            left[path] = (code, tuple((d, text_of(program, d)) for d in found))
        yield from left[path][1]


@lru_cache(maxsize=1 << 14)
def goes_back(text: str) -> bool:
    """Whether a body can run a statement again uncounted: ``while``, ``for (;;)``, a goto to an earlier label."""
    if _LOOP.search(text):
        return True
    if "goto" not in text:
        return False
    labels = {m.group(1): m.start() for m in _LABEL.finditer(text)}
    return any(labels.get(m.group(1), m.end()) < m.start() for m in _GOTO.finditer(text))


_DECLARED = re.compile(
    r"^[ \t]*(?:(?:const|static)\s+)*"
    r"((?:bool|u8|u16|u32|u64|unsigned(?: char| short| int| long)*|size_t|uint\d+_t)(?=\s))\s+"
    r"([^;(){}]*?(?:=[^;]*)?);",
    re.M,
)
_MEMBER = re.compile(
    r"(?:^\t+|[{;][ \t]+)(?:const\s+)?(bool|u8|u16|int|long|s32|s64|u32|u64|unsigned(?: char| short| int)?)\s+"
    r"(\w+(?:\s*,\s*\w+)*)\s*(?::\s*\d+)?(?=;)",
    re.M,
)
_STRUCT = re.compile(r"^(?:typedef\s+)?(?:struct|union)\s*(\w*)\s*\{(?:[^\n]*\};$|.*?^\})", re.M | re.S)
_CALLED = re.compile(r"(?<!\w)(\w+)\s*+\(")
_INT_PARAMETER = re.compile(r"\b(?:int|long) (\w+)\s*[,)]")


def heading_type(definition: Definition, text: str) -> str:
    """The words before the name of a function."""
    return _before(definition.name, text)


@lru_cache(maxsize=1 << 14)
def _before(name: str, text: str) -> str:
    for found in _CALLED.finditer(text):  # the type may have a word like it
        if found[1] == name:
            return text[: found.start()].strip()
    return ""


def signed_params(text: str) -> list[str]:
    """The parameters of a function that are int or long."""
    return _INT_PARAMETER.findall(text[: text.find("{")])


@lru_cache(maxsize=1 << 14)
def narrow_names(text: str) -> tuple[str, ...]:
    """The variables of a body that are declared with an unsigned or a boolean type."""
    found: list[str] = []
    for match in _DECLARED.finditer(text):
        for part in re.sub(r"\([^()]*\)", "", match.group(2)).split(","):
            name = part.split("=")[0].strip()
            if re.fullmatch(r"\w+", name):
                found.append(name)
    return tuple(found)


def narrow_fields(facts: Facts) -> dict[str, str]:
    """Members as ``struct.name``, and by name alone where all structs that have one agree -> their type."""
    return facts.solve("narrow fields", lambda: _members(facts))


def _members(facts: Facts) -> dict[str, str]:
    types: dict[str, set[str]] = {}
    for path in facts.program.files:
        for name, kind in _members_of(facts.program.code(path)):
            types.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in types.items() if len(kinds) == 1}


@lru_cache(maxsize=2048)
def _members_of(code: str) -> tuple[tuple[str, str], ...]:
    """The members of the structs of a file, each with its type: by name, and by struct and name."""
    found: list[tuple[str, str]] = []
    for struct in _STRUCT.finditer(code):
        for match in _MEMBER.finditer(struct.group()):
            names = [name.strip() for name in match.group(2).split(",")]
            found += [(name, match.group(1)) for name in names]
            found += [(f"{struct.group(1)}.{name}", match.group(1)) for name in names if struct.group(1)]
    return tuple(found)
