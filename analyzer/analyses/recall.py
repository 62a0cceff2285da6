"""Whole answers of an earlier program of the same run, given again where no function they were made of has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from analyzer.analyses.facts import Facts
from analyzer.ir.change import change
from analyzer.ir.program import Key, Program

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Left:
    """An answer with all that it was made of."""

    program: Program
    keys: frozenset[Key]
    beside: Hashable
    answer: object


def recalled(
    facts: Facts, slot: str, keys: frozenset[Key], beside: Hashable, make: Callable[[], T], bare: Callable[[T], bool]
) -> T:
    """The answer of the earlier program under ``slot``, or what ``make`` gives.

    ``keys``: every function that ``make`` looks into; ``beside``: what else it depends on. A ``bare`` answer names no
    place: it stays where functions only moved by lines.
    """
    program = facts.program
    left = program.left.get(("recalled", slot))
    answer: T
    if isinstance(left, _Left) and left.keys == keys and left.beside == beside and _holds(left, program, bare):
        answer = left.answer  # type: ignore[assignment]
    else:
        answer = make()
    program.left["recalled", slot] = _Left(program, keys, beside, answer)
    return answer


def _holds(left: _Left, program: Program, bare: Callable[[T], bool]) -> bool:
    since = change(left.program, program)
    if not all(since.same(key) for key in left.keys):
        return False
    return bare(left.answer) or all(left.program.lower(key) is program.lower(key) for key in left.keys)  # type: ignore[arg-type]
