"""Length-preserving rewriting of kernel C into C that tree-sitter-c can read.

Byte offsets and line numbers never move: everything is blanked or overwritten in place. What a rewrite
hides (that a loop was a ``for_each`` macro, that a block was one arm of an ``#ifdef``) is kept in a side
table keyed by byte offset, so that the lowering can give it back its meaning.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.frontend import words

_COMMENT_OR_STRING = re.compile(rb'/(?:/[^\n]*|\*.*?(?:\*/|\Z))|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_BRACKETS = re.compile(rb'[()\[\]{}]|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
DIRECTIVE = re.compile(rb"^[ \t]*#[ \t]*(\w+)((?:\\\n|[^\n])*)", re.M)
_ATTRIBUTE = re.compile(rb"\b(?:__\w+|no(?:inline|instr|trace)\w*|asmlinkage|fastcall|_Alignas)\b")
# What stands at the start of a line is searched behind a newline: a literal to begin with makes it twice as fast.
_FILE_SCOPE = re.compile(
    rb"\n[ \t]*+(?:static[ \t]++)?+(?:const[ \t]++)?+"
    rb"(?:_*+[A-Z]{3}\w++|module_\w++|early_param|static_assert)(?=[ \t]*\()"
)
_INITCALL = re.compile(rb"\n[ \t]*\w+_initcall(?=[ \t]*\()")
_CASE_RANGE = re.compile(rb"case\b[^:;{}?\n]*?(\.\.\.)")
_CASE_MACRO = re.compile(rb"^[ \t]+([A-Z][A-Z0-9_]{3,})(?=\([^()\n]*\):[ \t]*$)", re.M)
_TYPE_ARGUMENT = re.compile(rb",\s*+((?:const\s+)?(?:struct|union|enum)\s)(?=\s*\w+([\s*]*)[,)])")
_FIRST_TYPE = re.compile(
    rb"(?:" + b"|".join(words.TYPE_FIRST) + rb")\s*\(\s*((?:struct|union|enum)\s)(?=\s*\w+([\s*]*)[,)])"
)
_TYPEOF = re.compile(rb"\b(?:__)?typeof(?:__)?\s*(?=\()")
_NAMED_NEXT = re.compile(rb"[\s*]*[A-Za-z_]")
_TYPEOF_ARGUMENT = re.compile(rb"[,(]\s*((?:__)?typeof(?:__)?)\s*(?=\()")
_PLAIN_TYPE = re.compile(
    rb"(?:,\s*+|\(\s*+(?=[\w \t]++[ \t*]*+,))"
    rb"((?:unsigned |signed )?(?:int|long|char|short|void|bool|size_t|u?int\d+_t))([\s*]*)(?=[,)])"
)
_POINTER_TYPE = re.compile(rb",\s*+\w++(\s*+\*++\s*+)(?=[,)])")
_TRAILING_COMMA = re.compile(rb",(?=\s*\))")
_ODD_NUMBER = re.compile(rb"[(,]\s*(\d)(?=[A-KM-TV-Z]\w*\s*[),])")
_OFFSETOF = re.compile(rb"offsetof(?=\s*\(\s*(struct\s|union\s)?)")
_ASM = re.compile(rb"(?:\basm|__asm__)(?:[ \t]+(?:volatile|__volatile__|inline|goto))*\s*\(")
_ASM_GOTO = re.compile(rb"asm_goto_output\b")
_ASM_CONSTRAINT = re.compile(rb"ASM_\w+,|,\s*ASM_\w+(?=\s*[:)])")
_ALIGNOF = re.compile(rb"__alignof__")
_NAME_MACRO = re.compile(rb"\b([A-Z]*NAME)(\()\w+(\))(?=\()")
_ASM_MACRO = re.compile(rb"(?:asm_safe|vmx_asm1|vmx_asm2)\s*(?=\()")
_LOOP = re.compile(rb"for_each\w*()\s*(?=\()")  # the words begin before it: list_for_each
_GUARD = re.compile(rb"scoped_(?:cond_)?guard()\s*(?=\()")
_BLOCK = re.compile(rb"\n[ \t]++(?:else[ \t]++)?+([A-Za-z_]\w{4,}+)[ \t]*+(?=\([^;{}]*\{)")
_WORD_END = re.compile(rb"\w*\Z")
_NEXT = re.compile(rb"\s*(.)", re.S)
_KEYWORDS = frozenset(b"while switch return sizeof typeof __typeof__ struct union static".split())
_OVERWRITES: tuple[tuple[bytes, re.Pattern[bytes], int, bytes], ...] = (
    (b"...", _CASE_RANGE, 1, b" + "),
    (b"):\n", _CASE_MACRO, 1, b"case"),
    (b",", _TRAILING_COMMA, 0, b" "),
    (b"", _ODD_NUMBER, 1, b"_"),
    (b"__alignof__", _ALIGNOF, 0, b"sizeof"),
    (b"asm_goto_output", _ASM_GOTO, 0, b"asm goto"),
    (b"ASM_CALL_CONSTRAINT", _ASM_CONSTRAINT, 0, b""),
)
OFFSETOF = b"offset0f"  # what offsetof() reads as: an ordinary call


@dataclass(slots=True)
class Normal:
    """Normalised text of one file and what the rewriting hid.

    ``code`` is the input without comments and with directives kept (macros are read from it); ``text`` goes to
    the parser. ``blocks``: offset of a rewritten ``while`` -> the macro's name. ``conditionals``: offset of the
    ``{`` that opens the first arm of an ``#if`` inside a body. ``dropped``: (first, last) lines of arms left out.
    """

    code: bytes
    text: bytes
    blocks: dict[int, str] = field(default_factory=dict)
    conditionals: set[int] = field(default_factory=set)
    dropped: list[tuple[int, int]] = field(default_factory=list)


def _strip(match: re.Match[bytes]) -> bytes:
    found = match.group()
    return blanks(found) if found[:1] == b"/" else found


def blanks(text: bytes) -> bytes:
    """As many blanks, with the newlines where they are."""
    return b"\n".join([b" " * len(line) for line in text.split(b"\n")])


def strip_comments(source: bytes) -> bytes:
    """The text with comments blanked; strings stay."""
    return _COMMENT_OR_STRING.sub(_strip, source)


def strip_directives(code: bytes) -> bytes:
    """The text without comments, with directives blanked."""
    return DIRECTIVE.sub(lambda match: blanks(match.group()), code)


def join_names(code: bytes) -> bytes:
    """``FNAME(walk)(...)`` as the parser sees it: ``FNAME_walk_(...)``."""
    return (
        _NAME_MACRO.sub(lambda m: m.group().replace(b"(", b"_").replace(b")", b"_"), code) if b"NAME(" in code else code
    )


def closing(text: bytes | bytearray, start: int, limit: int = 20_000) -> int:
    """Offset just behind the bracket that closes the one at ``start``, or -1."""
    depth = 0
    for match in _BRACKETS.finditer(text, start, min(len(text), start + limit)):
        kind = match.group()
        if kind in b"([{":
            depth += 1
        elif kind in b")]}":
            depth -= 1
            if depth <= 0:
                return match.end() if depth == 0 else -1
    return -1


def normalize(source: bytes, bodies: list[tuple[int, int]] | None = None) -> Normal:
    """Rewrite one file; never raises, never changes the length.

    ``bodies``: the first and last lines of the bodies of functions, where they are known from elsewhere.
    """
    if b"\r" in source or b"\0" in source or b"\f" in source:
        source = source.translate(bytes.maketrans(b"\r\0\f", b"   "))
    code = strip_comments(source)
    out = Normal(code, code)
    text = bytearray(code)
    _directives(text, out, bodies)
    _attributes(text)
    _small_rewrites(text)
    _file_scope(text)
    _asm(text)
    _type_arguments(text)
    _block_macros(text, out)
    out.text = bytes(text)
    return out


def _blank(text: bytearray, start: int, end: int) -> None:
    text[start:end] = blanks(bytes(text[start:end]))


def _attributes(text: bytearray) -> None:
    for match in _ATTRIBUTE.finditer(bytes(text)):
        word = match.group()
        if word in words.ATTRIBUTES:
            _blank(text, match.start(), match.end())
        elif word in words.ATTRIBUTES_WITH_ARGS:
            follow = _NEXT.match(text, match.end())
            end = closing(text, follow.start(1)) if follow and follow.group(1) == b"(" else match.end()
            if end > 0:
                _blank(text, match.start(), end)


def _file_scope(text: bytearray) -> None:
    """Blank macros that stand for declarations: known ones anywhere, any other alone on its line in column 0."""
    frozen = b"\n" + bytes(text)  # offsets are one more than in the text, and a match starts with the line before
    calls = _INITCALL.finditer(frozen) if b"_initcall" in frozen else ()
    for match in itertools.chain(_FILE_SCOPE.finditer(frozen), calls):
        name = match.group().split()[-1]
        known = name.startswith(words.FILE_SCOPE_MACROS)
        if not known and (match.start() + 1 < match.end() - len(name) or name.islower()):
            continue
        end = closing(frozen, frozen.index(b"(", match.start()))
        follow = _NEXT.match(frozen, end) if end > 0 else None
        if follow and follow.group(1) == b";":
            end = follow.end()
        elif not known and follow and (follow.group(1) == b"{" or b"\n" not in follow.group()):
            continue
        if end > 0:
            _blank(text, match.start(), end - 1)


def _small_rewrites(text: bytearray) -> None:
    frozen = bytes(text)
    for token, pattern, group, word in _OVERWRITES:
        if token in frozen:
            for match in pattern.finditer(frozen):
                start, end = match.span(group)
                text[start:end] = word.ljust(end - start)
    if b"NAME(" in frozen:
        for match in _NAME_MACRO.finditer(frozen):
            text[match.start(2)] = text[match.start(3)] = 95
    for match in _OFFSETOF.finditer(frozen) if b"offsetof" in frozen else ():
        text[match.start() : match.end()] = OFFSETOF
        if match.group(1):
            _blank(text, *match.span(1))


def _asm(text: bytearray) -> None:
    """Templates of inline assembly become ``""``; arguments of asm macros are blanked."""
    if b"asm" not in text:
        return
    frozen = bytes(text)
    for match in _ASM.finditer(frozen):
        end = closing(frozen, match.end() - 1)
        if end < 0:
            continue
        stop = next((m.start() for m in _ASM_COLON.finditer(frozen, match.end(), end) if m.group() == b":"), end - 1)
        first = max(frozen.find(b'"', match.end(), stop), match.end())
        if first < stop - 1 and b"\n" not in frozen[first : first + 2]:
            _blank(text, match.end(), stop)
            text[first : first + 2] = b'""'
    for match in _ASM_MACRO.finditer(frozen):
        end = closing(frozen, match.end())
        if end > 0:
            _blank(text, match.end() + 1, end - 1)


_ASM_COLON = re.compile(rb'"(?:\\.|[^"\\\n])*"|:')


def _type_arguments(text: bytearray) -> None:
    """Types among the arguments of a macro become plain names."""
    typeof = b"typeof" in text
    for pattern in (_TYPE_ARGUMENT, _FIRST_TYPE, *((_TYPEOF_ARGUMENT,) if typeof else ())):
        for match in pattern.finditer(bytes(text)):
            _blank(text, *match.span(1))
            if pattern.groups == 2:
                text[match.start(2) : match.end(2)] = match.group(2).replace(b"*", b" ")
    for match in _TYPEOF.finditer(bytes(text)) if typeof else ():
        end = closing(text, match.end())
        if end > 0 and _NAMED_NEXT.match(text, end):
            _blank(text, match.end(), end)  # typeof(expression) name: any type will do
    for match in _POINTER_TYPE.finditer(bytes(text)):
        _blank(text, *match.span(1))
    for match in _PLAIN_TYPE.finditer(bytes(text)):
        word = match.group(1)
        text[match.start(1) : match.end(1)] = b"T_" + word[2:].replace(b" ", b"_")
        text[match.start(2) : match.end(2)] = match.group(2).replace(b"*", b" ")


def _directives(text: bytearray, out: Normal, bodies: list[tuple[int, int]] | None) -> None:
    """Directives are blanked; inside a body, a well-formed conditional becomes two arms of an unknown test."""
    frozen = bytes(text)
    starts_ends = list(_bodies(frozen)) if bodies is None else _offsets(frozen, bodies)
    stack: list[list[re.Match[bytes]]] = []
    groups: list[list[re.Match[bytes]]] = []
    for match in DIRECTIVE.finditer(frozen):
        word = match.group(1)
        if word in (b"if", b"ifdef", b"ifndef"):
            stack.append([match])
        elif word in (b"else", b"elif") and stack:
            stack[-1].append(match)
        elif word == b"endif" and stack:
            groups.append([*stack.pop(), match])
        _blank(text, match.start(), match.end())
    for group in groups:
        _conditional(text, frozen, group, starts_ends, out)


def _bodies(text: bytes) -> Iterator[tuple[int, int]]:
    """From a brace in column 0 to the next that closes in column 0."""
    padded, start = b"\n" + text, 0
    while (start := padded.find(b"\n{", start)) >= 0 and (end := padded.find(b"\n}", start)) > 0:
        yield start, end + 1
        start = end + 1


def _offsets(text: bytes, bodies: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Lines to offsets."""
    starts = [0, 0, *(m.end() for m in re.finditer(rb"\n", text)), len(text)]
    return [(starts[min(a, len(starts) - 1)], starts[min(b, len(starts) - 1)]) for a, b in bodies]


def _inside(bodies: list[tuple[int, int]], start: int, end: int) -> bool:
    at = bisect.bisect_right(bodies, (start, 1 << 62)) - 1
    return at >= 0 and bodies[at][0] < start and end <= bodies[at][1]


def _never(first: re.Match[bytes]) -> bool:
    """Whether the first arm is no C at all (``#if 0``, assembly)."""
    word, rest = first.group(1), first.group(2).strip()
    return (word == b"if" and rest == b"0") or (word == b"ifdef" and rest in (b"__ASSEMBLER__", b"__ASSEMBLY__"))


def _conditional(
    text: bytearray, frozen: bytes, group: list[re.Match[bytes]], bodies: list[tuple[int, int]], out: Normal
) -> None:
    first, last = group[0], group[-1]
    if _never(first):
        _blank(text, first.end(), group[1].start())
        return
    if not _inside(bodies, first.start(), last.end()):
        return
    arms = [(a.end(), b.start()) for a, b in itertools.pairwise(group)]
    if len(arms) <= 2 and _statement_position(text, first.start()) and all(is_whole(bytes(text[a:b])) for a, b in arms):
        opening = first.start() + first.group().index(b"#")
        text[opening] = 123
        out.conditionals.add(opening)
        if len(arms) == 2:
            at = group[1].start() + group[1].group().index(b"#")
            text[at : at + 2] = b"}{"
        text[last.start() + last.group().index(b"#")] = 125
        return
    for start, end in arms[1:]:
        if frozen[start:end].strip():
            out.dropped.append((frozen.count(b"\n", 0, start) + 2, frozen.count(b"\n", 0, end)))
        _blank(text, start, end)


def _statement_position(text: bytearray, at: int) -> bool:
    before = bytes(text[max(0, at - 2000) : at]).rstrip()
    return before[-1:] in (b";", b"{", b"}", b":")


_CUT = re.compile(rb"\belse\s*$|^\s*(?:else|case|default)\b|^\s*\}")


def is_whole(arm: bytes) -> bool:
    """Whether an arm of a conditional is a sequence of whole statements."""
    if any(arm.count(a) != arm.count(b) for a, b in ((b"{", b"}"), (b"(", b")"))):
        return False
    return arm.rstrip()[-1:] in (b"", b";", b"}") and not _CUT.search(arm)


def _block_macros(text: bytearray, out: Normal) -> None:
    """``NAME(...) {`` and ``for_each_x(...) statement`` become ``while (...)``, padded to the same length."""
    frozen = bytes(text)
    loops = ((m.start() - _before(frozen, m.start()), m.end(1), m.end(), True) for m in _LOOP.finditer(frozen))
    guards = ((m.start(), m.end(1), m.end(), True) for m in _GUARD.finditer(frozen) if not _before(frozen, m.start()))
    blocks = ((m.start(1) - 1, m.end(1) - 1, m.end() - 1, False) for m in _BLOCK.finditer(b"\n" + frozen))
    for start, end, opening, loop in itertools.chain(loops, guards, blocks):
        name = frozen[start:end]
        if name in _KEYWORDS or end - start < 5 or start in out.blocks:
            continue
        behind = closing(frozen, opening)
        follow = _NEXT.match(frozen, behind) if behind > 0 else None
        if follow is None or start == frozen.rfind(b"\n", 0, start) + 1:
            continue
        if follow.group(1) == b"{" or (loop and follow.group(1) not in b";),"):
            out.blocks[start] = name.decode("ascii", "replace")
            text[start:end] = b"while".ljust(end - start)


def _before(text: bytes, at: int) -> int:
    """How many characters of a word stand before an offset in it."""
    found = _WORD_END.search(text, max(0, at - 80), at)
    return len(found.group()) if found else 0
