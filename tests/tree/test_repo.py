"""Reading commits and folders: only the tree, nothing executed, one clear line on failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.core.limits import Limits
from analyzer.core.problem import AnalyzerError, ProblemKind
from analyzer.tree.files import DirectoryFiles, is_safe
from analyzer.tree.repo import find_kernel_root, open_tree, range_patches
from tests.tree.made import commit, git

FILES: dict[str, str | bytes | None] = {
    "virt/kvm/kvm_main.c": "int main;\n",
    "virt/kvm/deep/er/x.h": "x\n",
    "arch/x86/kvm/mmu/mmu.c": b"caf\xe9\r\n\0\n",
    "arch/x86/kvm/Kconfig": "config KVM\n",
    "arch/x86/kvmfoo.c": "no\n",
    "README": "",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    place = tmp_path / "linux"
    commit(place, FILES, "first")
    (place / "virt/kvm/link.c").symlink_to("kvm_main.c")
    (place / "virt/kvm/out.c").symlink_to("/etc/passwd")
    (tmp_path / "secret").write_text("secret\n")
    (place / "virt/kvm/up").symlink_to(tmp_path)
    commit(place, {}, "links")
    return place


def test_a_commit_gives_its_regular_files(repo: Path) -> None:
    with open_tree(repo) as tree:
        files = tree.files_at("HEAD")
        for name, text in FILES.items():
            assert files.read(name) == (text.encode() if isinstance(text, str) else text)
        assert files.paths(("virt/kvm/", "arch/x86/kvm")) == [
            "arch/x86/kvm/Kconfig",
            "arch/x86/kvm/mmu/mmu.c",
            "virt/kvm/deep/er/x.h",
            "virt/kvm/kvm_main.c",
        ]
        assert files.paths(("README", "nowhere", "../x", "/etc")) == ["README"]
        assert len(files.paths(("",))) == len(FILES)
        for wrong in ("virt/kvm/link.c", "virt/kvm/out.c", "virt/kvm", "none", "", "virt/kvm/kvm_main.c/x", "a\nb"):
            assert files.read(wrong) is None
        assert files.problems == []
        assert files.blob("README") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_a_folder_gives_its_files_and_nothing_outside(repo: Path) -> None:
    with open_tree(repo) as tree:
        files = tree.worktree_files()
    assert files.read("arch/x86/kvm/mmu/mmu.c") == FILES["arch/x86/kvm/mmu/mmu.c"]
    assert files.read("virt/kvm/link.c") == b"int main;\n"
    for outside in ("virt/kvm/out.c", "virt/kvm/up/secret", "../secret", "/etc/passwd", ".git/config", "virt/kvm"):
        assert files.read(outside) is None
    assert files.paths(("virt/kvm", "README")) == ["README", "virt/kvm/deep/er/x.h", "virt/kvm/kvm_main.c"]
    assert len(files.paths(("",))) == len(FILES)
    assert files.paths(("virt/kvm/up", "..")) == []


def test_odd_files_do_not_block(repo: Path) -> None:
    os.mkfifo(repo / "virt/kvm/pipe.c")
    (repo / "loop.c").symlink_to("loop.c")
    files = DirectoryFiles(repo, Limits(file_bytes=4))
    assert files.read("virt/kvm/pipe.c") is None
    assert files.read("loop.c") is None
    assert files.read("virt/kvm/kvm_main.c") is None
    assert [(problem.kind, problem.where) for problem in files.problems] == [
        (ProblemKind.UNREADABLE, "loop.c"),
        (ProblemKind.TOO_LARGE, "virt/kvm/kvm_main.c"),
    ]


def test_limits_of_a_commit_are_told(repo: Path) -> None:
    with open_tree(repo, Limits(file_bytes=300, files=2)) as tree:
        (repo / "virt/kvm/big.c").write_text("x" * 400)
        commit(repo, {})
        files = tree.files_at("HEAD")
        assert files.read("virt/kvm/big.c") is None
        assert files.read("virt/kvm/kvm_main.c") == b"int main;\n"  # the pipe is still in step
        assert len(files.paths(("virt/kvm", "arch"))) == 2
        assert [problem.kind for problem in files.problems] == [ProblemKind.TOO_LARGE] * 2


@pytest.mark.parametrize(
    "path", ["", "/x", "../x", "a/../b", "a//b", "./a", ".git/config", "a/.GIT/x", "a\0b", "\ud800"]
)
def test_unsafe_paths(path: str) -> None:
    assert not is_safe(path)


@pytest.mark.parametrize("path", ["a", "a/b.c", "a/..b", "a b/c", "x/.gitignore", "caf\udce9"])
def test_safe_paths(path: str) -> None:
    assert is_safe(path)


def test_revisions(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD").decode().strip()
    with open_tree(repo) as tree:
        assert tree.resolve("HEAD") == tree.resolve("main") == tree.resolve(head[:12]) == head
        for wrong in ("none", "", "--all", "-h", "--git-dir", "HEAD:README", "a\0b", "HEAD..", "0" * 40):
            assert tree.resolve(wrong) is None
        assert tree.has_commit(head)
        for wrong in (head[:12], "HEAD", "", "0" * 40, git(repo, "rev-parse", "HEAD:README").decode().strip()):
            assert not tree.has_commit(wrong)
        with pytest.raises(AnalyzerError, match="no such revision: nothing") as caught:
            tree.files_at("nothing")
        assert caught.value.exit_code == 2


def test_the_kernel_is_found_from_inside(repo: Path, tmp_path: Path) -> None:
    assert find_kernel_root(repo / "virt/kvm/deep") == repo
    other = tmp_path / "other"
    commit(other, {"a/b": "x\n"})
    plain = other / "linux"
    (plain / "virt/kvm").mkdir(parents=True)
    assert find_kernel_root(other / "a") is None
    assert find_kernel_root(plain / "virt") == plain
    with open_tree(plain) as tree:
        assert not tree.is_git
        assert tree.resolve("HEAD") is None
        assert tree.worktree_files().paths(("virt",)) == []
    for wrong, words in ((other, "not a kernel"), (tmp_path / "gone", "no such folder")):
        with pytest.raises(AnalyzerError, match=words) as caught:
            open_tree(wrong)
        assert caught.value.exit_code == 2


def test_bare_repositories_and_linked_worktrees(repo: Path, tmp_path: Path) -> None:
    git(repo, "clone", "-q", "--bare", str(repo), str(tmp_path / "mirror.git"))
    with open_tree(tmp_path / "mirror.git") as tree:
        assert tree.is_kernel()
        assert tree.files_at("main").read("virt/kvm/kvm_main.c") == b"int main;\n"
        with pytest.raises(AnalyzerError, match="bare"):
            tree.worktree_files()
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "HEAD~1")
    with open_tree(tmp_path / "linked" / "virt") as tree:
        assert tree.root == tmp_path / "linked"
        assert tree.resolve("HEAD") == git(repo, "rev-parse", "HEAD~1").decode().strip()


def test_variables_of_a_hook_do_not_lead_elsewhere(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    commit(other, {"x": "x\n"}, "of another repository")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    monkeypatch.setenv("GIT_EXEC_PATH", str(other))
    with open_tree(repo) as tree:
        assert tree.root == repo
        assert [subject for _, subject in tree.subjects("HEAD", 5)] == ["links", "first"]
        assert tree.files_at("HEAD").read("virt/kvm/kvm_main.c") == b"int main;\n"
    assert os.environ["GIT_DIR"] == str(other / ".git")


def test_the_repository_cannot_make_git_run_anything(repo: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f'#!/bin/sh\necho "$0 $*" >> {ran}\nexit 1\n')
    script.chmod(0o755)
    settings = (
        "core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "core.askPass", "gpg.program",
        "diff.external", "diff.evil.command", "diff.evil.textconv", "pager.log", "pager.format-patch",
        "credential.helper", "filter.evil.smudge", "filter.evil.clean", "remote.origin.uploadpack",
    )  # fmt: skip
    for name in settings:
        git(repo, "config", name, str(script))
    for name, value in (
        ("log.showSignature", "true"),
        ("remote.origin.url", f"ext::{script}"),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
        ("core.hooksPath", str(tmp_path)),
    ):
        git(repo, "config", name, value)
    before = git(repo, "-c", "core.fsmonitor=false", "rev-parse", "HEAD").decode().strip()
    (repo / ".git/info/attributes").write_text("* diff=evil filter=evil\n")
    ran.unlink(missing_ok=True)
    with open_tree(repo) as tree:
        files = tree.files_at(before)
        assert files.read("virt/kvm/kvm_main.c") == b"int main;\n"
        assert not tree.has_commit("1" * 40)  # a partial clone would ask its remote
        assert tree.resolve("2" * 40) is None
        assert b"Subject: [PATCH 1/1] links" in range_patches(tree, "HEAD~1..")
        assert len(tree.patch_ids(before, "", 5)) == 2
        assert tree.refs()
        tree.subjects("HEAD", 3)
    assert not ran.exists()


def test_another_users_repository_is_refused_in_one_line(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(AnalyzerError, match=r"safe\.directory") as caught:
        open_tree(repo)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_broken_repository_is_one_line(repo: Path) -> None:
    (repo / ".git/config").write_text("[core\n")
    with pytest.raises(AnalyzerError) as caught:
        open_tree(repo)
    assert "\n" not in str(caught.value)


def test_a_dead_pipe_is_started_again(repo: Path) -> None:
    with open_tree(repo) as tree:
        files = tree.files_at("HEAD")
        assert files.read("README") == b""
        tree.close()
        assert files.read("virt/kvm/kvm_main.c") == b"int main;\n"


def test_ranges_become_mails(repo: Path) -> None:
    hashes = [commit(repo, {"virt/kvm/kvm_main.c": f"int main{n};\n"}, f"change {n}") for n in range(3)]
    git(repo, "config", "format.attach", "true")
    git(repo, "config", "format.coverLetter", "true")
    git(repo, "config", "format.signature", "unwanted")
    git(repo, "config", "diff.noprefix", "true")
    with open_tree(repo) as tree:
        for spec in ("HEAD~3..", "HEAD~3..HEAD", f"{hashes[0]}~1..main"):
            data = range_patches(tree, spec)
            froms = [line.split()[1].decode() for line in data.split(b"\n") if line.startswith(b"From ")]
            assert froms == hashes
            assert data.count(b"\ndiff --git a/virt/kvm/kvm_main.c b/virt/kvm/kvm_main.c\n") == 3
            assert b"[PATCH 2/3] change 1" in data
            assert b"unwanted" not in data
            assert b"multipart" not in data
        git(repo, "checkout", "-q", hashes[0])
        assert range_patches(tree, "..main").count(b"\nSubject: ") == 2
        for spec, words in (
            ("main..main", "no commits in main..main"),
            ("main...HEAD", "three dots"),
            ("main", "not a range"),
            ("..", "not a range"),
            ("none..main", "no such revision: none"),
            ("--output=x..main", "no such revision: --output=x"),
        ):
            with pytest.raises(AnalyzerError, match=words) as caught:
                range_patches(tree, spec)
            assert caught.value.exit_code == 2
    with open_tree(repo, Limits(patches=1)) as tree, pytest.raises(AnalyzerError, match="more than 1"):
        range_patches(tree, "..main")
