"""One mail to one member of a series: log, notes, trailers, diff."""

from __future__ import annotations

import re

from analyzer.core.problem import Problem, ProblemKind
from analyzer.mail.message import InBody, in_body_headers
from analyzer.mail.mime import has_diff
from analyzer.mail.trailer import parse_trailers
from analyzer.mail.types import Message
from analyzer.series.diff import DiffText, read_diff
from analyzer.series.subject import Subject, SubjectKind, parse_subject
from analyzer.series.types import Patch, Trailer

# git mailinfo's patchbreak(): the message ends at the first of these lines.
_CUT = re.compile(r"^(?:diff -|Index: |--- [^\s]|---[ \t\r\f\v]*$)", re.MULTILINE)
_DIFFISH = re.compile(r"^(?:diff -|--- \S|\*\*\* \S|@@ -)", re.MULTILINE)
_RULE = re.compile(r"---\s*\Z")
_SIGNED = re.compile(r"(?:signed-off|reviewed|acked|tested|co-developed|suggested|reported)-by:[ \t]", re.IGNORECASE)
_STABLE_REVIEW = re.compile(r"[0-9]+\.[0-9]+[-. ]?stable review patch\b", re.IGNORECASE)


def parse_patch(message: Message, subject: Subject | None = None) -> tuple[Patch | None, list[Problem]]:
    """The member that the mail is, or None: a reply (even with a diff), a bot's notice, a pull request, a cover letter.

    ``subject`` spares a second reading of the mail's subject.
    """
    subject = subject or parse_subject(message.subject)
    if not is_candidate(message, subject) or not _DIFFISH.search(message.body):
        return None, []
    where = message.id or message.origin
    if subject.index == 0 and (subject.total or 0) > 1:
        if not has_diff(message.body):
            return None, []
        return None, [Problem(ProblemKind.MALFORMED, where, "the cover letter holds a diff; it is left out")]
    head = in_body_headers(message.body)
    log, tail, cut = _split(head.rest)
    read = read_diff(tail)
    if not read.files:
        return None, list(read.problems)
    patch = Patch(
        index=subject.index or 1,
        label=subject.label,
        title=_title(subject, head, message),
        log=log,
        author=head.author or message.sender,
        trailers=tuple(Trailer(key, value) for key, value in parse_trailers(log)),
        files=read.files,
        message=message,
        notes=_notes(read),
    )
    lost = [Problem(ProblemKind.MALFORMED, where, detail) for detail in _cut_logs(patch, read, cut)]
    return patch, [*read.problems, *lost]


def is_candidate(message: Message, subject: Subject) -> bool:
    """Whether the mail may be a member or a cover letter, going by its envelope."""
    if subject.is_reply or subject.kind in {SubjectKind.PULL, SubjectKind.NOTICE}:
        return False
    return subject.is_patch or not message.parents


def is_stable_review(message: Message) -> bool:
    """One of the hundreds of unrelated backports posted for review before a stable release."""
    return message.header("X-stable").lower() == "review" or _STABLE_REVIEW.match(message.body.lstrip()) is not None


def _split(text: str) -> tuple[str, str, int]:
    """(log, the rest from the cut line on, 1-based line of the cut)."""
    match = _CUT.search(text)
    if not match:
        return text.strip("\n"), "", 0
    above = text[: match.start()]
    return above.strip("\n"), text[match.start() :], above.count("\n") + 1


def _title(subject: Subject, head: InBody, message: Message) -> str:
    if head.subject:
        return parse_subject(head.subject).title
    return subject.title or message.origin.rpartition("/")[2]


def _notes(read: DiffText) -> str:
    """The lines between ``---`` and the first file diff."""
    gap = [line for number, (at, line) in enumerate(read.outside) if at == number]
    if gap and _RULE.match(gap[0]):
        gap = gap[1:]
    return "\n".join(gap).strip("\n")


def _cut_logs(patch: Patch, read: DiffText, cut: int) -> list[str]:
    """Where git takes less of the message than its author wrote: a diff or a rule line at line start inside the log."""
    above = [line for number, (at, line) in enumerate(read.outside) if at == number]
    below = read.outside[len(above) :]
    starts_with_rule = bool(above) and _RULE.match(above[0]) is not None
    if not starts_with_rule and any(_RULE.match(line) or _SIGNED.match(line) for _, line in below):
        return [f"unindented diff in the commit message (line {cut}): git ends the message there and applies the diff"]
    signed = any(_SIGNED.match(line) for line in patch.log.split("\n"))
    if not signed and any(_SIGNED.match(line) for line in above[1:]):
        return [f"the message ends at its line {cut} ({above[0][:40].strip()!r}); git drops the trailers below it"]
    return []
