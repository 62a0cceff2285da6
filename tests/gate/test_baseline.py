"""Baselines: what is accepted with a reason is left out, and nothing else."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.finding import Finding
from analyzer.core.problem import AnalyzerError
from analyzer.core.result import Review
from analyzer.core.source import Location
from analyzer.gate import baseline
from tests.cli.nak import MINIKVM, nak

SOURCE = "arch/x86/kvm/vmx/tdx.c"


def finding(subject: str, line: int = 1, rule: str = "tdx-a") -> Finding:
    return Finding(Location("a.c", line), "f", subject, "a message", rule=rule)


def review(*findings: Finding) -> Review:
    return Review("1", None, findings, ())


def written(path: Path, *findings: Finding, reason: str = "known") -> tuple[baseline.Entry, ...]:
    baseline.write(path, findings, (), reason)
    return baseline.read(path)


def test_what_is_accepted_is_left_out_also_where_it_moved(tmp_path: Path) -> None:
    entries = written(tmp_path / "b", finding("x"))
    applied = baseline.apply(review(finding("x", 7), finding("y")), entries)
    assert [f.subject for f in applied.review.findings] == ["y"]
    assert (applied.stale, applied.bare) == ((), ())
    assert applied.review.stats["baseline"] == {"accepted": 1, "stale": 0, "without a reason": 0}


def test_one_more_of_the_same_is_not_accepted(tmp_path: Path) -> None:
    entries = written(tmp_path / "b", finding("x", 1), finding("x", 2))
    assert [e.times for e in entries] == [2]
    applied = baseline.apply(review(finding("x", 1), finding("x", 2), finding("x", 3)), entries)
    assert len(applied.review.findings) == 1


def test_stale_entries_and_entries_without_a_reason_are_named(tmp_path: Path) -> None:
    entries = written(tmp_path / "b", finding("x"), finding("y"), reason=" ")
    applied = baseline.apply(review(finding("x")), entries)
    assert [e.subject for e in applied.stale] == ["y"]
    assert [e.subject for e in applied.bare] == ["x"]
    assert len(applied.review.findings) == 1


def test_reasons_stay_when_it_is_written_again(tmp_path: Path) -> None:
    known = written(tmp_path / "b", finding("x"), reason="the first")
    baseline.write(tmp_path / "b", [finding("x"), finding("y")], known, "the second")
    assert [(e.subject, e.reason) for e in baseline.read(tmp_path / "b")] == [("x", "the first"), ("y", "the second")]


@given(st.text(), st.text(st.characters(codec=None), max_size=30), st.text(string.printable))
def test_any_words_survive(tmp_path_factory: pytest.TempPathFactory, subject: str, more: str, reason: str) -> None:
    path = tmp_path_factory.mktemp("b") / "b"
    [entry] = written(path, finding(subject + more), reason=reason)
    assert entry.fingerprint == finding(subject + more).fingerprint


@pytest.mark.parametrize(
    "text",
    ["[[accepted]]\n", "accepted = 3\n", "accepted = [3]\n", "no toml", "[[accepted]]\nfingerprint = 3\n", "\xff"],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "b").write_bytes(text.encode("latin-1"))
    with pytest.raises(AnalyzerError, match="baseline"):
        baseline.read(tmp_path / "b")


def test_the_verb(tmp_path: Path) -> None:
    tree = shutil.copytree(MINIKVM, tmp_path / "tree")
    source = tree / SOURCE
    source.write_text(
        source.read_text() + "\nvoid f(struct kvm_tdx *t)\n{\n\tu64 err = tdh_mem_track(&t->td);\n\n\tuse(err);\n}\n"
    )
    file = str(tmp_path / "baseline.toml")
    assert nak("check", str(tree)).code == 1
    assert nak("check", str(tree), "--baseline", file).code == 2
    done = nak("check", str(tree), "--baseline", file, "--write-baseline")
    assert (done.code, done.out) == (0, f"{file}: 1 entries; 1 of them need a reason\n")
    done = nak("check", str(tree), "--baseline", file)
    assert done.code == 1
    assert "accepts nothing without a reason: tdx-sept-op-without-write-lock" in done.err
    nak("check", str(tree), "--baseline", file, "--write-baseline", "--reason", "seen and discussed")
    done = nak("check", str(tree), "--baseline", file)
    assert (done.code, done.err) == (0, "")
    done = nak("check", str(MINIKVM), "--baseline", file)
    assert done.code == 0
    assert "stale, there is no such finding any more: tdx-sept-op-without-write-lock" in done.err
    assert nak("check", str(tree), "--write-baseline").code == 2
