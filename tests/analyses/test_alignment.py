"""Which values are multiples of a large unit, and where ranges are made."""

from __future__ import annotations

import re

import pytest

from analyzer.analyses.alignment import Alignment, Unit
from analyzer.analyses.ranges import Ranges, Shape
from tests.analyses.made import PATH, facts

UNIT = Unit(re.compile(r"HUGE|PMD|PTRS_PER"), frozenset(("base_gfn",)))
SHAPE = Shape("start", "end", "filter", lambda text: "PRIVATE" in text)


def aligned(*lines: str, before: str = "") -> bool:
    """Whether the first argument of ``use()`` is aligned in a function with parameters x and y."""
    text = before + "int entry(u64 x, u64 y, struct slot *slot)\n{\n\tu64 a, b;\n\n"
    made = facts(text + "".join(f"\t{line}\n" for line in lines) + "\treturn 0;\n}\n")
    function = made.program.lower((PATH, "entry"))
    assert function is not None
    call = next(c for c in function.calls() if c.callee == "use")
    return Alignment(made.program, made.names, UNIT).ask(function, call.args[0], call)


YES = {
    "zero": ("use(0);",),
    "to the end": ("use(-1ul);",),
    "all ones": ("use(~0UL);",),
    "rounded": ("use(round_down(x, PTRS_PER_PMD));",),
    "a mask": ("use(x & HUGE_MASK);",),
    "tested": ("if (!IS_ALIGNED(x, PMD_SIZE))", "\treturn 1;", "use(x);"),
    "tested together": ("if (!IS_ALIGNED(x | y, PMD_SIZE))", "\treturn 1;", "use(x + y);"),
    "tested by a mask": ("if (x & (HUGE_SIZE - 1))", "\treturn 1;", "use(x);"),
    "tested behind the copy": ("a = x >> 12;", "if (!IS_ALIGNED(x, PMD_SIZE))", "\treturn 1;", "use(a);"),
    "set again": ("a = x;", "a = round_up(a, PMD_SIZE);", "use(a);"),
    "the start of a slot": ("use(slot->base_gfn);",),
    "a multiple": ("use(x * PTRS_PER_PMD);",),
    "the smaller of two": ("use(min(slot->base_gfn, round_down(x, PMD_SIZE)));",),
}
NO = {
    "a parameter": ("use(x);",),
    "one": ("use(1);",),
    "rounded to pages": ("use(round_down(x, PAGE_SIZE));",),
    "tested for pages": ("if (!PAGE_ALIGNED(x))", "\treturn 1;", "use(x);"),
    "one of two": ("if (!IS_ALIGNED(x, PMD_SIZE))", "\treturn 1;", "use(x + y);"),
    "tested on one branch": ("if (y && !IS_ALIGNED(x, PMD_SIZE))", "\treturn 1;", "use(x);"),
    "tested and ignored": ("if (!IS_ALIGNED(x, PMD_SIZE))", "\twarn();", "use(x);"),
    "moved since": ("a = round_up(x, PMD_SIZE);", "a = a + 1;", "use(a);"),
    "set on one branch": ("a = x;", "if (y)", "\ta = round_up(x, PMD_SIZE);", "use(a);"),
}


@pytest.mark.parametrize("name", YES)
def test_aligned(name: str) -> None:
    assert aligned(*YES[name])


@pytest.mark.parametrize("name", NO)
def test_not_known_to_be_aligned(name: str) -> None:
    assert not aligned(*NO[name])


def test_a_helper_that_rounds() -> None:
    assert aligned("use(down(x));", before="u64 down(u64 v)\n{\n\treturn round_down(v, PMD_SIZE);\n}\n")
    assert not aligned("use(down(x));", before="u64 down(u64 v)\n{\n\treturn v - 1;\n}\n")


def origins(text: str) -> list[tuple[str, int]]:
    """The functions in which ranges that ``zap()`` takes are made, and how many calls lead from there."""
    made = facts(text)
    ranges = Ranges(made.program, made.names, SHAPE)
    for function in made.mentioning(frozenset(("zap",))):
        for call in function.calls():
            if call.callee == "zap":
                ranges.climb(function, call, call.args[0], ())
    return sorted((o.key[1], len(o.way)) for o in ranges.found)


DROP = """
static void drop(u64 first, u64 last, int filter)
{
        struct range range = { .start = max(first, base), .end = last, .filter = filter };

        zap(&range);
}
"""


def test_bounds_are_followed_to_their_maker() -> None:
    assert origins(DROP + "void a(u64 x)\n{\n\tu64 s = x >> 1;\n\tu64 e = x + 4;\n\n\tdrop(s, e, PRIVATE);\n}\n") == [
        ("a", 2)
    ]


def test_another_filter_is_of_no_interest() -> None:
    assert origins(DROP + "void a(u64 x)\n{\n\tu64 s = x >> 1;\n\tu64 e = x + 4;\n\n\tdrop(s, e, SHARED);\n}\n") == []


def test_a_range_returned_by_a_helper() -> None:
    helper = (
        "struct range part(u64 s, u64 e)\n{\n\treturn (struct range){ .start = s, .end = e, .filter = PRIVATE };\n}\n"
    )
    use = "void a(u64 x)\n{\n\tstruct range r;\n\tu64 s = x;\n\n\tr = part(s, s + 1);\n\tzap(&r);\n}\n"
    assert origins(helper + use) == [("a", 1)]


def test_who_decides_the_filter_is_the_origin() -> None:
    decides = "void pre(struct range *range)\n{\n\trange->filter = PRIVATE;\n\tzap(range);\n}\n"
    assert origins(decides + "void a(u64 x)\n{\n\tstruct range r = { .start = x };\n\n\tpre(&r);\n}\n") == [("pre", 1)]
