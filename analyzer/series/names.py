"""File names in diffs: C quoting, prefixes, timestamps, and which names may never be used."""

from __future__ import annotations

import re

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_LETTERS = {code: letter for letter, code in _ESCAPES.items()}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)
_PREFIX = re.compile(r"[a-z0-9]/")
_TREE = re.compile(r"(?:[abciow]|[^/]*\.(?:orig|old|new)|linux[-.][^/]*|linux)/")
_STAMP = re.compile(r"[ \t]+(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )[^\t]*\Z")
_EPOCH = re.compile(r"1970-01-01[ T]|1969-12-31[ T]| Jan +1 .* 1970\s*\Z")
_BACKUP = (".orig", ".old", "~")
NULL = "/dev/null"


def to_bytes(text: str) -> bytes:
    """The bytes that the text stands for (see ``Message.body``); never raises."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def unquote(text: str) -> tuple[str, str] | None:
    """(name, rest) of text that starts with a C-quoted name as git writes it; None when it does not."""
    match = _QUOTED.match(text)
    if not match:
        return None
    out, end = bytearray(), 0
    for escape in _ESCAPE.finditer(match[1]):
        out += to_bytes(match[1][end : escape.start()])
        code = escape[1]
        out += bytes([int(code, 8)]) if len(code) == 3 else bytes([_ESCAPES[code]]) if code in _ESCAPES else b"?"
        end = escape.end()
    out += to_bytes(match[1][end:])
    return out.decode("utf-8", "surrogateescape"), text[match.end() :]


def quote(name: str) -> str:
    """A name as git prints it: C-quoted when a byte of it is not printable ASCII, a quote or a backslash."""
    data = to_bytes(name)
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in data):
        return name
    return '"' + "".join(_quoted_byte(byte) for byte in data) + '"'


def bare(text: str) -> str:
    """The name in a rename, copy, ``---`` or ``+++`` line: unquoted, or up to the tab."""
    text = text.rstrip("\r")
    quoted = unquote(text)
    return quoted[0] if quoted else text.partition("\t")[0]


def plain(text: str) -> str:
    """The name in a ``---`` or ``+++`` line of ``diff -u``: without timestamp; an epoch timestamp means no file."""
    text = text.rstrip("\r")
    name = bare(text)
    if text.startswith('"'):
        return name
    stamp = text[len(name) :]
    blank = _STAMP.search(name)
    if not stamp and blank:
        name, stamp = name[: blank.start()], name[blank.start() :]
    return NULL if _EPOCH.search(stamp) else name.rstrip()


def header_names(rest: str) -> tuple[str, str] | None:
    """The two names after ``diff --git ``, prefixes kept; None when they cannot be told apart."""
    rest = rest.rstrip("\r")
    quoted = unquote(rest)
    if quoted:
        return quoted[0], bare(quoted[1].lstrip(" "))
    if rest.endswith('"') and ' "' in rest:
        old, _, new = rest.partition(' "')
        return old, bare('"' + new)
    middle = len(rest) // 2
    old, new = rest[:middle], rest[middle + 1 :]
    if rest[middle : middle + 1] == " " and (old == new or old.partition("/")[2] == new.partition("/")[2]):
        return old, new
    cut = rest.find(" b/")
    if cut < 0 and rest.count(" ") == 1:
        cut = rest.find(" ")
    return (rest[:cut], rest[cut + 1 :]) if cut > 0 else None


def strip_pair(old: str, new: str) -> tuple[str | None, str | None]:
    """Both names without prefix; None for /dev/null. Names with the same first part (``--no-prefix``) stay whole."""
    if old == NULL or new == NULL:
        return _strip_single(old), _strip_single(new)
    if _PREFIX.match(old) and _PREFIX.match(new):
        return (old, new) if old[0] == new[0] else (old[2:], new[2:])
    old_rest, new_rest = old.partition("/")[2], new.partition("/")[2]
    if old_rest and old_rest == new_rest and old != new:
        return old_rest, new_rest
    return old, new


def same_file(old: str, new: str) -> str:
    """The file that a plain ``diff -u`` of two names is about: the one that is no backup copy."""
    return old if new.endswith(_BACKUP) and not old.endswith(_BACKUP) else new


def hostile(name: str) -> str:
    """Why a name must not be used, ``""`` when it may."""
    parts = name.split("/")
    if not name or "\0" in name:
        return "empty name or NUL in a name"
    if name.startswith("/"):
        return "absolute path"
    if ".." in parts or "." in parts:
        return "path with dots"
    if any(part.rstrip(". ").lower() == ".git" or part.lower() == "git~1" for part in parts):
        return "path inside .git"
    return "" if all(parts) else "path with an empty part"


def _strip_single(name: str) -> str | None:
    if name == NULL:
        return None
    match = _TREE.match(name)
    return name[match.end() :] if match else name


def _quoted_byte(byte: int) -> str:
    if byte in _LETTERS:
        return "\\" + _LETTERS[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
