"""Threads to series."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.mail.mbox import write_mbox
from analyzer.mail.types import Message
from analyzer.series.assemble import assemble, load_series, series_from_text
from analyzer.series.types import Series
from tests.series.letters import BOB, body, mail, patch, raw, thread


def one(messages: list[Message]) -> Series:
    found, problems = assemble(messages, DEFAULT)
    assert (len(found), problems) == (1, [])
    return found[0]


def labels(series: Series) -> list[str]:
    return [patch.label for patch in series.patches]


def kinds(problems: tuple[Problem, ...] | list[Problem]) -> list[ProblemKind]:
    return [problem.kind for problem in problems]


def test_a_thread_is_a_series() -> None:
    series = one(thread("3"))
    assert (series.id, series.revision, series.title, series.total) == ("3c@example.org", "3", "KVM: all", 3)
    assert series.cover is not None
    assert [(p.index, p.title) for p in series.patches] == [(n, f"KVM: part {n}") for n in (1, 2, 3)]
    assert (series.rfc, series.problems) == (False, ())


def test_the_order_of_arrival_does_not_matter() -> None:
    mails = [*thread("2"), mail("r", "Re: [PATCH v2 1/3] KVM: part 1", "ok\n", to="21")]
    want = one(mails)
    for order in itertools.islice(itertools.permutations(mails), 0, 120, 7):
        assert one(list(order)) == want


def test_a_mail_received_twice_counts_once() -> None:
    mails = thread()
    assert one([*mails, *mails]).problems == ()


def test_a_copy_with_a_list_footer_is_the_same_mail() -> None:
    mails = thread()
    copy = replace(mails[1], body=mails[1].body + "_______\nlist footer\n")
    assert one([copy, *mails]) == one(mails)


def test_one_id_with_two_bodies_is_a_problem() -> None:
    mails = thread()
    found, problems = assemble([*mails, replace(mails[1], body=body(new="other"))], DEFAULT)
    assert kinds(problems) == [ProblemKind.DUPLICATE]
    assert found[0].patches[0].files[0].hunks[0].lines[-1] == "+new1"


def test_a_member_sent_twice_is_used_once() -> None:
    mails = thread()
    same = patch("again", "[PATCH 2/3] KVM: part 2", to="c", hours=1, new="new2")
    assert one([*mails, same]).problems == ()
    newer = patch("again", "[PATCH 2/3] KVM: part 2", to="c", hours=1, new="better")
    series = one([newer, *mails])
    assert kinds(series.problems) == [ProblemKind.DUPLICATE]
    assert series.patches[1].files[0].hunks[0].lines[-1] == "+better"


def test_missing_members_are_named() -> None:
    mails = thread("", 9)
    series = one([m for m in mails if m.id[0] not in "3567"])
    assert [p.detail for p in series.problems] == ["patches 3, 5-7 of 9 are missing"]
    assert kinds(series.problems) == [ProblemKind.MISSING_PATCH]
    assert labels(series) == ["1", "2", "4", "8", "9"]


def test_a_series_without_cover_is_named_by_its_first_patch() -> None:
    series = one(thread()[1:])
    assert (series.cover, series.title, series.id) == (None, "KVM: part 1", "1@example.org")


def test_a_naked_cover_is_found() -> None:
    for subject in ("[PATCH v2] KVM: all", "KVM: all"):
        cover = mail("2c", subject, "Hello.\n")
        series = one([cover, *thread("2")[1:]])
        assert (series.cover, series.title) == (cover, "KVM: all")


def test_a_cover_without_patches_is_a_problem() -> None:
    found, problems = assemble([thread()[0]], DEFAULT)
    assert (found, kinds(problems)) == ([], [ProblemKind.MISSING_PATCH])


def test_a_cover_that_counts_otherwise_still_belongs() -> None:
    mails = thread()
    series = one([replace(mails[0], subject="[PATCH 0/4] KVM: all"), *mails[1:]])
    assert series.cover is not None
    assert ["the cover letter says 4" in p.detail for p in series.problems] == [True]


def test_of_two_covers_the_newer_is_used() -> None:
    mails = thread()
    series = one([mail("c2", "[PATCH 0/3] KVM: all", "Better.\n", to="c", hours=1), *mails])
    assert series.cover is not None
    assert series.cover.body == "Better.\n"
    assert kinds(series.problems) == [ProblemKind.DUPLICATE]


def test_two_revisions_in_one_thread_are_two_series() -> None:
    found, problems = assemble([*thread("2", start=24, root="c"), *thread()], DEFAULT)
    assert [(s.revision, len(s.patches), s.problems) for s in found] == [("1", 3, ()), ("2", 3, ())]
    assert not problems


def test_rfc_and_final_first_revision_in_one_thread_are_two_series() -> None:
    rfc = [replace(m, id="r" + m.id, parents=tuple("r" + p for p in m.parents)) for m in thread("", prefix="RFC PATCH")]
    found, _ = assemble([*rfc, *thread("", start=24)], DEFAULT)
    assert [(s.rfc, len(s.patches)) for s in found] == [(True, 3), (False, 3)]


def test_unthreaded_mails_are_grouped_by_author_revision_total_and_time() -> None:
    mails = [patch(f"u{n}", f"[PATCH v2 {n}/3] t{n}", hours=n) for n in (1, 2, 3)]
    assert labels(one(mails)) == ["1", "2", "3"]
    late = [*mails[:2], patch("u3", "[PATCH v2 3/3] t3", hours=100)]
    assert [labels(s) for s in assemble(late, DEFAULT)[0]] == [["1", "2"], ["3"]]
    foreign = [*mails[:2], patch("u3", "[PATCH v2 3/3] t3", hours=3, sender=BOB)]
    assert len(assemble(foreign, DEFAULT)[0]) == 2


def test_an_unthreaded_cover_is_found() -> None:
    mails = [patch(f"u{n}", f"[PATCH {n}/2] t{n}") for n in (1, 2)]
    assert one([mail("u0", "[PATCH 0/2] all", "x\n"), *mails]).title == "all"


def test_patches_that_answer_the_same_absent_cover_belong_together() -> None:
    mails = [replace(m, sender=BOB if m.id.startswith("2") else m.sender) for m in thread()[1:]]
    assert labels(one(mails)) == ["1", "2", "3"]


def test_files_that_were_never_sent_are_a_series_whatever_their_dates() -> None:
    mails = [patch("", f"[PATCH {n}/3] t{n}", hours=n * 1000) for n in (3, 1, 2)]
    assert [p.title for p in one(mails).patches] == ["t1", "t2", "t3"]


def test_numberless_files_are_a_series_in_the_order_given() -> None:
    mails = [patch("", f"[PATCH] t{n}", hours=-n) for n in (1, 2, 3)]
    series = one(mails)
    assert [(p.index, p.title) for p in series.patches] == [(1, "t1"), (2, "t2"), (3, "t3")]
    assert series.problems == ()


def test_single_patches_are_series_of_one() -> None:
    found, problems = assemble([patch("a", "[PATCH] one"), patch("b", "[PATCH v2] two", hours=1)], DEFAULT)
    assert [(s.title, s.revision, len(s.patches), s.total) for s in found] == [
        ("one", "1", 1, None),
        ("two", "2", 1, None),
    ]
    assert not problems


@pytest.mark.parametrize(
    "subject", ["[PATCH v3.1 2/3] KVM: part 2", "[PATCH v4 2/3] KVM: part 2", "[PATCH v3 2/3 v4] KVM: part 2",
                "[PATCH v3.1] KVM: part 2"]
)  # fmt: skip
def test_a_new_version_of_one_member_replaces_it(subject: str) -> None:
    reply = mail("r", "Re: [PATCH v3 2/3] KVM: part 2", "no\n", to="32", hours=1, sender=BOB)
    again = patch("again", subject, to="r", hours=2, new="better")
    series = one([*thread("3"), reply, again])
    assert (series.revision, [p.index for p in series.patches]) == ("3", [1, 2, 3])
    assert series.patches[1].files[0].hunks[0].lines[-1] == "+better"
    assert [p.kind for p in series.problems] == [ProblemKind.DUPLICATE]
    assert "is used instead of v3" in series.problems[0].detail


def test_a_new_version_of_the_first_member_leaves_the_revision() -> None:
    series = one([*thread("3"), patch("again", "[PATCH v3.1 1/3] KVM: part 1", to="31", hours=2, new="better")])
    assert (series.revision, series.total, series.patches[0].message_id) == ("3", 3, "again@example.org")


def test_of_several_new_versions_the_last_is_used() -> None:
    again = [patch(f"a{n}", f"[PATCH v3.{n} 2/3] KVM: part 2", to="32", hours=n, new=f"n{n}") for n in (2, 1)]
    series = one([*again, *thread("3")])
    assert series.patches[1].message_id == "a2@example.org"
    assert len(series.problems) == 2


def test_most_of_a_new_revision_is_a_series_of_its_own() -> None:
    found, _ = assemble([*thread("", 5), *thread("2", 5, start=9, root="c")[1:5]], DEFAULT)
    assert [(s.revision, len(s.patches)) for s in found] == [("1", 5), ("2", 4)]


def test_inserted_members_stand_in_their_place() -> None:
    mails = thread("3", 6)
    inserted = [patch(f"i{n}", f"[PATCH v3 {n}/6] KVM: extra {n}", to="3c", hours=1) for n in ("5.5", "2a")]
    series = one([*inserted, *mails])
    assert labels(series) == ["1", "2", "2a", "3", "4", "5", "5.5", "6"]
    assert series.problems == ()


def test_a_member_beyond_the_end_is_kept_with_a_problem() -> None:
    series = one([*thread(), patch("x", "[PATCH 4/3] KVM: more", to="c")])
    assert labels(series) == ["1", "2", "3", "4"]
    assert ["beyond the end" in p.detail for p in series.problems] == [True]


def test_unknown_totals_are_read() -> None:
    series = one([patch(str(n), f"[PATCH {n}/n] t{n}", to="0") for n in (1, 3)])
    assert (series.total, labels(series)) == (None, ["1", "3"])
    assert kinds(series.problems) == [ProblemKind.MISSING_PATCH]


def test_replies_with_diffs_are_no_members() -> None:
    proposal = patch("r", "Re: [PATCH 2/3] KVM: part 2", to="2", hours=1, sender=BOB)
    assert one([*thread(), proposal]) == one(thread())


def test_a_patch_proposed_in_the_thread_is_a_series_of_its_own() -> None:
    found, _ = assemble([*thread(), patch("p", "[PATCH] fixup! KVM: part 2", to="2", hours=1, sender=BOB)], DEFAULT)
    assert [len(s.patches) for s in found] == [3, 1]


def test_deep_threads_and_loops_do_no_harm() -> None:
    mails = thread()
    deep = [mails[0], *(replace(m, parents=(prev.id,)) for prev, m in itertools.pairwise(mails))]
    assert labels(one(deep)) == ["1", "2", "3"]
    loop = [replace(mails[0], parents=(mails[3].id,)), *deep[1:]]
    assert labels(one(loop)) == ["1", "2", "3"]


@pytest.mark.parametrize("subject", ["[kvm-unit-tests PATCH 1/2] t", "[QEMU PATCH] t", "[PATCH kvmtool] t"])
def test_patches_of_other_projects_are_left_out(subject: str) -> None:
    found, problems = assemble([patch("q", subject), *thread()], DEFAULT)
    assert (len(found), kinds(problems)) == (1, [ProblemKind.NOT_A_PATCH])


def test_stable_review_rounds_are_left_out() -> None:
    mails = [patch(f"s{n}", f"[PATCH 6.6 {n:03}/471] t{n}") for n in range(1, 4)]
    marked = [replace(m, headers=(("X-stable", "review"),)) for m in mails[:1]]
    said = [
        replace(m, body="6.6-stable review patch.  If anyone has any objections...\n\n" + m.body) for m in mails[1:]
    ]
    found, problems = assemble([*marked, *said], DEFAULT)
    assert (found, kinds(problems)) == ([], [ProblemKind.NOT_A_PATCH])


def test_real_backports_are_series() -> None:
    assert len(one([patch(f"s{n}", f"[PATCH 6.12.y {n}/2] t{n}", to="0") for n in (1, 2)]).patches) == 2


def test_base_lines_of_cover_and_patches_are_merged() -> None:
    mails = thread()
    bases = ["a" * 40, "b" * 40]
    mails[0] = replace(mails[0], body=f"Cover.\n\nbase-commit: {bases[0]}\nchange-id: 20260106-x-0123\n")
    assert (one(mails).base.base_commit, one(mails).id) == (bases[0], "20260106-x-0123")
    mails[1] = replace(mails[1], body=mails[1].body + f"base-commit: {bases[1]}\n")
    series = one(mails)
    assert series.base.base_commit == bases[0]
    assert ["2 base commits" in p.detail for p in series.problems] == [True]


def test_huge_series_are_cut_with_a_problem() -> None:
    found, _ = assemble(thread("", 5), Limits(patches=3))
    assert len(found[0].patches) == 3
    assert ProblemKind.TOO_LARGE in kinds(found[0].problems)


def test_problems_of_members_belong_to_the_series() -> None:
    mails = thread()
    mails[2] = replace(mails[2], body=mails[2].body.replace("@@ -1,2", "@@ -1,7"))
    assert "cut short" in one(mails).problems[0].detail


def test_loading_goes_all_the_way(tmp_path: Path) -> None:
    for n in (1, 2):
        (tmp_path / f"000{n}-x.patch").write_bytes(raw(f"[PATCH {n}/2] t{n}", body()).replace(b"<1@", b"<%d@" % n))
    found, problems = load_series([str(tmp_path)], None, DEFAULT)
    assert [p.title for p in found[0].patches] == ["t1", "t2"]
    assert not problems
    data = write_mbox(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    again, _ = load_series(["-"], io.BytesIO(data), DEFAULT)
    text, _ = series_from_text(data, "thread.mbox")
    assert text[0].patches[1].message is not None
    assert text[0].patches[1].message.origin == "thread.mbox#2"
    assert [s[0].patches[0].files for s in (again, text)] == [found[0].patches[0].files] * 2


@pytest.mark.parametrize(
    "data", [raw("Re: x", "hello\n"), raw("[PATCH 0/3] t", "cover\n"), raw("[QEMU PATCH] t", body())]
)
def test_inputs_without_a_patch_are_refused(data: bytes) -> None:
    with pytest.raises(AnalyzerError, match="no patch found in -") as error:
        load_series(["-"], io.BytesIO(data), DEFAULT)
    assert error.value.exit_code == 3
    assert series_from_text(data, "x")[0] == []


def test_nothing_readable_in_a_text_is_a_problem() -> None:
    assert kinds(series_from_text(b"", "x")[1]) == [ProblemKind.NOT_A_PATCH]


def test_a_large_list_is_sorted_quickly() -> None:
    mails = [
        replace(m, id=f"{n}-{m.id}", parents=tuple(f"{n}-{p}" for p in m.parents))
        for n in range(400)
        for m in thread()[: 2 + n % 3]
    ]
    found, _ = assemble(mails, DEFAULT)
    assert len(found) == 400


NAMES = st.sampled_from(["a", "b", "c", "d", ""])
SUBJECTS = st.sampled_from(
    ["[PATCH 0/2] t", "[PATCH 1/2] t", "[PATCH 2/2] u", "[PATCH v2 1/2] t", "[PATCH v1.1 1/2] t", "[PATCH] t", "Re: x",
     "[PATCH v2] t", "[PATCH 1/n] t", "[PATCH 0/0] t", "[PATCH 1.5/2] t", "[PATCH 1/2 v3] t", "t", "[RFC 1/2] t"]
)  # fmt: skip
MAILS = st.builds(
    lambda name, subject, to, text, hours: mail(name, subject, text, to=to, hours=hours),
    NAMES, SUBJECTS, NAMES, st.sampled_from([body(), body(new="x"), "text\n"]), st.integers(0, 60),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(MAILS, max_size=8))
def test_no_mails_raise_and_every_series_has_ordered_patches(mails: list[Message]) -> None:
    found, _ = assemble(mails, DEFAULT)
    for series in found:
        assert series.patches
        assert series.id
        assert [p.index for p in series.patches] == sorted(p.index for p in series.patches)
