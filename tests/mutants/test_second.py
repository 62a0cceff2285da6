"""The second set: its files are read, belong to rules, and fit the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.engine.registry import load_rules
from tests.mutants.second import FOLDER, entries, fits, written
from tests.mutants.sources import Sources

FILES = sorted(file.stem for file in FOLDER.glob("*.edits"))


def test_entries_are_what_is_written() -> None:
    text = "= one\ndue run -\nin TDX run\n-\ta();\n+\tb();\n\nin x.c run\n+new\n\n= two\nin y.c\n-gone\n"
    (one, due, edits), (two, nobody, _) = entries(text)
    assert (one, due, two, nobody) == ("one", ("run", ""), "two", ())
    assert (edits[0].path, edits[0].inside, edits[0].old, edits[0].new) == (
        "arch/x86/kvm/vmx/tdx.c", "run", "\ta();", "\tb();",
    )  # fmt: skip
    assert (edits[1].old, edits[1].new) == ("", "new\n\n")


def test_there_are_five_of_each_rule_of_the_catalog() -> None:
    checked = {r.id for r in load_rules() if r.check is not None and r.catalog <= 30}
    assert set(FILES) - {"same"} == checked
    assert all(len(written(name)) >= 5 for name in FILES)


@pytest.mark.parametrize("name", FILES)
def test_all_fit_the_kernel(name: str, kernel: Path) -> None:
    sources = Sources(kernel)
    assert [heading for heading, _, edits in written(name) if not fits(sources, edits)] == []
