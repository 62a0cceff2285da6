"""The real series of 24 patches and the real kernel: labelled objections are made, silence is earned.

The labels are those of the answer key for patches 01 to 12 (rules.md, "Ground truth of v3"), catalog numbers and all.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from analyzer.core.finding import Change, Finding
from analyzer.core.limits import DEFAULT
from analyzer.core.problem import ProblemKind
from analyzer.core.result import Review
from analyzer.engine.registry import load_rules
from analyzer.review import Options, check_tree, lock_report, review_series
from analyzer.series.assemble import load_series
from analyzer.series.lines import added_lines
from analyzer.tree.snapshot import Snapshot
from analyzer.tree.steps import walk

CATALOG = {rule.id: rule.catalog for rule in load_rules()}

# (patch, catalog number) -> functions of which one at least must be named.
POSITIVES: Mapping[tuple[int, int], frozenset[str]] = {
    (1, 1): frozenset(("tdh_mem_page_aug",)),
    (1, 3): frozenset(("tdh_mem_page_aug",)),
    (1, 24): frozenset(("tdh_mem_page_aug",)),
    (1, 26): frozenset(("tdh_mem_page_aug",)),
    (2, 26): frozenset(("tdh_mem_page_demote",)),
    (2, 30): frozenset(("tdh_mem_page_demote",)),
    (3, 1): frozenset(("tdh_phymem_page_wbinvd_hkid",)),
    (3, 3): frozenset(("tdh_phymem_page_wbinvd_hkid",)),
    (3, 26): frozenset(("tdh_phymem_page_wbinvd_hkid",)),
    (4, 1): frozenset(("tdx_quirk_reset_folio",)),
    (4, 3): frozenset(("tdx_quirk_reset_folio",)),
    (5, 3): frozenset(("tdh_phymem_page_reclaim",)),
    (5, 26): frozenset(("tdh_phymem_page_reclaim",)),
    (6, 12): frozenset(("kvm_tdp_mmu_map",)),
    (7, 8): frozenset(("split_external_spte",)),
}
# Where KVM itself derives a page or a folio in these patches.
IN_KVM = {(1, "tdx_mem_page_aug"), (3, "tdx_sept_remove_private_spte")}
# With a tree, the files that TDX and the mirror MMU are in; the files that the patches change come on top.
TDX = ("arch/x86/kvm/vmx/tdx.h", "arch/x86/kvm/mmu/tdp_mmu.h", "arch/x86/virt/vmx/tdx")


def mails(shared: Path) -> tuple[Path, ...]:
    return tuple(sorted((shared / "corpus" / "lore" / "tdx-hugepage-v3").glob("*.eml")))


@functools.cache
def reviewed(inputs: tuple[Path, ...], tree: Path | None = None) -> Review:
    return review_series(inputs, tree, Options(paths=TDX) if tree else Options())


@functools.cache
def images(inputs: tuple[Path, ...]) -> dict[int, Snapshot]:
    """The rebuilt after-image of each patch."""
    [series], _ = load_series(inputs, None, DEFAULT)
    return {step.patch.index: step.after for step in walk(series, None) if step.patch is not None}


@functools.cache
def added(inputs: tuple[Path, ...]) -> dict[tuple[int, str], frozenset[int]]:
    """(patch, path) -> the lines of the after-image that the patch added."""
    [series], _ = load_series(inputs, None, DEFAULT)
    return {(p.index, f.path): added_lines(f) for p in series.patches for f in p.files}


def introduced(review: Review) -> list[Finding]:
    return [f for f in review.findings if f.change is Change.INTRODUCED and f.severity != "info"]


def brief(finding: Finding) -> str:
    return f"patch {finding.patch}: {finding.location} {finding.function}: {finding.rule}: {finding.message}"


def labelled(review: Review) -> set[tuple[int | None, int, str]]:
    """(patch, catalog number, function) of the findings that a label asks for."""
    keys = {(f.patch, CATALOG[f.rule], f.function) for f in introduced(review)}
    return {k for k in keys if k[0] is not None and k[2] in POSITIVES.get((k[0], k[1]), ())}


@pytest.mark.parametrize(("patch", "rule"), sorted(POSITIVES), ids=lambda number: f"{number:02}")
def test_the_objection_is_made(shared: Path, patch: int, rule: int) -> None:
    found = [f for f in introduced(reviewed(mails(shared))) if (f.patch, CATALOG[f.rule]) == (patch, rule)]
    named = [f for f in found if f.function in POSITIVES[patch, rule]]
    assert named, [brief(f) for f in found]
    lines = added(mails(shared))
    assert [brief(f) for f in named if f.location.line not in lines[patch, f.location.path]] == []


@pytest.mark.parametrize(("patch", "function"), sorted(IN_KVM))
def test_the_derivation_in_kvm_is_found_where_it_was_added(shared: Path, patch: int, function: str) -> None:
    found = [f for f in introduced(reviewed(mails(shared))) if (f.patch, f.function) == (patch, function)]
    lines = added(mails(shared))
    assert [f for f in found if CATALOG[f.rule] == 1 and f.location.line in lines[patch, f.location.path]]


@pytest.mark.parametrize(("patch", "rules"), [(8, {1, 2, 10}), (10, set(CATALOG.values())), (11, {20})])
def test_what_nobody_objected_to_is_not_objected_to(shared: Path, patch: int, rules: set[int]) -> None:
    found = [f for f in introduced(reviewed(mails(shared))) if f.patch == patch and CATALOG[f.rule] in rules]
    assert [brief(f) for f in found] == []


def test_all_patches_are_read_and_no_rule_crashes(shared: Path) -> None:
    review = reviewed(mails(shared))
    assert review.series is not None
    assert [p.index for p in review.series.patches] == list(range(1, 25))
    assert review.series.revision == "3"
    assert {p.kind for p in review.problems} <= {ProblemKind.PARTIAL, ProblemKind.UNPARSED}


def test_every_finding_stands_on_a_line_that_its_patch_shows(shared: Path) -> None:
    """No finding of patch n lies in a hole of the rebuilt image after patch n, and each trace leads to a line."""
    after = images(mails(shared))
    lost = []
    for finding in introduced(reviewed(mails(shared))):
        assert finding.patch is not None
        source = after[finding.patch].read(finding.location.path)
        assert source is not None
        lines = source.text.decode("utf-8", "replace").split("\n")
        if not lines[finding.location.line - 1].strip():
            lost.append(brief(finding))
    assert lost == []


def test_most_findings_are_about_lines_that_the_patch_added(shared: Path) -> None:
    """A path may end at an old line that a patch newly reaches; that is the exception."""
    lines = added(mails(shared))
    found = introduced(reviewed(mails(shared)))
    old = [f for f in found if f.location.line not in lines.get((f.patch or 0, f.location.path), ())]
    assert len(old) * 10 <= len(found), [brief(f) for f in old]


def test_on_another_tree_the_objections_are_the_same(shared: Path, kernel: Path) -> None:
    """The series is older than the kernel: what does not apply is known from the mails, and that is said."""
    review = reviewed(mails(shared), kernel)
    lost = {p.where for p in review.problems if p.kind is ProblemKind.NOT_APPLIED}
    assert {"arch/x86/kvm/vmx/tdx.c", "arch/x86/virt/vmx/tdx/tdx.c", "arch/x86/include/asm/tdx.h"} <= lost
    assert not [p for p in review.problems if p.kind is ProblemKind.CRASHED]
    assert review.series is not None and review.series.base_reason
    without = labelled(reviewed(mails(shared)))
    assert {(patch, rule) for patch, rule, _ in without} == set(POSITIVES)
    assert labelled(review) == without


def test_the_kernel_has_no_finding_and_that_is_not_blindness(kernel: Path) -> None:
    review = check_tree(kernel)
    assert [brief(f) for f in review.findings if f.severity != "info"] == []
    guarded = [f for f in review.findings if f.severity == "info"]
    assert all(f.trace and f.message for f in guarded)
    assert len(guarded) <= 6, [brief(f) for f in guarded]
    assert {p.kind for p in review.problems} <= {ProblemKind.UNPARSED}
    assert len(review.problems) <= 12
    assert review.stats["files"] == 116
    assert int(str(review.stats["functions"])) >= 4000
    seen = review.stats["looked at"]
    assert isinstance(seen, dict)
    minima = {
        "gmem-pfn sources": 15,
        "page and folio uses looked at": 25,
        "prototypes of SEAMCALLs on guest memory": 4,
        "exclusive S-EPT operations seen in a lock state": 6,
        "splits of huge leafs seen in a lock state": 4,
        "comparisons looked at": 100,
        "uses of host_pfn_mapping_level()": 1,
        "ops of the external page table": 2,
        "results of external operations followed": 20,
        "events of S-EPT chains followed": 15,
        "functions looked at for module levels": 50,
        "tdh_* prototypes looked at": 40,
        "SEAMCALL wrappers looked at": 20,
    }
    assert {what: seen.get(what, 0) for what, least in minima.items() if seen.get(what, 0) < least} == {}


def test_the_lock_analysis_contradicts_no_assertion_of_the_kernel(kernel: Path) -> None:
    last = lock_report(kernel).strip().split("\n")[-1]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (proven|open|contradicted)", last)}
    assert counts["contradicted"] == 0
    assert counts["proven"] >= 40
    assert counts["open"] <= 15
