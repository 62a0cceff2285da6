"""Message: one mail, decoded, with its thread links."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One mail.

    ``id`` and the entries of ``parents`` are message-ids without angle brackets; ``id`` is ``""`` when the
    mail has none. ``parents`` is nearest first (In-Reply-To, then References from the end).
    ``body`` keeps undecodable bytes as lone surrogates, so ``body.encode("utf-8", "surrogateescape")``
    is the decoded body byte for byte; lines end in LF. ``origin`` says where the mail came from
    (file name, ``-`` for standard input, with ``#n`` for the n-th mail of an mbox).
    """

    id: str
    parents: tuple[str, ...]
    sender: str  # "Name <address>" as decoded, "" when missing
    date: datetime | None  # always timezone-aware (UTC)
    subject: str  # decoded, unfolded, one line
    body: str
    headers: tuple[tuple[str, str], ...] = ()  # decoded, unfolded, in order
    origin: str = ""
    recipients: tuple[str, ...] = field(default=())  # addresses of To and Cc

    def header(self, name: str) -> str:
        """The last header of that name (as git reads it), or ``""``; case does not matter."""
        wanted = name.lower()
        for key, value in reversed(self.headers):
            if key.lower() == wanted:
                return value
        return ""
