"""Small repositories and hand-made series for the tests of the tree."""

from __future__ import annotations

import difflib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from analyzer.series.types import BaseHint, FileDiff, FileStatus, Hunk, Patch, Series

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")


def git(where: Path, *arguments: str, data: bytes | None = None) -> bytes:
    """Run git with a fixed author; its standard output."""
    identity = ["-c", "user.name=A U Thor", "-c", "user.email=author@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], cwd=where, input=data, check=True, capture_output=True).stdout


def commit(where: Path, files: Mapping[str, str | bytes | None], title: str = "change") -> str:
    """Write (or with None remove) files and commit all; the commit hash. Makes the repository if needed."""
    where.mkdir(parents=True, exist_ok=True)
    if not (where / ".git").exists():
        git(where, "init", "-q", "-b", "main")
    for name, text in files.items():
        place = where / name
        if text is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", title)
    return git(where, "rev-parse", "HEAD").decode().strip()


def hunks(lines: Iterable[str]) -> tuple[Hunk, ...]:
    """The hunks of one file's unified diff (lines without LF)."""
    out: list[Hunk] = []
    head: re.Match[str] | None = None
    body: list[str] = []
    bare = {"old": False, "new": False}

    def close() -> None:
        if head is not None:
            a, b, c, d, section = head.groups()
            counts = (int(a), int(b or 1), int(c), int(d or 1))
            out.append(Hunk(*counts, section, tuple(body), bare["old"], bare["new"]))

    for line in lines:
        found = _HUNK.match(line)
        if found and _full(head, body):
            close()
            head, body, bare = found, [], {"old": False, "new": False}
        elif line.startswith("\\") and body:
            if body[-1][0] != "+":
                bare["old"] = True
            if body[-1][0] != "-":
                bare["new"] = True
        elif head is not None and not _full(head, body):
            body.append(line)
    close()
    return tuple(out)


def _full(head: re.Match[str] | None, body: list[str]) -> bool:
    if head is None:
        return True
    old = sum(line[0] != "+" for line in body)
    new = sum(line[0] != "-" for line in body)
    return old >= int(head[2] or 1) and new >= int(head[4] or 1)


def diff_of(old: str | None, new: str | None, path: str = "virt/kvm/a.c", context: int = 3) -> FileDiff:
    """The diff between two texts (None: no file), as git would write it."""
    before = [] if old is None else _rows(old)
    after = [] if new is None else _rows(new)
    rows = []
    for row in difflib.unified_diff(before, after, n=context, lineterm="\n"):
        rows.append(row.rstrip("\n") if row.endswith("\n") else row)
        if not row.endswith("\n"):
            rows.append("\\ No newline at end of file")
    status = FileStatus.ADDED if old is None else FileStatus.DELETED if new is None else FileStatus.MODIFIED
    return FileDiff(None if old is None else path, None if new is None else path, status, hunks(rows[2:]))


def _rows(text: str) -> list[str]:
    rows = [row + "\n" for row in text.split("\n")]
    last = rows.pop()[:-1]
    return [*rows, last] if last else rows


def git_diff(where: Path, old: str, new: str) -> tuple[FileDiff, ...]:
    """The diffs between two commits, read from git's own output and its name list."""
    text = git(where, "diff", "-M", "-C", "--find-copies-harder", "--full-index", old, new).decode(
        "utf-8", "surrogateescape"
    )
    out = []
    for part in re.split(r"(?m)^diff --git ", text)[1:]:
        head, _, rest = part.partition("\n@@ ")
        words: dict[str, str] = dict(
            re.findall(r"(?m)^(rename from|rename to|copy from|copy to|new file mode|old mode) (.*)$", head)
        )
        words |= dict(re.findall(r"(?m)^(deleted file mode|new mode) (.*)$", head))
        blobs = re.search(r"(?m)^index ([0-9a-f]+)\.\.([0-9a-f]+)", head)
        name = re.match(r"a/(.*) b/(.*)", head)
        assert name is not None
        status, old_path, new_path = FileStatus.MODIFIED, name[1], name[2]
        old_name: str | None = old_path
        new_name: str | None = new_path
        if "rename from" in words:
            status, old_name, new_name = FileStatus.RENAMED, words["rename from"], words["rename to"]
        elif "copy from" in words:
            status, old_name, new_name = FileStatus.COPIED, words["copy from"], words["copy to"]
        elif "new file mode" in words:
            status, old_name = FileStatus.ADDED, None
        elif "deleted file mode" in words:
            status, new_name = FileStatus.DELETED, None
        ids = (blobs[1], blobs[2]) if blobs else ("", "")
        found = hunks(("@@ " + rest).split("\n")) if rest else ()
        old_mode, new_mode = words.get("old mode", ""), words.get("new mode", words.get("new file mode", ""))
        binary = "Binary files" in head
        out.append(FileDiff(old_name, new_name, status, found, binary, old_mode, new_mode, *ids))
    return tuple(out)


def patch(index: int, *files: FileDiff, title: str = "") -> Patch:
    """A member of a series."""
    return Patch(index, str(index), title or f"patch {index}", "", "A U Thor <author@example.org>", (), files)


def series(*patches: Patch, base: BaseHint | None = None) -> Series:
    """A series of hand-made patches."""
    return Series("id", "1", "a series", None, patches, base or BaseHint(), len(patches))
