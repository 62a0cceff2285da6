"""Applying one file's diff equals git apply, and says why it fails."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.series.types import FileDiff, FileStatus, Hunk
from analyzer.tree.apply import ApplyError, apply_file
from tests.tree.made import commit, diff_of, git, git_diff

TEN = "".join(f"line {n}\n" for n in range(1, 11))
LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "}", "", "x\ty"]), max_size=30)


def text_of(lines: list[str], ends: bool = True) -> str:
    return "\n".join(lines) + ("\n" if ends and lines else "")


def failure(text: bytes | None, diff: FileDiff) -> ApplyError:
    with pytest.raises(ApplyError) as caught:
        apply_file(text, diff)
    return caught.value


@settings(max_examples=150, deadline=None)
@given(LINES, LINES, st.booleans(), st.booleans(), st.integers(1, 4))
def test_applying_a_diff_gives_the_new_text(
    old: list[str], new: list[str], old_ends: bool, new_ends: bool, context: int
) -> None:
    before, after = text_of(old, old_ends), text_of(new, new_ends)
    assert apply_file(before.encode(), diff_of(before, after, context=context)) == after.encode()


@settings(max_examples=150, deadline=None)
@given(LINES, LINES, st.lists(st.sampled_from("ab}"), min_size=1, max_size=6), st.integers(0, 30))
def test_lines_put_in_elsewhere_never_spoil_the_result_unseen(
    old: list[str], new: list[str], extra: list[str], at: int
) -> None:
    """With unrelated lines above, the diff applies or fails; unique context puts it in the right place."""
    old = [f"{n} {line}" for n, line in enumerate(old)]
    new = [f"{n} {line}" for n, line in enumerate(new)]
    moved = text_of([*extra, *old])
    diff = diff_of(text_of(old), text_of(new))
    try:
        result = apply_file(moved.encode(), diff)
    except ApplyError:
        return
    assert result == text_of([*extra, *new]).encode()


def cases() -> list[tuple[str, dict[str, str | bytes | None], dict[str, str | bytes | None]]]:
    long = "".join(f"row {n}\n" for n in range(60))
    return [
        ("edit", {"f": TEN}, {"f": TEN.replace("line 5", "five")}),
        ("two hunks", {"f": long}, {"f": long.replace("row 3\n", "").replace("row 50\n", "row 50\nnew\nnew\n")}),
        ("add", {"g": "x\n"}, {"f": "new\nfile\n"}),
        ("add empty", {"g": "x\n"}, {"f": ""}),
        ("delete", {"f": TEN, "g": "x\n"}, {"f": None}),
        ("delete empty", {"f": "", "g": "x\n"}, {"f": None}),
        ("empty it", {"f": TEN}, {"f": ""}),
        ("fill it", {"f": ""}, {"f": TEN}),
        ("end lost", {"f": TEN}, {"f": TEN.rstrip("\n")}),
        ("end gained", {"f": TEN.rstrip("\n")}, {"f": TEN}),
        ("no end, edit above", {"f": TEN.rstrip("\n")}, {"f": TEN.rstrip("\n").replace("line 9", "nine")}),
        ("no end, last line", {"f": "a"}, {"f": "b"}),
        ("rename", {"f": long}, {"f": None, "h": long}),
        ("rename and edit", {"f": long}, {"f": None, "h": long.replace("row 9\n", "row nine\n")}),
        ("copy and edit", {"f": long}, {"h": long + "tail\n"}),
        ("crlf", {"f": TEN.replace("\n", "\r\n")}, {"f": TEN.replace("\n", "\r\n").replace("line 4", "four")}),
        (
            "odd bytes",
            {"f": b"caf\xe9\n\x0cform\n\xe2\x80\xa8x\nlone \r cr\n"},
            {"f": b"caf\xe8\n\x0cform\n\xe2\x80\xa8x\nlone \r cr\n"},
        ),
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case[0])
def test_equals_git_apply(
    case: tuple[str, dict[str, str | bytes | None], dict[str, str | bytes | None]], tmp_path: Path
) -> None:
    _, before, after = case
    first = commit(tmp_path, before)
    second = commit(tmp_path, after)
    diffs = git_diff(tmp_path, first, second)
    assert diffs
    for diff in diffs:
        text = None if diff.old is None else git(tmp_path, "show", f"{first}:{diff.old}")
        result = apply_file(text, diff)
        wanted = None if diff.new is None else git(tmp_path, "show", f"{second}:{diff.new}")
        assert result == wanted


@settings(max_examples=40, deadline=None)
@given(LINES, LINES, LINES)
def test_on_another_text_equals_git_apply(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], other: list[str]
) -> None:
    """Offsets, ambiguity and refusal as git has them: the third text holds the first one somewhere."""
    middle = len(other) // 2
    before, after = text_of(old), text_of(new)
    target = text_of([*other[:middle], *old, *other[middle:]])
    diff = diff_of(before, after)
    if not diff.hunks or not before or not after:
        return
    where = tmp_path_factory.mktemp("apply")
    (where / "f").write_bytes(target.encode())
    written = ["--- a/f", "+++ b/f"]
    for hunk in diff.hunks:
        written.append(f"@@ -{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count} @@")
        written += hunk.lines
    data = ("\n".join(written) + "\n").encode()
    done = subprocess.run(["git", "apply", "-"], cwd=where, input=data, capture_output=True, check=False)
    try:
        result = apply_file(target.encode(), diff)
    except ApplyError:
        assert done.returncode != 0
    else:
        assert done.returncode == 0, done.stderr
        assert result == (where / "f").read_bytes()


def test_a_hunk_moves_with_its_context() -> None:
    diff = diff_of(TEN, TEN.replace("line 5\n", "five\n"))
    assert apply_file(b"top\n" * 40 + TEN.encode(), diff) == b"top\n" * 40 + TEN.replace("line 5\n", "five\n").encode()


def test_failure_names_the_hunk_and_the_line() -> None:
    error = failure(TEN.replace("line 7\n", "other\n").encode(), diff_of(TEN, TEN.replace("line 5\n", "five\n")))
    assert (error.hunk_number, error.path, error.already) == (1, "virt/kvm/a.c", False)
    assert "line 7" in error.reason


def test_an_applied_hunk_is_called_so() -> None:
    after = TEN.replace("line 5\n", "five\n")
    assert failure(after.encode(), diff_of(TEN, after)).already
    assert failure(b"new\n", diff_of(None, "new\n")).already
    assert failure(None, diff_of(TEN, None)).already


def test_what_is_no_text_edit_fails() -> None:
    diff = diff_of(TEN, TEN + "x\n")
    assert "binary" in failure(TEN.encode(), replace(diff, binary=True)).reason
    assert "link" in failure(TEN.encode(), replace(diff, old_mode="120000")).reason
    assert "does not exist" in failure(None, diff).reason
    assert "exists already" in failure(b"something else\n", diff_of(None, "new\n")).reason
    assert "leaves lines" in failure(TEN.encode(), replace(diff, status=FileStatus.DELETED, new=None)).reason


def test_mode_only_keeps_the_text() -> None:
    diff = FileDiff("f", "f", FileStatus.MODIFIED, old_mode="100644", new_mode="100755")
    assert apply_file(b"text", diff) == b"text"


def test_crlf_file_takes_a_patch_that_lost_its_cr() -> None:
    after = TEN.replace("line 5\n", "five\n")
    assert apply_file(TEN.replace("\n", "\r\n").encode(), diff_of(TEN, after)) == after.replace("\n", "\r\n").encode()


def test_hunk_without_context_goes_by_its_line_only() -> None:
    diff = diff_of(TEN, TEN.replace("line 5\n", "line 5\nnew\n"), context=0)
    assert apply_file(TEN.encode(), diff) == TEN.replace("line 5\n", "line 5\nnew\n").encode()
    removed = diff_of(TEN, TEN.replace("line 5\n", ""), context=0)
    assert apply_file(TEN.encode(), removed) == TEN.replace("line 5\n", "").encode()
    assert failure(b"top\n" + TEN.encode(), removed).hunk_number == 1


def test_repeated_lines_do_not_take_for_ever() -> None:
    hunk = Hunk(9, 20_001, 9, 20_001, "", (*[" same"] * 20_000, "-end", "+END"))
    diff = FileDiff("f", "f", FileStatus.MODIFIED, (replace(hunk, lines=(*hunk.lines, " more")),))
    assert failure(b"same\n" * 200_000, diff).hunk_number == 1
