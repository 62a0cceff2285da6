"""The trailer block of a commit message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.mail.trailer import parse_trailers

SOB = "Signed-off-by: A <a@example.org>"


def test_the_last_paragraph_gives_its_trailers_in_order() -> None:
    log = f"Subject line\n\nWhy.\n\nCc: stable@vger.kernel.org # 6.6+\nCo-developed-by:\tB <b@example.org>\n{SOB}\n"
    assert parse_trailers(log) == (
        ("Cc", "stable@vger.kernel.org # 6.6+"),
        ("Co-developed-by", "B <b@example.org>"),
        ("Signed-off-by", "A <a@example.org>"),
    )


def test_wrapped_values_are_joined() -> None:
    log = (
        f'Why.\n\nFixes: 0123456789ab ("KVM: a subject that\ngoes on and on")\nLink: https://example.org/\n x\n{SOB}\n'
    )
    assert parse_trailers(log)[:2] == (
        ("Fixes", '0123456789ab ("KVM: a subject that goes on and on")'),
        ("Link", "https://example.org/ x"),
    )


def test_notes_between_trailers_have_no_key() -> None:
    log = f"Why.\n\n{SOB}\n[b: reworded, and\nsplit]\n[c: rebased]\nSigned-off-by: B <b@example.org>\n"
    assert parse_trailers(log) == (
        ("Signed-off-by", "A <a@example.org>"),
        ("", "[b: reworded, and split]"),
        ("", "[c: rebased]"),
        ("Signed-off-by", "B <b@example.org>"),
    )


def test_paragraphs_of_trailers_above_the_last_belong_to_the_block() -> None:
    log = f"Why.\n\nLink: https://example.org/1 [1]\n\n{SOB}\n"
    assert [key for key, _ in parse_trailers(log)] == ["Link", "Signed-off-by"]


def test_lower_case_and_missing_blanks_are_accepted_for_known_keys() -> None:
    log = "x\n\nsigned-off-by:A <a@e.org>\n  Acked-by: B <b@e.org>\n"
    assert parse_trailers(log) == (("signed-off-by", "A <a@e.org>"), ("Acked-by", "B <b@e.org>"))


@pytest.mark.parametrize("log", ["", "KVM: x86: do it\n", "Why.\n\nNote: this is prose\nand more\n", "a: b\nc: d"])
def test_prose_has_no_trailers(log: str) -> None:
    assert parse_trailers(log) == ()


def test_a_url_paragraph_above_is_no_trailer() -> None:
    assert parse_trailers(f"See also: this\nthat\n\n{SOB}") == (("Signed-off-by", "A <a@example.org>"),)


@given(st.text(max_size=200))
def test_no_text_raises(log: str) -> None:
    assert all("\n" not in value for _, value in parse_trailers(log))
