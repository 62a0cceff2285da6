from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.visible import encodable, visible

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain ü 漢", "plain ü 漢"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
        ("\x9b2J", "\\x9b2J"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_acts_on_is_spelled_out(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@given(ANY_TEXT)
def test_any_text_becomes_printable(text: str) -> None:
    assert visible(text).isprintable()


@given(ANY_TEXT)
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(ANY_TEXT)
def test_encodable_text_encodes_and_keeps_the_rest(text: str) -> None:
    shown = encodable(text)
    shown.encode("utf-8")
    kept = "".join(char for char in text if not "\ud800" <= char <= "\udfff")
    assert shown == text if kept == text else len(shown) > len(kept)
