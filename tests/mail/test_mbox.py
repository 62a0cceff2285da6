"""Bytes to raw mails: how files are told apart and split, and what is refused."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.mail.mbox import RawMail, read_inputs, split_mbox, write_mbox

MAIL = b"From: A <a@example.org>\nSubject: one\nMessage-ID: <1@example.org>\n\nbody\n"
OTHER = MAIL.replace(b"one", b"two").replace(b"<1@", b"<2@")
LINE = b"From a@example.org Tue Jan  6 10:00:00 2026\n"
PATCH_LINE = b"From " + b"0123456789" * 4 + b" Mon Sep 17 00:00:00 2001\n"


def read(data: bytes, limits: Limits = DEFAULT) -> tuple[list[RawMail], list[Problem]]:
    return read_inputs(["-"], io.BytesIO(data), limits)


def texts(data: bytes) -> list[bytes]:
    return [raw.data for raw in read(data)[0]]


def test_a_mail_without_separator_is_one_mail_named_after_its_file(tmp_path: Path) -> None:
    place = tmp_path / "one.eml"
    place.write_bytes(MAIL)
    assert read_inputs([str(place)], None, DEFAULT) == ([RawMail(MAIL, str(place))], [])


def test_mails_of_an_mbox_are_numbered() -> None:
    mails, problems = read(LINE + MAIL + b"\n" + LINE + OTHER)
    assert [(raw.origin, raw.data) for raw in mails] == [("-#1", LINE + MAIL), ("-#2", LINE + OTHER)]
    assert not problems


@pytest.mark.parametrize(
    "line",
    [
        b"From someone said:\n",
        b"From the report of Tue Jan  6 10:00:00 2026\n",
        b"From a@example.org Tue Jan  6 10:00:00 2026\nno header below\n",
        b"From here to there 10:00\nX: y\n",
        b"From a@example.org Tue Jan  6 10:00:00 13\nX: y\n",
    ],
)
def test_a_body_line_that_begins_with_from_does_not_split(line: bytes) -> None:
    assert len(texts(LINE + MAIL + b"\n" + line + b"more\n")) == 1


def test_a_separator_needs_a_blank_line_above_unless_it_is_gits_own() -> None:
    assert len(texts(LINE + MAIL + LINE + OTHER)) == 1
    assert len(texts(PATCH_LINE + MAIL + PATCH_LINE + OTHER)) == 2


@pytest.mark.parametrize("zone", [b"", b"+0100 "])
def test_zones_in_the_separator_are_known(zone: bytes) -> None:
    line = LINE.replace(b"2026", zone + b"2026")
    assert len(texts(line + MAIL + b"\n" + line + OTHER)) == 2


def test_quoted_from_lines_are_undone_in_mboxrd_only() -> None:
    quoted = MAIL + b">From here\n"
    lore = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    assert texts(lore + quoted)[0].endswith(b"\nFrom here\n")
    assert texts(LINE + quoted + b">>From deep\n")[0].endswith(b"\nFrom here\n>From deep\n")
    assert texts(LINE + quoted)[0].endswith(b"\n>From here\n")
    assert texts(PATCH_LINE + quoted + b">>From deep\n")[0].endswith(b"\n>From here\n>>From deep\n")
    assert texts(quoted + b">>From deep\n")[0].endswith(b"\n>From here\n>>From deep\n")


def test_crlf_mbox_is_split() -> None:
    data = (LINE + MAIL + b"\n" + LINE + OTHER).replace(b"\n", b"\r\n")
    assert len(texts(data)) == 2


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\n\n\r\n"])
def test_marks_and_blank_lines_in_front_are_skipped(mark: bytes) -> None:
    assert texts(mark + MAIL) == [MAIL]


def test_utf16_with_mark_is_read() -> None:
    assert texts(MAIL.decode().encode("utf-16")) == [MAIL]


def test_gzip_is_unpacked_with_all_its_members() -> None:
    assert texts(gzip.compress(LINE + MAIL + b"\n") + gzip.compress(LINE + OTHER)) == [LINE + MAIL, LINE + OTHER]


def test_of_a_truncated_gzip_what_can_be_read_is_used() -> None:
    import random

    noise = random.Random(1).randbytes(20_000).hex().encode()
    packed = gzip.compress(MAIL + noise)
    mails, problems = read(packed[: len(packed) // 2])
    assert mails[0].data.startswith(MAIL)
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED]


def test_a_decompression_bomb_stops_at_the_limit() -> None:
    limits = Limits(input_bytes=100_000)
    mails, problems = read(gzip.compress(MAIL + b"0" * 30_000_000), limits)
    assert len(mails[0].data) == 100_000
    assert [p.kind for p in problems] == [ProblemKind.TOO_LARGE]


def test_too_many_mails_are_left_out_with_a_problem() -> None:
    mails, problems = read(b"\n".join([LINE + MAIL] * 5), Limits(mails=3))
    assert len(mails) == 3
    assert [p.kind for p in problems] == [ProblemKind.TOO_LARGE]


def test_a_folder_gives_its_mails_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("0002-b.patch", "0001-a.patch", "c.eml", "plain", "d.txt", "e.mbox"):
        (tmp_path / name).write_bytes(MAIL.replace(b"one", name.encode()))
    (tmp_path / "f.patch.gz").write_bytes(gzip.compress(MAIL))
    (tmp_path / "README.md").write_bytes(b"Subject: no mail\n\n")
    (tmp_path / ".hidden").write_bytes(MAIL)
    mails, problems = read_inputs([str(tmp_path)], None, DEFAULT)
    names = [Path(raw.origin).name for raw in mails]
    assert names == ["0001-a.patch", "0002-b.patch", "c.eml", "d.txt", "e.mbox", "f.patch.gz", "plain"]
    assert not problems


def test_a_maildir_is_read_from_cur_and_new(tmp_path: Path) -> None:
    for room in ("cur", "new", "tmp"):
        (tmp_path / room).mkdir()
    (tmp_path / "cur" / "1.M1.host:2,S").write_bytes(MAIL)
    (tmp_path / "new" / "2.M2.host").write_bytes(OTHER)
    (tmp_path / "tmp" / "3.M3.host").write_bytes(MAIL)
    mails, _ = read_inputs([tmp_path], None, DEFAULT)
    assert [raw.data for raw in mails] == [MAIL, OTHER]


def test_a_bare_diff_is_accepted() -> None:
    assert len(texts(b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"<!DOCTYPE html>\n<html></html>\n", "HTML"),
        (b"\x7fELF\0\0\0\0", "binary"),
        (b"just some text\n", "no mail header"),
    ],
)
def test_what_is_no_mail_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(AnalyzerError, match=said) as error:
        read(data)
    assert error.value.exit_code == 3
    assert "\n" not in str(error.value)


def test_missing_files_are_a_usage_error_only_if_nothing_else_is_there(tmp_path: Path) -> None:
    missing, good = str(tmp_path / "missing"), tmp_path / "good.eml"
    good.write_bytes(MAIL)
    with pytest.raises(AnalyzerError, match="no such file") as error:
        read_inputs([missing], None, DEFAULT)
    assert error.value.exit_code == 2
    mails, problems = read_inputs([missing, str(good)], None, DEFAULT)
    assert len(mails) == 1
    assert problems == [Problem(ProblemKind.UNREADABLE, missing, "no such file or directory")]


def test_an_empty_folder_and_a_missing_standard_input_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalyzerError, match="folder without mails") as error:
        read_inputs([tmp_path], None, DEFAULT)
    assert error.value.exit_code == 3
    with pytest.raises(AnalyzerError, match="no standard input"):
        read_inputs(["-"], None, DEFAULT)


bodies = st.lists(
    st.sampled_from([b"From x", b">From y", b">>From z", b"From a@b Tue Jan  6 10:00:00 2026", b"A: b", b"", b"text\r"])
).map(lambda lines: b"\n".join([*lines, b"end\n"]))


@given(st.lists(bodies, min_size=1, max_size=4))
def test_a_written_mbox_splits_into_its_mails(found: list[bytes]) -> None:
    mails = [MAIL + body for body in found]
    line = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    assert [raw.data for raw in split_mbox(write_mbox(mails), "x")] == [line + mail for mail in mails]


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=200).map(lambda tail: b"\x1f\x8b\x08\0" + tail)))
def test_no_bytes_raise_anything_but_the_refusal(data: bytes) -> None:
    try:
        mails, _ = read(data)
    except AnalyzerError as error:
        assert error.exit_code == 3
    else:
        assert mails


@given(st.binary(max_size=200))
def test_broken_gzip_never_raises(noise: bytes) -> None:
    packed = bytearray(gzip.compress(MAIL * 5))
    for at, byte in enumerate(noise):
        packed[10 + at % (len(packed) - 10)] ^= byte
    try:
        mails, _ = read(bytes(packed))
    except AnalyzerError as error:
        assert error.exit_code == 3
    else:
        assert mails
