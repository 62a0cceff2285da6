"""A walk over a series: the states before and after every patch, with and without a tree."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.series.assemble import load_series, series_from_text
from analyzer.series.types import FileDiff, FileStatus, Series
from analyzer.tree.base import Base, choose_base
from analyzer.tree.repo import open_tree, range_patches
from analyzer.tree.snapshot import Snapshot
from analyzer.tree.steps import PatchStep, walk
from tests.tree.made import commit, diff_of, git, git_diff, patch, series

TEXT = "".join(f"line {n}\n" for n in range(1, 61))
A, B, C = "virt/kvm/a.c", "virt/kvm/b.c", "virt/kvm/c.h"
VERSIONS: list[dict[str, str | bytes | None]] = [
    {A: TEXT, B: "b\n", "Kconfig": "config\n"},
    {A: TEXT.replace("line 5\n", "five\n"), C: "new\nfile\n"},
    {A: None, "virt/kvm/moved.c": TEXT.replace("line 5\n", "five\n").replace("line 50\n", "")},
    {B: None, "Kconfig": "config\nmore\n"},
    {"virt/kvm/moved.c": "top\n" + TEXT.replace("line 5\n", "five\n").replace("line 50\n", ""), C: "new\nfile\nend"},
]


def history(where: Path) -> tuple[list[str], Series]:
    """Commits of VERSIONS, and the series between them."""
    hashes = [commit(where, files, f"step {n}") for n, files in enumerate(VERSIONS)]
    members = [patch(n, *git_diff(where, hashes[n - 1], hashes[n])) for n in range(1, len(hashes))]
    return hashes, series(*members)


def contents(snapshot: Snapshot) -> dict[str, bytes]:
    """All files of a snapshot."""
    out = {}
    for path in snapshot.paths(("virt", "Kconfig")):
        source = snapshot.read(path)
        assert source is not None
        assert not source.partial
        out[path] = source.text
    return out


def listed(where: Path, rev: str) -> dict[str, bytes]:
    names = git(where, "ls-tree", "-r", "--name-only", rev).decode().split()
    return {name: git(where, "show", f"{rev}:{name}") for name in names}


def problems(steps: list[PatchStep]) -> list[Problem]:
    return [problem for step in steps for problem in step.problems]


def test_every_step_on_a_base_is_the_commit(tmp_path: Path) -> None:
    hashes, made = history(tmp_path)
    with open_tree(tmp_path) as tree:
        files = tree.files_at(hashes[0])
        steps = walk(made, Base(hashes[0], "named", files))
        assert problems(steps) == []
        for number, step in enumerate(steps, 1):
            assert contents(step.before) == listed(tmp_path, hashes[number - 1])
            assert contents(step.after) == listed(tmp_path, hashes[number])
            assert step.before.files is files
            assert step.after.commit == hashes[0]
        assert [(step.before.label, step.after.label) for step in steps][:2] == [
            ("base", "patch 1"),
            ("patch 1", "patch 2"),
        ]
        assert [step.touched for step in steps] == [
            (A, C),
            ("virt/kvm/moved.c",),
            ("Kconfig", B),
            (C, "virt/kvm/moved.c"),
        ]
        assert [dict(step.renames) for step in steps] == [{}, {A: "virt/kvm/moved.c"}, {}, {}]


def test_without_a_tree_everything_is_rebuilt_and_told_once(tmp_path: Path) -> None:
    hashes, made = history(tmp_path)
    steps = walk(made, None)
    told = problems(steps)
    assert [problem.kind for problem in told] == [ProblemKind.PARTIAL]
    assert told == list(steps[0].problems)
    assert "3 of 5 files" in told[0].detail
    for number, step in enumerate(steps, 1):
        for snapshot, rev in ((step.before, hashes[number - 1]), (step.after, hashes[number])):
            real = listed(tmp_path, rev)
            assert snapshot.files is None
            for path in snapshot.paths(("",)):
                source = snapshot.read(path)
                assert source is not None
                rows, wanted = source.text.split(b"\n"), real[path].split(b"\n")
                known = [n for n in range(1, len(rows)) if not any(a <= n <= b for a, b in source.holes)]
                assert known
                assert [rows[n - 1] for n in known] == [wanted[n - 1] for n in known]
    assert steps[0].after.read(C) is not None
    assert steps[0].before.read(C) is None
    assert steps[2].after.read(B) is None


def test_a_file_that_does_not_apply_is_rebuilt_from_then_on(tmp_path: Path) -> None:
    other = TEXT.replace("line 29\n", "unlike\n")
    start = commit(tmp_path, {A: other, B: "b\n"})
    one = TEXT.replace("line 5\n", "five\n")
    two = one.replace("line 30\n", "thirty\n")
    three = two.replace("line 50\n", "fifty\n")
    made = series(
        patch(1, diff_of(TEXT, one, A)),
        patch(2, diff_of(one, two, A), diff_of("b\n", "bb\n", B)),
        patch(3, diff_of(two, three, A)),
    )
    with open_tree(tmp_path) as tree:
        steps = walk(made, choose_base(made, tree))
        assert [(p.kind, p.where) for p in problems(steps)] == [(ProblemKind.NOT_APPLIED, A)]
        assert steps[1].problems[0].detail == (
            "patch 2: hunk 1: line 29 differs, and the hunk fits nowhere else; known from the patches from here on"
        )
        whole = steps[0].after.read(A)
        assert whole is not None
        assert not whole.partial
        for snapshot in (steps[1].before, steps[1].after, steps[2].before, steps[2].after):
            source = snapshot.read(A)
            assert source is not None
            assert source.holes[0] == (1, 1)  # what patch 1 showed is kept
            assert source.text.split(b"\n")[4] == b"five"
        before, after = steps[1].before.read(A), steps[1].after.read(A)
        assert before is not None
        assert after is not None
        assert (before.text.split(b"\n")[29], after.text.split(b"\n")[29]) == (b"line 30", b"thirty")
        assert before.holes == after.holes
        assert steps[1].after.read(B) is not None
        assert tree.resolve("HEAD") == start


def test_a_new_file_that_exists_is_the_patches_file(tmp_path: Path) -> None:
    commit(tmp_path, {A: "other\n"})
    made = series(patch(1, diff_of(None, "mine\n", A)))
    with open_tree(tmp_path) as tree:
        step = walk(made, choose_base(made, tree))[0]
        assert step.before.read(A) is None
        after = step.after.read(A)
        assert after is not None
        assert (after.text, after.partial) == (b"mine\n", False)
        assert [problem.kind for problem in step.problems] == [ProblemKind.NOT_APPLIED]


def test_a_failing_copy_leaves_its_source_alone(tmp_path: Path) -> None:
    commit(tmp_path, {A: TEXT.replace("line 29\n", "unlike\n")})
    copy = diff_of(TEXT, TEXT.replace("line 30\n", "thirty\n"), A)
    made = series(patch(1, replace(copy, new=B, status=FileStatus.COPIED)))
    with open_tree(tmp_path) as tree:
        step = walk(made, choose_base(made, tree))[0]
        for snapshot in (step.before, step.after):
            source = snapshot.read(A)
            assert source is not None
            assert not source.partial
        made_copy = step.after.read(B)
        assert made_copy is not None
        assert made_copy.partial


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "virt/../../secret", ".git/config", "a\0b", "\ud800"])
def test_a_path_out_of_the_tree_is_left_out(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s\n")
    where = tmp_path / "linux"
    commit(where, {A: "a\n"})
    bad = [diff_of("s\n", "t\n", path), diff_of(None, "t\n", path)]
    bad += [FileDiff(path, A, FileStatus.RENAMED), FileDiff(A, path, FileStatus.COPIED)]
    made = series(patch(1, *bad, diff_of("a\n", "b\n", A)))
    with open_tree(where) as tree:
        for base in (choose_base(made, tree), None):
            step = walk(made, base)[0]
            assert step.touched == (A,)
            assert [problem.kind for problem in step.problems if problem.kind is not ProblemKind.PARTIAL] == [
                ProblemKind.MALFORMED
            ] * len(bad)
            assert list(step.after.overlay) == [A]


def test_binary_files_links_and_submodules_are_told() -> None:
    odd = [
        FileDiff("x.bin", "x.bin", FileStatus.MODIFIED, binary=True),
        FileDiff(None, "link", FileStatus.ADDED, new_mode="120000"),
        FileDiff("sub", "sub", FileStatus.MODIFIED, old_mode="160000"),
    ]
    step = walk(series(patch(1, *odd)), None)[0]
    assert step.touched == ()
    assert [problem.kind for problem in step.problems] == [ProblemKind.NOT_APPLIED] * 3


def test_overlays_do_not_see_the_future_and_iterate() -> None:
    steps = walk(series(patch(1, diff_of(None, "1\n", A)), patch(2, diff_of(None, "2\n", B))), None)
    assert [list(step.after.overlay) for step in steps] == [[A], [A, B]]
    assert [len(step.before.overlay) for step in steps] == [1, 2]
    assert steps[0].before.overlay[A] is None  # a new file is known not to be there before
    assert B not in steps[0].after.overlay
    with pytest.raises(KeyError):
        steps[0].after.overlay[B]


def test_two_diffs_of_one_file_in_one_patch(tmp_path: Path) -> None:
    commit(tmp_path, {A: TEXT})
    one = TEXT.replace("line 5\n", "five\n")
    made = series(patch(1, diff_of(TEXT, one, A), diff_of(one, one.replace("line 50\n", "fifty\n"), A)))
    with open_tree(tmp_path) as tree:
        for base in (choose_base(made, tree), None):
            step = walk(made, base)[0]
            before, after = step.before.read(A), step.after.read(A)
            assert before is not None
            assert after is not None
            assert before.text.split(b"\n")[4] == b"line 5"
            assert [after.text.split(b"\n")[n] for n in (4, 49)] == [b"five", b"fifty"]


def test_the_size_of_all_states_is_bounded(tmp_path: Path) -> None:
    commit(tmp_path, {A: TEXT})
    one = TEXT.replace("line 5\n", "five\n")
    made = series(patch(1, diff_of(TEXT, one, A)), patch(2, diff_of(one, TEXT, A)))
    with open_tree(tmp_path) as tree:
        steps = walk(made, choose_base(made, tree), Limits(input_bytes=600))
        assert [problem.kind for problem in problems(steps)] == [ProblemKind.TOO_LARGE]
        last = steps[1].after.read(A)
        assert last is not None
        assert last.partial


def posted(shared: Path) -> Series:
    """The 24 patches as posted."""
    found, _ = load_series([shared / "corpus/lore/tdx-hugepage-v3"], None, DEFAULT)
    assert [len(one.patches) for one in found] == [24]
    return found[0]


def test_a_range_read_as_mails_walks_to_its_tip(tmp_path: Path) -> None:
    hashes, _ = history(tmp_path)
    with open_tree(tmp_path) as tree:
        found, lost = series_from_text(range_patches(tree, f"{hashes[0]}.."), "range")
        assert lost == []
        steps = walk(found[0], choose_base(found[0], tree))
        assert problems(steps) == []
        assert steps[0].before.commit == hashes[0]  # recognised below the series in HEAD
        assert [contents(step.after) for step in steps] == [listed(tmp_path, commit) for commit in hashes[1:]]


def added(diff: FileDiff) -> dict[int, bytes]:
    out = {}
    for hunk in diff.hunks:
        number = hunk.new_start
        for line in hunk.lines:
            if line[:1] == "+":
                out[number] = line[1:].encode("utf-8", "surrogateescape")
            number += line[:1] != "-"
    return out


def check_added(steps: list[PatchStep]) -> int:
    """Every added line stands at its number in the after-image of a rebuilt file; how many were checked."""
    count = 0
    for step in steps:
        assert step.patch is not None
        for diff in step.patch.files:
            source = step.after.read(diff.path)
            assert source is not None
            rows = source.text.split(b"\n")
            if source.partial:
                assert {n: rows[n - 1] for n in added(diff)} == added(diff)
                count += len(added(diff))
    return count


def test_the_posted_series_is_rebuilt_line_by_line(shared: Path) -> None:
    made = posted(shared)
    start = time.perf_counter()
    steps = walk(made, None)
    spent = time.perf_counter() - start
    assert check_added(steps) > 800
    assert [problem.kind for problem in problems(steps)] == [ProblemKind.PARTIAL]
    assert spent < 0.5  # measured 0.03 s; the budget is 0.1 s on a quiet machine


def test_the_posted_series_on_another_kernel(shared: Path, kernel: Path) -> None:
    made = posted(shared)
    with open_tree(kernel) as tree:
        base = choose_base(made, tree)
        assert base.reason == "plain directory, no history"
        steps = walk(made, base)
        assert check_added(steps) > 0
        kinds = {problem.kind for problem in problems(steps)}
        assert ProblemKind.NOT_APPLIED in kinds
        failed = {problem.where for problem in problems(steps) if problem.kind is ProblemKind.NOT_APPLIED}
        for path in failed:
            source = steps[-1].after.read(path)
            assert source is not None
            assert source.partial
        untouched = steps[-1].after.read("arch/x86/kvm/mmu/spte.c")
        assert untouched == steps[0].before.read("arch/x86/kvm/mmu/spte.c")
