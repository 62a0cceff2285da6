"""The labelled series: each objection is made at its patch, place and function, and no other; with and without tree."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

import pytest

from analyzer.core.finding import Change, Finding
from analyzer.core.limits import DEFAULT
from analyzer.core.problem import ProblemKind
from analyzer.core.result import Review
from analyzer.review import check_tree, review_series
from analyzer.series.assemble import load_series
from analyzer.tree.base import choose_base
from analyzer.tree.repo import open_tree
from analyzer.tree.snapshot import Snapshot
from analyzer.tree.steps import walk

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
SERIES = sorted(path.parent for path in (CORPUS / "series").glob("*/expect.toml"))

# What the mails alone do not show: (series, rule, patch, words on the line) -> why.
WITHOUT_TREE_MISSES: dict[tuple[str, str, int, str], str] = {
    (
        "exclusive-failure-logged",
        "tdx-external-op-result-dropped",
        1,
        "int r = __handle_changed_spte(",
    ): "that __handle_changed_spte() returns what an external op returned is in its body, which no hunk shows",
    (
        "split-all-roots",
        "tdx-sept-op-without-write-lock",
        2,
        "for_each_valid_tdp_mmu_root_yield_safe(kvm, root, slot->as_id)",
    ): "the caller that holds mmu_lock for read and the split below the walk are in no hunk",
    (
        "spte-file-renamed",
        "tdx-gmem-pfn-to-page",
        2,
        "PageReserved(pfn_to_page(pfn))",
    ): "that __kvm_is_mmio_pfn() gets the PFN of a fault is seen in its callers only",
}

by_series = pytest.mark.parametrize("folder", SERIES, ids=lambda folder: folder.name)
by_tree = pytest.mark.parametrize("on_tree", [True, False], ids=["tree", "mails"])


def mails(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.patch"))


def tree_of(folder: Path, on_tree: bool) -> Path | None:
    return CORPUS / "trees" / told(folder)["base"] if on_tree else None


@functools.cache
def told(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "expect.toml").read_text(encoding="utf-8"))


def labels(folder: Path) -> list[dict[str, Any]]:
    return list(told(folder).get("expect", []))


@functools.cache
def reviewed(folder: Path, on_tree: bool) -> Review:
    return review_series(mails(folder), tree_of(folder, on_tree))


@functools.cache
def images(folder: Path, on_tree: bool) -> dict[int, Snapshot]:
    """The after-image of every patch, by its number."""
    [series], problems = load_series(mails(folder), None, DEFAULT)
    assert [*problems, *series.problems] == []
    place = tree_of(folder, on_tree)
    if place is None:
        steps = walk(series, None)
    else:
        with open_tree(place) as tree:
            steps = walk(series, choose_base(series, tree))
    return {step.patch.index: step.after for step in steps if step.patch is not None}


def line_of(snapshot: Snapshot, path: str, line: int) -> str:
    source = snapshot.read(path)
    lines = source.text.decode().split("\n") if source is not None else []
    return lines[line - 1] if 1 <= line <= len(lines) else ""


def stands_at(label: dict[str, Any], path: str, function: str, text: str) -> bool:
    """Whether a line is one that the label names."""
    return any(
        place["path"] == path and place["contains"] in text and place["function"] == function
        for place in (label, *label.get("also_at", ()))
    )


def meets(label: dict[str, Any], finding: Finding, after: dict[int, Snapshot]) -> bool:
    """Whether a finding is the objection of a label.

    A label may say ``severity = "info"``: then a note meets it, and nothing more is asked.
    """
    if finding.rule != label["rule"] or finding.change is not Change.INTRODUCED:
        return False
    if finding.fixed_by != label.get("fixed_by") or finding.patch != label["patch"]:
        return False
    if (finding.severity == "info") is not (label.get("severity") == "info"):
        return False
    at = finding.location
    return stands_at(label, at.path, finding.function, line_of(after[label["patch"]], at.path, at.line))


def counted(review: Review) -> list[Finding]:
    return [f for f in review.findings if f.change is Change.INTRODUCED and f.severity != "info"]


def brief(finding: Finding) -> str:
    where = f"{finding.location} {finding.function}"
    return f"patch {finding.patch}, fixed by {finding.fixed_by}: {where}: {finding.rule}: {finding.message}"


def identity(folder: Path, label: dict[str, Any]) -> tuple[str, str, int, str]:
    return (folder.name, label["rule"], label["patch"], label["contains"])


@by_tree
@by_series
def test_every_objection_is_made(folder: Path, on_tree: bool) -> None:
    after = images(folder, on_tree)
    found = [f for f in reviewed(folder, on_tree).findings if f.change is Change.INTRODUCED]
    missed = {identity(folder, e) for e in labels(folder) if not any(meets(e, f, after) for f in found)}
    known = set() if on_tree else {key for key in WITHOUT_TREE_MISSES if key[0] == folder.name}
    assert missed == known, "\n".join(map(brief, found))


@by_tree
@by_series
def test_nothing_else_is_said(folder: Path, on_tree: bool) -> None:
    after = images(folder, on_tree)
    others = [f for f in counted(reviewed(folder, on_tree)) if not any(meets(e, f, after) for e in labels(folder))]
    assert [brief(f) for f in others] == []


@by_tree
@by_series
def test_one_defect_is_told_once_on_a_line(folder: Path, on_tree: bool) -> None:
    places = [
        (f.rule, f.patch, f.location.path, f.location.line, f.message) for f in counted(reviewed(folder, on_tree))
    ]
    assert len(places) == len(set(places)), places


@by_series
def test_on_the_tree_all_patches_apply(folder: Path) -> None:
    review = reviewed(folder, True)
    assert [p for p in review.problems if p.kind in (ProblemKind.NOT_APPLIED, ProblemKind.CRASHED)] == []
    assert review.series is not None
    assert [p.index for p in review.series.patches] == sorted(images(folder, True))


@by_series
def test_without_a_tree_no_rule_crashes(folder: Path) -> None:
    assert [p for p in reviewed(folder, False).problems if p.kind is ProblemKind.CRASHED] == []


def test_known_misses_are_labels() -> None:
    known = {identity(folder, label) for folder in SERIES for label in labels(folder)}
    assert set(WITHOUT_TREE_MISSES) <= known
    assert all(WITHOUT_TREE_MISSES.values())


@pytest.mark.parametrize("tree", sorted((CORPUS / "trees").iterdir()), ids=lambda tree: tree.name)
def test_the_trees_are_clean(tree: Path) -> None:
    review = check_tree(tree)
    assert [brief(f) for f in review.findings if f.severity != "info"] == []
    assert [p for p in review.problems if p.kind in (ProblemKind.CRASHED, ProblemKind.UNPARSED)] == []
    looked_at = review.stats["looked at"]
    assert isinstance(looked_at, dict)
    assert sum(number > 0 for number in looked_at.values()) >= 10, looked_at
