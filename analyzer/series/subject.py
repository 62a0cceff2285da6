"""The grammar of patch subjects, a superset of what git, b4 and patchwork read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_REPLY = re.compile(
    r"(?:(?:re|aw|antw|antwort|fwd|答复|回复|回覆|转发)(?:\[[0-9]+\]|\([0-9]+\))?\s*[:\uff1a]"
    r"|(?:fw|sv|wg|rif|tr|vs|odp)\s*:(?=\s*\[))\s*",
    re.IGNORECASE,
)
_SEPARATOR = r"(?:^|(?<=[\s,;:\[(])|(?<=patch)|(?<=rfc)|(?<=resend))"
_COUNTER = re.compile(
    _SEPARATOR + r"([0-9]{1,5}(?:\.[0-9]{1,3})?[a-z]?)\s*(?:/|\bof\b)\s*([0-9]{1,5}|[nmx]+|\?+)(?=$|[\s,;:\])])",
    re.IGNORECASE,
)
_REVISION = re.compile(
    r"(?:^|(?<=[\s,;:\[(])|(?<=patch)|(?<=patch[-_/])|(?<=rfc)|(?<=rfc[-_/])|(?<=resend)|(?<=resend[-_/]))"
    r"(?:v|ver\.?\s?|version\s|rev\.?\s?)([0-9]{1,4}(?:\.[0-9]{1,4})*)(?=$|[\s,;:\])/_-])",
    re.IGNORECASE,
)
_PATCH = re.compile(r"(?<![a-z])patch(?:es|set|v?[0-9][0-9./]*)?(?![a-z])", re.IGNORECASE)
_RFC = re.compile(r"(?<![a-z])rfc(?=$|[^a-z]|v[0-9]|patch)", re.IGNORECASE)
_RESEND = re.compile(r"(?<![a-z])(?:resend|resent|repost)(?![a-z])", re.IGNORECASE)
_PULL = re.compile(r"(?<![a-z])pull(?![a-z])", re.IGNORECASE)
_NOTICE = re.compile(r"\s*(?:syzbot|bug\b|regression|announce|tip\b|bot\+|[\w.-]+:\s?[\w./-]+)", re.IGNORECASE)
_TAIL = re.compile(r"\s*[(\[]v([0-9]{1,4}(?:\.[0-9]{1,4})*)[)\]]\s*\Z", re.IGNORECASE)
_NOISE = re.compile(r"(?:ext|external|externe?|spam|suspicious|e|list)\Z", re.IGNORECASE)
_PROJECTS = frozenset({"kvm-unit-tests", "kvmtool", "lkvm", "qemu", "libvirt", "edk2", "iproute2", "seabios"})


class SubjectKind(StrEnum):
    """What the brackets of a subject announce."""

    PATCH = "patch"
    PULL = "pull"
    NOTICE = "notice"  # a bot or a bug report: tip, syzbot, linus:master
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject taken apart.

    ``revision`` as written without the ``v``, ``"1"`` when unmarked; ``reroll`` is the second version in
    ``[PATCH v3 5/24 v4]``: a new version of that member alone. ``label`` is the number as written (``05``, ``5.5``,
    ``05a``), ``index`` its whole part; ``total`` is None for ``1/n``. ``prefixes`` are the other words in the brackets
    (trees, projects). ``title`` is the subject without reply marks, leading brackets and a trailing ``(v2)``.
    """

    title: str
    kind: SubjectKind = SubjectKind.OTHER
    revision: str = "1"
    reroll: str = ""
    index: int | None = None
    label: str = ""
    total: int | None = None
    rfc: bool = False
    resend: bool = False
    prefixes: tuple[str, ...] = ()
    is_reply: bool = False

    @property
    def is_patch(self) -> bool:
        """Whether the brackets announce a patch or a cover letter (also in a reply to one)."""
        return self.kind is SubjectKind.PATCH

    @property
    def project(self) -> str:
        """The project other than the kernel that a prefix names, or ``""``."""
        return next((p.lower() for p in self.prefixes if p.lower() in _PROJECTS), "")


def parse_subject(text: str) -> Subject:
    """Never raises; a subject without brackets is all title."""
    title, brackets, is_reply = _peel(" ".join(text.split()))
    words = " ".join(brackets)
    counter = _COUNTER.search(words)
    before = words[: counter.start()] if counter else words
    after = words[counter.end() :] if counter else ""
    early, late = _REVISION.findall(before), _REVISION.findall(after)
    versions = early or late
    tail = _TAIL.search(title)
    if tail:
        title = title[: tail.start()]
    revision = versions[-1] if versions else tail[1] if tail else "1"
    return Subject(
        title=title.strip(),
        kind=_kind(words, bool(counter or versions)),
        revision=revision,
        reroll=late[-1] if early and late else "",
        index=int(re.split(r"[^0-9]", counter[1])[0]) if counter else None,
        label=counter[1] if counter else "",
        total=int(counter[2]) if counter and counter[2].isdigit() else None,
        rfc=_RFC.search(words) is not None or re.match(r"\s*rfc\b", title, re.IGNORECASE) is not None,
        resend=_RESEND.search(words) is not None,
        prefixes=_prefixes(words),
        is_reply=is_reply,
    )


def revision_key(revision: str) -> tuple[int, ...]:
    """Sorts revisions: 2 < 3 < 3.1 < 10."""
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", revision))


def label_key(label: str) -> tuple[int, int, str]:
    """Sorts members: 5 < 5.5 < 6, 05 < 05a < 06."""
    match = re.match(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?(.*)", label)
    return (int(match[1]), int(match[2] or 0), match[3].lower()) if match else (0, 0, label)


def _peel(text: str) -> tuple[str, list[str], bool]:
    """(title, contents of the leading brackets, whether a reply mark was among them)."""
    brackets: list[str] = []
    is_reply = False
    while True:
        text = text.lstrip(" \t:")
        mark = _REPLY.match(text)
        if mark and mark.end():
            is_reply, text = True, text[mark.end() :]
            continue
        end = _closing(text) if text.startswith("[") else 0
        if not end:
            return text, brackets, is_reply
        inner = text[1:end].replace("[", " ").replace("]", " ").strip()
        if not _NOISE.match(inner):
            brackets.append(inner)
        text = text[end + 1 :]


def _closing(text: str) -> int:
    """The place of the bracket that closes the first one; 0 when it stays open."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if not depth:
            return place
    return max(text.find("]"), 0)


def _kind(words: str, numbered: bool) -> SubjectKind:
    if _PULL.search(words):
        return SubjectKind.PULL
    if _PATCH.search(words):
        return SubjectKind.PATCH
    if words and _NOTICE.match(words):
        return SubjectKind.NOTICE
    return SubjectKind.PATCH if numbered or _RFC.search(words) else SubjectKind.OTHER


def _prefixes(words: str) -> tuple[str, ...]:
    for pattern in (_COUNTER, _REVISION, _PATCH, _RFC, _RESEND):
        words = pattern.sub(" ", words)
    return tuple(word for word in re.split(r"[\s,;/]+", words) if word.strip("-_.:+"))
