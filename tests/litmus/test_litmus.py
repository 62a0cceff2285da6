"""Every litmus file: all rules together find exactly what its marks say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from analyzer.engine.expect import analyse, compare, marks, split
from analyzer.engine.registry import load_rules, load_vocabulary

LITMUS = Path(__file__).resolve().parents[2] / "corpus" / "litmus"
FILES = sorted(LITMUS.rglob("*.c"))
by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def parts(path: Path) -> dict[str, str]:
    return split(path.read_text(encoding="utf-8"), path.name)


@by_file
def test_findings_are_what_the_marks_say(path: Path) -> None:
    files = parts(path)
    assert compare(marks(files), analyse(files, load_rules(), load_vocabulary())) == []


@by_file
def test_the_name_says_what_the_marks_say(path: Path) -> None:
    """``bad_`` has a mark of the rule of its folder, ``ok_`` has none."""
    expected = [mark.rule for mark in marks(parts(path)) if mark.expected]
    assert path.name.startswith(("bad_", "ok_"))
    assert (path.parent.name in expected) == path.name.startswith("bad_")


def test_each_code_rule_has_eight_files_and_half_of_them_are_near_misses() -> None:
    bad = Counter(path.parent.name for path in FILES if path.name.startswith("bad_"))
    good = Counter(path.parent.name for path in FILES if path.name.startswith("ok_"))
    rules = {rule.id for rule in load_rules() if rule.check is not None}
    assert set(bad) == set(good) == rules
    assert [rule for rule in rules if bad[rule] + good[rule] < 8 or min(bad[rule], good[rule]) < 4] == []
