"""The prose of a patch's log: sentences, without trailers, tables, code and links."""

from __future__ import annotations

import re

_TRAILER = re.compile(r"^(?:[A-Z][A-Za-z]*(?:-[A-Za-z]+)*: \S|\[[A-Za-z][^\]]*: )")
_ASIDE = re.compile(r"^(?:\s{2,}\S|\t|[>|#$*-]\s|\d+[.)]\s|\(\d+\)|[a-z]\.\s|\[\d+\]|https?://|---)")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|resp|viz|a\.k\.a)\.")
_END = re.compile(r"(?<=[.!?:])\s+(?=[\"'(A-Z0-9])")


def sentences(log: str) -> tuple[str, ...]:
    """The sentences of a log in order."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", log):
        lines = [line for line in paragraph.split("\n") if not _TRAILER.match(line)]
        if not lines or _ASIDE.match(lines[0]):
            continue
        prose = " ".join(line.strip() for line in lines if not _ASIDE.match(line))
        prose = _ABBREVIATION.sub(lambda m: m.group().replace(".", ""), " ".join(prose.split()))
        found += [s for s in _END.split(prose) if s]
    return tuple(found)


def trailers(log: str) -> tuple[str, ...]:
    """The names of the trailers of a log."""
    return tuple(line.split(":", 1)[0] for line in log.split("\n") if _TRAILER.match(line) and line[0] != "[")
