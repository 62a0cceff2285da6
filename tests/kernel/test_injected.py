"""Self-made violations in the real kernel are found, each with its path; near-miss twins and equal code are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel import (
    cases_checks,
    cases_locks,
    cases_order,
    cases_pages,
    cases_results,
    cases_same,
    cases_sizes,
    cases_splits,
    cases_units,
)
from tests.kernel.edits import Case, Kernel, batches, follows, hits, told

CASES = (
    *cases_pages.CASES,
    *cases_locks.CASES,
    *cases_splits.CASES,
    *cases_sizes.CASES,
    *cases_results.CASES,
    *cases_order.CASES,
    *cases_units.CASES,
    *cases_checks.CASES,
)
QUIET = cases_same.SAME
violations = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
SILENT = batches(row.edits for row in QUIET)


@pytest.fixture(scope="module")
def real(kernel: Path) -> Kernel:
    return Kernel(kernel)


def test_the_table_is_complete() -> None:
    names = [(case.rule, case.name) for case in CASES]
    assert len(names) == len(set(names))
    assert all(sum(case.rule == rule for case in CASES) >= 5 for rule in {case.rule for case in CASES})
    assert all(case.due and case.path and case.edits != case.twin for case in CASES)


@violations
def test_a_violation_is_found_with_its_path(real: Kernel, case: Case) -> None:
    found = real.findings(case.edits, (case.rule,))
    seen = all(any(hits(place, *one) for one in found) for place in case.due)
    if case.known_miss:
        assert not seen, f"found now: drop known_miss\n{told(found)}"
        pytest.xfail(case.known_miss)
    assert seen, f"missed; there is\n{told(found)}"
    assert [one for one in found if not any(hits(place, *one) for place in case.due)] == [], told(found)
    first = [finding for finding, line in found if hits(case.due[0], finding, line)]
    assert any(follows(finding, case.path) for finding in first), f"not by the path {case.path}\n{told(found)}"


@violations
def test_its_twin_is_not(real: Kernel, case: Case) -> None:
    found = real.findings(case.twin, (case.rule,))
    if case.known_alarm:
        assert found, "silent now: drop known_alarm"
        pytest.xfail(case.known_alarm)
    assert not found, told(found)


@pytest.mark.parametrize("number", range(len(SILENT)))
def test_no_rule_speaks_of_equal_code(real: Kernel, number: int) -> None:
    """All rules on several edits at once; the edits of a batch touch different functions.

    A twin is clean for the rule that it is the twin of: others may object to it.
    """
    found = real.findings(SILENT[number])
    assert not found, told(found)
