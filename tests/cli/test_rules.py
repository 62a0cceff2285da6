"""``nak rules new`` and ``nak rules test``: a skeleton is a rule whose examples fail, until it does what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from analyzer.engine.registry import load_rules
from tests.cli.nak import ROOT, nak, process

ID = "kvm-call-at-fault"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what a rule needs, as the current folder."""
    for folder in ("analyzer", "rules", "corpus"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "trees", "series")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_rule_fails_until_it_is_filled(checkout: Path) -> None:
    made = nak("rules", "new", ID)
    source, litmus = (Path(line) for line in made.out.split())
    assert made.code == 0
    assert (source, litmus) == (
        checkout / "rules/kvm/call_at_fault.py",
        checkout / f"corpus/litmus/{ID}/bad_first.c",
    )
    failing = process(["rules", "test", ID], PYTHONPATH=str(checkout))
    assert failing.code == 1
    assert f"{ID}: 3 examples, 2 failed" in failing.out
    assert "missed at arch/x86/kvm/vmx/tdx.c:3" in failing.out
    source.write_text(source.read_text().replace("return False", "return True"))
    passing = process(["rules", "test", ID], PYTHONPATH=str(checkout))
    assert (passing.code, passing.out) == (0, f"{ID}: 3 examples, 0 failed\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [("Level", "no id of a rule"), ("series-shape", "no id of a rule"), ("../kvm-a", "no id"), ("tdx-../x", "no id")],
)
def test_what_is_no_id_is_refused(checkout: Path, name: str, words: str) -> None:
    done = nak("rules", "new", name)
    assert done.code == 2
    assert words in done.err


def test_a_rule_that_is_there_stays(checkout: Path) -> None:
    rule = next(r.id for r in load_rules() if r.id.startswith("tdx-"))
    done = nak("rules", "new", rule)
    assert done.code == 2
    assert f"there is a rule {rule}" in done.err


def test_outside_of_a_checkout_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert nak("rules", "new", ID).code == 2
    assert list(tmp_path.iterdir()) == []


def test_some_rules_pass_their_own_examples() -> None:
    done = nak("rules", "test", "tdx-silent-sanity-check", "series-api-churn")
    assert done.code == 0
    assert [line.endswith(" 0 failed") for line in done.out.splitlines()] == [True, True]
    assert nak("rules", "test", "no-such-rule").code == 2


def test_the_rule_of_the_tutorial_does_what_it_says(checkout: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```\n", text, re.S)
    rule = "tdx-cast-before-check"
    nak("rules", "new", rule)
    (checkout / "rules/tdx/cast_before_check.py").write_text(code)
    (checkout / f"corpus/litmus/{rule}/bad_first.c").unlink()
    done = process(["rules", "test", rule], PYTHONPATH=str(checkout))
    assert (done.code, done.out) == (0, f"{rule}: 2 examples, 0 failed\n")
