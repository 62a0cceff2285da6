"""Typestate: chains of calls are followed over branches, loops and helpers; what is left open is told."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analyzer.analyses.typestate import Event, Protocol, explore
from analyzer.callgraph.names import NameGraph
from analyzer.dataflow.values import Value
from analyzer.ir.cfg import in_loop
from analyzer.ir.effect import Effect, Verb, Vocabulary
from tests.analyses.made import function, program

VOCABULARY = Vocabulary(
    effects={
        "begins": (Effect(Verb.EVENT, "chain", mode="begin"),),
        "ends": (Effect(Verb.EVENT, "chain", mode="end"),),
        "helps": (Effect(Verb.EVENT, "chain", mode="end", when="unseen"),),
        "others": (Effect(Verb.EVENT, "other", mode="begin"),),
    }
)


def run(text: str) -> tuple[set[tuple[str, int]], Protocol[str], list[str]]:
    """(function, line) of the returns that leave a chain open, the protocol, and the events out of order."""
    made = program(text)
    wrong: list[str] = []

    def step(state: str, event: Event[str]) -> Iterable[tuple[str, Value | None]]:
        if state == "lost":
            return [("lost", None)]
        if event.what == "end" and state == "shut":
            wrong.append(f"{event.context.key[1]}:{event.call.line}")
        return [("open" if event.what == "begin" else "shut", None)]

    protocol = Protocol(made, VOCABULARY, "chain", step, lambda _, state, context: state, "shut", "lost")
    explorer = explore(made, NameGraph(made), VOCABULARY, protocol, lambda path: "guest" not in path)
    assert explorer.problems == []
    return {(leaving.context.key[1], leaving.instr.line) for leaving in protocol.leavings}, protocol, wrong


def left_open(
    *lines: str, before: str = "", head: str = "void entry(struct kvm *kvm, int mode)"
) -> set[tuple[str, int]]:
    return run(f"{before}{head}\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")[0]


CLOSED = {
    "in order": ("begins(kvm);", "ends(kvm);"),
    "twice": ("begins(kvm);", "ends(kvm);", "begins(kvm);", "ends(kvm);"),
    "on both branches": ("begins(kvm);", "if (mode)", "\tends(kvm);", "else", "\tends(kvm);"),
    "under the same condition": ("if (mode)", "\tbegins(kvm);", "work(kvm);", "if (mode)", "\tends(kvm);"),
    "in each round": ("while (mode--) {", "\tbegins(kvm);", "\tends(kvm);", "}"),
    "behind a label": ("begins(kvm);", "if (mode)", "\tgoto out;", "work(kvm);", "out:", "ends(kvm);"),
    "with the VM bugged": ("begins(kvm);", "if (KVM_BUG_ON(mode, kvm))", "\treturn;", "ends(kvm);"),
    "by a callee that is not visible": ("begins(kvm);", "helps(kvm);"),
    "another chain": ("others(kvm);",),
}
OPEN = {
    "never ended": ("begins(kvm);", "return;"),
    "an early return": ("begins(kvm);", "if (mode)", "\treturn;", "ends(kvm);"),
    "one branch": ("begins(kvm);", "if (mode)", "\tends(kvm);", "return;"),
    "another condition": ("if (mode)", "\tbegins(kvm);", "if (kvm)", "\tends(kvm);", "return;"),
    "out of a loop": ("while (mode--) {", "\tbegins(kvm);", "\tif (kvm)", "\t\treturn;", "\tends(kvm);", "}"),
    "over a label": ("begins(kvm);", "if (mode)", "\tgoto out;", "ends(kvm);", "out:", "return;"),
}


@pytest.mark.parametrize("case", sorted(CLOSED))
def test_closed(case: str) -> None:
    assert left_open(*CLOSED[case]) == set()


@pytest.mark.parametrize("case", sorted(OPEN))
def test_left_open(case: str) -> None:
    lines = OPEN[case]
    [(name, line)] = left_open(*lines)
    assert name == "entry"
    assert "return" in lines[line - 3]


def test_a_chain_over_helpers_is_one_chain() -> None:
    """The helper that begins returns with the chain open; the rule sees by its context that the caller goes on."""
    first = "static void first(struct kvm *kvm)\n{\n\tbegins(kvm);\n}\n"
    second = "static void second(struct kvm *kvm)\n{\n\tends(kvm);\n}\n"
    assert {name for name, _ in left_open("first(kvm);", "second(kvm);", before=first + second)} == {"first"}
    found, _, wrong = run(first + second + "void entry(struct kvm *kvm)\n{\n\tsecond(kvm);\n\tfirst(kvm);\n}\n")
    assert wrong == ["second:7"]
    assert ("entry", 13) in found


def test_a_helper_that_ends_it_when_it_worked() -> None:
    helper = (
        "static int finish(struct kvm *kvm, int x)\n{\n\tif (x)\n\t\treturn -EBUSY;\n\tends(kvm);\n\treturn 0;\n}\n"
    )
    redo = ("begins(kvm);", "if (finish(kvm, mode))", "\tends(kvm);")
    assert not {f for f in left_open(*redo, before=helper) if f[0] == "entry"}
    given_up = ("begins(kvm);", "if (finish(kvm, mode))", "\treturn;")
    assert {f for f in left_open(*given_up, before=helper) if f[0] == "entry"} == {("entry", 12)}


def test_a_callee_that_is_visible_speaks_for_itself() -> None:
    helper = "static void helps(struct kvm *kvm)\n{\n\twork(kvm);\n}\n"
    assert left_open("begins(kvm);", "helps(kvm);", "return;", before=helper) == {("entry", 9)}


def test_events_out_of_order() -> None:
    _, protocol, wrong = run("void entry(struct kvm *kvm)\n{\n\tends(kvm);\n\tbegins(kvm);\n\tends(kvm);\n}\n")
    assert wrong == ["entry:3"]
    assert protocol.seen == 3


def test_an_event_handed_to_a_macro_that_is_not_visible() -> None:
    _, protocol, wrong = run("void entry(struct kvm *kvm)\n{\n\tretry_it(ends, kvm, kvm);\n}\n")
    assert wrong == ["entry:3"]
    assert protocol.seen == 1


def test_files_out_of_scope_are_left_out() -> None:
    found, protocol, _ = run("// path: virt/kvm/guest_memfd.c\nvoid entry(struct kvm *kvm)\n{\n\tbegins(kvm);\n}\n")
    assert found == set()
    assert protocol.seen == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("\twhile (mode--)\n\t\tbegins(mode);\n", True),
        ("\tfor (;;) {\n\t\tif (mode)\n\t\t\tbegins(mode);\n\t}\n", True),
        ("again:\n\tbegins(mode);\n\tif (mode)\n\t\tgoto again;\n", True),
        ("\twhile (mode--)\n\t\twork(mode);\n\tbegins(mode);\n", False),
        ("\twhile (mode--) {\n\t\tbegins(mode);\n\t\tbreak;\n\t}\n", False),
        ("\tbegins(mode);\n", False),
    ],
)
def test_in_loop(lines: str, expected: bool) -> None:
    made = function(f"void entry(int mode)\n{{\n{lines}}}\n", "entry")
    assert in_loop(made, next(c for c in made.calls() if c.callee == "begins")) is expected
