"""A rule against its own examples and litmus files: ``nak rules test``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import analyzer
from analyzer.engine.expect import Miss, analyse, compare, marks, split
from analyzer.engine.expect_series import compare_series
from analyzer.engine.rule import Rule
from analyzer.ir.effect import Vocabulary

UNNAMED = "arch/x86/kvm/vmx/tdx.c"  # where an example stands that names no file: all code rules look there


@dataclass(frozen=True, slots=True)
class Tried:
    """One example: what it is called, and how findings and marks differ."""

    name: str
    misses: tuple[Miss, ...]


def corpus() -> Path | None:
    """The folder of the corpus, in a checkout or as it was installed."""
    package = Path(analyzer.__file__).parent
    return next((p for p in (package / "_corpus", package.parent / "corpus") if p.is_dir()), None)


def tried(rule: Rule, vocabulary: Vocabulary) -> Iterator[Tried]:
    """Every example and every litmus file of a rule."""
    for kind, texts in (("bad", rule.bad), ("good", rule.good)):
        for number, text in enumerate(texts, start=1):
            misses = compare_series(rule, text, vocabulary) if rule.check is None else _misses(rule, text, vocabulary)
            yield Tried(f"{kind} example {number}", tuple(misses))
    folder = corpus()
    for source in sorted((folder / "litmus" / rule.id).glob("*.c")) if folder and rule.check else ():
        yield Tried(source.name, tuple(_misses(rule, source.read_text(encoding="utf-8"), vocabulary)))


def _misses(rule: Rule, text: str, vocabulary: Vocabulary) -> list[Miss]:
    files = split(textwrap.dedent(text).strip("\n"), UNNAMED)
    expected = [mark for mark in marks(files) if mark.rule in ("", rule.id)]
    return compare(expected, analyse(files, [rule], vocabulary), rule.id)


def told(rule: Rule, all_tried: list[Tried]) -> str:
    """One line where all is as marked, else a line for each difference, too."""
    failed = [one for one in all_tried if one.misses]
    lines = [f"{rule.id}: {len(all_tried)} examples, {len(failed)} failed"]
    lines += [f"  {one.name}: {m.kind} at {m.path}:{m.line}: {m.text}" for one in failed for m in one.misses]
    return "\n".join(lines) + "\n"
