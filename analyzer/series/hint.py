"""What the mails of a series say about their base: exact lines only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.mail.types import Message
from analyzer.series.types import BaseHint

_HEX = r"([0-9a-f]{40}|[0-9a-f]{64})"
_BASE = re.compile(rf"^base-commit: {_HEX}$", re.MULTILINE)
_PATCH_ID = re.compile(rf"^prerequisite-patch-id: {_HEX}$", re.MULTILINE)
_COMMIT = re.compile(rf"^prerequisite-(?:base-)?commit: {_HEX}$", re.MULTILINE)
_CHANGE_ID = re.compile(r"^change-id: ([A-Za-z0-9][A-Za-z0-9._+-]{3,200})$", re.MULTILINE)
_BASED_ON = re.compile(r"^(?:based-on|depends-on|prerequisite-message-id):[ \t]+(\S.*)$", re.MULTILINE | re.IGNORECASE)
_IDS = re.compile(r"<([^<>\s]+@[^<>\s]+)>|https?://[\w.-]+/(?:[\w.-]+/)?([^\s/<>]+@[^\s/<>]+)")


def base_hint(message: Message) -> BaseHint:
    """The hint of one mail. No line of a hunk can match: those begin with a blank, ``+``, ``-`` or a backslash."""
    body = message.body
    if "-" not in body:
        return BaseHint()
    base = _BASE.search(body)
    change = _CHANGE_ID.search(body)
    named = message.header("X-Change-ID").strip()
    words = [ids for line in _BASED_ON.findall(body) for ids in _IDS.findall(line)]
    return BaseHint(
        base_commit=base[1] if base else "",
        prerequisite_patch_ids=tuple(dict.fromkeys(_PATCH_ID.findall(body))),
        prerequisite_commits=tuple(dict.fromkeys(_COMMIT.findall(body))),
        change_id=change[1] if change else named if _CHANGE_ID.match(f"change-id: {named}") else "",
        based_on=tuple(dict.fromkeys(one or other for one, other in words)),
    )


def merge_hints(hints: Iterable[BaseHint]) -> BaseHint:
    """One hint of several, the first word on a thing wins, lists are joined in order."""
    found = list(hints)
    return BaseHint(
        base_commit=next((h.base_commit for h in found if h.base_commit), ""),
        prerequisite_patch_ids=_joined(h.prerequisite_patch_ids for h in found),
        prerequisite_commits=_joined(h.prerequisite_commits for h in found),
        change_id=next((h.change_id for h in found if h.change_id), ""),
        based_on=_joined(h.based_on for h in found),
    )


def _joined(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for group in groups for word in group))
