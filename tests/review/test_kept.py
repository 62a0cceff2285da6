"""What is kept of earlier runs: the same words again, never for other input, and never in the way."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer import kept as module
from analyzer.core.result import Review
from analyzer.kept import Kept, address
from analyzer.report.json import render
from analyzer.review import Options, check_tree, review_series
from tests.conftest import ROOT

SERIES = ROOT / "corpus" / "series" / "track-under-read-lock"
TREE = ROOT / "corpus" / "trees" / "minikvm"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(kept=Kept(tmp_path / "cache" / "kept.sqlite"))


def again(review: Review) -> bool:
    return "kept from an earlier run" in review.stats


def words(review: Review) -> str:
    return render(replace(review, stats={}))


def of_mails(options: Options) -> Review:
    return review_series(sorted(SERIES.glob("*.patch")), None, options)


def on_the_tree(options: Options) -> Review:
    return review_series(sorted(SERIES.glob("*.patch")), TREE, options)


def of_the_tree(options: Options) -> Review:
    return check_tree(TREE, options)


@pytest.mark.parametrize("run", [of_mails, on_the_tree, of_the_tree])
def test_the_second_run_says_the_same(options: Options, run: Callable[[Options], Review]) -> None:
    first, second = run(options), run(options)
    assert (again(first), again(second)) == (False, True)
    assert words(second) == words(first) == words(run(Options()))


def test_another_choice_of_rules_is_another_run(options: Options) -> None:
    of_mails(options)
    other = of_mails(replace(options, rules=("tdx-level-units-mixed",)))
    assert not again(other)
    assert other.findings == ()


def test_another_file_is_another_run(options: Options, tmp_path: Path) -> None:
    tree = shutil.copytree(TREE, tmp_path / "tree")
    check_tree(tree, options)
    assert again(check_tree(tree, options))
    [source] = tree.glob("arch/x86/kvm/vmx/tdx.c")
    source.write_text(source.read_text() + "\n/* one more line */\n")
    assert not again(check_tree(tree, options))
    assert not again(review_series(sorted(SERIES.glob("*.patch")), tree, options))
    (tree / "virt/kvm/one_more.c").write_text("int one_more;\n")
    assert not again(check_tree(tree, options))


def test_other_code_is_another_run(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    of_mails(options)
    monkeypatch.setattr(module, "code", lambda: b"another version")
    assert not again(of_mails(options))


@pytest.mark.parametrize("junk", [b"", b"no database", b"SQLite format 3\0" + bytes(4000)])
def test_a_broken_file_keeps_nothing_and_is_made_anew(options: Options, junk: bytes) -> None:
    assert options.kept is not None
    options.kept.path.parent.mkdir()
    options.kept.path.write_bytes(junk)
    assert not again(of_mails(options))
    assert again(of_mails(options))


def test_an_entry_that_cannot_be_read_is_no_entry(options: Options) -> None:
    assert options.kept is not None
    of_mails(options)
    with sqlite3.connect(options.kept.path) as base:
        base.execute("UPDATE kept SET data = x'ff00'")
    assert not again(of_mails(options))


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = Options(kept=Kept(tmp_path / "file" / "kept.sqlite"))
    assert not again(of_mails(options))
    assert not again(of_mails(options))


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    review = Review("1", None, (), (), {"text": "x" * 100})
    kept = Kept(tmp_path / "kept.sqlite", max_bytes=1000)
    for number in range(20):
        kept.put(str(number), review)
        assert kept.get("0") is not None
    left = [number for number in range(20) if kept.get(str(number))]
    assert left[0] == 0
    assert left[-1] == 19
    assert 2 <= len(left) <= 9
    kept.put("large", replace(review, stats={"text": "x" * 900}))
    assert kept.get("large") is None


def test_many_runs_at_once(tmp_path: Path) -> None:
    review = Review("1", None, (), ())
    kept = Kept(tmp_path / "kept.sqlite")

    def run(number: int) -> bool:
        kept.put(str(number % 5), review)
        return kept.get(str(number % 5)) == review

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(40)))


def test_addresses_tell_parts_apart() -> None:
    assert len({address("a", "b"), address("ab"), address("a", "b", ""), address(("a",), "b")}) == 4
