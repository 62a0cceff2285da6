"""The base of a series: named, recognised or guessed, always with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.core.problem import AnalyzerError, ProblemKind
from analyzer.series.types import BaseHint, Series
from analyzer.tree.base import choose_base
from analyzer.tree.repo import open_tree
from tests.tree.made import commit, git, git_diff, patch, series

MAIN = "virt/kvm/main.c"
HEAD = "virt/kvm/head.h"
TEXT = "".join(f"line {n}\n" for n in range(1, 41))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    place = tmp_path / "linux"
    commit(place, {MAIN: TEXT, HEAD: "a\nb\nc\n", "virt/kvm/other.c": "o\n"}, "start")
    return place


def made_on(repo: Path, commits: int = 2, hint: BaseHint | None = None) -> tuple[Series, str]:
    """A series of edits on HEAD, made on a branch of its own that is left behind; (series, its last commit)."""
    git(repo, "checkout", "-q", "-b", "topic")
    at = git(repo, "rev-parse", "HEAD").decode().strip()
    members = []
    text = (repo / MAIN).read_text()
    for number in range(1, commits + 1):
        text = text.replace(f"line {number * 9}\n", f"changed {number}\n")
        new = commit(repo, {MAIN: text, HEAD: f"a\nb\nc {number}\n"}, f"KVM: change {number}")
        members.append(patch(number, *git_diff(repo, at, new), title=f"KVM: change {number}"))
        at = new
    git(repo, "checkout", "-q", "main")
    git(repo, "branch", "-q", "-D", "topic")
    return series(*members, base=hint), at


def test_the_base_commit_of_the_mails_wins(repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    made, _ = made_on(repo, hint=BaseHint(base_commit=start))
    commit(repo, {HEAD: "z\n"}, "later")
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
        assert (base.commit, base.problems) == (start, ())
        assert base.reason == f"base-commit {start[:12]} is named in the mails"
        assert base.files.read(HEAD) == b"a\nb\nc\n"


def test_an_unknown_base_commit_is_told_and_the_search_goes_on(repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    made, _ = made_on(repo, hint=BaseHint(base_commit="1" * 40))
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
    assert base.commit == start
    assert [(problem.kind, problem.where) for problem in base.problems] == [(ProblemKind.NO_BASE, "1" * 40)]
    assert base.reason.startswith("base-commit 111111111111 is not in the clone; of HEAD: 2 of 2 blob ids agree;")


def test_blob_ids_choose_among_the_branches(repo: Path) -> None:
    git(repo, "update-ref", "refs/remotes/kvm/next", "HEAD")
    git(repo, "update-ref", "refs/remotes/kvm/master", "HEAD")
    made, _ = made_on(repo)
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    later = commit(repo, {HEAD: "z\n"}, "later")
    git(repo, "update-ref", "refs/remotes/origin/kvm-x86/next", later)
    git(repo, "update-ref", "refs/remotes/kvm/master", later)
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
    assert base.commit == start
    assert base.problems == ()
    assert "kvm-x86/next: 1 of 2 blob ids agree, 1 file does not apply" in base.reason
    assert "kvm/next: 2 of 2 blob ids agree" in base.reason
    assert "master" not in base.reason


def test_without_blob_ids_that_agree_the_patches_decide(repo: Path) -> None:
    made, _ = made_on(repo)
    spoiled = commit(repo, {MAIN: "x\n" + TEXT.replace("line 8\n", "eight\n"), HEAD: "a\nb\nc\n\n"}, "spoiled")
    fits = commit(repo, {MAIN: "x\n" + TEXT, HEAD: "0\na\nb\nc\n"}, "fits by offset")
    git(repo, "tag", "v7.3", spoiled)
    git(repo, "tag", "-a", "-m", "x", "v7.4-rc1", spoiled)
    git(repo, "update-ref", "refs/heads/tip/x86-tdx", fits)
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
    assert base.commit == spoiled or base.commit == fits
    assert "tip/x86/tdx: 0 of 2 blob ids agree, 1 file does not apply" in base.reason
    assert "v7.4-rc1: 0 of 2 blob ids agree, 2 files do not apply" in base.reason
    assert base.commit == fits
    assert [problem.kind for problem in base.problems] == [ProblemKind.NO_BASE]


def test_an_authors_branch_gives_the_commit_below_the_series(repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    made, tip = made_on(repo, 3)
    git(repo, "merge", "-q", "--ff-only", tip)
    commit(repo, {"virt/kvm/other.c": "more\n"}, "on top")
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
    assert base.commit == start
    assert base.reason == (
        "the mails name no base-commit; of the commit before the series in HEAD: 2 of 2 blob ids agree; "
        f"the commit before the series in HEAD ({start[:12]}) fits best"
    )


def test_prerequisites_are_found_by_patch_id(repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    needed = [commit(repo, {"virt/kvm/other.c": f"needed {n}\n"}, f"needed {n}") for n in range(2)]
    ids = []
    for one in needed:
        shown = git(repo, "show", one)
        ids.append(git(repo, "patch-id", "--stable", data=shown).decode().split()[0])
    git(repo, "update-ref", "refs/remotes/kvm-x86/next", "HEAD")
    git(repo, "reset", "-q", "--hard", start)
    hint = BaseHint(base_commit=start, prerequisite_patch_ids=tuple(ids))
    made, _ = made_on(repo, hint=hint)
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
        assert base.commit == needed[1]
        assert "kvm-x86/next completes the 2 prerequisite patches" in base.reason
        assert base.problems == ()
        absent = BaseHint(base_commit=start, prerequisite_patch_ids=(*ids, "2" * 40))
        lacking = choose_base(made_on(repo, hint=absent)[0], tree)
    assert lacking.commit == start
    assert [problem.kind for problem in lacking.problems] == [ProblemKind.NO_BASE]


def test_a_prerequisite_commit_stands_in_for_an_unknown_base(repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD").decode().strip()
    made, _ = made_on(repo, hint=BaseHint("1" * 40, prerequisite_commits=(start, "2" * 40)))
    with open_tree(repo) as tree:
        base = choose_base(made, tree)
    assert base.commit == start
    assert (
        base.reason
        == f"prerequisite commit {start[:12]} is named in the mails; base-commit 111111111111 is not in the clone"
    )
    assert [problem.where for problem in base.problems] == ["1" * 40, "2" * 40]


def test_a_plain_directory_has_no_history(tmp_path: Path, repo: Path) -> None:
    plain = tmp_path / "plain"
    (plain / "virt/kvm").mkdir(parents=True)
    (plain / MAIN).write_text(TEXT)
    made, _ = made_on(repo, hint=BaseHint(base_commit="1" * 40))
    with open_tree(plain) as tree:
        base = choose_base(made, tree)
        assert (base.commit, base.reason) == ("", "plain directory, no history")
        assert base.files.read(MAIN) == TEXT.encode()
        assert [(problem.kind, problem.where) for problem in base.problems] == [(ProblemKind.NO_BASE, "1" * 40)]


def test_an_empty_repository_has_no_base(tmp_path: Path, repo: Path) -> None:
    made, _ = made_on(repo)
    git(tmp_path, "init", "-q", "empty")
    (tmp_path / "empty/virt/kvm").mkdir(parents=True)
    with open_tree(tmp_path / "empty") as tree, pytest.raises(AnalyzerError, match="no commits"):
        choose_base(made, tree)
