"""The table of ci/quality --model: mutants that reach the record, edits that must not."""

from __future__ import annotations

from pathlib import Path

from ci import extracted

MINI = Path(__file__).resolve().parent.parent.parent / "corpus" / "trees" / "minikvm"


CLAIMS = {
    "pamt_levels=4k-and-2m": "I5", "pamt_on_error=kept": "I5", "pamt_after_demote=untouched": "I5",
    "pamt_not_free=error": "I6", "pamt_recheck=none": "I6", "after_topup=continue": "I6",
    "split_cache=pair-leaked": "I15", "split_cache=two-pairs": "I15", "split_cache=three-pairs": "breaks",
    "inhibit=unread": "I14", "inhibit=cleared": "I14", "split_lock=read": "I14", "split_lock=read-then-write": "I8",
}  # fmt: skip


def _quiet(done: int) -> None:
    """Nobody is told."""


def test_each_edit_of_a_field_is_followed_to_a_claim() -> None:
    rows = {line.split()[0]: line.split()[1:] for line in extracted.by_field(MINI, _quiet)}
    assert rows["track=none"] == ["3", "of", "3", "I6"]
    assert rows["accept_level=ignored"][-1] == "P1"
    assert {name: rows[name][-1] for name in CLAIMS} == CLAIMS
    assert rows["invalidate_begin=end-of-section"][-2:] == ["nothing", "breaks"]
    assert [name for name, row in rows.items() if row[0] != row[2]] == []


def test_mutants_of_rules_are_counted() -> None:
    (line,) = extracted.by_rule(MINI, 1, _quiet, ("tdx-sept-op-misordered",))
    rule, followed, _, made, still, *_ = line.split()
    assert (rule, still) == ("tdx-sept-op-misordered", "0")
    assert 3 <= int(followed) <= int(made)
    assert "kick=none" in line
    assert "(I6)" in line


def test_edits_that_keep_the_meaning_keep_the_record() -> None:
    *changed, last = extracted.unchanged(MINI, 6, _quiet)
    assert changed == []
    assert last.endswith("0 break a field, 0 leave one open")
