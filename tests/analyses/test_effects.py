"""What a failed call leaves behind, which calls are made again, and who hides a failure."""

from __future__ import annotations

import pytest

from analyzer.analyses.effects import CHANGE, Delta, EffectProperty, remainders, stored
from analyzer.analyses.hiding import hides_failure
from analyzer.analyses.marks import marked, marker
from analyzer.analyses.prior import skipped_loop
from analyzer.analyses.retried import retried_calls
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Call, Function, Instr
from tests.analyses.made import PATH, facts, function

PAIRS = {"take": Delta("x", -1, "take()"), "give": Delta("x", 1, "give()")}


def left(*lines: str) -> set[str]:
    """The channels that a failed ``attempt()`` leaves changed."""
    text = "u64 entry(struct td *td)\n{\n\tu64 r, i;\n\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"
    made = facts(text)

    def changes(call: Call, key: Key) -> list[Delta]:
        if call.callee == CHANGE:
            channel, sign = call.shown.split("#")
            return [Delta(channel, int(sign), "")]
        return [PAIRS[call.callee]] if call.callee in PAIRS else []

    def mark(within: Function, instr: Instr) -> Call | None:
        change = stored(within, instr) if isinstance(instr, Assign) else None
        return marker(instr, CHANGE, shown=f"{change.channel}#{change.sign}") if change else None

    tracked = EffectProperty(
        marked(made.program, mark), made.vocabulary, changes, lambda call, key: call.callee == "attempt"
    )
    key = (PATH, "entry")
    return {r.change.channel for r in remainders(tracked.program, made.vocabulary, tracked, [key], frozenset((key,)))}


LEFT = {
    "taken": (("take();", "return attempt();"), {"x"}),
    "undone": (("take();", "r = attempt();", "if (r)", "\tgive();", "return r;"), set()),
    "undone on success": (("take();", "r = attempt();", "if (!r)", "\tgive();", "return r;"), {"x"}),
    "done on success": (("r = attempt();", "if (!r)", "\ttake();", "return r;"), set()),
    "a counter": (("td->n++;", "return attempt();"), {"count n"}),
    "a counter undone": (("td->n++;", "r = attempt();", "if (r)", "\ttd->n--;", "return r;"), set()),
    "a local counter": (("i = 0;", "i++;", "return attempt();"), set()),
    "a plain store": (("td->last = 5;", "return attempt();"), set()),
    "a pointer taken": (("void *p = td->spare;", "", "td->spare = NULL;", "return attempt();"), {"slot spare"}),
    "early, without the attempt": (("take();", "if (td->dead)", "\treturn 1;", "give();", "return attempt();"), set()),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left(name: str) -> None:
    lines, channels = LEFT[name]
    assert left(*lines) == channels


def again(*lines: str) -> set[str]:
    text = (
        "int entry(struct td *td)\n{\n\tu64 e, f;\n\n" + "".join(f"\t{line}\n" for line in lines) + "\treturn 0;\n}\n"
    )
    return {c.callee for c in retried_calls(function(text, "entry"))}


def test_calls_that_are_made_again() -> None:
    assert again("do {", "\te = run(td);", "} while (tdx_operand_busy(e));") == {"run"}
    assert again("e = run(td);", "if (tdx_operand_busy(e))", "\te = run(td);") == {"run"}
    assert again("while ((e = run(td)) == OPERAND_BUSY)", "\tcpu_relax();") == {"run"}


def test_calls_that_are_not() -> None:
    assert again("e = run(td);", "if (tdx_operand_busy(e))", "\treturn -EBUSY;", "f = run(td);") == set()
    assert again("e = run(td);", "if (e)", "\te = run(td);") == set()
    assert again("for (f = 0; f < 4; f++)", "\te = run(td);") == set()


HIDES = {
    "thrown away": ("step();", "return 0;"),
    "logged": ("r = step();", "if (r)", "\twarn();", "return 0;"),
    "broken off": ("for (;;) {", "\tr = step();", "\tif (r)", "\t\tbreak;", "}", "return 0;"),
}
TELLS = {
    "returned": ("return step();",),
    "tested": ("if (step())", "\treturn -ENOMEM;", "return 0;"),
    "as another error": ("r = step();", "if (r < 0)", "\tr = -EIO;", "return r;"),
}


def hides(*lines: str) -> bool:
    made = facts("int entry(void)\n{\n\tint r = 0;\n\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")
    return hides_failure(made.program, made.vocabulary, (PATH, "entry"), lambda call, key: call.callee == "step")


@pytest.mark.parametrize("name", HIDES)
def test_a_failure_that_is_hidden(name: str) -> None:
    assert hides(*HIDES[name])


@pytest.mark.parametrize("name", TELLS)
def test_a_failure_that_is_told(name: str) -> None:
    assert not hides(*TELLS[name])


def test_a_loop_that_nothing_goes_around() -> None:
    loop = "\tfor (i = 0; i < n; i++)\n\t\tstep();\n"
    for guard, expected in (("", True), ("\tif (n > 3)\n\t\tgoto out;\n", False)):
        text = f"void entry(int n)\n{{\n\tint i;\n\n{guard}{loop}out:\n\tlast();\n}}\n"
        made = function(text, "entry")
        step, last = (next(c for c in made.calls() if c.callee == name) for name in ("step", "last"))
        assert skipped_loop(made, step, last) is expected
