"""The examples of the rules: the marks of bad ones are met, good ones are silent, and none breaks another rule."""

from __future__ import annotations

import textwrap

import pytest

from analyzer.engine.expect import Miss, analyse, compare, marks, split
from analyzer.engine.expect_series import compare_series, example_facts, split_series
from analyzer.engine.registry import load_rules, load_vocabulary
from analyzer.engine.rule import Rule
from analyzer.engine.run import run_series_rules

RULES = load_rules()
BY_ID = {rule.id: rule for rule in RULES}
CODE_RULES = [rule for rule in RULES if rule.check is not None]
EXAMPLES = [
    pytest.param(rule.id, text, id=f"{rule.id}-{kind}-{number}")
    for rule in RULES
    for kind, texts in (("bad", rule.bad), ("good", rule.good))
    for number, text in enumerate(texts, 1)
]


def virtual_files(text: str) -> dict[str, str]:
    """The files of an example; one that names none is a part of TDX in KVM, which all code rules look at."""
    return split(textwrap.dedent(text).strip("\n"), "arch/x86/kvm/vmx/tdx.c")


def misses(rule: Rule, text: str) -> list[Miss]:
    if rule.check is None:
        return compare_series(rule, text, load_vocabulary())
    files = virtual_files(text)
    return compare(marks(files), analyse(files, CODE_RULES, load_vocabulary()))


@pytest.mark.parametrize(("rule", "text"), EXAMPLES)
def test_the_marks_are_met_and_nothing_else_is_found(rule: str, text: str) -> None:
    assert misses(BY_ID[rule], text) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_finding_says_what_the_rule_says(rule: Rule) -> None:
    """The engine stamps the rule, and a code rule's finding shows a line of the example."""
    if rule.check is None:
        told = run_series_rules([rule], example_facts(split_series(rule.bad[0]), load_vocabulary())).findings
        assert told and all(f.message and f.provenance == rule.provenance for f in told)
        return
    files = virtual_files(rule.bad[0])
    found = analyse(files, [rule], load_vocabulary())
    assert found
    for finding in found:
        assert (finding.rule, finding.stage, finding.provenance) == (rule.id, rule.stage, rule.provenance)
        assert finding.subject and finding.message and "%" not in finding.message
        assert 1 <= finding.location.line <= files[finding.location.path].count("\n")
        assert rule.covers(finding.location.path)


def test_a_mark_that_is_not_met_is_told() -> None:
    """The examples are compared for real: taken away, a mark is a finding that nobody expects, and the reverse."""
    rule = BY_ID["tdx-sept-op-without-write-lock"]
    assert [m.kind for m in misses(rule, rule.bad[0].replace("// expect", ""))] == ["unexpected"]
    marked = rule.good[0].replace("write_lock(&kvm->mmu_lock);", "write_lock(&kvm->mmu_lock);  // expect", 1)
    assert [m.kind for m in misses(rule, marked)] == ["missed"]
