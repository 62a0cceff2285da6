"""What the lowering makes of each kind of statement, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.frontend.load import load
from analyzer.ir.show import show
from analyzer.tree.snapshot import Snapshot, SourceFile

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.c"))


def lowered(name: str) -> str:
    source = SourceFile(f"virt/kvm/{name}.c", (GOLDEN / f"{name}.c").read_bytes())
    program = load(Snapshot("tree", None, {source.path: source}), [source.path])
    shown = [show(function) for function in program.functions(program.definitions)]
    return "\n".join([*shown, *(f"{p.kind} {p.where}: {p.detail}\n" for p in program.problems)])


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    expected = GOLDEN / f"{name}.txt"
    found = lowered(name)
    if request.config.getoption("--update", default=False):
        expected.write_text(found)
    assert found == expected.read_text()


def test_every_golden_has_a_source() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
    assert len(CASES) > 10
