"""Out-parameters: what is unset on which return, and who reads it."""

from __future__ import annotations

import pytest

from analyzer.analyses.outputs import unset_reads, writes_outputs
from tests.analyses import made

READER = """
static int reader(void)
{
        u64 ret, out;

        ret = give(&out);
        %s
        return 0;
}
"""
GIVE = """
u64 give(u64 *out)
{
        %s
        *out = 1;
        return 0;
}
"""


def reads(text: str) -> list[tuple[str, str, str]]:
    facts = made.facts(text)
    first = [f for f in facts.in_files(lambda path: True) if writes_outputs(f)]
    return [(r.function.name, r.place, r.unset.code) for r in unset_reads(facts, first)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("if (bad()) return TDX_SW_ERROR;", "note(out);", True),
        ("if (bad()) return TDX_SW_ERROR;", "if (ret) return -EIO; note(out);", False),
        ("if (bad()) return TDX_SW_ERROR;", "if (ret == TDX_SW_ERROR) return -EIO; note(out);", False),
        ("if (bad()) return TDX_SW_ERROR;", "if (ret == TDX_OTHER) return -EIO; note(out);", True),
        ("if (bad()) return TDX_SW_ERROR;", "out = 0; note(out);", False),
        ("if (bad()) return TDX_SW_ERROR;", "note(&out);", False),
        ("if (bad()) { *out = 0; return TDX_SW_ERROR; }", "note(out);", False),
        ("if (bad()) return TDX_OPERAND_BUSY;", "if (tdx_operand_busy(ret)) return -EBUSY; note(out);", False),
        ("if (*out) return TDX_SW_ERROR;", "note(out);", False),
        ("", "note(out);", False),
    ],
)
def test_a_read_counts_where_the_output_may_be_unset(before: str, after: str, found: bool) -> None:
    assert bool(reads(GIVE % before + READER % after)) is found


def test_an_output_is_handed_on() -> None:
    middle = "u64 middle(u64 *to) { return give(to); }\n"
    text = GIVE % "if (bad()) return TDX_SW_ERROR;" + middle + (READER % "note(out);").replace("give(&", "middle(&")
    assert reads(text) == [("reader", "out", "TDX_SW_ERROR")]


def test_functions_that_call_each_other_end() -> None:
    text = "u64 one(u64 *o) { if (a()) return two(o); *o = 1; return 0; }\nu64 two(u64 *o) { return one(o); }\n"
    assert reads(text) == []
