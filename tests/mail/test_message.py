"""One mail decoded: MIME, charsets, transfer encodings, links, dates, in-body headers."""

from __future__ import annotations

import base64
import quopri
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.mail.mbox import RawMail
from analyzer.mail.message import in_body_headers, parse_message
from analyzer.mail.types import Message

DIFF = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n ctx\n-old\n+new\n"
TEXT = "Why.\n---\n x.c | 2 +-\n\n" + DIFF + "-- \n2.43\n"


def parse(head: str, body: str | bytes = "body\n") -> tuple[Message, list[Problem]]:
    data = head.encode() + b"\n" + (body if isinstance(body, bytes) else body.encode())
    return parse_message(RawMail(data, "test"), DEFAULT)


def body_of(head: str, body: str | bytes) -> str:
    return parse("From: A <a@example.org>\n" + head, body)[0].body


def test_a_plain_mail_is_taken_as_it_stands() -> None:
    message, problems = parse(
        'From: Ann Author <ann@example.org>\nTo: b@example.org, "C, D" <c@example.org>\nCc: d@example.org\n'
        "Subject: [PATCH]\n KVM: x\nDate: Tue, 6 Jan 2026 18:16:42 +0800\nMessage-ID:\n <1@example.org>\n"
        "In-Reply-To: <0@example.org>\nReferences: <r@example.org> <0@example.org>\n",
        "a\nb\n",
    )
    assert (message.id, message.parents) == ("1@example.org", ("0@example.org", "r@example.org"))
    assert message.sender == "Ann Author <ann@example.org>"
    assert message.recipients == ("b@example.org", "c@example.org", "d@example.org")
    assert (message.subject, message.body) == ("[PATCH] KVM: x", "a\nb\n")
    assert message.date == datetime(2026, 1, 6, 10, 16, 42, tzinfo=UTC)
    assert not problems


@pytest.mark.parametrize(
    ("raw", "sender"),
    [
        ("=?utf-8?q?J=C3=B6rg?= <j@e.org>", "Jörg <j@e.org>"),
        ("=?utf-8?b?SsO2cmc=?=\n =?iso-8859-1?q?_M=FCller?= <j@e.org>", "Jörg Müller <j@e.org>"),
        ("=?utf-8?b?SsM=?= =?utf-8?b?tnJn?= <j@e.org>", "Jörg <j@e.org>"),
        ("Jörg <j@e.org>", "Jörg <j@e.org>"),
        ('"Doe, Jane (TI)" <j@e.org>', "Doe, Jane (TI) <j@e.org>"),
        ("Doe, Jane <j@e.org>", "Doe, Jane <j@e.org>"),
        ("j@e.org (Jane Doe)", "Jane Doe <j@e.org>"),
        ("j@e.org", "<j@e.org>"),
        ("=?x-none?q?a=FCb?= <j@e.org>", "aüb <j@e.org>"),
        ("=?utf-8?q?evil=40e.org?= <j@e.org>", "j@e.org <j@e.org>"),
        ('"Boss <b@e.org>" <j@e.org>', "j@e.org <j@e.org>"),
    ],
)
def test_senders_are_decoded(raw: str, sender: str) -> None:
    assert parse(f"From: {raw}\n")[0].sender == sender


def test_latin1_bytes_in_a_header_are_text() -> None:
    message, _ = parse_message(RawMail(b"From: J\xf6rg <j@e.org>\nSubject: \xe4\n\n", "x"), DEFAULT)
    assert (message.sender, message.subject) == ("Jörg <j@e.org>", "ä")


def test_list_rewritten_from_gives_way_to_the_original() -> None:
    head = "From: Ann via list <list@example.org>\nX-Original-From: Ann <ann@example.org>\n"
    assert parse(head)[0].sender == "Ann <ann@example.org>"


def test_missing_from_is_a_problem() -> None:
    message, problems = parse("Subject: x\n")
    assert message.sender == ""
    assert problems == [Problem(ProblemKind.MALFORMED, "test", "no From header")]


def test_the_last_of_equal_headers_counts() -> None:
    message, _ = parse("From: A <a@e.org>\nSubject: one\nSubject: two\nMessage-ID: <1@e>\nMessage-ID: <2@e>\n")
    assert (message.subject, message.id, message.header("subject")) == ("two", "2@e", "two")


@pytest.mark.parametrize(
    ("raw", "name"),
    [("<1@e> (added by postmaster)", "1@e"), ("1@e", "1@e"), ("<noat>", "noat"), ("", ""), ("\n <1@e>", "1@e")],
)
def test_message_ids_are_found(raw: str, name: str) -> None:
    assert parse(f"From: A <a@e.org>\nMessage-ID: {raw}\n")[0].id == name


def test_a_mail_is_not_its_own_parent() -> None:
    message, _ = parse(
        "From: A <a@e.org>\nMessage-ID: <1@e>\nReferences: <1@e> <2@e> <2@e>\nIn-Reply-To: <1@e> <3@e>\n"
    )
    assert message.parents == ("3@e", "2@e")


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("Tue, 6 Jan 2026 18:16 GMT", datetime(2026, 1, 6, 18, 16, tzinfo=UTC)),
        ("6 Jan 26 18:16:60 EST", datetime(2026, 1, 6, 23, 16, 59, tzinfo=UTC)),
        ("Tue, 6 Jan 2026 18:16:42", datetime(2026, 1, 6, 18, 16, 42, tzinfo=UTC)),
        ("2026-01-06T18:16:42+01:00", datetime(2026, 1, 6, 17, 16, 42, tzinfo=UTC)),
        ("Tue, 6 Jan 2026 18:16:42 +9999", datetime(2026, 1, 6, 18, 16, 42, tzinfo=UTC)),
        ("Fri, 31 Feb 2026 10:00:00 +0000", None),
        ("Mon, 1 Jan 99999 00:00:00 +0000", None),
        ("Thu, 1 Jan 1601 00:00:00 +0000", None),
        ("yesterday", None),
    ],
)
def test_dates_are_read_or_given_up(raw: str, moment: datetime | None) -> None:
    message, problems = parse(f"From: A <a@e.org>\nDate: {raw}\n")
    assert message.date == moment
    assert bool(problems) is (moment is None)


def test_an_absurd_date_gives_way_to_the_arrival() -> None:
    head = "Received: by mx; Tue, 6 Jan 2026 10:00:00 +0000\nFrom: A <a@e.org>\nDate: 1 Jan 9999 00:00:00 +0000\n"
    assert parse(head)[0].date == datetime(2026, 1, 6, 10, tzinfo=UTC)


def test_addresses_in_groups_and_comments_are_found() -> None:
    head = "From: A <a@e.org>\nTo: undisclosed-recipients:;\nCc: team: b@e.org (x, y), C <c@e.org>;, d@e.org\n"
    assert parse(head)[0].recipients == ("b@e.org", "c@e.org", "d@e.org")


@pytest.mark.parametrize("encoding", ["base64", "BASE64 ; x"])
def test_base64_bodies_are_decoded(encoding: str) -> None:
    body = base64.encodebytes(TEXT.encode())
    assert body_of(f"Content-Transfer-Encoding: {encoding}\n", body) == TEXT


def test_base64_with_crlf_inside_becomes_lf() -> None:
    body = base64.encodebytes(TEXT.replace("\n", "\r\n").encode())
    assert body_of("Content-Transfer-Encoding: base64\n", body) == TEXT


def test_carriage_returns_that_belong_to_the_patch_stay() -> None:
    mixed = TEXT.replace("-old\n+new", "-old\r\n+new\r")
    assert body_of("", mixed) == mixed


def test_broken_base64_is_read_as_far_as_it_goes() -> None:
    body = base64.encodebytes(TEXT.encode()) + b"____\nlist footer!\n"
    message, problems = parse("From: A <a@e.org>\nContent-Transfer-Encoding: base64\n", body)
    assert message.body.startswith(TEXT[:-3])
    assert [p.detail for p in problems] == ["broken base64; what could be decoded is used"]


def test_plain_text_said_to_be_encoded_is_plain_text() -> None:
    code = DIFF.replace("ctx", "a = b; c = d;")
    for encoding in ("base64", "quoted-printable"):
        message, problems = parse(f"From: A <a@e.org>\nContent-Transfer-Encoding: {encoding}\n", code)
        assert message.body == code
        assert len(problems) == 1


def test_quoted_printable_with_soft_breaks_is_decoded() -> None:
    text = TEXT + "é = " + "x" * 100 + "\n"
    assert body_of("Content-Transfer-Encoding: quoted-printable\n", quopri.encodestring(text.encode())) == text


@pytest.mark.parametrize(
    "charset", ["", "charset=", "charset=y", "charset=none", "charset=unknown-8bit", "charset=hex"]
)
def test_unknown_charsets_do_no_harm(charset: str) -> None:
    assert body_of(f"Content-Type: text/plain; {charset}\n", "naïve\n" + DIFF) == "naïve\n" + DIFF


def test_prose_follows_its_charset_and_the_diff_keeps_its_bytes() -> None:
    raw = ("naïve\n---\n" + DIFF.replace("old", "öld")).encode("latin-1")
    text = body_of("Content-Type: text/plain; charset=iso-8859-1\n", raw)
    assert text.startswith("naïve\n")
    assert text.encode("utf-8", "surrogateescape").endswith(DIFF.replace("old", "öld").encode("latin-1"))


def test_one_line_in_another_encoding_does_not_spoil_the_rest() -> None:
    raw = "naïve\n".encode() + "öd\n".encode("latin-1") + DIFF.encode()
    assert body_of("Content-Type: text/plain; charset=utf-8\n", raw) == "naïve\nöd\n" + DIFF


def test_junk_between_base64_lines_costs_no_more_than_itself() -> None:
    lines = base64.encodebytes(TEXT.encode()).splitlines(keepends=True)
    assert body_of("Content-Transfer-Encoding: base64\n", b"".join([lines[0], b"--- x\n\n", *lines[1:]])) == TEXT


def test_separator_lines_inside_the_header_are_skipped() -> None:
    assert parse("From: A <a@e.org>\n>From x\nSubject: y\n")[0].subject == "y"


def test_wide_charsets_are_decoded_whole() -> None:
    raw = base64.encodebytes(TEXT.encode("utf-16"))
    assert body_of("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n", raw) == TEXT


def test_nul_bytes_and_odd_line_ends_stay() -> None:
    text = "a\0b\x0c\u2028\x85\rc\n"
    assert body_of("", text) == text


def test_crlf_mails_become_lf() -> None:
    data = b"From: A <a@e.org>\r\nSubject: x\r\n y\r\n\r\na\r\n\r\nb\r\n"
    message, _ = parse_message(RawMail(data, "x"), DEFAULT)
    assert (message.subject, message.body) == ("x y", "a\n\nb\n")


def test_flowed_text_is_joined_and_unstuffed() -> None:
    flowed = "A long \nparagraph.\n\n  indented\n> quoted \n> text\n> > deep\n-- \nsig \nx\n"
    text = body_of("Content-Type: text/plain; format=flowed\n", flowed)
    assert text == "A long paragraph.\n\n indented\n> quoted text\n> > deep\n-- \nsig x\n"


def test_delsp_deletes_the_soft_blank() -> None:
    assert body_of("Content-Type: text/plain; format=flowed; delsp=yes\n", "a \nb\n") == "ab\n"


def test_a_stuffed_diff_is_restored_and_an_unstuffed_one_left_alone() -> None:
    stuffed = DIFF.replace("\n ctx", "\n  ctx")
    assert body_of("Content-Type: text/plain; format=flowed\n", stuffed) == DIFF
    message, problems = parse("From: A <a@e.org>\nContent-Type: text/plain; format=flowed\n", DIFF)
    assert message.body == DIFF
    assert "format=flowed" in problems[0].detail


def multipart(kind: str, *parts: str) -> tuple[str, str]:
    body = "preamble\n" + "".join(f"--b\n{part}\n" for part in parts) + "--b--\ntail\n"
    return f'Content-Type: multipart/{kind}; boundary="b"\n', body


PLAIN = "Content-Type: text/plain\n\n"
ATTACHED = "Content-Type: text/x-patch; name=x.patch\nContent-Disposition: attachment; filename=x.patch\n\n"


def test_an_attached_patch_is_used_when_the_text_has_none() -> None:
    text = body_of(*multipart("mixed", PLAIN + "see attached", ATTACHED + DIFF))
    assert text == "see attached\n" + DIFF
    octet = ATTACHED.replace("text/x-patch", "application/octet-stream")
    assert DIFF in body_of(*multipart("mixed", PLAIN + "see attached", octet + DIFF))


def test_an_attached_patch_is_ignored_when_the_text_has_one() -> None:
    assert body_of(*multipart("mixed", PLAIN + TEXT, ATTACHED + DIFF)).count("diff --git") == 1


def test_alternatives_are_used_once() -> None:
    html = "Content-Type: text/html\n\n<p>" + DIFF
    assert body_of(*multipart("alternative", html, PLAIN + TEXT, PLAIN + TEXT)).count("diff --git") == 1


def test_html_only_is_a_problem() -> None:
    head, body = multipart("mixed", "Content-Type: text/html\n\n<p>hello")
    message, problems = parse("From: A <a@e.org>\n" + head, body)
    assert message.body == ""
    assert [p.detail for p in problems] == ["HTML only, no plain text part"]


def test_nested_and_signed_parts_are_found() -> None:
    inner = "Content-Type: multipart/alternative; boundary=c\n\n--c\n" + PLAIN + TEXT + "\n--c--\n"
    assert body_of(*multipart("signed", inner, "Content-Type: application/pgp-signature\n\nxxx")) == TEXT


def test_a_missing_boundary_is_forgiven() -> None:
    message, problems = parse("From: A <a@e.org>\nContent-Type: multipart/mixed\n", TEXT)
    assert (message.body, len(problems)) == (TEXT, 1)


def test_deep_nesting_stops() -> None:
    body = "x"
    for depth in range(30):
        body = f"Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n{body}\n--b{depth}--\n"
    message, problems = parse_message(RawMail(body.encode(), "x"), DEFAULT)
    assert message.body == ""
    assert any("MIME parts" in p.detail for p in problems)


def test_pgp_armour_is_taken_off() -> None:
    armoured = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n- --- a/x\n-----BEGIN PGP SIGNATURE-----\nabc\n"
    assert body_of("", armoured) == "x\n--- a/x\n"


def test_huge_mails_are_cut_with_a_problem() -> None:
    raw = RawMail(b"From: A <a@e.org>\n\n" + b"x" * 1000, "x")
    message, problems = parse_message(raw, Limits(mail_bytes=100))
    assert len(message.body) == 81
    assert [p.kind for p in problems] == [ProblemKind.TOO_LARGE]


def test_in_body_headers_are_read_once_each_and_folded() -> None:
    head = in_body_headers(
        "\nFrom: =?utf-8?q?J=C3=B6rg?= <j@e.org>\nSubject: KVM: a\n long one\nDate: x\n\nlog\n\nmore\n"
    )
    assert (head.author, head.subject, head.date) == ("Jörg <j@e.org>", "KVM: a long one", "x")
    assert head.rest == "log\n\nmore\n"


def test_a_bare_patch_mark_is_an_in_body_subject() -> None:
    head = in_body_headers("[PATCH] KVM: x\nFrom: B <b@e.org>\n\nlog\n")
    assert (head.subject, head.author, head.rest) == ("[PATCH] KVM: x", "B <b@e.org>", "log\n")


@pytest.mark.parametrize("body", ["log\nFrom: A <a@e.org>\n", "Fixes: x\n", ">From: x\n", ""])
def test_other_lines_are_no_in_body_headers(body: str) -> None:
    head = in_body_headers(body)
    assert (head.author, head.subject, head.rest) == ("", "", body)


PIECES = st.sampled_from(
    [b"From: ", b"Subject: ", b"Date: ", b"Content-Type: multipart/mixed; boundary=b\n", b"charset=utf-7", b"\n--b\n",
     b"=?utf-8?b?", b"?=", b"=?punycode?q?x?=", b"\r\n", b"\n", b"\n ", b"+2AA-", b"format=flowed", b"\x1b$B",
     b"Content-Type: text/plain; charset=utf-7\n", b"Content-Transfer-Encoding: base64\n", b"=", b"@@ -1 +1 @@\n"]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=20).map(b"".join))
@example(b"Content-Type: text/plain; charset=utf-7\n\n+2AA-")
@example(b"Content-Type: text/plain; charset=\0\n\n\xff")
@example(b"Date: 1 Jan 0 00:00:00 +0000\n\n")
def test_no_bytes_raise(data: bytes) -> None:
    message, _ = parse_message(RawMail(data, "x"), DEFAULT)
    assert "\n" not in message.subject
    assert isinstance(message.body.encode("utf-8", "surrogateescape"), bytes)
    assert in_body_headers(message.body).rest in message.body


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200).filter(lambda t: "\r" not in t))
def test_base64_and_quoted_printable_carry_any_text(text: str) -> None:
    head = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
    assert body_of(head + "base64\n", base64.encodebytes(text.encode())) == text
