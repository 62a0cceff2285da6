"""The grammar of subjects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.series.subject import Subject, SubjectKind, label_key, parse_subject, revision_key

PATCH = SubjectKind.PATCH


@pytest.mark.parametrize(
    ("text", "revision", "label", "index", "total"),
    [
        ("[PATCH v3 05/24] t", "3", "05", 5, 24),
        ("[PATCH v3.1 05/24] t", "3.1", "05", 5, 24),
        ("[PATCH v2.1] t", "2.1", "", None, None),
        ("[PATCH v5.5 00/30] t", "5.5", "00", 0, 30),
        ("[PATCH-v2 1/3] t", "2", "1", 1, 3),
        ("[PATCH v3-resend 1/3] t", "3", "1", 1, 3),
        ("[PATCHv4 02/15] t", "4", "02", 2, 15),
        ("[RFC PATCHv3.1 2/3] t", "3.1", "2", 2, 3),
        ("[PATCH RFCv2 2/3] t", "2", "2", 2, 3),
        ("[PATCH v2,3/4] t", "2", "3", 3, 4),
        ("[PATCH net-next,v2, 1/3] t", "2", "1", 1, 3),
        ("[PATCH1/8] t", "1", "1", 1, 8),
        ("[PATCH 1 of 3] t", "1", "1", 1, 3),
        ("[PATCH v2 03 / 10] t", "2", "03", 3, 10),
        ("[PATCH v3 5.5/24] t", "3", "5.5", 5, 24),
        ("[PATCH v3 05a/24] t", "3", "05a", 5, 24),
        ("[PATCH v3 25/24] t", "3", "25", 25, 24),
        ("[PATCH 0/0] t", "1", "0", 0, 0),
        ("[PATCH 1/n] t", "1", "1", 1, None),
        ("[PATCH V2 1/2] t", "2", "1", 1, 2),
        ("[patch v2 1/2] t", "2", "1", 1, 2),
        ("[PATCH [v2] 1/3] t", "2", "1", 1, 3),
        ("[PATCH][v2][1/3] t", "2", "1", 1, 3),
        ("[EXTERNAL] [PATCH v2 1/2] t", "2", "1", 1, 2),
        ("[PATCH 1/2 v4] t", "4", "1", 1, 2),
        ("[PATCH] t (v2)", "2", "", None, None),
        ("[v3 1/5] t", "3", "1", 1, 5),
        ("[RFC v2 01/14] t", "2", "01", 1, 14),
        ("[RFC/PATCH 1/3] t", "1", "1", 1, 3),
        ("[PATCH 6.6 123/471] t", "1", "123", 123, 471),
        ("[PATCH v2 1/3]: t", "2", "1", 1, 3),
        ("[PATCH  v2\t1/3] t", "2", "1", 1, 3),
    ],
)
def test_numbers_and_versions(text: str, revision: str, label: str, index: int | None, total: int | None) -> None:
    found = parse_subject(text)
    assert (found.revision, found.label, found.index, found.total) == (revision, label, index, total)
    assert (found.title, found.kind, found.is_reply) == ("t", PATCH, False)


def test_a_second_version_is_that_of_the_member() -> None:
    found = parse_subject("[PATCH v3 5/24 v4] t")
    assert (found.revision, found.reroll) == ("3", "4")


@pytest.mark.parametrize(
    "text", ["[RFC PATCH] t", "[PATCH RFC] t", "[RFC] [PATCH] t", "[PATCH][RFC] t", "[rfc/patch] t", "[PATCH] RFC: t"]
)
def test_rfc_counts_in_any_place(text: str) -> None:
    assert parse_subject(text).rfc


@pytest.mark.parametrize("text", ["[PATCH RESEND] t", "[RESEND PATCH] t", "[PATCH v3-resend] t", "[REPOST][PATCH] t"])
def test_resend_counts_in_any_place(text: str) -> None:
    found = parse_subject(text)
    assert (found.resend, found.is_patch, found.rfc) == (True, True, False)


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("[kvm-unit-tests PATCH v2 1/3] t", ("kvm-unit-tests",)),
        ("[PATCH 6.12.y 1/3] t", ("6.12.y",)),
        ("[PATCH AUTOSEL 6.18-5.10] t", ("AUTOSEL", "6.18-5.10")),
        ("[PATCH -next v2] t", ("-next",)),
        ("[PATCH kvm-next RFC 2/3] t", ("kvm-next",)),
        ("[PATCH] t", ()),
    ],
)
def test_other_words_are_prefixes(text: str, prefixes: tuple[str, ...]) -> None:
    assert parse_subject(text).prefixes == prefixes


@pytest.mark.parametrize(
    ("text", "project"), [("[PATCH kvmtool] t", "kvmtool"), ("[QEMU PATCH] t", "qemu"), ("[PATCH kvm] t", "")]
)
def test_other_projects_are_known(text: str, project: str) -> None:
    assert parse_subject(text).project == project


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[GIT PULL] KVM fixes", SubjectKind.PULL),
        ("[PULL 3/12] t", SubjectKind.PULL),
        ("[tip: x86/tdx] x86/tdx: t", SubjectKind.NOTICE),
        ("[syzbot] [kvm?] WARNING in x", SubjectKind.NOTICE),
        ("[bug report] KVM: t", SubjectKind.NOTICE),
        ("[linus:master] [KVM] 01234: t", SubjectKind.NOTICE),
        ("KVM: x86/mmu: t", SubjectKind.OTHER),
        ("[PATCH unclosed", SubjectKind.OTHER),
        ("", SubjectKind.OTHER),
    ],
)
def test_what_is_no_patch(text: str, kind: SubjectKind) -> None:
    assert parse_subject(text).kind is kind


@pytest.mark.parametrize(
    "mark", ["Re: ", "RE:", "Aw: ", "Fwd: ", "FW: ", "答复: ", "回复\uff1a", "Re: Re: ", "Re[2]: "]
)
def test_reply_marks(mark: str) -> None:
    assert parse_subject(mark + "[PATCH v2 1/2] t") == Subject("t", PATCH, "2", "", 1, "1", 2, is_reply=True)


@pytest.mark.parametrize("title", ["mm: t", "fw: t", "tr: t", "reset: t", "x86: Re: t"])
def test_subsystem_prefixes_are_no_reply_marks(title: str) -> None:
    found = parse_subject(title)
    assert (found.title, found.is_reply) == (title, False)


def test_revisions_and_labels_sort_by_number() -> None:
    assert sorted(["10", "3.1", "2", "3"], key=revision_key) == ["2", "3", "3.1", "10"]
    assert sorted(["6", "5.5", "05a", "05", "10"], key=label_key) == ["05", "05a", "5.5", "6", "10"]


@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="[]PATCHvRFC0123456789./,-: renx", max_size=60)),
)
def test_no_text_raises(text: str) -> None:
    found = parse_subject(text)
    assert found.title in " ".join(text.split())
    assert (found.index is None) == (found.label == "")
    assert revision_key(found.revision)
