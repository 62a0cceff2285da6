"""The written sets: their files are read, belong to rules, and fit the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.engine.registry import load_rules
from tests.mutants.sources import Sources
from tests.mutants.written import FOLDERS, entries, files, fits, written

FILES = [*files(same=False), *files(same=True)]


def test_entries_are_what_is_written() -> None:
    text = "= one\ndue run -\nin TDX run\n-\ta();\n+\tb();\n\nin x.c run\n+new\n\n= two\nin y.c\n-gone\n"
    (one, due, edits), (two, nobody, _) = entries(text)
    assert (one, due, two, nobody) == ("one", ("run", ""), "two", ())
    assert (edits[0].path, edits[0].inside, edits[0].old, edits[0].new) == (
        "arch/x86/kvm/vmx/tdx.c", "run", "\ta();", "\tb();",
    )  # fmt: skip
    assert (edits[1].old, edits[1].new) == ("", "new\n\n")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: str(f.name))
def test_each_rule_of_the_catalog_has_some(folder: Path) -> None:
    checked = {r.id: r.catalog for r in load_rules() if r.check is not None}
    of = {file.stem for file in files(same=False) if file.parent == folder}
    whole = folder.name != "fifth_set"  # which has a part of the rules, and fewer of each
    assert of <= set(checked)
    assert not whole or {r for r, number in checked.items() if number <= 30} <= of
    assert all(len(written(file)) >= (4 if whole else 2) for file in FILES if file.parent == folder)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_all_fit_the_kernel(file: Path, kernel: Path) -> None:
    sources = Sources(kernel)
    assert [heading for heading, _, edits in written(file) if not fits(sources, edits)] == []
