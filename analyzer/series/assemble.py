"""Mails to series: the whole way from paths, and its last part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.mail.mbox import RawMail, read_inputs
from analyzer.mail.message import parse_message
from analyzer.mail.types import Message
from analyzer.series.group import Group, Mail, apply_rerolls, attach_covers, group_members
from analyzer.series.hint import base_hint, merge_hints
from analyzer.series.patch import is_candidate, is_stable_review, parse_patch
from analyzer.series.subject import Subject, parse_subject
from analyzer.series.thread import Threads, unique
from analyzer.series.types import Patch, Series


def assemble(messages: Sequence[Message], limits: Limits) -> tuple[list[Series], list[Problem]]:
    """The series in the mails, oldest first; what concerns one of them is in its ``problems``, the rest is returned.

    Replies, bots' notices, pull requests, stable review rounds and patches of other projects are no series.
    """
    kept, problems = unique(messages)
    threads = Threads(kept)
    mails = _sort_out(kept, threads, problems)
    covers = [mail for mail in mails if mail.patch is None]
    groups = group_members(mail for mail in mails if mail.patch)
    problems += attach_covers(groups, covers)
    groups = apply_rerolls(groups, threads)
    groups.sort(key=lambda group: (group.cover or group.lead).age)
    return [_series(group, limits) for group in groups], problems


def load_series(
    paths: Sequence[str | Path], stdin: BinaryIO | None, limits: Limits
) -> tuple[list[Series], list[Problem]]:
    """The series in the inputs (see ``read_inputs``).

    Raises AnalyzerError: exit code 2 for paths that do not exist, 3 where there is no patch at all.
    """
    raws, problems = read_inputs(paths, stdin, limits)
    found, lost = _from_raw(raws, limits)
    problems += lost
    if not found:
        names = ", ".join(str(path) for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
        reason = f" ({problems[0].detail})" if problems else f" ({len(raws)} mail{'s' if len(raws) != 1 else ''} read)"
        raise AnalyzerError(f"no patch found in {names}{reason}", exit_code=3)
    return found, problems


def series_from_text(mbox: bytes, origin: str, limits: Limits = DEFAULT) -> tuple[list[Series], list[Problem]]:
    """The series in the bytes of an mbox or of one mail; nothing found is no error."""
    from io import BytesIO

    try:
        raws, problems = read_inputs(["-"], BytesIO(mbox), limits)
    except AnalyzerError as error:
        return [], [Problem(ProblemKind.NOT_A_PATCH, origin, str(error))]
    found, lost = _from_raw([RawMail(raw.data, origin + raw.origin[1:]) for raw in raws], limits)
    return found, problems + lost


def _from_raw(raws: Iterable[RawMail], limits: Limits) -> tuple[list[Series], list[Problem]]:
    messages: list[Message] = []
    problems: list[Problem] = []
    for raw in raws:
        message, lost = parse_message(raw, limits)
        messages.append(message)
        problems += lost
    found, lost = assemble(messages, limits)
    return found, problems + lost


def _sort_out(messages: list[Message], threads: Threads, problems: list[Problem]) -> list[Mail]:
    """Members and possible cover letters; a Problem for each kind of patch that is not for us, not for each mail."""
    mails: list[Mail] = []
    refused: dict[str, str] = {}
    for order, message in enumerate(messages):
        subject = parse_subject(message.subject)
        if not is_candidate(message, subject):
            continue
        reason = _not_for_us(message, subject)
        if reason:
            refused.setdefault(reason, message.id or message.origin)
            continue
        patch, lost = parse_patch(message, subject)
        mails.append(Mail(message, subject, threads.of(message), order, patch, tuple(lost)))
    problems += [Problem(ProblemKind.NOT_A_PATCH, where, reason) for reason, where in refused.items()]
    return mails


def _not_for_us(message: Message, subject: Subject) -> str:
    if subject.project:
        return f"patches for {subject.project}, not for the kernel, are left out"
    return "a stable review round is no series; its mails are left out" if is_stable_review(message) else ""


def _series(group: Group, limits: Limits) -> Series:
    cover = group.cover.message if group.cover else None
    members = group.mails
    if len(members) > limits.patches:
        group.lose(ProblemKind.TOO_LARGE, f"{len(members)} patches; only the first {limits.patches} are read")
        members = members[: limits.patches]
    _check_numbers(group)
    patches = tuple(
        _numbered(mail.patch, mail.subject, at, len(members)) for at, mail in enumerate(members, 1) if mail.patch
    )
    messages = [cover, *(mail.message for mail in members)] if cover else [mail.message for mail in members]
    hints = [base_hint(message) for message in messages]
    bases = {hint.base_commit for hint in hints if hint.base_commit}
    base = merge_hints(hints)
    if len(bases) > 1:
        group.lose(ProblemKind.MALFORMED, f"the mails name {len(bases)} base commits; {base.base_commit[:12]} is used")
    lost = [problem for mail in members for problem in mail.problems]
    return Series(
        id=base.change_id or next((m.id for m in messages if m.id), "") or messages[0].origin,
        revision=group.subject.revision,
        title=group.cover.subject.title if group.cover else patches[0].title,
        cover=cover,
        patches=patches,
        base=base,
        total=group.subject.total,
        rfc=any(mail.subject.rfc for mail in members) or (group.cover is not None and group.cover.subject.rfc),
        problems=(*(group.cover.problems if group.cover else ()), *group.problems, *lost),
    )


def _numbered(patch: Patch, subject: Subject, at: int, count: int) -> Patch:
    """The member with its number; one without gets its place, if there are others."""
    return replace(patch, index=at) if subject.index is None and count > 1 else patch


def _check_numbers(group: Group) -> None:
    """Records the holes, and members beyond the announced end."""
    numbers = {place[0] for place in group.places}
    if group.subject.index is None:
        return
    total = group.subject.total if group.subject.total is not None else max(numbers)
    holes = [n for n in range(1, total + 1) if n not in numbers] if numbers != {0} else []
    if holes:
        word = "patch" if len(holes) == 1 else "patches"
        be = "is" if len(holes) == 1 else "are"
        group.lose(ProblemKind.MISSING_PATCH, f"{word} {_ranges(holes)} of {total} {be} missing")
    beyond = sorted(n for n in numbers if n > total)
    if beyond:
        group.lose(ProblemKind.MALFORMED, f"patch {_ranges(beyond)} lies beyond the end ({total})")


def _ranges(numbers: list[int]) -> str:
    """1, 3-5, 9."""
    out: list[list[int]] = []
    for number in numbers:
        if out and out[-1][-1] == number - 1:
            out[-1] = [out[-1][0], number]
        else:
            out.append([number])
    return ", ".join("-".join(str(n) for n in run) for run in out)
