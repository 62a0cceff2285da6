"""The record extracted from a tree: what clean trees have, what each edit changes, what the model says of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.core.problem import ProblemKind
from analyzer.model.extract.byrule import FIELDS as BY_RULE
from analyzer.model.extract.explored import survey
from analyzer.model.extract.extract import HUGE, PAMT, PFNMAP, extract
from analyzer.model.extract.flows import flows
from analyzer.model.extract.record import ABSENT, BOTH, DECIDED, Decision, Record
from analyzer.model.kvm_tdx.mutations import MUTATIONS
from analyzer.model.kvm_tdx.protocol import CORRECT, differing, values
from tests.kernel.edits import Edit, Kernel
from tests.mutants.fields import FieldEdit, anywhere
from tests.mutants.fields_kernel import KERNEL
from tests.mutants.fields_mini import MINIKVM
from tests.mutants.fields_pamt import OTHER_WAYS
from tests.mutants.judge import mutants
from tests.mutants.sources import Sources

MINI = Path(__file__).resolve().parent.parent.parent / "corpus" / "trees" / "minikvm"
NOT_IN_MINIKVM = {*PFNMAP, "busy_entry", "cache_of"}
NO_PLACE = {"promotion", *BY_RULE}  # decided by what is not there


def _record(kernel: Kernel, *edits: FieldEdit) -> Record:
    overlay = kernel.overlay(e for edit in edits for e in edit.edits)
    with kernel.facts(overlay) as facts:
        found = extract(facts)
        unread = [
            p for p in facts.program.problems if p.kind is ProblemKind.UNPARSED and p.where.split(":")[0] in overlay
        ]
        assert not unread, unread
    return found


def _clean(found: Record, missing: set[str]) -> None:
    assert [d.field for d in found.decisions] == list(values())
    assert {d.field for d in found.decisions if d.how == ABSENT} == missing
    assert [d.field for d in found.decisions if d.how == BOTH] == []
    assert {d.field: d.values for d in found.decisions} == {f: (getattr(CORRECT, f),) for f in values()}
    assert [d.field for d in found.decisions if d.how == DECIDED and not (d.steps or d.field in NO_PLACE)] == []


@pytest.fixture(scope="module")
def mini() -> Kernel:
    return Kernel(MINI)


@pytest.fixture(scope="module")
def real(kernel: Path) -> Kernel:
    return Kernel(kernel)


def test_minikvm_is_as_the_rules_demand(mini: Kernel) -> None:
    _clean(_record(mini), NOT_IN_MINIKVM)


def test_the_real_kernel_has_the_base_layer(real: Kernel) -> None:
    found = _record(real)
    _clean(found, {*HUGE, *PAMT})
    assert all(r.discovery is None and r.outcome.complete for r in survey(found, "python"))


def _changed(before: Record, after: Record) -> dict[str, Decision]:
    return {d.field: d for d in after.decisions if (d.how, d.values) != (before[d.field].how, before[d.field].values)}


@pytest.mark.parametrize("edit", MINIKVM, ids=lambda e: f"{e.field}={e.value}")
def test_an_edit_of_minikvm_changes_its_field(mini: Kernel, edit: FieldEdit) -> None:
    changed = _changed(_record(mini), _record(mini, edit))
    assert (changed[edit.field].how, changed[edit.field].values) == (DECIDED, (edit.value,))
    assert set(changed) <= {edit.field, *edit.also}


@pytest.mark.parametrize(
    "taken",
    [
        "__tdp_mmu_set_spte_atomic(iter, mirror ? FROZEN_SPTE : new_spte)",
        "try_cmpxchg64(rcu_dereference(iter->sptep), &iter->old_spte, mirror ? FROZEN_SPTE : new_spte)",
    ],
)
def test_an_exchange_may_say_true_where_it_was_made(mini: Kernel, taken: str) -> None:
    path = "arch/x86/kvm/mmu/tdp_mmu.c"
    helper = "static inline {} __must_check __tdp_mmu_set_spte_atomic("
    old = "\tret = __tdp_mmu_set_spte_atomic(iter, mirror ? FROZEN_SPTE : new_spte);\n\tif (ret)\n\t\treturn ret;\n"
    edits = (
        anywhere(path, helper.format("int"), helper.format("bool")),
        anywhere(path, "&iter->old_spte, new_spte) ? 0 : -EBUSY;", "&iter->old_spte, new_spte);"),
        anywhere(path, old, f"\tif (!{taken})\n\t\treturn -EBUSY;\n"),
    )
    changed = _changed(_record(mini), _record(mini, FieldEdit("", "freeze", "frozen", edits)))
    assert not {"freeze", "freeze_rollback"} & set(changed)


def test_vcpus_may_be_kept_out_by_helpers(mini: Kernel) -> None:
    path = "arch/x86/kvm/vmx/tdx.c"
    flag = "\t\tWRITE_ONCE(_kvm_tdx->wait_for_sept_zap, {});"
    begin, end = f"{flag.format('true')}\t\t\t\\\n", f"{flag.format('false')}\t\t\t\\\n"
    kick = "\t\tkvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);\t\\\n"
    comment = "/*\n * Take something out of the S-EPT."
    helpers = (
        "static void keep_out(struct kvm *kvm)\n{\n\tWRITE_ONCE(to_kvm_tdx(kvm)->wait_for_sept_zap, true);\n"
        "\tkvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);\n}\n\n"
        "static void let_in(struct kvm *kvm)\n{\n\tWRITE_ONCE(to_kvm_tdx(kvm)->wait_for_sept_zap, false);\n}\n\n"
    )
    edits = (
        anywhere(path, begin + kick, "\t\tkeep_out(kvm);\t\\\n"),
        anywhere(path, end, "\t\tlet_in(kvm);\t\\\n"),
        anywhere(path, comment, helpers + comment),
    )
    assert _changed(_record(mini), _record(mini, FieldEdit("", "no_vcpu_window", "flag", edits))) == {}


@pytest.mark.parametrize("edit", KERNEL, ids=lambda e: f"{e.field}={e.value}")
def test_an_edit_of_the_kernel_changes_its_field(real: Kernel, edit: FieldEdit) -> None:
    changed = _changed(_record(real), _record(real, edit))
    assert (changed[edit.field].how, changed[edit.field].values) == (DECIDED, (edit.value,))
    assert set(changed) <= {edit.field, *edit.also}


def test_every_decidable_field_has_an_edit() -> None:
    edited = {e.field for e in (*MINIKVM, *KERNEL)}
    assert set(values()) - edited == {*BY_RULE}


@pytest.mark.parametrize("field", BY_RULE)
def test_a_violation_of_the_rule_changes_the_field_that_it_decides(real: Kernel, field: str) -> None:
    due = next(m for m in MUTATIONS if differing(m.protocol).keys() == {field})
    made = next(m for m in mutants(Sources(real.root)) if m.rule == due.rules[0])
    with real.facts(real.overlay(made.edits)) as facts:
        found = extract(facts)[field]
    assert (found.how, found.values) == (DECIDED, (differing(due.protocol)[field],))
    assert found.steps


@pytest.mark.parametrize("edits", [e for _, e in OTHER_WAYS], ids=[name for name, _ in OTHER_WAYS])
def test_another_way_to_write_it_changes_nothing(mini: Kernel, edits: tuple[Edit, ...]) -> None:
    assert _changed(_record(mini), _record(mini, FieldEdit("minikvm", "", "", edits))) == {}


def test_what_minikvm_does_satisfies_every_claim(mini: Kernel) -> None:
    found = list(survey(_record(mini)))
    assert {"split-cache", "pamt", "pamt-remove", "accept-4k"} <= {r.name for r in found}
    assert [(r.name, r.discovery.claim) for r in found if r.discovery is not None] == []
    assert all(r.outcome.complete for r in found)


@pytest.mark.parametrize(("field", "claim"), [("track", "I6"), ("attribute_store", "I2"), ("stale_check", "I12")])
def test_the_model_breaks_with_the_source(mini: Kernel, field: str, claim: str) -> None:
    found = _record(mini, next(e for e in MINIKVM if e.field == field))
    broken = [r.discovery.claim for r in survey(found) if r.discovery is not None]
    assert broken == [claim]


def test_an_invalidation_left_open_breaks_the_model_of_small_pages(real: Kernel) -> None:
    found = _record(real, next(e for e in KERNEL if e.field == "invalidate_end"))
    assert not found.layers.huge
    assert [r.discovery.claim for r in survey(found, "python") if r.discovery is not None] == ["I7"]


def test_an_undecided_field_makes_an_answer_depend(mini: Kernel) -> None:
    found = _record(mini, next(e for e in MINIKVM if e.field == "split_lock"))
    answers = [(r.depends, r.discovery.claim) for r in survey(found) if r.discovery is not None]
    assert answers[0][0] == {}
    assert {"demote_error": "dropped"} in [depends for depends, _ in answers]


def test_flows_are_strings_of_events(mini: Kernel) -> None:
    with mini.facts({}) as facts:
        found = {f.name: f for f in flows(facts)}
    assert "L.w B SP Z AT E U RET.ok" in found["convert"].strings
    assert "BLK TRK KICK DEM RET.ok" in found["S-EPT split"].strings
    assert "PFN L.r CHK MAP U RET.ok" in found["fault"].strings
    assert any(what == "TR" and step.function == "kvm_gmem_zap_range" for what, step in found["punch"].places)
