"""What a mutation does is refused with the guard it breaks, or listed with why a trace cannot show it to the model."""

from __future__ import annotations

import pytest

from analyzer.model.kvm_tdx.mutations import MUTATIONS, named
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.matrix import run
from analyzer.model.trace import probes as p
from analyzer.model.trace.generate import Scribe, counterexample, run_on, walks
from analyzer.model.trace.record import Format
from analyzer.model.trace.verdict import Outcome
from analyzer.model.trace.window import Answer
from tests.model.trace.deeds import CASES
from tests.model.trace.replaying import FORMATS, answer, answers, broken, machine
from tests.model.trace.synth import ordinary

# -- what is refused ---------------------------------------------------------------------------------------------------

# Words of the guard that each mutation fails, and its source. What is not here a trace cannot show to the model.
REFUSED = {
    "split_read": ("mmu_lock for write has to come first", "v3 13/24"),
    "split_read_inhibit": ("mmu_lock for write has to come first", "v3 13/24"),
    "no_track": ("TRACK has to come first", "tdx_track"),
    "no_track_lax": ("TRACK has to come first", "tdx_track"),
    "no_kick": ("a vCPU kick has to come first", "kvm_make_all_cpus_request"),
    "no_kick_lax": ("a vCPU kick has to come first", "kvm_make_all_cpus_request"),
    "no_block": ("BLOCK of gpa 0x80000000 2M has to come first", ""),
    "level_4k": ("gpa 0x80000000 2M is a table of 4K entries", "tdp_mmu_set_spte_atomic"),
    "demote_ignored": ("DEMOTE of gpa 0x80000000 2M", ""),
    "no_stale_check": ("invalidation", "is_page_fault_stale"),
    "late_invalidate": ("kvm_mmu_invalidate_start() has to come first", "kvm_mmu_invalidate_start"),
    "inv_leak": ("kvm_mmu_invalidate_end() has to come first", "kvm_mmu_invalidate_end"),
    "no_split_zap": ("DEMOTE of gpa 0x80000000 2M has to come first", "v3 08/24"),
    "no_freeze": ("is mapped", "tdp_mmu_set_spte_atomic"),
    "no_wait_flag": ("no vCPU enters the guest between the two tries", "tdh_do_no_vcpus"),
    "create_unchecked": ("no vCPU enters the guest between the two tries", "tdh_do_no_vcpus"),
    "merge_ok": ("nothing is mapped at gpa 0x80000000 2M", "tdp_mmu_set_spte_atomic"),
    "reblock": ("a vCPU kick has to come first", "kvm_make_all_cpus_request"),
    "topup_no_rewalk": ("is mapped by one leaf", "tdp_mmu_set_spte_atomic"),
    "table_unfrozen": ("nothing is mapped at gpa 0x80000000 2M", "tdp_mmu_set_spte_atomic"),
    "pamt_no_recheck": ("success or OPERAND_BUSY", "tdx_mem_page_aug"),
}
UNSEEN = {
    "folio_first": "no event for the split of a folio in place",
    "poison_split": "no event for the split of a folio in place",
    "errno_as_bool": "no event for the split of a folio in place, nor for the store of an attribute",
    "attr_first": "no event for the store of an attribute: kvm_vm_set_mem_attributes comes before the lock",
    "free_first": "the page cache is not in what is replayed; the monitor of tdx-module-page-freed sees it",
    "pamt_2m_get": "PAMT references are not replayed; the monitor of tdx-pamt-unbalanced sees them",
    "pamt_leak_busy": "PAMT references are not replayed; the monitor of tdx-pamt-unbalanced sees them",
    "pamt_no_set": "the count that DEMOTE sets is in no event",
    "not_free_fatal": "PAMT.ADD has no probe",
    "pamt_cache_two": "the split cache has no probe",
    "pair_leaked": "the split cache has no probe",
    "accept_ignored": "progress: every prefix conforms; the monitor of tdx-level-ignored counts the faults",
    "fastpath_spin": "progress: every prefix conforms",
    "old_kept": "the mirror's value is in no event that follows",
    "new_kept": "the mirror's value is in no event that follows",
    "frozen_left": "FROZEN is never in an event, and nothing happens to the entry any more",
    "flag_left": "the flag is in no event, and no vCPU enters any more",
    "lock_left": "releases of mmu_lock are inlined, and nobody gets it any more",
    "inhibit_unread": "the guest's inhibit is in no event",
    "inhibit_cleared": "the guest's inhibit is in no event",
    "restart_once": "a DEMOTE that is given up bugs the VM; what follows is no run of it",
    "restart_error": "a DEMOTE that is given up bugs the VM; what follows is no run of it",
    "sept_page_early": "the reclaim of S-EPT pages has no probe",
    "reclaim_early": "the reclaim of S-EPT pages has no probe",
    "wrong_root": "an invalidation that removes nothing may be one of shared memory",
    "root_kept": "references to a root are in no event",
    "rcu_left": "RCU read sections are in no event",
    "stale_compare": "progress: every prefix conforms",
    "running_vcpu": "the host crashes before there is an event",
    "pfnmap_no_retry": "shared memory has no S-EPT entry",
    "pfnmap_untied": "shared memory has no S-EPT entry",
    "pfn_to_page": "shared memory has no S-EPT entry",
}


def violating(name: str, seed: int) -> Scribe:
    """The shortest counterexample and what comes next; for an odd seed a run from the start."""
    mutation = named(name)
    assert mutation is not None
    row = run(mutation, "python", claim="I8" if name == "split_read" else None)  # its first claim breaks unseen
    assert row.discovery is not None
    scribe = Scribe(row.machine, pamt=True)
    state = row.machine.init
    if not seed % 2:
        counterexample(row.discovery.moves, row.discovery.states, scribe)
        state = row.discovery.states[-1]
    run_on(scribe, state, seed, 400 if seed else 0)
    return scribe


def refusing(name: str) -> tuple[Scribe, Answer]:
    for seed in range(12):
        scribe = violating(name, seed)
        for found in answers(scribe.text(Format.TRACEFS)):
            if found.outcome is Outcome.VIOLATED:
                return scribe, found
    raise AssertionError(f"{name} is never refused")


@pytest.mark.parametrize("name", REFUSED)
def test_a_mutation_is_refused_with_the_guard_it_breaks(name: str) -> None:
    scribe, found = refusing(name)
    guard, source = REFUSED[name]
    assert guard in broken(found)
    assert source in broken(found)
    for format_ in FORMATS:
        assert answer(scribe.text(format_)).outcome is Outcome.VIOLATED


def test_every_mutation_is_refused_or_said_to_be_unseen() -> None:
    assert REFUSED.keys() | UNSEEN.keys() == {m.name for m in MUTATIONS if not m.equivalent}
    assert not REFUSED.keys() & UNSEEN.keys()


@pytest.mark.parametrize("name", [m.name for m in MUTATIONS if m.equivalent and m.name != "restart_forever"])
def test_an_equivalent_mutation_conforms(name: str) -> None:
    mutation = named(name)
    assert mutation is not None
    scope = Scope(vcpus=mutation.scope.vcpus, whole_punch=False, split_cache=mutation.scope.split_cache)
    found = answer(walks(Scribe(machine(scope, mutation.protocol)), 2, 600).text(Format.TRACEFS))
    assert found.outcome is Outcome.CONFORMS or name == "late_begin_same", broken(found)


MISSING = {"no_track": p.TRACK, "no_kick": p.KICK, "late_invalidate": p.INV_BEGIN, "no_split_zap": p.INV_RANGE}


@pytest.mark.parametrize("name", MISSING)
def test_without_the_probe_it_is_not_observable(name: str) -> None:
    scribe, _ = refusing(name)
    what = MISSING[name]
    scribe.skip = frozenset((what,))
    scribe.told = [one for one in scribe.told if one.what != what]
    if name in ("no_track", "no_kick"):  # the status would say it
        scribe.told = [one for one in scribe.told if one.args.get("ret", 0) >> 62 != 3]
    found = answer(scribe.text(Format.TRACEFS))
    assert found.outcome is Outcome.NOT_OBSERVABLE
    assert what in [missing for missing, _ in found.missing]


def test_a_loss_in_front_of_what_is_wrong_makes_it_unknown() -> None:
    scribe, _ = refusing("no_track")
    head, *lines = [one for one in scribe.text(Format.TRACEFS).split("\n") if one and not one.startswith("# t")]
    before = next(n for n, text in enumerate(lines) if "range_block" in text)
    lost = "\n".join([head, *lines[: before + 1], "CPU:0 [LOST 3 EVENTS]", *lines[before + 1 :]])
    assert answer(lost).outcome is Outcome.UNKNOWN
    somewhere = "\n".join([head, *lines, "Lost 7 events"])
    assert "does not say where" in answer(somewhere).reason


@pytest.mark.parametrize(("rule", "deed", "words"), CASES, ids=[d.__name__ for _, d, _ in CASES])
def test_the_model_and_the_monitors_do_not_contradict(rule: str, deed: object, words: str) -> None:
    """What the model refuses, some monitor refuses: the same event, or one of the same story."""
    story = ordinary()
    begin = len(story.told)
    assert callable(deed)
    deed(story)
    for found in answers(story.text(Format.TRACEFS)):
        assert all(one.stop is None or one.stop.event.record.line > begin for one in found.stops)
