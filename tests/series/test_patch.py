"""One mail to one patch: log, notes, trailers, author, base lines, and what is no member."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.problem import ProblemKind
from analyzer.series.hint import base_hint, merge_hints
from analyzer.series.patch import parse_patch
from analyzer.series.types import BaseHint, Patch, Trailer
from tests.series.letters import ANN, BOB, body, diff, mail, patch

SOB = f"Signed-off-by: {ANN}"
HEX = "0123456789" * 4


def member(subject: str, text: str) -> Patch:
    found, problems = parse_patch(mail("1", subject, text))
    assert found is not None
    assert not problems
    return found


def test_a_patch_mail_is_taken_apart() -> None:
    text = f"Why.\n\nMore.\n\n{SOB}\n---\nv2: better\n\n x.c | 2 +-\n 1 file changed\n\n{diff()}-- \n2.43\n"
    found = member("[PATCH v2 05/24] KVM: do it", text)
    assert (found.index, found.label, found.title, found.author) == (5, "05", "KVM: do it", ANN)
    assert found.log == f"Why.\n\nMore.\n\n{SOB}"
    assert found.trailers == (Trailer("Signed-off-by", ANN),)
    assert found.notes == "v2: better\n\n x.c | 2 +-\n 1 file changed"
    assert [f.path for f in found.files] == ["x.c"]
    assert found.message_id == "1@example.org"


def test_in_body_headers_win() -> None:
    found = member("[PATCH 1/2] list title", f"From: {BOB}\nSubject: [PATCH] KVM: the real\n title\n\n" + body())
    assert (found.author, found.title) == (BOB, "KVM: the real title")
    assert found.log.startswith("Why.")


def test_a_patch_without_cut_line_or_number() -> None:
    found = member("[PATCH] t", f"Why.\n\n{SOB}\n\n{diff()}")
    assert (found.index, found.label, found.log, found.notes) == (1, "", f"Why.\n\n{SOB}", "")


def test_several_cut_lines_end_the_log_at_the_first() -> None:
    found = member("[PATCH] t", f"Why.\n---\nnote\n---\n x.c | 2\n\n{diff()}")
    assert (found.log, found.notes) == ("Why.", "note\n---\n x.c | 2")


def test_a_bare_diff_is_a_patch_named_after_its_file() -> None:
    found, _ = parse_patch(mail("", "", diff()))
    assert found is not None
    assert (found.title, found.log) == (".eml", "")


@pytest.mark.parametrize(
    "subject",
    ["Re: [PATCH 1/2] t", "答复: [PATCH] t", "[GIT PULL] t", "[tip: x86/tdx] t", "[syzbot] t", "[PULL 1/2] t"],
)
def test_replies_and_notices_with_diffs_are_no_members(subject: str) -> None:
    assert parse_patch(patch("1", subject)) == (None, [])


def test_an_answer_without_patch_mark_is_no_member() -> None:
    assert parse_patch(patch("1", "how about this", to="0")) == (None, [])


def test_a_cover_letter_is_no_member() -> None:
    assert parse_patch(mail("1", "[PATCH 0/2] t", "Cover.\n---\n x.c | 2\n")) == (None, [])
    found, problems = parse_patch(patch("1", "[PATCH 0/2] t"))
    assert found is None
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED]


@pytest.mark.parametrize("subject", ["[PATCH 0/1] t", "[PATCH 0/0] t"])
def test_a_lone_patch_numbered_zero_is_a_patch(subject: str) -> None:
    assert member(subject, body()).index == 1


def test_an_unindented_diff_in_the_log_is_reported() -> None:
    text = f"It fails with\n\n{diff('y.c')}\nso mend it.\n\n{SOB}\n---\n x.c | 2\n\n{diff()}"
    found, problems = parse_patch(mail("1", "[PATCH] t", text))
    assert found is not None
    assert [f.path for f in found.files] == ["y.c", "x.c"]
    assert found.log == "It fails with"
    assert ["unindented diff" in p.detail for p in problems] == [True]


def test_a_rule_line_that_cuts_the_trailers_off_is_reported() -> None:
    _, problems = parse_patch(mail("1", "[PATCH] t", f"Why.\n---\nmore why\n\n{SOB}\n---\n x.c | 2\n\n{diff()}"))
    assert ["drops the trailers" in p.detail for p in problems] == [True]


def test_an_indented_diff_in_the_log_is_text() -> None:
    quoted = "".join(f"  {line}\n" for line in diff().split("\n"))
    found = member("[PATCH] t", f"Why.\n\n{quoted}\n{SOB}\n---\n{diff('y.c')}")
    assert [f.path for f in found.files] == ["y.c"]
    assert SOB in found.log


def test_a_context_diff_is_reported() -> None:
    text = "Why.\n---\n*** a/x.c\td\n--- b/x.c\td\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n"
    found, problems = parse_patch(mail("1", "[PATCH] t", text))
    assert found is None
    assert "context diff" in problems[0].detail


def hint(text: str) -> BaseHint:
    return base_hint(mail("1", "[PATCH] t", text))


@pytest.mark.parametrize(
    "text", [f"base-commit: {HEX}\n", f"x\n-- \n2.43\n\nbase-commit: {HEX}", f"base-commit: {HEX}\n\n"]
)
def test_exact_base_lines_count_anywhere(text: str) -> None:
    assert hint(text).base_commit == HEX


@pytest.mark.parametrize(
    "line",
    [
        f"base-commit: {HEX[:39]}",
        f"base-commit: {HEX} (kvm-x86/next)",
        "base-commit: v6.12-rc1",
        f"base-commit: {HEX}\r",
        f"> base-commit: {HEX}",
        f"+base-commit: {HEX}",
        f" base-commit: {HEX}",
        f"Base-commit: {HEX}",
        f"base-commit:  {HEX}",
    ],
)
def test_inexact_base_lines_do_not_count(line: str) -> None:
    assert hint(line + "\n") == BaseHint()


def test_all_dependency_lines() -> None:
    other = HEX[::-1]
    text = (
        f"base-commit: {HEX}\nprerequisite-patch-id: {other}\nprerequisite-base-commit: {other}\n"
        "change-id: 20260106-kvm-tdx-0123abcd\nBased-on: <a@example.org>\n"
        "Depends-on: https://lore.kernel.org/kvm/b@example.org/\nprerequisite-message-id: <c@example.org>\n"
    )
    assert hint(text) == BaseHint(
        HEX, (other,), (other,), "20260106-kvm-tdx-0123abcd", ("a@example.org", "b@example.org", "c@example.org")
    )


def test_hints_merge_and_the_first_word_wins() -> None:
    merged = merge_hints([BaseHint("", ("1",)), BaseHint("a", ("2", "1"), change_id="c"), BaseHint("b", change_id="d")])
    assert merged == BaseHint("a", ("1", "2"), (), "c")


def test_the_change_id_header_counts() -> None:
    assert base_hint(mail("1", "t", "-", headers=(("X-Change-ID", "20260106-x-0123"),))).change_id == "20260106-x-0123"


LINES = st.sampled_from(
    ["---", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "-a", "+b", "", "From: A <a@b>", " x", SOB, "diff -u"]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=10)), max_size=20).map("\n".join))
def test_no_body_raises(text: str) -> None:
    found, problems = parse_patch(mail("1", "[PATCH 1/2] t", text))
    assert found is None or found.files
    assert all(problem.detail for problem in problems)
