"""Header fields: splitting, tolerant decoding, addresses, message-ids, dates."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_FROM_LINE = re.compile(rb"(?:>?From [^\n]*\n)+")
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]*")
_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")
_BREAKS = re.compile("[\x00\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ID = re.compile(r"<([^<>\s]+)>")
_ANGLE = re.compile(r"<([^<>]*)>")
_ADDRESS_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|\([^()]*\)|<([^<>]*)>|([,;])|([^"(<,;]+)|.', re.DOTALL)
_PARAM = r";\s*{}(?:\*[0-9]*\*?)?\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;\s]+)"
_B64_JUNK = re.compile(rb"[^A-Za-z0-9+/\s]")
_B64_LINE = re.compile(rb"(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{0,3}={0,2}")
_NOT_B64 = re.compile(rb"[^A-Za-z0-9+/]+")
# Codecs of Python that are no mail charsets; two of them take quadratic time.
_NO_CHARSET = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
_MONTHS = dict(jan=1, feb=2, mar=3, apr=4, may=5, jun=6, jul=7, aug=8, sep=9, oct=10, nov=11, dec=12)  # noqa: C408
_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_RFC_DATE = re.compile(
    r"([0-9]{1,2})[\s-]+([A-Za-z]{3})[a-z]*[\s-]+([0-9]{2,6})\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
    r"(?:\.[0-9]+)?\s*([+-][0-9]{4}|[A-Za-z]+)?"
)

Field = tuple[str, bytes]


def split_header(data: bytes) -> tuple[list[Field], bytes]:
    """(fields in order with raw values, body) of a mail with LF line ends.

    As in git, the first line that is neither a field nor a continuation starts the body.
    """
    position = 0
    fields: list[Field] = []
    while match := _FIELD.match(data, position) or _FROM_LINE.match(data, position):
        if match.re is _FIELD:
            fields.append((match[1].decode("ascii"), match[2]))
        position = match.end()
    if data[position : position + 1] == b"\n":
        position += 1
    return fields, data[position:]


def last(fields: list[Field], name: str) -> bytes:
    """The raw value of the last field of that name (as git reads it), or ``b""``."""
    for key, value in reversed(fields):
        if key.lower() == name:
            return value
    return b""


def decode_bytes(data: bytes, charset: str = "") -> str:
    """Text by the declared charset, else UTF-8, cp1252, latin-1; never raises, never gives lone surrogates."""
    for name in (charset.strip().strip("\"'").lower(), "utf-8", "cp1252"):
        if not name or name.replace("-", "_") in _NO_CHARSET:
            continue
        try:
            text = data.decode(name)
        except (LookupError, ValueError):
            continue
        return _SURROGATE.sub("\ufffd", text)
    return data.decode("latin-1")


def unfold(raw: bytes) -> str:
    """A raw value as one line of text, encoded words left as they are."""
    return _BREAKS.sub(" ", decode_bytes(_FOLD.sub(b" ", raw))).strip()


def decode_words(text: str) -> str:
    """RFC 2047, tolerant: blanks between words vanish, and a character cut between two words is mended."""
    if "=?" not in text:
        return text
    out: list[str] = []
    end, charset, held = 0, "", b""
    for match in _WORD.finditer(text):
        gap = text[end : match.start()]
        if gap.strip() or match[1].lower() != charset:
            out.append(decode_bytes(held, charset))
            out.append(gap if gap.strip() or not end else "")
            held = b""
        charset = match[1].lower()
        held += _word_bytes(match[2], match[3])
        end = match.end()
    out += (decode_bytes(held, charset), text[end:])
    return _BREAKS.sub(" ", "".join(out)).strip()


def decode_header(raw: bytes) -> str:
    """A raw value decoded and unfolded, one line."""
    return decode_words(unfold(raw))


def decode_base64(data: bytes) -> tuple[bytes, bool]:
    """(what could be decoded, whether nothing was lost); never raises. Junk lines cost no more than themselves."""
    text, pad, rest = data.partition(b"=")
    if not rest.strip(b"= \t\r\n") and not _B64_JUNK.search(text):
        letters = _NOT_B64.sub(b"", text)
        if pad or len(letters) % 4 == 0:
            return _decode_letters(letters), True
    lines = [line.strip() for line in data.split(b"\n")]
    return b"".join(_decode_letters(line.rstrip(b"=")) for line in lines if _B64_LINE.fullmatch(line)), False


def message_ids(text: str) -> list[str]:
    """Message-ids without brackets; words with ``@`` where there are no brackets."""
    found = _ID.findall(text)
    return found or [word.strip("<>,;") for word in text.split() if "@" in word]


def message_id(text: str) -> str:
    """The one id of a Message-ID field, ``""`` when there is none."""
    found = message_ids(text) or text.strip("<> ").split()
    return found[0] if found else ""


def parameter(value: str, name: str) -> str:
    """A parameter of Content-Type or Content-Disposition, ``""`` when absent."""
    match = re.search(_PARAM.format(re.escape(name)), ";" + value.partition(";")[2], re.IGNORECASE)
    if not match:
        return ""
    text = match[1]
    if text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip()


def mailbox(text: str) -> str:
    """``Name <address>`` of a From value as git reads it, or ``""``; the last angle brackets win over a name's."""
    found = [m for m in _ANGLE.finditer(text) if "@" in m[1]]
    if found:
        address = found[-1][1].strip()
        name = text[: found[-1].start()] + " " + text[found[-1].end() :]
    else:
        word = next((w for w in text.split() if "@" in w), "")
        address = word.strip("<>,;()\"'")
        name = text.replace(word, " ", 1) if word else text
    name = " ".join(decode_words(_unquoted(name)).split())
    if name.startswith("(") and name.endswith(")"):
        name = name[1:-1].strip()
    if address and any(mark in name for mark in "@<>"):
        name = address
    return f"{name} <{address}>".strip() if address else name


def address_of(sender: str) -> str:
    """The address in ``Name <address>``, lower case."""
    return sender.rpartition("<")[2].rstrip(">").strip().lower()


def addresses(text: str) -> list[str]:
    """The addresses of a To or Cc value: quoted commas, comments and groups understood."""
    out: list[str] = []
    angle, plain = "", ""
    for match in _ADDRESS_TOKEN.finditer(text + ","):
        if match[3]:
            address = (angle or plain.rpartition(":")[2]).strip()
            if "@" in address:
                out.append(address)
            angle = plain = ""
        elif match[2] is not None:
            angle = match[2]
        elif match[4]:
            plain += match[4]
    return out


def parse_date(text: str) -> datetime | None:
    """A Date value in UTC; None when it cannot be read or lies outside 1970 to 2100."""
    match = _RFC_DATE.search(text)
    try:
        if not match:
            moment = datetime.fromisoformat(text.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            moment = moment.astimezone(UTC)
        else:
            day, month, year, hour, minute, second, zone = match.groups()
            century = 0 if len(year) > 2 else 2000 if int(year) < 50 else 1900
            seconds = min(int(second or 0), 59)
            naive = datetime(int(year) + century, _MONTHS[month.lower()], int(day), int(hour), int(minute), seconds)
            moment = (naive - _offset(zone or "")).replace(tzinfo=UTC)
    except (ValueError, KeyError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= 2100 else None


def _offset(zone: str) -> timedelta:
    if zone[:1] in {"+", "-"}:
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        return timedelta(minutes=(-minutes if zone[0] == "-" else minutes) if minutes <= 15 * 60 else 0)
    return timedelta(hours=_ZONES.get(zone.upper(), 0))


def _decode_letters(letters: bytes) -> bytes:
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return decode_base64(data)[0]
    return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)


def _unquoted(text: str) -> str:
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda m: re.sub(r"\\(.)", r"\1", m[1]), text)
