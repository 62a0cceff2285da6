"""git mailinfo and git apply --numstat read the same author, title, log and line counts as we do."""

from __future__ import annotations

import base64
import quopri
import subprocess
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

import pytest

from analyzer.core.limits import DEFAULT
from analyzer.mail.mbox import RawMail, read_inputs, split_mbox, write_mbox
from analyzer.mail.message import parse_message
from analyzer.series.diff import parse_diff
from analyzer.series.patch import parse_patch
from analyzer.series.subject import parse_subject
from analyzer.series.types import FileDiff
from tests.series.letters import body, diff, raw

SOB = "Signed-off-by: Ann Author <ann@example.org>\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What git reads from one mail; ``counts`` is None where git apply refuses the patch."""

    name: str
    address: str
    subject: str
    log: str
    counts: list[tuple[str, str, str]] | None


def git(place: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], input=given, cwd=place, capture_output=True, check=False)


def ask_git(data: bytes, place: Path) -> Said | None:
    """None where git mailinfo gives up."""
    info = git(place, "mailinfo", "msg", "patch", given=data)
    if info.returncode:
        return None
    said = dict(line.partition(": ")[::2] for line in info.stdout.decode("utf-8", "replace").splitlines() if line)
    stat = git(place, "apply", "--numstat", "-z", "patch")
    rows = stat.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    counts = [(*row.split("\t", 2),) for row in rows] if not stat.returncode else None
    log = (place / "msg").read_bytes().decode("utf-8", "replace")
    return Said(
        said.get("Author", ""), said.get("Email", ""), said.get("Subject", ""), log, counts  # type: ignore[arg-type]
    )  # fmt: skip


def counted(files: tuple[FileDiff, ...]) -> list[tuple[str, str, str]]:
    out = []
    for file in files:
        signs = [line[0] for hunk in file.hunks for line in hunk.lines]
        added, deleted = ("-", "-") if file.binary else (str(signs.count("+")), str(signs.count("-")))
        out.append((added, deleted, file.path))
    return out


def tidy(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().split("\n")]


def check(data: bytes, place: Path) -> bool:
    """Compares everything that git had to say; whether it accepted the patch."""
    said = ask_git(data, place)
    assert said is not None
    message, _ = parse_message(RawMail(data, "x"), DEFAULT)
    patch, _ = parse_patch(message)
    if patch is None:
        if said.counts is not None:
            assert counted(parse_diff(message.body)[0]) == said.counts
        assert parse_subject(message.subject).title == said.subject
        return said.counts is not None
    assert parseaddr(patch.author.replace(",", " "))[1] == said.address
    assert patch.author == f"{said.name} <{said.address}>"
    assert patch.title == said.subject
    assert tidy(patch.log) == tidy(said.log)
    if said.counts is not None:
        assert counted(patch.files) == said.counts
    return said.counts is not None


def encoded(text: str, encoding: str, charset: str = "utf-8") -> tuple[str, str]:
    data = text.encode(charset)
    shown = base64.encodebytes(data) if encoding == "base64" else quopri.encodestring(data)
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n"
    return head, shown.decode("latin-1")


def multipart(kind: str, *parts: str) -> tuple[str, str]:
    text = "".join(f"--b\n{part}\n" for part in parts)
    return f"MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=b\n", f"{text}--b--\n"


def patch_mail(text: str, subject: str = "[PATCH v2 1/3] KVM: do it", sender: str = "", extra: str = "") -> bytes:
    return raw(subject, text, sender or "Ann Author <ann@example.org>", extra)


HEAD = "Why.\n\n" + SOB + "---\n x.c | 2 +-\n\n"
TAIL = "-- \n2.43\n\n"
LONG = body(log="Café, naïve. " + "x" * 90)
PLAIN = "Content-Type: text/plain\n\n"
ATTACHED = "Content-Type: text/x-patch; name=x.patch\nContent-Disposition: inline; filename=x.patch\n\n"
NEW = (
    "diff --git a/n w.c b/n w.c\nnew file mode 100644\nindex 0000000..1234567\n--- /dev/null\n+++ b/n w.c\t\n"
    "@@ -0,0 +1 @@\n+a\n"
)
GONE = (
    "diff --git a/g.c b/g.c\ndeleted file mode 100644\nindex 1234567..0000000\n--- a/g.c\n+++ /dev/null\n"
    "@@ -1 +0,0 @@\n-a\n"
)
MOVED = (
    "diff --git a/o.c b/n.c\nsimilarity index 90%\nrename from o.c\nrename to n.c\nindex 1234567..89abcde 100644\n"
    "--- a/o.c\n+++ b/n.c\n@@ -1,2 +1,2 @@\n c\n-a\n+b\n"
)
BINARY = (
    "diff --git a/z.bin b/z.bin\nnew file mode 100644\nindex 0000000000000000000000000000000000000000.."
    "f76dd238ade08917e6712764a16a22005a50573d\nGIT binary patch\n"
    "literal 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n"
)
NAME = "t\\tb\\303\\251.c"
QUOTED = f'diff --git "a/{NAME}" "b/{NAME}"\n--- "a/{NAME}"\n+++ "b/{NAME}"\n@@ -1 +1 @@\n-a\n+b\n'
MODE = "diff --git a/s.sh b/s.sh\nold mode 100644\nnew mode 100755\n"
ODD = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,4 +1,4 @@ f @@ g\n -- \n--- a/x\n+++ b/y\n\n \x0c\u2028\n"
NO_LF = (
    "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    "\\ No newline at end of file\n"
)
QUILT = (
    "Index: linux/x.c\n===\n--- linux.orig/x.c\t2026-01-06 10:00:00\n+++ linux/x.c\t2026-01-06 10:00:00\n"
    "@@ -1 +1 @@\n-a\n+b\n"
)

MAILS = {
    "plain": patch_mail(body()),
    "separator": b"From a@example.org Tue Jan  6 10:00:00 2026\n" + patch_mail(body()),
    "crlf": patch_mail(body()).replace(b"\n", b"\r\n"),
    "base64": patch_mail(encoded(LONG, "base64")[1], extra=encoded(LONG, "base64")[0]),
    "quoted-printable": patch_mail(encoded(LONG, "quoted-printable")[1], extra=encoded(LONG, "quoted-printable")[0]),
    "latin-1": patch_mail(
        encoded(LONG, "quoted-printable", "iso-8859-1")[1],
        extra=encoded(LONG, "quoted-printable", "iso-8859-1")[0],
    ),
    "utf-8": patch_mail(LONG, extra="Content-Type: text/plain; charset=utf-8\n"),
    "words": patch_mail(
        body(), "=?utf-8?q?=5BPATCH_1/2=5D?= =?utf-8?q?_KVM:_caf=C3=A9?=", "=?utf-8?b?SsO2cmc=?= <j@example.org>"
    ),
    "two charsets": patch_mail(body(), sender="=?utf-8?b?SsO2cmc=?=\n =?iso-8859-1?q?_M=FCller?= <j@example.org>"),
    "quoted comma": patch_mail(body(), sender='"Doe, Jane (TI)" <j@example.org>'),
    "comment": patch_mail(body(), sender="j@example.org (Jane Doe)"),
    "folded subject": patch_mail(body(), "[PATCH v2\n 1/3] KVM: a\n\tlong one"),
    "reply marks": patch_mail(body(), "[RFC] [PATCH] KVM:  two   blanks"),
    "in-body": patch_mail("From: Bob <bob@example.org>\nSubject: [PATCH] KVM: real\n title\n\n" + body()),
    "in-body after blanks": patch_mail("\n\nFrom: Bob <bob@example.org>\nDate: x\n\n\n" + body()),
    "in-body twice": patch_mail("From: Bob <bob@example.org>\nFrom: Cy <cy@example.org>\n\n" + body()),
    "in-body encoded": patch_mail("From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\n\n" + body()),
    "in-body mark": patch_mail("[PATCH] KVM: marked\n" + body()),
    "separator in the header": patch_mail(body(), extra=">From somewhere\n"),
    "last header": patch_mail(body(), extra="Subject: [PATCH] the last\n"),
    "no cut line": patch_mail("Why.\n\n" + SOB + "\n" + diff() + TAIL),
    "two cut lines": patch_mail("Why.\n---\nnote\n---\n\n" + diff() + TAIL),
    "cut line with blanks": patch_mail("Why.\n---  \nnote\n\n" + diff() + TAIL),
    "diff in the log": patch_mail("Why:\n\n" + diff("y.c") + "\nso.\n\n" + HEAD + diff()),
    "indented diff in the log": patch_mail("Why:\n\n  " + diff("y.c").replace("\n", "\n  ") + "\n\n" + HEAD + diff()),
    "file line in the log": patch_mail("Why:\n--- a/x\nmore\n\n" + HEAD + diff()),
    "files": patch_mail(HEAD + NEW + GONE + MOVED + MODE + QUOTED + NO_LF + TAIL),
    "binary": patch_mail(HEAD + BINARY + diff() + TAIL),
    "odd content": patch_mail(HEAD + ODD + TAIL),
    "quilt": patch_mail(HEAD + QUILT + TAIL),
    "footer": patch_mail(body() + "_______\nlist mailing list\n"),
    "stripped signature": patch_mail(HEAD + diff() + "--\n2.43\n"),
    "mixed parts": raw(
        "[PATCH] t", multipart("mixed", PLAIN + HEAD, ATTACHED + diff())[1], extra=multipart("mixed")[0]
    ),
    "signed": raw(
        "[PATCH] t",
        multipart("signed", PLAIN + body(), "Content-Type: application/pgp-signature\n\nxxx")[1],
        extra=multipart("signed")[0],
    ),
    "unknown charset": patch_mail(body(), extra="Content-Type: text/plain; charset=us-ascii\n"),
    "reply": patch_mail("On some day:\n> why\n\nHow about\n---\n" + diff(), "Re: [PATCH v2 1/3] KVM: do it"),
    "cover": patch_mail("Cover.\n---\n x.c | 2\n", "[PATCH v2 0/3] KVM: all"),
}


@pytest.mark.parametrize("name", MAILS)
def test_git_reads_the_same(name: str, tmp_path: Path) -> None:
    assert check(MAILS[name], tmp_path) is (name not in {"cover"})


def test_git_splits_the_same_mbox(tmp_path: Path) -> None:
    data = write_mbox(mail for name, mail in MAILS.items() if name not in {"separator", "crlf"})
    (tmp_path / "in").write_bytes(data)
    count = git(tmp_path, "mailsplit", "--mboxrd", "-o.", "in")
    assert int(count.stdout) == len(split_mbox(data, "x")) == len(MAILS) - 2
    for number, mail in enumerate(split_mbox(data, "x"), 1):
        assert (tmp_path / f"{number:04}").read_bytes() == mail.data + b"\n"  # git keeps the blank line between mails


def test_what_git_formats_is_read_back(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", ".")
    for key, value in (("user.name", "Ünal Ä. Person"), ("user.email", "u@example.org")):
        git(tmp_path, "config", key, value)
    for n in range(3):
        (tmp_path / "a b.c").write_text(f"one\ntwo {n}\n-- \nFrom here\n")
        (tmp_path / f"new{n}.c").write_text("x\n" * n + "no newline")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", f"KVM: part {n}\n\nFrom here to there.\n\nSigned-off-by: U <u@example.org>")
    out = git(tmp_path, "format-patch", "--stdout", "--root", "--cover-letter", "--no-signature", "-v2").stdout
    mails = split_mbox(out, "x")
    assert len(mails) == 4
    for raw_mail in mails[1:]:
        assert check(raw_mail.data, tmp_path)


def test_real_mails_are_read_as_git_reads_them(shared: Path, tmp_path: Path) -> None:
    lore = shared / "corpus" / "lore"
    patches, _ = read_inputs([lore / "tdx-hugepage-v3"], None, DEFAULT)
    replies, _ = read_inputs([lore / "tdx-hugepage-v3-replies"], None, DEFAULT)
    assert [check(raw_mail.data, tmp_path) for raw_mail in patches] == [False] + [True] * 24
    assert len([check(raw_mail.data, tmp_path) for raw_mail in replies]) == 6


def test_the_real_series_is_whole(shared: Path) -> None:
    from analyzer.series.assemble import load_series

    found, problems = load_series([shared / "corpus" / "lore" / "tdx-hugepage-v3"], None, DEFAULT)
    assert not problems
    assert [(s.revision, s.total, len(s.patches), s.problems) for s in found] == [("3", 24, 24, ())]
    assert found[0].title == "KVM: TDX huge page support for private memory"
