"""Which branches decide about a call, which conditions surely hold there, and on which side alone it lies."""

from __future__ import annotations

from analyzer.analyses.facts import step
from analyzer.analyses.guards import deciding, entered_by, one_sided, surely, taken
from analyzer.core.finding import Step
from analyzer.ir.types import Assume, Call, Function, Instr
from tests.analyses.made import PATH, facts, function


def call(made: Function, name: str = "operate") -> Call:
    return next(c for c in made.calls() if c.callee == name)


def conditions(sides: list[Assume]) -> list[str]:
    return [("" if side.truth else "not ") + side.cond.text for side in sides]


def test_an_early_return_decides_about_what_follows() -> None:
    made = function("void f(bool a, bool b)\n{\n if (a)\n  return;\n if (b)\n  note();\n operate();\n}\n", "f")
    assert conditions(deciding(made, call(made), lambda side: True)) == ["not a"]
    assert conditions(taken(made, call(made))) == ["not a"]


def test_in_a_loop_only_the_turn_itself_counts() -> None:
    text = "void f(int n, bool a)\n{\n while (next(n)) {\n  if (a)\n   operate();\n  note();\n }\n}\n"
    made = function(text, "f")
    assert "a" in conditions(deciding(made, call(made), lambda side: "a" in side.cond.names))


def test_both_sides_that_lead_there_decide_nothing() -> None:
    made = function("void f(bool a)\n{\n if (a)\n  note();\n operate();\n}\n", "f")
    assert deciding(made, call(made), lambda side: True) == []
    assert taken(made, call(made)) == []


def test_a_call_on_each_side_is_not_one_sided() -> None:
    both = function("void f(bool a)\n{\n if (a)\n  operate(1);\n else\n  operate(2);\n}\n", "f")
    assert one_sided(both, both.calls(), lambda side: True) is None
    one = function("void f(bool a)\n{\n if (a)\n  operate(1);\n else\n  note();\n}\n", "f")
    found = one_sided(one, [call(one)], lambda side: True)
    assert found is not None and found[0].cond.text == "a" and found[0].truth


def holds(made: Function, instr: Instr) -> Step | None:
    return next((step(made, a, "yes") for a in taken(made, instr) if a.cond.text == "yes" and a.truth), None)


def test_a_condition_must_hold_in_all_callers() -> None:
    inner = "static void inner(void)\n{\n operate();\n}\nvoid outer(bool yes)\n{\n if (yes)\n  inner();\n}\n"
    for text, proven in ((inner, True), (inner + "void other(void)\n{\n inner();\n}\n", False)):
        known = facts(text)
        made = known.program.lower((PATH, "inner"))
        assert made is not None
        assert bool(surely(known, made.key, call(made), holds)) is proven


def test_the_ways_into_a_block_are_those_of_the_branches_before_it() -> None:
    made = function("bool f(bool a, bool b)\n{\n bool c = a && b;\n\n return c;\n}\n", "f")
    zero = [n for n, b in enumerate(made.blocks) for i in b.instrs if getattr(i, "value", None) and "= 0" in show(i)]
    assert {side.cond.text for side in entered_by(made, zero[0])} == {"a", "b"}


def show(instr: Instr) -> str:
    from analyzer.ir.show import show_instr

    return show_instr(instr)
