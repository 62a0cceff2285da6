"""Text from strangers made safe to print: nothing that a terminal acts on stays raw."""

from __future__ import annotations

import re

_ESCAPED_BYTE = range(0xDC80, 0xDD00)  # surrogateescape: byte 0x80..0xff is U+DC80..U+DCFF
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    r"""``text`` on one line with every character that is not printable spelled out.

    Printable is what `str.isprintable` says, so control characters, escape sequences, bidi controls,
    zero-width characters, line separators and lone surrogates come out as ``\n``, ``\x1b``, ``\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled(char) for char in text)


def encodable(text: str) -> str:
    r"""``text`` with lone surrogates spelled out (``\xff`` for a byte that did not decode), else as it is."""
    return _SURROGATE.sub(lambda match: _spelled(match.group()), text)


def _spelled(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code in _ESCAPED_BYTE:
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
