"""Entries that change in two tables: what is done too early, too late, or not at all."""

from __future__ import annotations

import re

import pytest

from analyzer.analyses.commit import CommitProperty, CommitSpec, Entry
from analyzer.dataflow.paths import Explorer
from tests.analyses.made import facts

SPEC = CommitSpec(
    atomic=frozenset(("try_cmpxchg64",)),
    plain={"store": 1},
    frozen="FROZEN",
    reads=frozenset(("load",)),
    accounts=re.compile(r"^count$"),
    external=lambda call: call.callee == "tell",
    mirror=frozenset(("is_mirror_sp",)),
)
BODY = """
int f(struct it *it, u64 new)
{{
 int r;

 if (!try_cmpxchg64(it->p, &it->old_spte, FROZEN))
  return -1;
{}
}}
"""
WHOLE = " r = tell(it);\n store(it->p, r ? it->old_spte : new);\n return r;"


def slips(body: str) -> list[str]:
    known = facts(BODY.format(body))
    made = CommitProperty(known.program, SPEC, {}, {})
    keys = frozenset(known.program.definitions)
    explorer = Explorer(known.program, known.vocabulary, made, keys)
    for key in sorted(keys):
        explorer.enter(key, Entry(), {})
    return sorted(slip.kind for slip in made.slips.values())


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (WHOLE, []),
        (" count(it);\n" + WHOLE, ["early"]),
        (" r = tell(it);\n if (!r)\n  count(it);\n store(it->p, r ? it->old_spte : new);\n return r;", []),
        (" count(it);\n r = tell(it);\n if (r)\n  count(it);\n store(it->p, r ? it->old_spte : new);\n return r;", []),
        (" r = tell(it);\n if (r)\n  return r;\n store(it->p, new);\n return 0;", ["frozen"]),
        (" r = tell(it);\n store(it->p, new);\n return r;", ["wrong-new"]),
        (" r = tell(it);\n store(it->p, it->old_spte);\n return r;", ["wrong-old"]),
        (" r = tell(it);\n store(it->p, r ? FROZEN : new);\n return r;", ["refrozen"]),
        (" load(it->p);\n" + WHOLE, ["reread"]),
        (" load(it->q);\n" + WHOLE, []),
        (" store(it->p, new);\n r = tell(it);\n return r;", ["published"]),
        (" store(it->p, new);\n r = tell(it);\n KVM_BUG_ON(r, it->kvm);\n return r;", []),
    ],
)
def test_the_order_of_a_commit(body: str, kinds: list[str]) -> None:
    assert slips(body) == kinds
