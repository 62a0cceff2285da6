from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.core.finding import Change
from analyzer.core.problem import Problem, ProblemKind
from ci import corpus
from tests.report.reviews import finding, full, review


def test_a_line_for_each_finding_and_each_loss() -> None:
    lines = corpus.told("series/x", full())
    assert lines[0] == (
        "series/x: mmu/mmu.c:20 tdx_split: [tdx-level-ignored] introduced, warning, must, patch 1, fixed by 4: "
        "page taken of a guest_memfd pfn"
    )
    assert "series/x: virt/gmem.c:9 old: [tdx-gmem-pfn-to-page] existing, error, must: " in lines[-7 - 1]
    assert lines[-6] == "series/x: not seen: no-base: series"
    assert len(lines) == len(full().findings) + len(full().problems)


def test_lines_stay_lines() -> None:
    outcome = review(finding(message="a\nb"), problems=(Problem(ProblemKind.MALFORMED, "c\nd", ""),), series=None)
    assert [line.count("\\n") for line in corpus.told("x", outcome)] == [1, 1]


def test_changes_count_equal_lines() -> None:
    assert corpus.changes(["a", "a", "b"], ["a", "c"]) == ["- a", "- b", "+ c"]
    assert corpus.changes(["a"], ["a"]) == []


def test_the_golden_is_compared_and_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = review(finding(change=Change.EXISTING, patch=None), series=None)
    monkeypatch.setattr(corpus, "_reviews", lambda place: iter([("trees/t", found)]))
    assert corpus.main([], tmp_path) == 1
    assert capsys.readouterr().out.startswith("+ trees/t: vmx/tdx.c:1898 tdx_split: ")
    assert corpus.main(["--update"], tmp_path) == 0
    assert corpus.main([], tmp_path) == 0
    monkeypatch.setattr(corpus, "_reviews", lambda place: iter([]))
    assert corpus.main([], tmp_path) == 1


def test_the_files_of_a_litmus_test_keep_their_line_numbers() -> None:
    text = "// litmus: words\n// path: a/x.c\nint a;\n// path: b/y.c\nint b;\n// path: a/x.c\nint c;\n"
    assert corpus.litmus_files(text) == {"a/x.c": "\n\nint a;\n\n\n\nint c;\n", "b/y.c": "\n\n\n\nint b;\n"}
