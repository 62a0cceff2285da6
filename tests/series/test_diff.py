"""The diff parser, its inverse, and line numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.limits import Limits
from analyzer.core.problem import ProblemKind
from analyzer.series.diff import added_lines, format_diff, line_map, parse_diff
from analyzer.series.types import FileDiff, FileStatus, Hunk

HUNK = "@@ -1,2 +1,2 @@ int f(void)\n ctx\n-old\n+new\n"
HEAD = "diff --git a/x.c b/x.c\nindex 0123456..89abcde 100644\n--- a/x.c\n+++ b/x.c\n"


def only(text: str) -> FileDiff:
    files, problems = parse_diff(text)
    assert (len(files), problems) == (1, [])
    return files[0]


def test_an_ordinary_diff() -> None:
    hunk = Hunk(1, 2, 1, 2, "int f(void)", (" ctx", "-old", "+new"))
    assert only(HEAD + HUNK) == FileDiff(
        "x.c", "x.c", FileStatus.MODIFIED, (hunk,), False, "100644", "100644", "0123456", "89abcde"
    )


def test_prose_around_diffs_is_skipped() -> None:
    files, problems = parse_diff(
        "log\n---\n x.c | 2\n\n" + HEAD + HUNK + "\ntext\n" + HEAD.replace("x.c", "y.c") + HUNK
    )
    assert ([f.path for f in files], problems) == (["x.c", "y.c"], [])


@pytest.mark.parametrize("line", ["-- ", "--- a/z.c", "+++ b/z.c", "@@ -1 +1 @@", "diff --git a/q b/q", "\\ No"])
def test_counts_decide_and_not_prefixes(line: str) -> None:
    diff = only(HEAD + f"@@ -1,2 +1,2 @@\n {line}\n-{line}\n+{line}\n")
    assert diff.hunks[0].lines == (f" {line}", f"-{line}", f"+{line}")


def test_the_signature_is_no_deletion() -> None:
    files, problems = parse_diff(HEAD + HUNK + "-- \n2.43.0\n\n_______\nlist footer\n")
    assert (files[0].hunks[0].lines[-1], problems) == ("+new", [])


@pytest.mark.parametrize("text", ["a\rb", "a\x0cb", "a\u2028b\x85", "tab\t\r", "\udcff"])
def test_only_lf_ends_a_line(text: str) -> None:
    assert only(HEAD + f"@@ -0,0 +1 @@\n+{text}\n").hunks[0].lines == (f"+{text}",)


def test_a_blank_line_is_context_whose_blank_was_stripped() -> None:
    assert only(HEAD + "@@ -1,3 +1,2 @@\n a\n\n-b\n").hunks[0].lines == (" a", " ", "-b")


@pytest.mark.parametrize(
    ("lines", "old", "new"),
    [
        ("-a\n\\ No newline at end of file\n+b\n", True, False),
        ("-a\n+b\n\\ No newline at end of file\n", False, True),
        ("-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", True, True),
    ],
)
def test_missing_newlines_are_kept_by_side(lines: str, old: bool, new: bool) -> None:
    hunk = only(HEAD + "@@ -1 +1 @@\n" + lines).hunks[0]
    assert (hunk.old_no_newline, hunk.new_no_newline, hunk.lines) == (old, new, ("-a", "+b"))


def test_context_without_newline_counts_for_both_sides() -> None:
    hunk = only(HEAD + "@@ -1,2 +1 @@\n-a\n b\n\\ No newline at end of file\n").hunks[0]
    assert (hunk.old_no_newline, hunk.new_no_newline) == (True, True)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (
            "diff --git a/o d.c b/n d.c\nsimilarity index 90%\nrename from o d.c\nrename to n d.c\n",
            FileDiff("o d.c", "n d.c", FileStatus.RENAMED, similarity=90),
        ),
        (
            "diff --git a/o b/n\nsimilarity index 100%\ncopy from o\ncopy to n\n",
            FileDiff("o", "n", FileStatus.COPIED, similarity=100),
        ),
        (
            "diff --git a/s b/s\nold mode 100644\nnew mode 100755\n",
            FileDiff("s", "s", FileStatus.MODIFIED, old_mode="100644", new_mode="100755"),
        ),
        (
            "diff --git a/e f b/e f\nnew file mode 100644\nindex 0000000..e69de29\n",
            FileDiff(None, "e f", FileStatus.ADDED, new_mode="100644", old_blob="0000000", new_blob="e69de29"),
        ),
        (
            "diff --git a/e b/e\ndeleted file mode 100644\nindex e69de29..0000000\n",
            FileDiff("e", None, FileStatus.DELETED, old_mode="100644", old_blob="e69de29", new_blob="0000000"),
        ),
        (
            'diff --git "a/t\\tb\\303\\251" "b/t\\tb\\303\\251"\nold mode 100644\nnew mode 100755\n',
            FileDiff("t\tbé", "t\tbé", FileStatus.MODIFIED, old_mode="100644", new_mode="100755"),
        ),
        (
            'diff --git a/p "b/q\\"\\377"\nsimilarity index 100%\nrename from p\nrename to "q\\"\\377"\n',
            FileDiff("p", 'q"\udcff', FileStatus.RENAMED, similarity=100),
        ),
        (
            "diff --git a/b b/b\nindex 1111111..2222222 100644\nBinary files a/b and b/b differ\n",
            FileDiff("b", "b", FileStatus.MODIFIED, (), True, "100644", "100644", "1111111", "2222222"),
        ),
    ],
)
def test_git_headers(text: str, want: FileDiff) -> None:
    assert only(text) == want


def test_a_name_with_a_blank_ends_at_the_tab() -> None:
    text = HEAD.replace("x.c", "x y.c").replace("--- a/x y.c", "--- a/x y.c\t").replace("+++ b/x y.c", "+++ b/x y.c\t")
    assert only(text + HUNK).path == "x y.c"


def test_binary_patches_are_skipped_whole() -> None:
    block = "zcmV<@@ -1 +1 @@\nM--- a/x\n"
    head = "diff --git a/b.bin b/b.bin\nindex 1111111..2222222 100644\nGIT binary patch\n"
    text = f"{head}literal 20\n{block}\ndelta 9\n{block}\n"
    files, problems = parse_diff(text + HEAD + HUNK + "-- \n2.43\n")
    assert [(f.path, f.binary, len(f.hunks)) for f in files] == [("b.bin", True, 0), ("x.c", False, 1)]
    assert not problems


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("a/dir/x.c\t2026-01-06 10:00:00.0 +0000", "b/dir/x.c\t2026-01-06 10:00:00.0 +0000", "dir/x.c"),
        ("linux-6.6.orig/dir/x.c", "linux-6.6/dir/x.c", "dir/x.c"),
        ("dir/x.c.orig 2026-01-06 10:00:00", "dir/x.c 2026-01-06 10:00:00", "dir/x.c"),
        ("dir/x.c", "dir/x.c", "dir/x.c"),
        ("x.c\tTue Jan  6 10:00:00 2026", "x.c\t(working copy)", "x.c"),
        ("i/dir/x.c", "w/dir/x.c", "dir/x.c"),
    ],
)
def test_plain_diffs(old: str, new: str, path: str) -> None:
    diff = only(f"Index: x\n====\n--- {old}\n+++ {new}\n{HUNK}")
    assert (diff.old, diff.new, diff.status) == (path, path, FileStatus.MODIFIED)


def test_plain_diffs_of_new_and_deleted_files() -> None:
    new = only("--- /dev/null\n+++ b/n.c\n@@ -0,0 +1 @@\n+a\n")
    assert (new.old, new.new, new.status) == (None, "n.c", FileStatus.ADDED)
    epoch = only("--- a/n.c\t1970-01-01 00:00:00.0 +0000\n+++ b/n.c\t2026-01-06 10:00:00.0 +0000\n@@ -0,0 +1 @@\n+a\n")
    assert (epoch.old, epoch.new, epoch.status) == (None, "n.c", FileStatus.ADDED)
    gone = only("--- a/n.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n")
    assert (gone.old, gone.new, gone.status) == ("n.c", None, FileStatus.DELETED)


def test_diffs_without_prefix_keep_their_first_folder() -> None:
    head = "diff --git arch/x.c arch/x.c\nindex 0123456..89abcde 100644\n--- arch/x.c\n+++ arch/x.c\n"
    assert only(head + HUNK).path == "arch/x.c"
    new = "diff --git b/x.c b/x.c\nnew file mode 100644\n--- /dev/null\n+++ b/x.c\n@@ -0,0 +1 @@\n+a\n"
    assert only(new).path == "b/x.c"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../x", ".git/hooks/x", "a/.GIT/x", "a/.git./x", "a//x", "./x", "git~1/x"]
)
def test_hostile_names_are_dropped_with_a_problem(name: str) -> None:
    files, problems = parse_diff(HEAD.replace("x.c", name) + HUNK + HEAD + HUNK)
    assert [f.path for f in files] == ["x.c"]
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED]


def test_hostile_sources_of_renames_are_dropped() -> None:
    files, problems = parse_diff("diff --git a/a b/b\nsimilarity index 100%\nrename from ../../a\nrename to b\n")
    assert (files, len(problems)) == ((), 1)


def test_git_ignore_files_are_not_hostile() -> None:
    assert only(HEAD.replace("x.c", ".gitignore") + HUNK).path == ".gitignore"


def test_a_truncated_hunk_is_kept_as_far_as_it_goes() -> None:
    files, problems = parse_diff(HEAD + "@@ -1,5 +1,5 @@\n a\n-b\n+c\n")
    assert files[0].hunks == (Hunk(1, 2, 1, 2, "", (" a", "-b", "+c")),)
    assert [(p.kind, p.where) for p in problems] == [(ProblemKind.MALFORMED, "x.c")]


def test_after_a_wrapped_line_the_next_hunk_is_found() -> None:
    files, problems = parse_diff(HEAD + "@@ -1,3 +1,3 @@\n a long\nwrapped line\n-b\n+c\n d\n@@ -9 +9 @@\n-x\n+y\n")
    assert [h.old_start for h in files[0].hunks] == [1, 9]
    assert len(problems) == 1


def test_lines_beyond_the_count_are_a_problem() -> None:
    files, problems = parse_diff(HEAD + "@@ -1 +1 @@\n-b\n+c\n+more\n")
    assert files[0].hunks[0].lines == ("-b", "+c")
    assert "beyond the count" in problems[0].detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*** a/x.c\tdate\n--- b/x.c\tdate\n***************\n*** 1,2 ****\n! a\n--- 1,2 ----\n! b\n", "context diff"),
        ("diff --cc x.c\nindex 1,2..3\n--- a/x.c\n+++ b/x.c\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n", "merge"),
        ("@@ -1 +1 @@\n-a\n+b\n", "without a file header"),
        ("diff --git a/x b/x\n", "without a change"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,a +1 @@\n", "broken hunk header"),
        ("diff --git x y z\nold mode 100644\nnew mode 100755\n", "names cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, said: str) -> None:
    files, problems = parse_diff(text)
    assert files == ()
    assert said in problems[0].detail


def test_limits_give_a_partial_result() -> None:
    files, problems = parse_diff((HEAD + HUNK) * 5, Limits(files=2))
    assert (len(files), [p.kind for p in problems]) == (2, [ProblemKind.TOO_LARGE])
    files, problems = parse_diff(HEAD + "@@ -0,0 +1,9 @@\n" + "+a\n" * 9, Limits(hunk_lines=4))
    assert len(files[0].hunks[0].lines) == 4
    assert ProblemKind.TOO_LARGE in {p.kind for p in problems}


def test_line_map_and_added_lines() -> None:
    diff = only(HEAD + "@@ -3,3 +3,4 @@\n c\n-d\n+D\n+E\n e\n@@ -9,0 +11,2 @@\n+x\n+y\n@@ -20 +22,0 @@\n-t\n")
    new = line_map(diff)
    assert [new(n) for n in (1, 2, 3, 4, 5, 6, 9, 10, 19, 20, 21)] == [1, 2, 3, None, 6, 7, 10, 13, 22, None, 23]
    assert added_lines(diff) == {4, 5, 11, 12}


def test_added_lines_are_where_an_offset_has_put_them() -> None:
    diff = only(HEAD + "@@ -3,3 +3,4 @@\n c\n-d\n+D\n+E\n e\n")
    image = ["c", "D", "x", *"above", "c", "D", "E", "e", "", "c", "D", "E", "e"]
    assert added_lines(diff, image) == {10, 11}
    assert added_lines(diff, ["c", "D", "D", "e"]) == added_lines(diff) == {4, 5}


def test_line_map_of_new_and_deleted_files_is_empty() -> None:
    assert line_map(FileDiff(None, "x", FileStatus.ADDED))(1) is None
    assert line_map(FileDiff("x", None, FileStatus.DELETED))(1) is None
    assert line_map(FileDiff("x", "y", FileStatus.RENAMED))(7) == 7


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """A script of (mark, text) over a file whose every line is different."""
    marks = draw(st.lists(st.sampled_from(" -+"), max_size=40))
    script = [(mark, f"line {n}") for n, mark in enumerate(marks)]
    return [text for mark, text in script if mark != "+"], script


@given(edits())
def test_line_map_follows_every_line(made: tuple[list[str], list[tuple[str, str]]]) -> None:
    old, script = made
    new = [text for mark, text in script if mark != "-"]
    hunks = []
    at_old = at_new = 0
    for n, (mark, text) in enumerate(script):
        # One hunk for each changed line, without context: the hardest numbering.
        if mark == "-":
            hunks.append(Hunk(at_old + 1, 1, at_new, 0, "", (f"-{text}",)))
        elif mark == "+":
            hunks.append(Hunk(at_old, 0, at_new + 1, 1, "", (f"+{text}",)))
        at_old += mark != "+"
        at_new += mark != "-"
        assert n < len(script)
    diff = FileDiff("x", "x", FileStatus.MODIFIED, tuple(hunks))
    place = line_map(diff)
    for number, text in enumerate(old, 1):
        found = place(number)
        assert (new[found - 1] if found else None) == (text if text in new else None)
    assert added_lines(diff) == {n for n, text in enumerate(new, 1) if text not in old}


TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("ab-+@ \\\t\r\u2028\udcff"), st.characters(codec="utf-8")), max_size=12
).map(lambda text: text.replace("\n", ""))
PART = st.text(alphabet=st.sampled_from('abc.-_ "\\\té\udcfe'), min_size=1, max_size=6).filter(
    lambda part: part.strip(". ") == part and part
)
PATH = st.lists(PART, min_size=1, max_size=3).map("/".join)
BLOB = st.text(alphabet="0123456789abcdef", min_size=7, max_size=12)
MODE = st.sampled_from(["100644", "100755", "120000"])


@st.composite
def hunk_values(draw: st.DrawFn, marks: str = " -+") -> Hunk:
    lines = tuple(f"{mark}{draw(TEXT)}" for mark in draw(st.lists(st.sampled_from(marks), min_size=1, max_size=6)))
    old, new = (sum(line[0] != other for line in lines) for other in "+-")
    ends = [False, False]
    last = [next((line for line in reversed(lines) if line[0] != other), "") for other in "+-"]
    if lines[-1][0] == " ":
        ends = [draw(st.booleans())] * 2
    else:
        ends = [last[0][:1] == "-" and draw(st.booleans()), last[1][:1] == "+" and draw(st.booleans())]
    start = st.integers(1, 99_999)
    section = draw(TEXT).rstrip("\r")
    return Hunk(draw(start), old, draw(start), new, section, lines, ends[0], ends[1])


@st.composite
def file_values(draw: st.DrawFn) -> FileDiff:
    status = draw(st.sampled_from(FileStatus))
    old, new = draw(PATH), draw(PATH)
    blobs = draw(st.one_of(st.just(("", "")), st.tuples(BLOB, BLOB)))
    modes = draw(st.tuples(MODE, MODE))
    if status is FileStatus.ADDED:
        if draw(st.booleans()):
            return FileDiff(None, new, status, (draw(hunk_values("+")),))
        hunks = tuple(draw(st.lists(hunk_values("+"), max_size=1)))
        return FileDiff(None, new, status, hunks, False, "", modes[1], *blobs)
    if status is FileStatus.DELETED:
        hunks = tuple(draw(st.lists(hunk_values("-"), max_size=1)))
        return FileDiff(old, None, status, hunks, False, modes[0], "", *blobs)
    hunks = tuple(draw(st.lists(hunk_values(), min_size=1, max_size=3)))
    if status is FileStatus.MODIFIED:
        binary = draw(st.booleans())
        return FileDiff(new, new, status, () if binary else hunks, binary, *modes, *blobs)
    hunks = hunks if blobs[0] else ()
    return FileDiff(old, new, status, hunks, False, "", "", *blobs, similarity=draw(st.integers(0, 100)))


@given(st.lists(file_values(), max_size=4).map(tuple))
def test_parsing_what_was_formatted_gives_it_back(files: tuple[FileDiff, ...]) -> None:
    assert parse_diff(format_diff(files)) == (files, [])


def test_formatting_a_new_file_without_mode_gives_it_back() -> None:
    hunk = Hunk(0, 0, 1, 1, "", ("+a",))
    diff = FileDiff(None, "x.c", FileStatus.ADDED, (hunk,))
    assert parse_diff(format_diff([diff])) == ((diff,), [])


LINES = st.sampled_from(
    ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1,3 +1,2 @@ f", "@@ -1 +1 @@", "@@ -0,0 +0,0 @@", " c", "-d",
     "+e", "", "\\ No newline at end of file", "-- ", "GIT binary patch", "literal 3", "Kabc", "rename from x",
     'rename to "y', "index 123..456", "similarity index x%", "--- /dev/null", "new file mode 1", '"', "copy from ",
     'diff --git "a/\\', "***************", "*** a/x", "@@ -99999999999 +1 @@", "old mode 9", "Binary files",
     "diff --git "]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(LINES, st.text(max_size=8)), max_size=25).map("\n".join)))
def test_no_text_raises_and_counts_are_true(text: str) -> None:
    files, _ = parse_diff(text)
    for diff in files:
        assert diff.path
        for hunk in diff.hunks:
            assert len(hunk.old_lines()) == hunk.old_count
            assert len(hunk.new_lines()) == hunk.new_count
        assert len(added_lines(diff)) <= sum(len(hunk.lines) for hunk in diff.hunks)
    assert isinstance(format_diff(files), str)
