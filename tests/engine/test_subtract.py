"""Subtraction: findings of two states are paired one by one, whatever the code around them did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.finding import Finding
from analyzer.engine.subtract import LineMap, subtract
from tests.engine.findings import PATHS, any_findings, at, finding, gone, shifted


def test_equal_fingerprints_are_counted() -> None:
    one, two = finding(10), finding(20)
    assert one.fingerprint == two.fingerprint
    change = subtract([one], [one, two], {}, {})
    assert change.pairs == ((one, one),)
    assert change.introduced == (two,)
    assert change.fixed == ()


def test_two_of_a_kind_with_one_removed() -> None:
    change = subtract([finding(10), finding(20)], [finding(19)], {}, {PATHS[0]: shifted(-1, 11)})
    assert [(then.location.line, now.location.line) for then, now in change.pairs] == [(20, 19)]
    assert at(change.fixed) == [(PATHS[0], 10)]


def test_a_line_that_moved_is_the_same_defect() -> None:
    change = subtract([finding(10)], [finding(14)], {}, {PATHS[0]: shifted(4)})
    assert [(then.location.line, now.location.line) for then, now in change.pairs] == [(10, 14)]
    assert not change.introduced and not change.fixed


def test_the_line_decides_which_of_two_of_a_kind_is_new() -> None:
    """A second derivation put above the first: the upper one is new, not the lower."""
    change = subtract([finding(10)], [finding(8), finding(11)], {}, {PATHS[0]: shifted(1, 9)})
    assert at(change.introduced) == [(PATHS[0], 8)]


def test_a_line_written_anew_with_the_same_words_is_the_same_defect() -> None:
    change = subtract([finding(10)], [finding(30)], {}, {PATHS[0]: gone(10)})
    assert len(change.pairs) == 1


def test_a_renamed_function() -> None:
    before, after = finding(10), finding(12, function="map_huge_leaf")
    change = subtract([before], [after], {}, {PATHS[0]: shifted(2)})
    assert change.pairs == ((before, after),)


def test_the_same_words_in_another_function_on_another_line_are_another_defect() -> None:
    change = subtract([finding(10)], [finding(40, function="zap_leaf")], {}, {PATHS[0]: gone(10)})
    assert at(change.introduced) == [(PATHS[0], 40)]
    assert at(change.fixed) == [(PATHS[0], 10)]


def test_the_same_line_in_other_words() -> None:
    before, after = finding(10), finding(10, subject="pfn_folio(frame)")
    assert subtract([before], [after], {}, {}).pairs == ((before, after),)


def test_a_renamed_file() -> None:
    before, after = finding(10), finding(10, path="virt/kvm/new.c")
    change = subtract([before], [after], {PATHS[0]: "virt/kvm/new.c"}, {PATHS[0]: shifted(0)})
    assert change.pairs == ((before, after),)


def test_a_function_moved_to_another_file() -> None:
    before, after = finding(10), finding(99, path="virt/kvm/new.c")
    assert subtract([before], [after], {}, {PATHS[0]: gone(10)}).pairs == ((before, after),)


@pytest.mark.parametrize("other", [{"rule": "tdx-two"}, {"subject": "page_folio(page)", "function": "zap_leaf"}])
def test_another_rule_or_another_defect_is_no_pair(other: dict[str, str]) -> None:
    change = subtract([finding(10)], [finding(10, **other)], {}, {})
    assert not change.pairs
    assert len(change.introduced) == len(change.fixed) == 1


def test_a_sure_pair_is_not_taken_by_an_unsure_one() -> None:
    """The finding whose line stayed keeps its partner, though another would match by its words as well."""
    stays, comes = finding(10), finding(5)
    change = subtract([stays], [comes, finding(10)], {}, {})
    assert change.introduced == (comes,)


@given(any_findings)
def test_nothing_changes_between_equal_states(found: list[Finding]) -> None:
    change = subtract(found, found, {}, {})
    assert not change.introduced and not change.fixed
    assert Counter(then for then, _ in change.pairs) == Counter(found)
    assert all(then == now or then.fingerprint == now.fingerprint for then, now in change.pairs)


maps = st.dictionaries(
    st.sampled_from(PATHS),
    st.one_of(st.integers(-2, 2).map(shifted), st.sets(st.integers(1, 5)).map(lambda lines: gone(*lines))),
)
renamed = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(PATHS))


@given(any_findings, any_findings, renamed, maps)
@settings(max_examples=200)
def test_every_finding_is_accounted_for_once(
    before: list[Finding], after: list[Finding], renames: dict[str, str], lines: Mapping[str, LineMap]
) -> None:
    change = subtract(before, after, renames, lines)
    assert len(change.pairs) + len(change.introduced) == len(after)
    assert len(change.pairs) + len(change.fixed) == len(before)
    assert Counter([*(now for _, now in change.pairs), *change.introduced]) == Counter(after)
    assert Counter([*(then for then, _ in change.pairs), *change.fixed]) == Counter(before)
    assert all(then.rule == now.rule for then, now in change.pairs)
