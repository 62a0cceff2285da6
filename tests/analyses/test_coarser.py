"""Leafs that go in where a table may hang: what is tested of the root and of the entry on the way."""

from __future__ import annotations

import pytest

from analyzer.analyses.coarser import CoarserProperty, Walk, WalkSpec
from analyzer.dataflow.paths import Explorer
from tests.analyses.made import PATH, facts

SPEC = WalkSpec(
    steps=lambda name: name in ("first", "next"),
    roots=frozenset(("next_root",)),
    at_risk=frozenset(("is_mirror_sp",)),
    spared=frozenset(("is_direct",)),
    present=frozenset(("is_present",)),
    leaf=frozenset(("is_leaf",)),
    makes=frozenset(("make_leaf",)),
    sets=lambda key: key[1] == "put",
    goal="goal_level",
    lowest="PG_LEVEL_4K",
)
BODY = """
int put(struct it *it, u64 spte)
{{
 return publish(it, spte);
}}

int f(struct fault *fault, struct it *it, struct kvm_mmu_page *root)
{{
 first(it, root);
{}
 make_leaf(it);
 return put(it, 1);
}}
"""


@pytest.mark.parametrize(
    ("tests", "found"),
    [
        ("", True),
        (" if (is_mirror_sp(root))\n  return 0;", False),
        (" if (!is_direct(root))\n  return 0;", False),
        (" if (is_present(it) && !is_leaf(it))\n  return 0;", False),
        (" if (is_present(it))\n  note(it);", True),
        (" if (it->level != PG_LEVEL_4K)\n  return 0;", False),
        (" if (is_mirror_sp(root))\n  fault->goal_level--;", False),
        (" if (is_mirror_sp(root) && fault->write)\n  fault->goal_level--;", True),
        (" if (is_mirror_sp(root))\n  return 0;\n next_root(root);", True),
        (" bool mirror = root && is_mirror_sp(root);\n\n if (mirror)\n  return 0;", False),
        (" bool mirror = fault->write && is_mirror_sp(root);\n\n if (mirror)\n  return 0;", True),
    ],
)
def test_what_keeps_a_table(tests: str, found: bool) -> None:
    known = facts(BODY.format(tests))
    made = CoarserProperty(known.program, SPEC)
    Explorer(known.program, known.vocabulary, made, frozenset(known.program.definitions)).enter((PATH, "f"), Walk(), {})
    assert bool(made.installs) is found
