"""Bytes to raw mails: files, folders, maildirs, mboxes, gzip and standard input."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from analyzer.core.limits import Limits
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind

# git mailsplit's rule (address, hh:mm:ss, year after 1990) and, which git does not ask for, a header below it.
_SEPARATOR = re.compile(
    rb"^From [^\n]*[0-9].[0-9][0-9]:[0-9][0-9][ \t]+(?:[+-][0-9]{4}[ \t]+)?0*(?:9[1-9]|[1-9][0-9]{2,})[^\n:]*\n"
    rb"(?=>?[!-9;-~]+:|>?From )",
    re.MULTILINE,
)
_PATCH_FILE = re.compile(rb"From [0-9a-f]{40}(?:[0-9a-f]{24})? Mon Sep 17 00:00:00 2001")
_MAGIC = re.compile(rb"From mboxrd@z Thu Jan  1 00:00:00 1970|" + _PATCH_FILE.pattern)
_MBOXRD = re.compile(rb"^(?:>>+From |From mboxrd@z Thu Jan  1 00:00:00 1970)", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_PLAIN_FROM = re.compile(rb"^(>*From )", re.MULTILINE)
_HEADER = re.compile(rb"(?:>?From [^\n]*\n)*[!-9;-~]+[ \t]*:")
_DIFF = re.compile(rb"^(?:diff -|Index: \S|--- \S[^\n]*\n\+\+\+ |\*\*\* \S[^\n]*\n--- )", re.MULTILINE)
_SUFFIXES = frozenset({".eml", ".patch", ".mbox", ".txt", ""})
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as bytes, its From_ line included; ``origin`` as in ``Message.origin``."""

    data: bytes
    origin: str


@dataclass(slots=True)
class _Intake:
    """What one call of read_inputs has gathered."""

    limits: Limits
    mails: list[RawMail] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    missing: int = 0

    def lose(self, kind: ProblemKind, where: str, detail: str) -> None:
        self.problems.append(Problem(kind, where, detail))


def read_inputs(
    paths: Sequence[str | Path], stdin: BinaryIO | None, limits: Limits
) -> tuple[list[RawMail], list[Problem]]:
    """Every mail of the inputs, in order; ``-`` is standard input.

    Raises AnalyzerError when nothing at all was readable: exit code 2 when no path exists, otherwise 3.
    """
    intake = _Intake(limits)
    for path in paths:
        if str(path) == "-":
            _read_stdin(stdin, intake)
        else:
            _read_path(Path(path), intake)
    if not intake.mails:
        _give_up([str(path) for path in paths], intake)
    return intake.mails, intake.problems


def split_mbox(data: bytes, origin: str) -> list[RawMail]:
    """The mails of one mbox (or the only mail of a file without From_ line), ``>From `` undone in mboxrd only.

    The blank line in front of a separator belongs to the mbox, not to the mail.
    """
    starts = [m.start() for m in _SEPARATOR.finditer(data) if _is_separator(data, m.start())]
    mboxrd = bool(starts) and _PATCH_FILE.match(data, starts[0]) is None and _MBOXRD.search(data) is not None
    if not starts or data[: starts[0]].strip():
        starts.insert(0, 0)
    chunks = []
    for begin, end in zip(starts, [*starts[1:], len(data)], strict=True):
        chunk = data[begin:end]
        if end < len(data) or mboxrd:
            chunk = _without_blank_end(chunk)
        chunks.append(_QUOTED_FROM.sub(rb"\1", chunk) if mboxrd else chunk)
    if len(chunks) == 1:
        return [RawMail(chunks[0], origin)]
    return [RawMail(chunk, f"{origin}#{number}") for number, chunk in enumerate(chunks, 1)]


def write_mbox(mails: Iterable[bytes]) -> bytes:
    """An mboxrd (as public-inbox writes it) of mails without From_ line; split_mbox gives them back."""
    out = []
    for mail in mails:
        text = mail if mail.endswith(b"\n") else mail + b"\n"
        out.append(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + _PLAIN_FROM.sub(rb">\1", text) + b"\n")
    return b"".join(out)


def _is_separator(data: bytes, start: int) -> bool:
    before = data[max(start - 4, 0) : start]
    return not before.strip(b"\r\n") or before.endswith((b"\n\n", b"\n\r\n")) or _MAGIC.match(data, start) is not None


def _without_blank_end(chunk: bytes) -> bytes:
    if chunk.endswith(b"\r\n\r\n"):
        return chunk[:-2]
    return chunk[:-1] if chunk.endswith(b"\n\n") else chunk


def _read_stdin(stdin: BinaryIO | None, intake: _Intake) -> None:
    if stdin is None:
        intake.lose(ProblemKind.UNREADABLE, "-", "no standard input")
        return
    try:
        _take(stdin.read(intake.limits.input_bytes + 1), "-", intake)
    except (OSError, ValueError) as error:
        intake.lose(ProblemKind.UNREADABLE, "-", f"cannot be read: {error}")


def _read_path(path: Path, intake: _Intake) -> None:
    try:
        if path.is_dir():
            _read_folder(path, intake)
        else:
            _read_file(path, intake)
    except FileNotFoundError:
        intake.missing += 1
        intake.lose(ProblemKind.UNREADABLE, str(path), "no such file or directory")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        intake.lose(ProblemKind.UNREADABLE, str(path), f"cannot be read: {reason}")


def _read_file(path: Path, intake: _Intake) -> None:
    with path.open("rb") as stream:
        _take(stream.read(intake.limits.input_bytes + 1), str(path), intake)


def _read_folder(path: Path, intake: _Intake) -> None:
    rooms = [path / name for name in ("cur", "new") if (path / name).is_dir()]
    found = [p for room in rooms or [path] for p in sorted(room.iterdir()) if _is_mail_file(p, bool(rooms))]
    for number, place in enumerate(found):
        if number >= intake.limits.files:
            intake.lose(
                ProblemKind.TOO_LARGE, str(path), f"more than {intake.limits.files} files; the rest is left out"
            )
            break
        _read_path(place, intake)
    if not found:
        intake.lose(ProblemKind.NOT_A_PATCH, str(path), "a folder without mails or patches")


def _is_mail_file(path: Path, maildir: bool) -> bool:
    if path.name.startswith(".") or not path.is_file():
        return False
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    return maildir or suffix.lower() in _SUFFIXES


def _take(data: bytes, origin: str, intake: _Intake) -> None:
    """Adds the mails in the bytes of one input, or the reason why there are none."""
    limit = intake.limits.input_bytes
    if data.startswith(b"\x1f\x8b"):
        data = _gunzip(data, origin, intake)
    if len(data) > limit:
        intake.lose(ProblemKind.TOO_LARGE, origin, f"only the first {limit} bytes were read")
        data = data[:limit]
    data = _without_mark(data).lstrip(b"\r\n")
    reason = _why_no_mail(data)
    if reason:
        intake.lose(ProblemKind.NOT_A_PATCH, origin, reason)
        return
    mails = split_mbox(data, origin)
    room = intake.limits.mails - len(intake.mails)
    if len(mails) > room:
        intake.lose(ProblemKind.TOO_LARGE, origin, f"more than {intake.limits.mails} mails; the rest is left out")
    intake.mails.extend(mails[: max(room, 0)])


def _without_mark(data: bytes) -> bytes:
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data


def _why_no_mail(data: bytes) -> str:
    """Why the bytes are no mail and no diff, ``""`` when they are."""
    if not data.strip():
        return "empty"
    if data.startswith(b"<"):
        return "an HTML page, not a mail"
    if _HEADER.match(data) or _DIFF.search(data):
        return ""
    return "binary data, not a mail" if b"\0" in data[:8192] else "no mail header and no diff"


def _gunzip(data: bytes, origin: str, intake: _Intake) -> bytes:
    """What could be unpacked, never more than the limit by much; all members of the file."""
    import zlib

    out, size, rest = [], 0, data
    try:
        while rest.startswith(b"\x1f\x8b") and size <= intake.limits.input_bytes:
            member = zlib.decompressobj(wbits=31)
            while not member.eof and size <= intake.limits.input_bytes:
                piece = member.decompress(rest, _CHUNK)
                rest = member.unconsumed_tail
                out.append(piece)
                size += len(piece)
                if not piece and not rest:
                    break
            if not member.eof:
                if size <= intake.limits.input_bytes:
                    intake.lose(ProblemKind.MALFORMED, origin, "truncated gzip; what could be read is used")
                break
            rest = member.unused_data
    except zlib.error as error:
        intake.lose(ProblemKind.MALFORMED, origin, f"broken gzip ({error}); what could be read is used")
    return b"".join(out)


def _give_up(paths: list[str], intake: _Intake) -> None:
    if not paths:
        raise AnalyzerError("no input given", exit_code=2)
    reason = "; ".join(f"{p.where}: {p.detail}" for p in intake.problems[:3])
    more = len(intake.problems) - 3
    raise AnalyzerError(
        f"nothing to read: {reason}" + (f" (and {more} more)" if more > 0 else ""),
        exit_code=2 if intake.missing == len(paths) else 3,
    )
