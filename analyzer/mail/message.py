"""One raw mail to one Message; also the headers that git reads from the top of a body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from analyzer.core.limits import Limits
from analyzer.core.problem import Problem, ProblemKind
from analyzer.mail.headers import (
    Field,
    addresses,
    decode_header,
    decode_words,
    last,
    mailbox,
    message_id,
    message_ids,
    parse_date,
    split_header,
    unfold,
)
from analyzer.mail.mbox import RawMail
from analyzer.mail.mime import read_body, to_lf
from analyzer.mail.types import Message

_MARK = re.compile(rb"\A(?:\xef\xbb\xbf)?[\r\n]*")
_FROM_LINE = re.compile(rb">?From [^\n]*\n")
_IN_BODY = re.compile(r"(from|subject|date)[ \t]*:[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_BARE_SUBJECT = re.compile(r"\[PATCH\]\s")
_QUOTED_SEPARATOR = re.compile(r">From [0-9a-f]{40}(?:[0-9a-f]{24})? Mon Sep 17 00:00:00 2001\s*\Z")


@dataclass(frozen=True, slots=True)
class InBody:
    """The headers at the top of a body, as git reads them; ``""`` where absent. ``rest`` is the body below."""

    author: str
    subject: str
    date: str
    rest: str


def parse_message(raw: RawMail, limits: Limits) -> tuple[Message, list[Problem]]:
    """The mail decoded, and what was lost on the way; never raises on any bytes."""
    data, notes = raw.data, []
    if len(data) > limits.mail_bytes:
        data = data[: limits.mail_bytes]
        notes.append(Problem(ProblemKind.TOO_LARGE, raw.origin, f"only the first {limits.mail_bytes} bytes were read"))
    fields, body = split_header(_wire_to_lf(data))
    text, lost = read_body(fields, body)
    message = Message(
        id=message_id(unfold(last(fields, "message-id"))),
        parents=_parents(fields),
        sender=_sender(fields),
        date=_date(fields),
        subject=decode_header(last(fields, "subject")),
        body=text,
        headers=tuple((name, decode_header(value)) for name, value in fields),
        origin=raw.origin,
        recipients=_recipients(fields),
    )
    if fields and not message.sender:
        lost.append("no From header")
    if message.date is None and last(fields, "date"):
        lost.append("the Date cannot be read")
    where = message.id or raw.origin
    return message, notes + [Problem(ProblemKind.MALFORMED, where, detail) for detail in lost]


def in_body_headers(body: str) -> InBody:
    """From, Subject and Date lines at the top of the body (folded ones too), each at most once, as git mailinfo."""
    lines = body.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    found: dict[str, str] = {}
    while at < len(lines):
        match = _IN_BODY.match(lines[at])
        if match and match[1].lower() not in found:
            value = match[2]
            while at + 1 < len(lines) and lines[at + 1][:1] in {" ", "\t"}:
                at += 1
                value += " " + lines[at].strip()
            found[match[1].lower()] = value.strip()
        elif _BARE_SUBJECT.match(lines[at]) and "subject" not in found:
            found["subject"] = lines[at]
        elif not _QUOTED_SEPARATOR.match(lines[at]):
            break
        at += 1
    if found:
        at += next((i for i, line in enumerate(lines[at:]) if line.strip()), len(lines) - at)
    author = mailbox(found.get("from", ""))
    return InBody(author, decode_words(found.get("subject", "")), found.get("date", ""), "\n".join(lines[at:]))


def _wire_to_lf(data: bytes) -> bytes:
    """LF line ends where the header has CRLF; the From_ line of an mbox may differ from the mail below it."""
    data = data[_MARK.match(data).end() :]  # type: ignore[union-attr]
    start = _FROM_LINE.match(data)
    first = data.find(b"\n", start.end() if start else 0)
    if first > 0 and data[first - 1 : first] == b"\r":
        return data.replace(b"\r\n", b"\n")
    head, blank, body = data.partition(b"\n\n")
    return head + blank + to_lf(body) if body else data


def _parents(fields: list[Field]) -> tuple[str, ...]:
    """Nearest first, without repetition and without the mail itself."""
    own = message_id(unfold(last(fields, "message-id")))
    named = message_ids(unfold(last(fields, "in-reply-to")))
    named += reversed(message_ids(unfold(last(fields, "references"))))
    return tuple(dict.fromkeys(name for name in named if name != own))


def _sender(fields: list[Field]) -> str:
    sender = mailbox(unfold(last(fields, "from")))
    # A list that rewrites From for DMARC keeps the real one here.
    if " via " in sender and last(fields, "x-original-from"):
        return mailbox(unfold(last(fields, "x-original-from"))) or sender
    return sender


def _date(fields: list[Field]) -> datetime | None:
    """The Date, or the arrival time where the Date is absurd."""
    written = last(fields, "date")
    found = parse_date(unfold(written)) if written else None
    if found is None and written:
        arrivals = (parse_date(unfold(v).rpartition(";")[2]) for k, v in fields if k.lower() == "received")
        return next((moment for moment in arrivals if moment), None)
    return found


def _recipients(fields: list[Field]) -> tuple[str, ...]:
    values = (unfold(value) for name, value in fields if name.lower() in {"to", "cc"})
    return tuple(dict.fromkeys(address for value in values for address in addresses(value)))
