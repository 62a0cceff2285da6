"""Spans: what begins ends, in whatever function; locks stay and what is due is added in time."""

from __future__ import annotations

import pytest

from analyzer.analyses.spans import Spans, solve_spans
from analyzer.callgraph.names import NameGraph
from analyzer.ir.effect import Effect, Verb, Vocabulary
from tests.analyses.made import program

VOCABULARY = Vocabulary(
    effects={
        "begin": (Effect(Verb.EVENT, "span", mode="open"),),
        "end": (Effect(Verb.EVENT, "span", mode="close"),),
        "add": (Effect(Verb.EVENT, "span", mode="add"),),
        "yields": (Effect(Verb.EVENT, "span", 0, "drop"),),
        "take": (Effect(Verb.ACQUIRE, "", 0, "x"),),
        "give": (Effect(Verb.RELEASE, "", 0, "x"),),
    }
)


def spans(text: str) -> Spans:
    made = program(text)
    stable = frozenset(("slots",))
    return solve_spans(made, NameGraph(made), VOCABULARY, "span", lambda _: True, stable, "mmu")[0]


def odd(*lines: str, before: str = "") -> set[str]:
    """What is out of order, and ``open`` where a path leaves one open that another ends."""
    body = "".join(f"\t{line}\n" for line in lines)
    found = spans(f"{before}int entry(struct kvm *k, int mode)\n{{\n\tint i;\n{body}\treturn 0;\n}}\n")
    words = {o.what for o in found.odds.values() if o.context.path()[0][0].key[1] == "entry"}
    return words | {"open" for c, _, s in found.ends if s.deep > c.state.deep and found.finished(c)}


SOME = """
static void some_begin(struct kvm *k)
{
	int i;

	for (i = 0; i < k->n; i++) {
		begin(k);
		add(k);
	}
}

static void some_end(struct kvm *k)
{
	if (k->n)
		end(k);
}

static void lends(struct kvm *k)
{
	give(&k->mmu);
	take(&k->mmu);
}

static void lends_too(struct kvm *k)
{
	lends(k);
}

"""
GOOD = {
    "in order": ("begin(k);", "add(k);", "end(k);"),
    "helpers that may find nothing": ("some_begin(k);", "work(k);", "some_end(k);"),
    "in loops": ("for (i = 0; i < mode; i++)", "\tsome_begin(k);", "for (i = 0; i < mode; i++)", "\tsome_end(k);"),
    "the lock stays": ("take(&k->slots);", "begin(k);", "add(k);", "end(k);", "give(&k->slots);"),
    "one in another": ("begin(k);", "add(k);", "begin(k);", "end(k);", "end(k);"),
    "dropped behind what is due": ("begin(k);", "add(k);", "lends_too(k);", "end(k);"),
}
BAD = {
    "skipped": (("begin(k);", "add(k);", "if (mode)", "\treturn 1;", "end(k);"), {"open"}),
    "begun twice": (("begin(k);", "begin(k);", "add(k);", "end(k);"), {"open"}),
    "never begun": (("work(k);", "end(k);"), {"unopened"}),
    "ended twice": (("begin(k);", "add(k);", "end(k);", "end(k);"), {"unopened"}),
    "a helper that ends nothing": (("for (i = 0; i < mode; i++)", "\tsome_end(k);"), {"unopened"}),
    "nothing added": (("begin(k);", "end(k);"), {"empty"}),
    "the lock goes": (("take(&k->slots);", "begin(k);", "add(k);", "give(&k->slots);", "end(k);"), {"unlocked"}),
    "dropped before what is due": (("begin(k);", "yields(&k->mmu);", "add(k);", "end(k);"), {"late"}),
    "dropped two helpers away": (("begin(k);", "lends_too(k);", "add(k);", "end(k);"), {"late"}),
}


@pytest.mark.parametrize("case", sorted(GOOD))
def test_good(case: str) -> None:
    assert odd(*GOOD[case], before=SOME) == set()


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad(case: str) -> None:
    lines, expected = BAD[case]
    assert odd(*lines, before=SOME) == expected
