"""Synthetic mails for the tests of series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from analyzer.mail.types import Message

START = datetime(2026, 1, 6, 10, tzinfo=UTC)
ANN = "Ann Author <ann@example.org>"
BOB = "Bob Builder <bob@example.org>"


def diff(path: str = "x.c", old: str = "old", new: str = "new") -> str:
    """A diff of one line in one file."""
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,2 @@\n ctx\n-{old}\n+{new}\n"


def body(log: str = "Why.", new: str = "new", path: str = "x.c") -> str:
    """The body of a patch mail."""
    return f"{log}\n\nSigned-off-by: {ANN}\n---\n {path} | 2 +-\n\n{diff(path, new=new)}-- \n2.43\n\n"


def mail(
    name: str,
    subject: str,
    text: str = "",
    *,
    to: str = "",
    hours: float = 0,
    sender: str = ANN,
    headers: tuple[tuple[str, str], ...] = (),
) -> Message:
    """One decoded mail; ``name`` is its id before the ``@`` ("" for none), ``to`` that of the mail it answers."""
    return Message(
        id=f"{name}@example.org" if name else "",
        parents=(f"{to}@example.org",) if to else (),
        sender=sender,
        date=START + timedelta(hours=hours),
        subject=subject,
        body=text,
        headers=headers,
        origin=f"{name or subject}.eml",
    )


def patch(name: str, subject: str, *, to: str = "", hours: float = 0, sender: str = ANN, new: str = "new") -> Message:
    """One mail with a diff."""
    return mail(name, subject, body(new=new), to=to, hours=hours, sender=sender)


def thread(
    revision: str = "", total: int = 3, prefix: str = "PATCH", start: float = 0, root: str = ""
) -> list[Message]:
    """A cover letter and its patches, as git send-email threads them; ids are ``<revision>c``, ``<revision>1``..."""
    mark = f"{prefix} v{revision}" if revision else prefix
    cover = mail(f"{revision}c", f"[{mark} 0/{total}] KVM: all", "Cover.\n", to=root, hours=start)
    patches = [
        patch(f"{revision}{n}", f"[{mark} {n}/{total}] KVM: part {n}", to=f"{revision}c", hours=start, new=f"new{n}")
        for n in range(1, total + 1)
    ]
    return [cover, *patches]


def raw(subject: str, text: str, sender: str = ANN, extra: str = "") -> bytes:
    """A mail as bytes."""
    head = f"From: {sender}\nDate: Tue, 6 Jan 2026 10:00:00 +0000\nSubject: {subject}\nMessage-ID: <1@example.org>\n"
    return (head + extra + "\n" + text).encode("utf-8", "surrogateescape")
