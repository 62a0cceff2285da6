"""The trailer block at the end of a commit message."""

from __future__ import annotations

import re

_KNOWN = re.compile(
    r"[ \t]{0,4}((?:[A-Za-z]+-)*[A-Za-z]+-by|fixes|link|closes|cc|references|buglink|bugzilla|message-id|"
    r"change-id|depends-on|based-on|assisted-by|cherry-picked-from|upstream)[ \t]*:[ \t]*(.*)",
    re.IGNORECASE,
)
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]+(\S.*)")
_NOTE = re.compile(r"\[[^\[\]]*\]\s*\Z|\[[^\[\]]{1,40}: [^\[\]]*\Z|\(cherry picked from commit [0-9a-f]+\)")

_Line = tuple[str, str]  # (key, value); key "" for a note line


def parse_trailers(log: str) -> tuple[tuple[str, str], ...]:
    """(key, value) of every trailer, in order, wrapped values joined.

    A note line between trailers (``[name: what was changed]``) has the key ``""``. The block is the last paragraph, if
    a quarter of it is trailers and one of them is known, and each paragraph right above that holds known trailers only.
    """
    paragraphs = re.split(r"\n[ \t]*\n", log.strip("\n \t"))
    found = _block(paragraphs[-1], strict=False)
    if not found:
        return ()
    for paragraph in reversed(paragraphs[:-1]):
        above = _block(paragraph, strict=True)
        if not above:
            break
        found = above + found
    return tuple(found)


def _block(paragraph: str, strict: bool) -> list[_Line]:
    """The trailers of one paragraph, ``[]`` when it is prose."""
    out: list[_Line] = []
    known = prose = 0
    for line in paragraph.split("\n"):
        match = _KNOWN.match(line)
        if match is None and not strict:
            match = _SHAPE.match(line)
        elif match:
            known += 1
        if match:
            out.append((match[1], match[2].strip()))
        elif out and _continues(out[-1], line):
            out[-1] = (out[-1][0], f"{out[-1][1]} {line.strip()}".strip())
        elif _NOTE.match(line):
            out.append(("", line.strip()))
        else:
            prose += 1
    if not known or (strict and prose) or prose > 3 * len(out):
        return []
    return out


def _continues(above: _Line, line: str) -> bool:
    """A folded line, the rest of a Fixes: subject wrapped by a mailer, or of a note over several lines."""
    key, value = above
    if line[:1] in {" ", "\t"}:
        return True
    if not key:
        return value.startswith("[") and not value.endswith("]")
    return key.lower() == "fixes" and '("' in value and not value.endswith(('")', "')"))
