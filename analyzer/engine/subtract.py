"""Before and after to introduced, existing, fixed (DESIGN D6).

Findings with equal fingerprints are paired one by one, never merged: two derivations in one function are two. A pair
stands for the same defect although the code moved: by its place in the other image, by its words, or, where a
function was renamed or moved to another file, by what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from analyzer.core.finding import Finding

LineMap = Callable[[int], int | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """``pairs`` are (before, after) of the same defect; the rest came or went."""

    pairs: tuple[tuple[Finding, Finding], ...]
    introduced: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def subtract(
    before: Iterable[Finding],
    after: Iterable[Finding],
    renames: Mapping[str, str],
    lines: Mapping[str, LineMap],
) -> Difference:
    """Pair the findings of two states.

    ``renames`` maps old to new paths, ``lines`` an old path to its map of old to new lines (paths that did not
    change may be left out).
    """
    keys = _keys(renames, lines)
    left, right = list(before), list(after)
    pairs: list[tuple[Finding, Finding]] = []
    for key_of_old, key_of_new in keys:
        waiting: dict[Hashable, list[Finding]] = {}
        for finding in left:
            waiting.setdefault(key_of_old(finding), []).append(finding)
        rest = []
        for finding in right:
            candidates = waiting.get(key_of_new(finding))
            if candidates:
                pairs.append((candidates.pop(0), finding))
            else:
                rest.append(finding)
        left = [f for candidates in waiting.values() for f in candidates]
        right = rest
    return Difference(tuple(pairs), tuple(right), tuple(left))


Key = Callable[[Finding], Hashable]


def _keys(renames: Mapping[str, str], lines: Mapping[str, LineMap]) -> tuple[tuple[Key, Key], ...]:
    """What makes an old and a new finding the same, from the surest to the least sure.

    The same words on the same line; the same words; the same line of a function under another name; the same line with
    other words; the same function in another file.
    """

    def place(finding: Finding) -> int | None:
        moved = lines.get(finding.location.path)
        return moved(finding.location.line) if moved else finding.location.line

    def path(finding: Finding) -> str:
        return renames.get(finding.location.path, finding.location.path)

    return (
        (
            lambda f: (f.rule, path(f), f.function, f.subject, place(f)),
            lambda f: (f.rule, f.location.path, f.function, f.subject, f.location.line),
        ),
        (
            lambda f: (f.rule, path(f), f.function, f.subject),
            lambda f: (f.rule, f.location.path, f.function, f.subject),
        ),
        (
            lambda f: (f.rule, path(f), f.subject, place(f)),
            lambda f: (f.rule, f.location.path, f.subject, f.location.line),
        ),
        (
            lambda f: (f.rule, path(f), f.function, place(f)),
            lambda f: (f.rule, f.location.path, f.function, f.location.line),
        ),
        (lambda f: (f.rule, f.function, f.subject), lambda f: (f.rule, f.function, f.subject)),
    )
