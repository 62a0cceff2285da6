"""The gate runner on gates of its own: order, exit codes, and the closing line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(place: Path, gates: str, *wanted: str) -> subprocess.CompletedProcess[str]:
    folder = place / "with a space" / "ci"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "ci" / "run", folder)
    (folder / "gates").write_text(gates)
    return subprocess.run(["bash", str(folder / "run"), *wanted], capture_output=True, text=True, check=False)


def test_all_pass_and_the_tests_have_the_last_word(tmp_path: Path) -> None:
    done = run(tmp_path, "# comment\n10 one echo first\n15 tests echo noise; echo '5 passed in 1s'\n16 two true\n")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "== gate 10 one: echo first"
    assert lines[-2:] == ["== 3 gates passed", "5 passed in 1s"]


def test_the_first_failure_stops_with_its_number(tmp_path: Path) -> None:
    done = run(tmp_path, "10 one true\n12 two echo broken; false\n13 three echo unreached\n")
    assert done.returncode == 12
    assert "broken" in done.stdout
    assert "unreached" not in done.stdout


def test_a_failure_before_a_pipe_counts(tmp_path: Path) -> None:
    assert run(tmp_path, "11 one false | cat\n").returncode == 11


def test_only_the_gates_asked_for(tmp_path: Path) -> None:
    done = run(tmp_path, "10 one echo A\n11 two echo B\n12 three echo C\n", "11", "three")
    assert done.returncode == 0
    assert "== gate 10" not in done.stdout
    assert "B\n" in done.stdout
    assert "C\n" in done.stdout


def test_an_unknown_gate_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, "10 one true\n", "99").returncode == 2


@pytest.mark.parametrize("name", [".ci/run", "ci/run"])
def test_scripts_can_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111


def test_gates_are_numbered_once_and_in_order() -> None:
    lines = [line.split() for line in (ROOT / "ci" / "gates").read_text().splitlines() if line[:1].isdigit()]
    numbers = [int(words[0]) for words in lines]
    assert numbers == sorted(set(numbers))
    assert {words[1] for words in lines} >= {"install", "format", "lint", "types", "floors", "tests", "pages", "corpus"}
