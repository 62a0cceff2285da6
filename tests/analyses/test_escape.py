"""Escape and definitions: where a result is kept, and what a variable can be."""

from __future__ import annotations

import pytest

from analyzer.analyses.defs import reaching
from analyzer.analyses.escape import Escape, derives
from analyzer.ir.types import Assign
from tests.analyses.made import facts, function

HELPERS = """
static struct page *fresh(void)
{
	return make();
}

static void keep(struct td *td, struct page *what)
{
	td->page = what;
}

"""


def kept(*lines: str) -> set[str]:
    body = "".join(f"\t{line}\n" for line in lines)
    made = facts(f"{HELPERS}void entry(struct td *td, int n)\n{{\n\tstruct page *x, **all, *y;\n{body}}}\n")
    escape = Escape(made.program, made.names)
    found = set()
    for name in ("entry", "fresh"):
        lowered = made.program.lower(("arch/x86/kvm/vmx/tdx.c", name))
        assert lowered is not None
        for call in lowered.calls():
            if call.callee == "make":
                places = escape.of(lowered, call)
                found |= {
                    k.target.text
                    for k in places
                    if escape.lives_in(k.function, k.target, lambda t: t == "struct td", {})
                }
    return found


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("td->page = make();",), {"td->page"}),
        (("x = make();", "y = x;", "td->page = y;"), {"td->page"}),
        (("all[n] = make();", "td->pages = all;"), {"td->pages"}),
        (("all = td->pages;", "all[n] = make();"), set()),
        (("x = make();", "list_add(&x->lru, &td->list);"), {"&td->list"}),
        (("x = make();", "keep(td, x);"), {"td->page"}),
        (("x = fresh();", "td->page = x;"), {"td->page"}),
        (("x = make();", "release(x);"), set()),
        (("x = make();", "x->size = n;", "n = x->size;", "td->size = n;"), set()),
    ],
)
def test_where_a_result_is_kept(lines: tuple[str, ...], expected: set[str]) -> None:
    assert kept(*lines) == expected


def test_what_set_a_variable_last() -> None:
    made = function("int f(int a)\n{\n\tint x = 1;\n\n\tif (a)\n\t\tx = 2;\n\treturn g(x, a);\n}\n", "f")
    call = made.calls()[0]
    assert sorted(s.value.text for s in reaching(made, call, "x") if isinstance(s, Assign)) == ["1", "2"]
    assert reaching(made, call, "a") == [None]


def test_what_a_variable_is_made_of() -> None:
    made = function(
        "void f(u64 spte)\n{\n\tu64 a = spte_to_it(spte);\n\tu64 b = a;\n\tu64 c = 1;\n\n\tuse(b, c);\n}\n", "f"
    )
    assert derives(made, "b", ("spte",))
    assert not derives(made, "c", ("spte",))
