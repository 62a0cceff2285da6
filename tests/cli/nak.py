"""The command line as the tests call it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from analyzer.cli import main

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "corpus"
MINIKVM = CORPUS / "trees" / "minikvm"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def nak(*words: str | Path, stdin: bytes = b"") -> Ran:
    """Run in this process; what it prints goes to no terminal."""
    done = CliRunner(catch_exceptions=False).invoke(main, [str(word) for word in words], input=stdin)
    return Ran(done.exit_code, done.stdout_bytes.decode(), done.stderr)


def process(words: Sequence[str | Path], stdin: bytes = b"", **environment: str) -> Ran:
    """Run as a process of its own, in the current folder."""
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", *map(str, words)],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def mails(series: str) -> list[Path]:
    found = sorted((CORPUS / "series" / series).glob("*.patch"))
    assert found
    return found


def mbox(series: str) -> bytes:
    return b"\n".join(path.read_bytes() for path in mails(series))


def git(place: Path, *words: str) -> str:
    names = ("-c", "user.name=A Developer", "-c", "user.email=dev@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, "-C", str(place), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(place: Path, series: str) -> Path:
    """minikvm as a git repository with the patches of a series on top, one commit each."""
    shutil.copytree(MINIKVM, place)
    git(place, "init", "-q", "-b", "main")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "minikvm")
    patches = [path for path in mails(series) if "0000-" not in path.name]
    git(place, "am", "-q", *map(str, patches))
    return place
