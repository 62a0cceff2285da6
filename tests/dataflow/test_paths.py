"""Exploration of paths with a door that is opened and shut: joins, loops, summaries, holes, limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from analyzer.core.problem import ProblemKind
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import MAX_CASES, Explorer
from analyzer.dataflow.values import Facts, Value
from analyzer.frontend.load import load
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Program
from analyzer.ir.types import Assume, Call, Const, Instr
from analyzer.tree.snapshot import Snapshot, SourceFile

PATH = "virt/kvm/a.c"
VOCABULARY = Vocabulary(
    predicates=frozenset(("is_ready",)), asynchronous=frozenset(("call_rcu",)), synchronous=frozenset(("for_all",))
)


@dataclass
class Door:
    """``opens()`` and ``shuts()`` change the state; ``looks()`` is seen; ``tries()`` may open and says so."""

    seen: set[str] = field(default_factory=set)

    def call(
        self, call: Call, state: str, facts: Facts, context: Context[str]
    ) -> Iterable[tuple[str, Value | None]] | None:
        if call.callee == "marks":
            [arg] = call.args
            return [(f"mark {arg.text}", None)]
        if call.callee == "tries":
            return [("open", "nonzero"), (state, 0)]
        new = {"opens": "open", "shuts": "shut"}.get(call.callee)
        return None if new is None else [(new, None)]

    def observe(self, instr: Instr, state: str, facts: Facts, context: Context[str]) -> None:
        if isinstance(instr, Call) and instr.callee == "looks":
            self.seen.add(state)

    def feasible(self, call: Call, state: str) -> bool:
        return call.callee != "never"

    def after(self, call: Call, facts: Facts) -> None:
        return

    def branch(self, assume: Assume, state: str, context: Context[str]) -> str:
        return state

    def hole(self, state: str) -> str:
        return "unknown"

    def unknown(self) -> str:
        return "unknown"


def program(text: str, holes: tuple[tuple[int, int], ...] = ()) -> Program:
    return load(Snapshot("made", None, {PATH: SourceFile(PATH, text.encode(), holes)}), [PATH])


def explored(text: str, entry: str = "entry") -> tuple[Explorer[str], Door, Context[str]]:
    made = program(text)
    door = Door()
    explorer = Explorer(made, VOCABULARY, door, frozenset(made.definitions))
    return explorer, door, explorer.enter((PATH, entry), "shut", {})


def seen(*lines: str, head: str = "void entry(int a, int b)", before: str = "") -> set[str]:
    """The states in which ``looks()`` is called."""
    explorer, door, _ = explored(f"{before}{head}\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")
    assert explorer.problems == []
    return door.seen


def test_straight_line() -> None:
    assert seen("opens();", "looks();", "shuts();") == {"open"}


def test_a_branch_joins_to_both() -> None:
    assert seen("if (a)", "\topens();", "looks();") == {"open", "shut"}


def test_the_same_test_twice_is_one_test() -> None:
    assert seen("if (a)", "\topens();", "if (a)", "\tlooks();") == {"open"}
    assert seen("if (a)", "\topens();", "if (!a)", "\tlooks();") == {"shut"}


def test_a_variable_that_was_changed_between_is_another_test() -> None:
    assert seen("if (a)", "\topens();", "a = b;", "if (a)", "\tlooks();") == {"open", "shut"}


def test_a_flag_set_on_one_branch() -> None:
    assert seen("bool done = false;", "if (a) {", "\topens();", "\tdone = true;", "}", "if (done)", "\tlooks();") == {
        "open"
    }


def test_two_flags_that_contradict() -> None:
    """What is known of ``b`` does not survive the join of two equal states; what ``a`` told apart does."""
    assert seen("if (a)", "\topens();", "if (b)", "\tnothing();", "if (!a)", "\tlooks();") == {"shut"}


def test_a_predicate_is_the_same_each_time() -> None:
    assert seen("if (is_ready(a))", "\topens();", "if (is_ready(a))", "\tlooks();") == {"open"}
    assert seen("if (is_ready(a))", "\topens();", "if (is_ready(b))", "\tlooks();") == {"open", "shut"}
    assert seen("if (other(a))", "\topens();", "if (other(a))", "\tlooks();") == {"open", "shut"}


@pytest.mark.parametrize("loop", ["while (more())", "for (;;)", "for (a = 0; a < b; a++)"])
def test_loops_end(loop: str) -> None:
    assert seen(f"{loop} {{", "\tlooks();", "\tif (other())", "\t\tbreak;", "\topens();", "}") == {"shut", "open"}


def test_after_a_loop_that_shuts_before_it_leaves() -> None:
    lines = ("for (;;) {", "\topens();", "\tif (other()) {", "\t\tshuts();", "\t\tbreak;", "\t}", "}", "looks();")
    assert seen(*lines) == {"shut"}


def test_a_counter_runs_down() -> None:
    assert seen("int n;", "for (n = 4; n > 0; n -= 2)", "\tnothing();", "looks();") == {"shut"}


def test_switch() -> None:
    lines = ("switch (a) {", "case 1:", "\topens();", "\tbreak;", "default:", "\tbreak;", "}")
    assert seen(*lines, "looks();") == {"shut", "open"}
    assert seen(*lines, "if (a == 1)", "\tlooks();") == {"open"}


def test_goto_and_labels() -> None:
    lines = ("if (a)", "\tgoto out;", "opens();", "looks();", "shuts();", "out:", "if (b)", "\tlooks();")
    assert seen(*lines) == {"open", "shut"}
    assert seen(*lines[:4], "shuts();", "out:", "return;") == {"open"}


def test_nothing_follows_what_cannot_happen() -> None:
    assert seen("if (a)", "\tnever();", "else", "\topens();", "looks();") == {"open"}


def test_a_callee_is_explored_for_the_constants_it_gets() -> None:
    callee = "static void inner(bool shared)\n{\n\tif (shared)\n\t\topens();\n}\n"
    assert seen("inner(true);", "looks();", before=callee) == {"open"}
    assert seen("inner(false);", "looks();", before=callee) == {"shut"}
    assert seen("inner(a);", "looks();", before=callee) == {"open", "shut"}


def test_the_result_of_a_callee_tells_its_exits_apart() -> None:
    callee = "static int inner(int x)\n{\n\tif (x)\n\t\treturn -EIO;\n\topens();\n\treturn 0;\n}\n"
    assert seen("if (inner(a))", "\treturn;", "looks();", before=callee) == {"open"}
    assert seen("int r = inner(a);", "if (r < 0)", "\tlooks();", before=callee) == {"shut"}


def test_a_call_that_says_whether_it_worked() -> None:
    assert seen("if (!tries())", "\treturn;", "looks();") == {"open"}
    assert seen("if (tries())", "\treturn;", "looks();") == {"shut"}


def test_error_pointers() -> None:
    callee = "static void *inner(int x)\n{\n\tif (x)\n\t\treturn ERR_PTR(-EIO);\n\topens();\n\treturn page(x);\n}\n"
    assert "shut" not in seen("void *p = inner(a);", "if (IS_ERR(p))", "\treturn;", "looks();", before=callee)


def test_recursion_ends() -> None:
    callee = "static void inner(int n)\n{\n\tif (n)\n\t\tinner(n - 1);\n\tlooks();\n\topens();\n}\n"
    assert seen("inner(3);", before=callee) == {"shut", "open"}


def test_function_pointers() -> None:
    callee = "static void inner(int n)\n{\n\tlooks();\n}\n"
    assert seen("void (*hook)(int) = inner;", "opens();", "hook(1);", before=callee) == {"open"}
    assert seen("opens();", "for_all(inner);", before=callee) == {"open"}


def test_what_runs_later_is_not_run_now() -> None:
    text = "static void later(int n)\n{\n\tlooks();\n}\nvoid entry(int a)\n{\n\topens();\n\tcall_rcu(a, later);\n}\n"
    explorer, door, _ = explored(text)
    assert door.seen == set()
    assert explorer.asynchronous == {(PATH, "later")}


def test_an_entry_is_explored_once() -> None:
    text = "static void inner(int n)\n{\n\tlooks();\n}\nvoid entry(int a)\n{\n\tinner(a);\n\tinner(a);\n}\n"
    explorer, _, context = explored(text)
    assert len(explorer.contexts[PATH, "inner"]) == 1
    assert explorer.enter((PATH, "entry"), "shut", {}) is context


def test_the_exits_are_states_with_what_was_returned() -> None:
    _, _, context = explored("int entry(int a)\n{\n\tif (a) {\n\t\topens();\n\t\treturn 1;\n\t}\n\treturn 0;\n}\n")
    assert set(context.exits) == {("open", 1), ("shut", 0)}
    assert context.done


def test_a_path_knows_its_calls() -> None:
    text = "static void inner(int n)\n{\n\tlooks();\n}\nvoid entry(int a)\n{\n\tinner(a);\n}\n"
    explorer, _, _ = explored(text)
    [inner] = explorer.contexts[PATH, "inner"].values()
    assert [(c.key[1], call and call.callee) for c, call in inner.path()] == [("entry", "inner"), ("inner", None)]


def test_more_states_than_are_kept_is_a_problem_and_no_crash() -> None:
    cases = "".join(f"\tcase {n}:\n\t\tmarks({n});\n\t\tbreak;\n" for n in range(MAX_CASES + 4))
    explorer, door, _ = explored(f"void entry(int a)\n{{\n\tswitch (a) {{\n{cases}\t}}\n\tlooks();\n}}\n")
    assert {p.kind for p in explorer.problems} == {ProblemKind.TOO_LARGE}
    assert len(door.seen) == MAX_CASES


def test_a_chain_of_calls_that_is_too_long_is_a_problem() -> None:
    chain = "".join(f"static void step{n}(int a)\n{{\n\tstep{n + 1}(a);\n}}\n" for n in range(150, 0, -1))
    explorer, _, _ = explored(f"{chain}void entry(int a)\n{{\n\tstep1(a);\n}}\n")
    assert {p.kind for p in explorer.problems} == {ProblemKind.TOO_LARGE}


def test_after_a_hole_nothing_is_known() -> None:
    text = "void entry(int a)\n{\n\tif (a)\n\t\treturn;\n\topens();\n\n\n\n\tlooks();\n\tif (a)\n\t\tlooks();\n}\n"
    made = program(text, holes=((6, 8),))
    door = Door()
    Explorer(made, VOCABULARY, door, frozenset(made.definitions)).enter((PATH, "entry"), "shut", {})
    assert door.seen == {"unknown"}


def test_facts_of_the_entry_select_the_path() -> None:
    text = "void entry(int a)\n{\n\tif (a)\n\t\topens();\n\tlooks();\n}\n"
    made = program(text)
    function = made.lower((PATH, "entry"))
    assert function is not None
    condition = next(i.cond for b in function.blocks for i in b.instrs if isinstance(i, Assume))
    assert not isinstance(condition, Const)
    for value, state in ((1, "open"), (0, "shut")):
        door = Door()
        Explorer(made, VOCABULARY, door, frozenset(made.definitions)).enter((PATH, "entry"), "shut", {condition: value})
        assert door.seen == {state}
