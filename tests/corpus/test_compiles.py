"""The corpus is what it says it is: C that compiles, patches that apply, expectations that name real lines."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.engine.registry import load_rules

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
TREES = CORPUS / "trees"
SERIES = sorted(path.parent for path in (CORPUS / "series").glob("*/expect.toml"))

RULES = {rule.id for rule in load_rules()}
WORDS = {"rule", "patch", "path", "function", "contains", "fixed_by", "also_at", "severity"}
PLACE_WORDS = {"path", "function", "contains"}

by_series = pytest.mark.parametrize("folder", SERIES, ids=lambda folder: folder.name)


@functools.cache
def compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("cc")


@functools.cache
def flags(tree: Path, *, tdx: bool) -> tuple[str, ...]:
    """The flags of the tree's Makefile, so that there is one place for them."""
    text = (tree / "Makefile").read_text().replace("\\\n", " ")
    names = ("CFLAGS", "TDX") if tdx else ("CFLAGS",)
    found = [re.search(rf"^{name}\s*:=(.*)$", text, re.M) for name in names]
    return tuple(word for match in found if match for word in match.group(1).split())


def sources(tree: Path, *, tdx: bool = True) -> list[str]:
    """What the Makefile compiles in this configuration."""
    paths = sorted(str(path.relative_to(tree)) for path in tree.rglob("*.c"))
    return [p for p in paths if tdx or not re.match(r"arch/x86/(virt/vmx/tdx/|kvm/vmx/tdx)", p)]


def syntax_errors(tree: Path, paths: list[str], *, tdx: bool = True) -> str:
    """What the compiler says about these files; empty when it likes them."""
    cc = compiler()
    if cc is None:
        pytest.skip("no C compiler: neither gcc nor cc is installed")
    command = [cc, *flags(TREES / "minikvm", tdx=tdx)]
    said = []
    for path in paths:
        done = subprocess.run([*command, path], cwd=tree, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            said.append(f"{path}: exit {done.returncode}\n{done.stderr}")
    return "\n".join(said)


def expectation(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "expect.toml").read_text())


def patches(folder: Path) -> list[Path]:
    """The patches in order, without the cover letter."""
    found = sorted(folder.glob("*.patch"))
    return [path for path in found if not re.match(r"(v\d+-)?0000-", path.name)]


def git(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=tree, capture_output=True, text=True, timeout=60, check=False)


def applied(folder: Path, tree: Path) -> Iterator[tuple[int, list[str]]]:
    """Copy the base to ``tree`` and apply the series; yields (patch number, files it changed) after each patch."""
    shutil.copytree(TREES / expectation(folder)["base"], tree)
    git(tree, "init", "-q")
    for number, patch in enumerate(patches(folder), 1):
        done = git(tree, "apply", "--whitespace=error-all", str(patch))
        assert done.returncode == 0, f"{patch.name} does not apply: {done.stderr}"
        changed = re.findall(r"^\+\+\+ b/(.+)$|^rename to (.+)$", patch.read_text(), re.M)
        yield number, [one or two for one, two in changed]


def region(tree: Path, path: str, function: str) -> str:
    """The text of a function: its definition, else its macro, else its prototype."""
    text = (tree / path).read_text()
    name = re.escape(function)
    body = re.search(rf"^(?!\t| |#)[^\n]*\b{name}\((?:[^;{{}}]|\n)*?\n\{{\n.*?^\}}", text, re.M | re.S)
    macro = re.search(rf"^#define {name}\b(?:[^\n]*\\\n)*[^\n]*", text, re.M)
    prototype = re.search(rf"^(?!\t| |#)[^\n]*\b{name}\([^;{{}}]*;", text, re.M)
    found = body or macro or prototype
    assert found, f"{path}: no function {function}"
    return found.group(0)


@pytest.mark.parametrize("tdx", [True, False], ids=["tdx", "plain"])
def test_minikvm_compiles(tdx: bool) -> None:
    tree = TREES / "minikvm"
    paths = sources(tree, tdx=tdx)
    assert len(paths) >= 8
    assert syntax_errors(tree, paths, tdx=tdx) == ""


def test_every_file_of_the_tree_has_a_licence() -> None:
    files = [path for path in TREES.rglob("*") if path.is_file()]
    assert files
    without = [str(path) for path in files if "SPDX-License-Identifier: GPL-2.0-or-later" not in path.read_text()]
    assert without == []


def test_there_are_enough_series_of_both_kinds() -> None:
    clean = [folder.name for folder in SERIES if expectation(folder)["clean"]]
    assert len(SERIES) - len(clean) >= 14
    assert len(clean) >= 6
    found = {item["rule"] for folder in SERIES for item in expectation(folder).get("expect", ())}
    assert found <= RULES, "no other rule is named"
    assert len(found) >= 8, "many rules have a series that breaks them"


@by_series
def test_expectation_is_well_formed(folder: Path) -> None:
    data = expectation(folder)
    items = data.get("expect", [])
    count = len(patches(folder))
    assert count > 0
    assert set(data) <= {"summary", "base", "clean", "expect"}
    assert data["summary"].strip()
    assert (TREES / data["base"]).is_dir()
    assert data["clean"] is (not items)
    for item in items:
        assert set(item) <= WORDS
        assert item.keys() >= {"rule", "patch"} | PLACE_WORDS
        assert item["rule"] in RULES
        assert 1 <= item["patch"] <= count
        assert item["patch"] < item.get("fixed_by", count + 1) <= count + 1
        assert all(set(place) == PLACE_WORDS for place in item.get("also_at", ()))


@by_series
def test_mails_are_plain(folder: Path) -> None:
    ids = []
    for path in sorted(folder.glob("*.patch")):
        text = path.read_text(encoding="ascii")
        head = text.split("\n\n", 1)[0]
        assert re.search(r"^From: .* <[^@\s]+@example\.org>$", head, re.M)
        assert re.search(r"^Date: \w{3}, \d+ \w{3} 2026 ", head, re.M)
        ids += re.findall(r"^Message-ID: <(\S+)@example\.org>$", head, re.M)
        assert not re.search(r"^-- $", text, re.M), "git's version signature"
    assert len(ids) == len(set(ids)) == len(list(folder.glob("*.patch")))


@by_series
def test_series_applies_and_names_real_lines(folder: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    items = expectation(folder).get("expect", [])
    checked = 0
    for number, _ in applied(folder, tree):
        for item in items:
            if item["patch"] == number:
                for place in (item, *item.get("also_at", ())):
                    lines = region(tree, place["path"], place["function"]).splitlines()
                    assert any(place["contains"] in line for line in lines), place
                checked += 1
    assert checked == len(items)


@by_series
def test_every_step_compiles(folder: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number, changed in applied(folder, tree):
        everything = any(not path.endswith(".c") for path in changed)
        paths = sources(tree) if everything else [path for path in changed if (tree / path).exists()]
        assert syntax_errors(tree, paths) == "", f"patch {number}"
