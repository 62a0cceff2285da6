"""What work on memory depends on, and whether code is reached with a value."""

from __future__ import annotations

import pytest

from analyzer.analyses.depends import carried, constant, depending, ordered
from analyzer.analyses.reach import Reach
from analyzer.analyses.sized import Sizes, Work
from analyzer.ir.cfg import loop_of
from analyzer.ir.types import Expr, Function, Name
from tests.analyses import made

WORK = {"flush": Work("flushes", 0, 1)}


def sources(function: Function) -> tuple[Expr, ...]:
    return tuple(Name(p.name) for p in function.params if p.name == "level")


def verdict(text: str, name: str = "work") -> tuple[str, str]:
    facts = made.facts(text)
    function = facts.program.lower((made.PATH, name))
    assert function is not None
    call = next(c for c in function.calls() if c.callee == "flush")
    found = Reach(facts, sources, lambda function, source: (2, 3)).of(function, Name("level"), call)
    return found.kind, found.guard


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("flush(0);", "open"),
        ("if (level != PG_LEVEL_4K) return; flush(0);", "guarded"),
        ("if (level == PG_LEVEL_4K) flush(0);", "guarded"),
        ("if (level > PG_LEVEL_2M) return; flush(0);", "open"),
        ("if (level != PG_LEVEL_4K) note(); flush(0);", "open"),
        ("bool huge = level > PG_LEVEL_4K; if (huge) return; flush(0);", "guarded"),
        ("if (level != PG_LEVEL_4K) goto out; flush(0); out: return;", "guarded"),
        ("level = adjust(level); if (level != PG_LEVEL_4K) return; flush(0);", "open"),
    ],
)
def test_a_guard_keeps_values_out(body: str, kind: str) -> None:
    assert verdict(f"void work(enum pg_level level) {{ {body} }}")[0] == kind


def test_all_callers_have_to_guard() -> None:
    work = "static void work(enum pg_level level) { flush(0); }\n"
    good = "void a(enum pg_level level) { if (level != PG_LEVEL_4K) return; work(level); }\n"
    bad = "void b(enum pg_level level) { work(level); }\n"
    assert verdict(work + good)[0] == "guarded"
    assert verdict(work + good + bad)[0] == "open"
    assert verdict(work + "void c(void) { work(PG_LEVEL_4K); }")[0] == "constant"
    assert verdict(work + "void c(void) { work(PG_LEVEL_2M); }")[0] == "open"


def test_a_helper_is_asked() -> None:
    text = "static int bad(int level) { return level != PG_LEVEL_4K; }\n"
    assert verdict(text + "void work(enum pg_level level) { if (bad(level)) return; flush(0); }")[0] == "guarded"


def test_sizes_go_through_helpers() -> None:
    facts = made.facts("void inner(u64 pa, u64 n) { flush(pa, n * 4); }\nvoid outer(u64 pa, u64 n) { inner(pa, n); }\n")
    outer = facts.program.lower((made.PATH, "outer"))
    assert outer is not None
    (site,) = Sizes(facts, WORK, {}, lambda path: True).sites(outer)
    assert ([e.text for e in site.operands], [e.text for e in site.sizes]) == (["pa"], ["n"])
    assert [s.function for s in site.steps] == ["outer", "inner"]


def test_dependence() -> None:
    text = "void f(int a, int b) { int c = a + 1; int d = b; int e = 0; if (c) e = 1; d = d + 1; use(c, d, e); }"
    function = made.function(text, "f")
    assert {"a", "c", "e"} <= depending(function, ("a",)) and "d" not in depending(function, ("a",))
    call = function.calls()[0]
    assert [constant(function, a) for a in call.args] == [False, False, True]


def test_loops() -> None:
    function = made.function("void f(int n) { for (int i = 0; i < n; i++) flush(i); note(); }", "f")
    note, flush = sorted(function.calls(), key=lambda call: call.callee, reverse=True)
    assert carried(function, loop_of(function, flush)) == {"i"}
    assert loop_of(function, note) == frozenset()
    assert ordered(function, flush, note) and not ordered(function, note, flush) and ordered(function, flush, flush)
