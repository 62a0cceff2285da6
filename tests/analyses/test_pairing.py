"""Pairing: what is opened is followed on all ways out, through helpers, loops and copies."""

from __future__ import annotations

import pytest

from analyzer.analyses.pairing import Ledger
from analyzer.analyses.pairs import closes_always, opening_steps, solve_pairs
from analyzer.callgraph.names import NameGraph
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from tests.analyses.made import program

VOCABULARY = Vocabulary(
    effects={
        "grab": (Effect(Verb.EVENT, "pair", RESULT, "open", "nonzero"),),
        "hold": (Effect(Verb.EVENT, "pair", 0, "open", "zero"),),
        "drop": (Effect(Verb.EVENT, "pair", 0, "close"),),
        "next_one": (
            Effect(Verb.EVENT, "pair", 1, "close", "silent"),
            Effect(Verb.EVENT, "pair", RESULT, "open", "nonzero"),
        ),
        "for_each_one": (Effect(Verb.EVENT, "pair", 1, "iterate", "next_one"),),
        "tries": (Effect(Verb.EVENT, "other", 0, "open"),),
    }
)  # fmt: skip


def ledger(text: str) -> Ledger:
    made = program(text)
    return solve_pairs(made, NameGraph(made), VOCABULARY, "pair", lambda _: True, frozenset(("tries",)))


def left(*lines: str, before: str = "") -> set[tuple[str, str, bool]]:
    """(function, object, lost) of what is left open; parameters left aside."""
    body = "".join(f"\t{line}\n" for line in lines)
    found = ledger(f"{before}int entry(struct one *p, int mode)\n{{\n\tstruct one *x, *y;\n\tint r;\n{body}}}\n")
    return {(n.context.key[1], n.token.name, n.lost) for n in found.lefts.values() if n.token.name[:1] != "#"}


CLOSED = {
    "in order": ("x = grab(mode);", "if (!x)", "\treturn 1;", "drop(x);", "return 0;"),
    "under another name": ("x = grab(mode);", "y = x;", "if (y)", "\tdrop(y);", "return 0;"),
    "returned": ("x = grab(mode);", "return x;"),
    "stored": ("x = grab(mode);", "p->one = x;", "return 0;"),
    "its address stored": ("x = grab(mode);", "if (!x)", "\treturn 0;", "p->pa = __pa(x->table);", "return 0;"),
    "a walk to its end": ("for_each_one(p, x)", "\twork(x);", "return 0;"),
    "closed before a break": ("for_each_one(p, x) {", "\tdrop(x);", "\tbreak;", "}", "return 0;"),
    "under the same condition": ("if (mode)", "\tr = hold(p);", "if (mode)", "\tdrop(p);", "return 0;"),
}
OPEN = {
    "forgotten": ("x = grab(mode);", "return 0;"),
    "on one branch": ("x = grab(mode);", "if (mode)", "\tdrop(x);", "return 0;"),
    "a break": ("for_each_one(p, x) {", "\tif (mode)", "\t\tbreak;", "}", "return 0;"),
    "an inner loop": ("for_each_one(p, x) {", "\twhile (mode--)", "\t\tif (p)", "\t\t\treturn 1;", "}", "return 0;"),
    "stored on one path": ("x = grab(mode);", "if (mode)", "\tp->one = x;", "return 0;"),
}


@pytest.mark.parametrize("case", sorted(CLOSED))
def test_closed(case: str) -> None:
    assert left(*CLOSED[case]) == set()


@pytest.mark.parametrize("case", sorted(OPEN))
def test_left_open(case: str) -> None:
    assert left(*OPEN[case]) == {("entry", "x", False)}


def test_overwritten_and_thrown_away() -> None:
    assert left("x = grab(1);", "x = grab(2);", "drop(x);", "return 0;") == {("entry", "x", True)}
    assert left("grab(1);", "return 0;") == {("entry", "", True)}


HELPERS = """
static struct one *make(int mode)
{
	struct one *made = grab(mode);

	return made;
}

static struct one *make_it(int mode)
{
	return make(mode);
}

static void unmake(struct one *one)
{
	drop(one);
}

static void unmake_it(int mode, struct one *what)
{
	if (mode)
		unmake(what);
	else
		drop(what);
}

static void maybe_unmake(struct one *what)
{
	if (what->count)
		drop(what);
}

"""


def test_helpers_open_and_close_for_their_callers() -> None:
    assert left("x = make_it(mode);", "return 0;", before=HELPERS) == {("entry", "x", False)}
    assert left("x = make_it(mode);", "if (x)", "\tunmake_it(mode, x);", "return 0;", before=HELPERS) == set()


def test_the_way_to_an_opening() -> None:
    found = ledger(HELPERS + "int entry(int mode)\n{\n\tstruct one *x = make_it(mode);\n\n\treturn 0;\n}\n")
    [token] = [n.token for n in found.lefts.values()]
    assert [s.function for s in opening_steps(found, token)] == ["make", "make_it", "entry"]


def test_what_closes_always() -> None:
    found = ledger(HELPERS)
    path = "arch/x86/kvm/vmx/tdx.c"
    assert closes_always(found, (path, "unmake_it"), 1)
    assert not closes_always(found, (path, "maybe_unmake"), 0)


def test_a_failure_is_remembered_until_the_next_try() -> None:
    once = "\tr = tries(p);\n\tif (%s)\n\t\tdrop(p);\n"
    text = "int entry(struct one *p)\n{\n\tint r;\n\n" + once % "r" + once % "!r" + "}\n"
    assert [s.failed for s in ledger(text).sightings] == ["tries", ""]
