"""The text of definitions: a cheap look before a body is lowered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analyses.facts import Facts
from analyzer.ir.program import Definition

_NEWLINE = re.compile("\n")
_LABEL = re.compile(r"^[ \t]*([a-z_]\w*):(?!:)", re.M)
_GOTO = re.compile(r"\bgoto\s+(\w+)")
_LOOP = re.compile(r"\bwhile\b|\bfor\s*\(\s*;;|\bfor\s*\([^;]*;[^;]*;\s*\)")


def bodies(facts: Facts) -> Iterator[tuple[Definition, str]]:
    """Every function with its text, without comments."""
    codes: dict[str, tuple[str, list[int]]] = {}
    for key in sorted(facts.program.definitions):
        found = facts.program.definitions[key]
        if found.kind == "function":
            if found.path not in codes:
                code = facts.program.code(found.path)
                codes[found.path] = (code, [0, *(m.end() for m in _NEWLINE.finditer(code)), len(code)])
            code, starts = codes[found.path]
            last = len(starts) - 1
            yield found, code[starts[min(found.line - 1, last)] : starts[min(found.end_line, last)]]


def all_bodies(facts: Facts) -> tuple[tuple[Definition, str], ...]:
    """The same, made once for all rules."""
    return facts.solve("bodies", lambda: tuple(bodies(facts)))


def goes_back(text: str) -> bool:
    """Whether a body can run a statement again uncounted: ``while``, ``for (;;)``, a goto to an earlier label."""
    if _LOOP.search(text):
        return True
    if "goto" not in text:
        return False
    labels = {m.group(1): m.start() for m in _LABEL.finditer(text)}
    return any(labels.get(m.group(1), m.end()) < m.start() for m in _GOTO.finditer(text))


_DECLARED = re.compile(
    r"^[ \t]*(?:const\s+)?((?:bool|u8|u16|u32|u64|unsigned(?: char| short| int| long)*|size_t|uint\d+_t)(?=\s))\s+"
    r"([^;(){}]*?(?:=[^;]*)?);",
    re.M,
)
_MEMBER = re.compile(
    r"(?:^\t+|[{;][ \t]+)(?:const\s+)?(bool|u8|u16|int|long|s32|s64|u32|u64|unsigned(?: char| short| int)?)\s+"
    r"(\w+(?:\s*,\s*\w+)*)\s*(?::\s*\d+)?(?=;)",
    re.M,
)
_STRUCT = re.compile(r"^(?:typedef\s+)?(?:struct|union)\s*(\w*)\s*\{(?:[^\n]*\};$|.*?^\})", re.M | re.S)


def heading_type(definition: Definition, text: str) -> str:
    """The words before the name of a function."""
    end = text.find(definition.name)
    return text[:end].strip() if end > 0 else ""


def narrow_names(text: str) -> list[str]:
    """The variables of a body that are declared with an unsigned or a boolean type."""
    found: list[str] = []
    for match in _DECLARED.finditer(text):
        for part in re.sub(r"\([^()]*\)", "", match.group(2)).split(","):
            name = part.split("=")[0].strip()
            if re.fullmatch(r"\w+", name):
                found.append(name)
    return found


def narrow_fields(facts: Facts) -> dict[str, str]:
    """Members as ``struct.name``, and by name alone where all structs that have one agree -> their type."""
    return facts.solve("narrow fields", lambda: _members(facts))


def _members(facts: Facts) -> dict[str, str]:
    types: dict[str, set[str]] = {}
    for path in facts.program.files:
        for struct in _STRUCT.finditer(facts.program.code(path)):
            for match in _MEMBER.finditer(struct.group()):
                for name in match.group(2).split(","):
                    types.setdefault(name.strip(), set()).add(match.group(1))
                    if struct.group(1):
                        types.setdefault(f"{struct.group(1)}.{name.strip()}", set()).add(match.group(1))
    return {name: kinds.pop() for name, kinds in types.items() if len(kinds) == 1}
