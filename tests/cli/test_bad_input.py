"""Bad input and bad words: one clear line on stderr, the exit code of DESIGN D11, and what could be read is used."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from tests.cli.nak import MINIKVM, git, mails, mbox, nak, process

HTML = b"<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body>Are you a robot?</body></html>\n"
UNREADABLE = {
    "empty": b"",
    "blank": b"\n\n   \n",
    "page.html": HTML,
    "binary": random.Random(7).randbytes(4000),
    "stump.gz": gzip.compress(mbox("limit-renamed"))[:40],
    "prose.txt": b"Subject: hello\nFrom: a@example.org\n\nno patch here\n",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel around the current folder."""
    monkeypatch.chdir(tmp_path)


def one_line(err: str) -> str:
    """The line said; fails for anything but one line of nak's."""
    assert err.startswith("nak: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err and "Error:" not in err
    return err


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_input_without_a_patch(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(UNREADABLE[name])
    done = nak("review", name)
    assert (done.code, done.out) == (3, "")
    assert len(one_line(done.err)) < 300


@pytest.mark.parametrize("name", ["empty", "page.html", "binary"])
def test_the_same_on_standard_input(name: str) -> None:
    done = nak("review", "-", stdin=UNREADABLE[name])
    assert (done.code, done.out) == (3, "")
    one_line(done.err)


def test_the_reason_is_named(tmp_path: Path) -> None:
    for name, word in (("page.html", "HTML"), ("empty", "empty"), ("binary", "binary"), ("stump.gz", "gzip")):
        (tmp_path / name).write_bytes(UNREADABLE[name])
        assert word in nak("review", name).err


def test_unreadable_input_beside_readable_input_costs_nothing_but_a_problem(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(HTML)
    done = nak("review", "page.html", *mails("limit-renamed"), "--format", "json")
    assert (done.code, done.err) == (1, "")
    told = json.loads(done.out)
    assert {f["rule"] for f in told["findings"]} == {"tdx-gmem-pfn-to-page"}
    assert any("page.html" in p["where"] or "page.html" in p["detail"] for p in told["problems"])


def test_a_truncated_gz_keeps_what_was_read(tmp_path: Path) -> None:
    """Everything but the tail of the last mail is there: the defect of patch 1 is reported, the loss as well."""
    whole = gzip.compress(mbox("map-leaf-folio-check"))
    (tmp_path / "cut.mbox.gz").write_bytes(whole[: len(whole) - len(whole) // 8])
    done = nak("review", "cut.mbox.gz", "--format", "json")
    assert (done.code, done.err) == (1, "")
    told = json.loads(done.out)
    assert {"tdx-gmem-pfn-to-page", "tdx-mapping-size-from-folio"} <= {f["rule"] for f in told["findings"]}
    assert {f["patch"] for f in told["findings"]} == {1}
    assert any("gzip" in p["detail"] for p in told["problems"])


def test_a_clean_series_that_is_cut_is_not_called_clean(tmp_path: Path) -> None:
    whole = gzip.compress(mbox("cache-wb-complete"))
    (tmp_path / "cut.mbox.gz").write_bytes(whole[: len(whole) - len(whole) // 4])
    done = nak("review", "cut.mbox.gz", "--format", "json")
    assert done.code == 3
    assert json.loads(done.out)["findings"] == []


def test_a_series_with_a_hole_is_not_called_clean(tmp_path: Path) -> None:
    first, *_, last = mails("cache-wb-complete")
    assert nak("review", first, last).code == 3


WRONG: dict[str, tuple[str | Path, ...]] = {
    "a file that is not there": ("review", "none.mbox"),
    "a folder that is not there": ("check", "none"),
    "a tree that is no kernel": ("check", "."),
    "a tree that is no kernel, for a review": ("review", "--tree", ".", *mails("limit-renamed")),
    "no tree around": ("check",),
    "a graph without a tree": ("graph", "--callers", "f"),
    "nothing to review": ("review",),
    "an unknown rule": ("check", MINIKVM, "--rule", "tdx-no-such-rule"),
    "an unknown rule of a review": ("review", "--rule", "nope", *mails("limit-renamed")),
    "an unknown rule to explain": ("explain", "nope"),
    "a range without a tree": ("review", "HEAD~2..HEAD"),
    "three dots without a tree": ("review", "main...topic"),
    "a range of a tree without history": ("review", "HEAD~2..HEAD", "--tree", MINIKVM),
    "a path that is not in the tree": ("check", MINIKVM, "--paths", "drivers/net"),
    "an unknown command": ("revue",),
    "an unknown option": ("check", "--all"),
    "an unknown threshold": ("check", MINIKVM, "--fail-on", "fatal"),
    "an unknown format": ("check", MINIKVM, "--format", "xml"),
    "an unknown function": ("graph", MINIKVM, "--callers", "no_such_function"),
    "from without to": ("graph", MINIKVM, "--from", "tdx_track"),
    "a file to dump that is not there": ("dump", "ir", "none.c"),
    "something unknown to dump": ("dump", "ast", "none.c"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_the_user_can_mend(case: str) -> None:
    done = nak(*WRONG[case])
    one_line(done.err)
    assert (done.code, done.out) == (3 if case == "a path that is not in the tree" else 2, "")


@pytest.mark.parametrize(
    ("spec", "word"), [("nope..HEAD", "nope"), ("HEAD..nope", "nope"), ("HEAD...HEAD~1", "..."), ("HEAD..HEAD", "HEAD")]
)
def test_revisions_that_are_none(spec: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "arch/x86/kvm").mkdir(parents=True)
    (tmp_path / "virt/kvm").mkdir(parents=True)
    (tmp_path / "virt/kvm/a.c").write_text("int a;\n")
    (tmp_path / "arch/x86/kvm/b.c").write_text("int b;\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    for title in ("one", "two"):
        git(tmp_path, "commit", "-qm", title, "--allow-empty")
    done = nak("review", spec)
    assert word in one_line(done.err)
    assert done.code in (2, 3)
    assert done.out == ""


def test_a_wrong_value_in_git_config(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "nak.failOn", "fatal")
    done = nak("review", *mails("limit-renamed"))
    assert "nak.failOn" in one_line(done.err)
    assert done.code == 2


def test_an_unknown_rule_in_git_config(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "nak.rules", "tdx-gmem-pfn-to-page tdx-nope")
    done = nak("review", *mails("limit-renamed"))
    assert "tdx-nope" in one_line(done.err)
    assert done.code == 2


def test_names_of_files_cannot_write_to_the_terminal() -> None:
    done = nak("review", "a\x1b[2Jb\nc")
    assert "\x1b" not in one_line(done.err)
    assert done.code == 2


def test_a_process_of_its_own_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(HTML)
    done = process(["review", "page.html"])
    assert (done.code, done.out) == (3, "")
    assert "HTML" in one_line(done.err)
