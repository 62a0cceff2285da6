"""The gate that runs Spin: it says when it cannot, and fails where Spin was asked for or counts otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "ci" / "spin.py"


def run(place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(place), **more}
    return subprocess.run([sys.executable, SCRIPT], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("required", "code", "word"), [("0", 0, "SKIPPED"), ("1", 1, "FAILED")])
def test_without_spin_it_says_so(tmp_path: Path, required: str, code: int, word: str) -> None:
    ran = run(tmp_path, NAK_REQUIRE_SPIN=required)
    assert (ran.returncode, ran.stderr) == (code, "")
    assert ran.stdout == f"spin: {word}: not installed: spin, a C compiler (apt-get install spin gcc)\n"


def test_other_counts_fail(tmp_path: Path) -> None:
    """A spin and a compiler of our own, whose checker counts one state too many."""
    for name, text in (("spin", ":"), ("cc", "printf '#!/bin/sh\\necho 54175 states, stored\\n' > pan; chmod +x pan")):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
        tool.chmod(0o755)
    ran = run(tmp_path)
    assert ran.returncode == 1
    assert "spin 1x2: 54,175 states" in ran.stdout
    assert "NOT EQUAL" in ran.stdout
