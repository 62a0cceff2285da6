"""What a check of a whole series may ask: the program before and after each patch, and what was added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Program


@dataclass(frozen=True, slots=True)
class SeriesStep:
    """One patch: ``index`` as in its subject; ``added`` maps a path to the line numbers it adds (after-image)."""

    index: int
    title: str
    log: str
    before: Program
    after: Program
    added: Mapping[str, frozenset[int]]
    touched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """All steps of a series in order."""

    steps: tuple[SeriesStep, ...]
    vocabulary: Vocabulary
