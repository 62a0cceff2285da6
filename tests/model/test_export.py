"""Other checkers read the exports and count the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.model.ask import export
from analyzer.model.engines import native, python
from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import named
from analyzer.model.kvm_tdx.scope import SCOPES, SMALL

# Small in states and in text: compiling the checker takes most of the time.
SCOPE = "accept-4k"
TWIN = Path(__file__).with_name("twin.pml")


def needs(tool: str) -> pytest.MarkDecorator:
    missing = shutil.which(tool) is None or native.compiler() is None
    return pytest.mark.skipif(missing, reason=f"{tool} and a C compiler are needed: apt-get install {tool} gcc")


def counts() -> tuple[int, int]:
    outcome = python.search(prepared(build(SCOPES[SCOPE][0]), False))
    assert outcome.complete
    return outcome.states, outcome.transitions


def shell(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout + done.stderr


def pan(folder: Path, model: str, *flags: str, defined: tuple[str, ...] = ()) -> str:
    (folder / "model.pml").write_text(model)
    assert "error" not in shell(folder, "spin", "-a", *defined, "model.pml").lower()
    shell(folder, native.compiler() or "cc", "-O0", "-w", "-DSAFETY", "-DNOREDUCE", *flags, "-o", "pan", "pan.c")
    return shell(folder, "./pan", "-m2000000", "-w20")


@needs("spin")
def test_spin_counts_the_same(tmp_path: Path) -> None:
    said = pan(tmp_path, export("promela", SCOPE, None))
    # Spin counts the step into the first state as a transition.
    assert spin_counts(said) == [counts()[0], counts()[1] + 1, 0]


def spin_counts(said: str) -> list[int | None]:
    found = [re.search(pattern, said) for pattern in (r"(\d+) states, stored", r"(\d+) transitions", r"errors: (\d+)")]
    return [int(m[1]) if m else None for m in found]


@needs("spin")
def test_the_model_written_by_hand_counts_the_same(tmp_path: Path) -> None:
    """One state and two transitions more: it starts its processes in a step of its own."""
    outcome = python.search(prepared(build(SMALL), False))
    said = pan(tmp_path, TWIN.read_text(), defined=("-DONE",))
    assert spin_counts(said) == [outcome.states + 1, outcome.transitions + 2, 0]


@needs("spin")
@pytest.mark.parametrize("mutation", ["MUT_FOLIO_FIRST", "MUT_NO_TRACK", "MUT_DEMOTE_IGN"])
def test_the_model_written_by_hand_breaks_too(tmp_path: Path, mutation: str) -> None:
    said = pan(tmp_path, TWIN.read_text(), "-DBFS", defined=("-DONE", f"-D{mutation}"))
    assert "assertion violated" in said


@needs("spin")
def test_spin_finds_a_mutation(tmp_path: Path) -> None:
    mutation = named("pamt_2m_get")
    assert mutation is not None
    said = pan(tmp_path, export("promela", SCOPE, "pamt_2m_get"), "-DBFS")
    assert "assertion violated" in said
    assert "errors: 1" in said


@needs("rumur")
def test_rumur_counts_the_same(tmp_path: Path) -> None:
    (tmp_path / "model.m").write_text(export("murphi", SCOPE, None))
    shell(tmp_path, "rumur", "model.m", "--output", "model.c")
    command = [native.compiler() or "cc", "-std=c11", "-O0", "-w", "-mcx16", "model.c", "-o", "model", "-lpthread"]
    shell(tmp_path, *command)
    said = shell(tmp_path, "./model")
    assert "No error found" in said
    match = re.search(r"(\d+) states, (\d+) rules fired", said)
    assert match is not None
    assert (int(match[1]), int(match[2])) == counts()


def test_exports_name_their_sources() -> None:
    text = export("promela", "1x2", None)
    assert "virt/kvm/guest_memfd.c:kvm_gmem_get_pfn" in text
    assert "I13" in text
    assert "mail" not in export("murphi", "1x2", None).split("startstate")[0]
