"""What the model says of findings: confirmed, unconfirmed, depends, unmodelled; and what no rule reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.core.finding import Finding, Severity
from analyzer.core.source import Location
from analyzer.engine.registry import load_rules
from analyzer.model import matrix
from analyzer.model.extract.explored import fitted
from analyzer.model.extract.record import Layers
from analyzer.model.extract.verdict import answer, judged, unreported
from analyzer.model.kvm_tdx.answers import ANSWERS, in_part
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation
from analyzer.review import Options, check_tree
from tests.kernel.edits import Kernel
from tests.kernel.places import TDX
from tests.mutants.fields_mini import MINIKVM

MINI = Path(__file__).resolve().parent.parent.parent / "corpus" / "trees" / "minikvm"
BASE = Layers(huge=False, pamt=False, entry=True, pfnmap=True, teardown=True)


def _finding(rule: str, function: str = "tdx_sept_remove_leaf_spte", severity: Severity = Severity.ERROR) -> Finding:
    return Finding(Location(TDX, 1), function, "subject", "message", rule=rule, severity=severity)


def _judged(field: str, *findings: Finding, live: bool = False) -> list[str | None]:
    kernel = Kernel(MINI)
    with kernel.facts(kernel.overlay(next(e for e in MINIKVM if e.field == field).edits)) as facts:
        return [f.verdict for f in judged(findings, facts, live)]


def test_a_violation_that_the_model_shows_is_confirmed() -> None:
    expected = "confirmed: I6 breaks after 15 steps (nak model explain no_track)"
    assert _judged("track", _finding("tdx-sept-op-misordered")) == [expected]
    assert _judged("track", _finding("tdx-sept-op-misordered"), live=True) == [expected]


def test_a_field_that_is_as_due_leaves_a_finding_unconfirmed() -> None:
    (said,) = _judged("track", _finding("kvm-gmem-fault-without-retry", "kvm_tdp_mmu_page_fault"))
    assert said == "unconfirmed: the model finds stale_check=under-lock, as due"


def test_a_violation_elsewhere_is_not_what_the_model_shows() -> None:
    (said,) = _judged("track", _finding("tdx-sept-op-misordered", "tdx_td_vcpu_init"))
    assert said == "unconfirmed: the model finds kick=kick, block=block, as due"


def test_an_undecided_field_is_named() -> None:
    (said,) = _judged("split_lock", _finding("tdx-external-op-result-dropped"))
    assert said == "depends on demote_error=dropped: then I4 breaks (nak model explain demote_ignored)"


def test_what_the_model_does_not_have_is_said() -> None:
    found = [_finding("tdx-sept-op-misordered"), _finding("tdx-allocation-not-accounted")]
    assert _judged("track", *found)[1] == "unmodelled"
    assert _judged("track", found[0], _finding("tdx-sept-op-misordered", severity=Severity.INFO))[1] is None


def test_a_violation_that_no_rule_reported_is_a_finding() -> None:
    kernel, rules = Kernel(MINI), load_rules()
    with kernel.facts(kernel.overlay(next(e for e in MINIKVM if e.field == "poison").edits)) as facts:
        (found,) = unreported([], facts, rules)
        assert list(unreported([_finding("tdx-mapping-size-from-folio")], facts, rules)) == []
    assert (found.rule, found.function) == ("tdx-mapping-size-from-folio", "kvm_gmem_error_folio")
    assert found.verdict == "confirmed: I3 breaks after 10 steps (nak model explain poison_split)"


def test_the_clean_tree_has_nothing_to_report() -> None:
    kernel = Kernel(MINI)
    with kernel.facts({}) as facts:
        assert list(unreported([], facts, load_rules())) == []


@pytest.mark.parametrize(("model", "said"), [("verdicts", True), ("explore", True), ("off", False)])
def test_a_check_gives_verdicts_unless_told_not_to(tmp_path: Path, model: str, said: bool) -> None:
    kernel = Kernel(MINI)
    for path in kernel.root.rglob("*"):
        if path.is_file():
            place = tmp_path / path.relative_to(MINI)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    for name, file in kernel.overlay(next(e for e in MINIKVM if e.field == "track").edits).items():
        (tmp_path / name).write_bytes(file.text)
    found = [f for f in check_tree(tmp_path, Options(model=model)).findings if f.severity is not Severity.INFO]
    assert [f.rule for f in found] == ["tdx-sept-op-misordered"]
    assert ((found[0].verdict or "").startswith("confirmed: I6")) is said


def test_every_mutation_has_an_answer() -> None:
    assert list(ANSWERS) == [m.name for m in MUTATIONS]
    assert {m.name for m in MUTATIONS if not ANSWERS[m.name][0][0]} == {m.name for m in MUTATIONS if m.equivalent}


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if not m.equivalent][::4], ids=lambda m: m.name)
def test_answers_are_what_the_engines_find(mutation: Mutation) -> None:
    for wanted, answered in ((mutation, ANSWERS[mutation.name][0]), (_fitted(mutation), ANSWERS[mutation.name][1])):
        if answered[0]:
            row = matrix.run(wanted)
            assert row.discovery is not None
            assert (row.discovery.claim, len(row.discovery.moves)) == answered


def _fitted(mutation: Mutation) -> Mutation:
    return replace(mutation, scope=fitted(mutation.scope, BASE))


def test_the_layers_choose_the_answer() -> None:
    mutation = next(m for m in MUTATIONS if m.name == "no_track")
    assert answer(mutation, BASE) == ("I6", 17)
    assert answer(mutation, replace(BASE, huge=True)) == ("I6", 15)


def test_parts_of_the_code_give_what_would_break() -> None:
    said = in_part("tdx-external-op-result-dropped") or ""
    assert said.startswith("depends on code that is not shown: I4 breaks after 19 steps")
    assert said.endswith("(nak model explain demote_ignored)")
    assert in_part("series-api-churn") is None
    assert "I15" in (in_part("tdx-retried-call-not-idempotent") or "")
