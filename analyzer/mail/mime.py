"""The text of a mail's body: MIME parts, transfer encodings, charsets, format=flowed, PGP armour."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field

from analyzer.mail.headers import Field, decode_base64, decode_bytes, last, parameter, split_header, unfold

_MAX_DEPTH = 8
_MAX_PARTS = 500
_DIFF_START = re.compile(rb"^(?:diff -|Index: \S|--- \S)", re.MULTILINE)
_HAS_DIFF = re.compile(r"^(?:diff --git \S|--- \S[^\n]*\n\+\+\+ \S[^\n]*\n@@ -)", re.MULTILINE)
_HUNK = re.compile(r"^@@ -", re.MULTILINE)
# A line of a hunk that no sender who stuffs spaces (RFC 3676, 4.4) could have written.
_UNSTUFFED = re.compile(r"^ [^ >F\n]", re.MULTILINE)
_QP_BAD = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")
_QP_GOOD = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*\r?\n)")
_ARMOUR = re.compile(r"\A\s*-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]+: [^\n]*\n)*\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Charsets whose bytes below 0x80 are not ASCII text.
_NOT_ASCII_BASED = ("utf-16", "utf16", "utf-32", "utf32", "utf-7", "utf7", "ucs-", "hz")


@dataclass(slots=True)
class _Found:
    """What the parts of one mail hold."""

    texts: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    html: bool = False
    parts: int = 0


def read_body(fields: list[Field], body: bytes) -> tuple[str, list[str]]:
    """(text, what was lost) of a mail's body; attached patches are appended when the text has no diff.

    Bytes that are no text stay as lone surrogates (see ``Message.body``); lines end in LF.
    """
    found = _Found()
    _collect(fields, body, 0, found)
    text = "".join(piece if piece.endswith("\n") or not piece else piece + "\n" for piece in found.texts[:-1])
    text += found.texts[-1] if found.texts else ""
    if found.attached and not _HAS_DIFF.search(text):
        text = "\n".join([text.rstrip("\n"), *found.attached]).lstrip("\n") if text else "\n".join(found.attached)
    if not text and found.html:
        found.notes.append("HTML only, no plain text part")
    return _without_armour(text), found.notes


def has_diff(text: str) -> bool:
    """Whether a unified diff seems to stand at line start somewhere in the text."""
    return _HAS_DIFF.search(text) is not None


def to_lf(data: bytes) -> bytes:
    """LF line ends where every line ends in CRLF; a mixture is content and stays."""
    if b"\r\n" in data and data.count(b"\n") == data.count(b"\r\n"):
        return data.replace(b"\r\n", b"\n")
    return data


def _collect(fields: list[Field], body: bytes, depth: int, found: _Found) -> None:
    content = unfold(last(fields, "content-type")) or "text/plain"
    kind = content.partition(";")[0].strip().lower()
    found.parts += 1
    if depth > _MAX_DEPTH or found.parts > _MAX_PARTS:
        if found.parts <= _MAX_PARTS + 1:
            found.notes.append("too many MIME parts; the rest is left out")
        return
    if kind.startswith("multipart/"):
        parts = _parts(body, parameter(content, "boundary"))
        if parts:
            _collect_parts(kind, parts, depth, found)
            return
        found.notes.append("multipart without its boundary; read as text")
    _take_leaf(fields, body, kind, content, depth, found)


def _collect_parts(kind: str, parts: list[bytes], depth: int, found: _Found) -> None:
    split = [split_header(part) for part in parts]
    if kind == "multipart/alternative":
        # The same text in several forms: one of them is enough, and git's reading both applies a diff twice.
        split = [min(split, key=lambda part: _preference(part[0]))]
    for fields, body in split:
        _collect(fields, body, depth + 1, found)


def _preference(fields: list[Field]) -> int:
    kind = unfold(last(fields, "content-type")).lower() or "text/plain"
    return 0 if kind.startswith("text/plain") else 1 if kind.startswith("multipart/") else 2


def _take_leaf(fields: list[Field], body: bytes, kind: str, content: str, depth: int, found: _Found) -> None:
    placed = unfold(last(fields, "content-disposition"))
    name = (parameter(placed, "filename") or parameter(content, "name")).lower()
    attached = placed.lower().startswith("attachment")
    is_patch = kind in {"text/x-patch", "text/x-diff"} or name.endswith((".patch", ".diff"))
    if kind == "text/html":
        found.html = True
    elif kind == "message/rfc822" and depth:
        found.notes.append("an attached mail was not read")
    elif depth and (is_patch or (attached and (name.endswith(".txt") or kind == "application/octet-stream"))):
        text = _decode(fields, body, content, found.notes)
        if has_diff(text) or is_patch:
            found.attached.append(text)
    elif not depth or (kind.startswith("text/") and not attached):
        found.texts.append(_decode(fields, body, content, found.notes))


def _parts(body: bytes, boundary: str) -> list[bytes]:
    """The parts between exact boundary lines; a missing end boundary is forgiven."""
    if not boundary:
        return []
    mark = re.escape(b"--" + boundary.encode("utf-8", "replace"))
    pieces = re.split(rb"(?:\A|(?<=\n))" + mark + rb"(--)?[ \t]*(?:\r?\n|\Z)", body)
    parts = []
    for end, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if end:
            break
        parts.append(piece.removesuffix(b"\n"))
    return parts


def _decode(fields: list[Field], body: bytes, content: str, notes: list[str]) -> str:
    data = to_lf(_transfer_decoded(unfold(last(fields, "content-transfer-encoding")).lower(), body, notes))
    text = _charset_decoded(data, parameter(content, "charset").lower())
    if parameter(content, "format").lower() == "flowed":
        return _unflowed(text, parameter(content, "delsp").lower() == "yes", notes)
    return text


def _transfer_decoded(encoding: str, body: bytes, notes: list[str]) -> bytes:
    word = encoding.partition(";")[0].strip()
    if word == "base64":
        # Blanks inside the first line mean prose or code: the header is wrong.
        if b" " in body[:1000].strip().partition(b"\n")[0].strip():
            notes.append("said to be base64, but is plain text")
            return body
        data, whole = decode_base64(body)
        if not whole:
            notes.append("broken base64; what could be decoded is used")
        return data
    if word == "quoted-printable":
        bad, good = len(_QP_BAD.findall(body)), len(_QP_GOOD.findall(body))
        if bad:
            notes.append("broken quoted-printable" if good >= bad else "said to be quoted-printable, but is plain text")
        return body if bad > good else binascii.a2b_qp(body)
    if word not in {"", "7bit", "8bit", "binary"}:
        notes.append(f"unknown Content-Transfer-Encoding {word[:40]!r}; read as it is")
    return body


def _charset_decoded(data: bytes, charset: str) -> str:
    """Prose by its charset, the diff byte for byte: git, too, converts the message and never the patch."""
    charset = charset.strip("\"' ")
    odd = charset.startswith(_NOT_ASCII_BASED)
    if data.isascii() and not odd and b"\x1b" not in data:
        return data.decode("ascii")
    if odd:
        return _clean(decode_bytes(data, charset))
    start = _DIFF_START.search(data)
    cut = start.start() if start else len(data)
    prose = data[:cut]
    try:
        text = prose.decode("utf-8") if charset in {"utf-8", "utf8", ""} else decode_bytes(prose, charset)
    except UnicodeDecodeError:
        # One line in another encoding must not spoil the others.
        text = "\n".join(decode_bytes(line) for line in prose.split(b"\n"))
    return text + data[cut:].decode("utf-8", "surrogateescape")


def _clean(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text.replace("\r\n", "\n"))


def _unflowed(text: str, delsp: bool, notes: list[str]) -> str:
    """RFC 3676 undone: stuffing removed, soft line ends joined; left alone where a diff shows it was never applied."""
    hunk = _HUNK.search(text)
    if hunk and _UNSTUFFED.search(text, hunk.start()):
        notes.append("said to be format=flowed, but is not; read as it is")
        return text
    out: list[str] = []
    open_depth = -1  # quote depth of the paragraph that goes on, -1 for none
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        flows = words.endswith(" ") and words != "-- "
        piece = words[:-1] if flows and delsp else words
        if open_depth == depth and words != "-- ":
            out[-1] += piece
        else:
            out.append((">" * depth + " " if depth else "") + piece)
        open_depth = depth if flows else -1
    return "\n".join(out)


def _without_armour(text: str) -> str:
    armour = _ARMOUR.match(text)
    if not armour:
        return text
    inner = text[armour.end() :].partition("\n-----BEGIN PGP SIGNATURE-----")[0]
    return re.sub(r"^- ", "", inner, flags=re.MULTILINE) + "\n"
