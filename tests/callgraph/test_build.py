"""What build gives besides edges: nodes, counts, places, parts of a program; and which of equal names is meant."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.callgraph.build import build
from analyzer.callgraph.graph import KINDS, UNKNOWN
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Key
from tests.callgraph.made import VOCABULARY, graph, program, words

CHAIN = {
    "a.c": "#define twice(x) ({ leaf(x); leaf(x); })\n\n"
    "void leaf(int x)\n{\n}\n\nvoid top(int x)\n{\n\tkfree(x);\n\ttwice(x);\n}\n",
    "b.c": "void other(struct ops *ops)\n{\n\ttop(1);\n\n\tops->run();\n}\n",
}


def test_nodes_are_functions_macros_and_one_unknown() -> None:
    nodes = graph(CHAIN).nodes()
    kinds = {key[1]: (node.kind, node.line) for key, node in nodes.items()}
    assert kinds == {
        "leaf": ("function", 3),
        "top": ("function", 7),
        "twice": ("macro", 1),
        "other": ("function", 1),
        "unknown": ("unknown", 0),
    }


def test_an_edge_knows_the_place_of_the_call() -> None:
    edges = {e.callee[1]: (e.path, e.line) for e in graph(CHAIN).out(("b.c", "other"))}
    assert edges == {"top": ("b.c", 3), "unknown": ("b.c", 5)}


def test_the_counts_add_up() -> None:
    made = graph(CHAIN)
    counts = made.statistics()
    assert sum(counts[kind] for kind in KINDS) == len(made.edges()) == made.nx.number_of_edges()
    assert (counts["functions"], counts["macros"], counts["unresolved"], counts["unread"]) == (3, 1, 1, 0)
    assert made.external == {"kfree": 1}
    assert [(u.path, u.line, u.function, u.expression) for u in made.unresolved] == [("b.c", 5, "other", "ops->run")]


def test_a_part_has_the_edges_out_of_that_part() -> None:
    whole, part = graph(CHAIN), build(program(CHAIN), VOCABULARY, [("b.c", "other"), ("no.c", "such")])
    assert part.edges() == whole.out(("b.c", "other"))
    assert set(part) == {("b.c", "other"), ("a.c", "top"), UNKNOWN}


def test_what_runs_later_is_said_by_the_vocabulary() -> None:
    files = {"a.c": "void cb(int x)\n{\n}\n\nvoid go(int x)\n{\n\tdefer(x, cb);\n}\n"}
    later = Vocabulary(asynchronous=frozenset(("defer",)))
    assert [words(e) for e in build(program(files), later).edges()] == ["a.c:go -> a.c:cb async defer"]
    assert [words(e) for e in build(program(files), Vocabulary()).edges()] == ["a.c:go -> a.c:cb callback defer"]


def test_edges_do_not_depend_on_the_order_of_files() -> None:
    backward = dict(reversed(CHAIN.items()))
    assert graph(CHAIN).edges() == graph(backward).edges()


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="abf(){}*&;.,=->#\n \\x", max_size=120))
@example(";a=b=*")
def test_no_text_raises(text: str) -> None:
    made = graph({"a.c": "void f(int a)\n{\n" + text + "\n}\n"})
    assert made.statistics()["async"] == 0


# -- which of equal names --------------------------------------------------------------------------------------------


def resolve(files: dict[str, str], name: str, path: str) -> list[str]:
    return [k[0] for k in program(files).resolve(name, path)]


BODY = "int f(int x)\n{\n\treturn x;\n}\n"
USE = "int use(int x)\n{\n\treturn f(x);\n}\n"


def test_a_static_function_of_the_file_hides_all_others() -> None:
    assert resolve({"a.c": "static " + BODY + USE, "b.c": BODY}, "f", "a.c") == ["a.c"]


def test_a_static_function_of_another_file_is_not_visible() -> None:
    assert resolve({"a.c": USE, "b.c": "static " + BODY}, "f", "a.c") == []


def test_the_default_in_generic_code_gives_way_even_in_its_own_file() -> None:
    files = {"virt/main.c": "__weak " + BODY + USE, "arch/x86/mmu.c": BODY}
    assert resolve(files, "f", "virt/main.c") == ["arch/x86/mmu.c"]


def test_a_weak_function_gives_way_to_a_strong_one() -> None:
    made = program({"a.c": BODY, "b.c": BODY, "c.c": USE})
    weak: Key = ("a.c", "f")
    made.definitions = {**made.definitions, weak: replace(made.definitions[weak], weak=True)}
    assert made.resolve("f", "c.c") == (("b.c", "f"),)
    assert made.resolve("f", "a.c") == (("b.c", "f"),)


def test_two_strong_functions_are_both_possible() -> None:
    assert resolve({"a.c": BODY, "b.c": BODY, "c.c": USE}, "f", "c.c") == ["a.c", "b.c"]


def test_the_stub_of_a_header_gives_way_also_inside_the_header() -> None:
    files = {"inc/a.h": "static inline " + BODY + "static inline " + USE, "a.c": BODY}
    assert resolve(files, "f", "inc/a.h") == ["a.c"]


def test_the_near_header_is_meant() -> None:
    files = {"vmx/v.h": "static inline " + BODY, "svm/s.h": "static inline " + BODY}
    assert resolve(files, "f", "svm/s.c") == ["svm/s.h"]
    assert resolve(files, "f", "other.c") == ["svm/s.h", "vmx/v.h"]


def test_another_architecture_is_never_meant() -> None:
    files = {"arch/x86/a.c": BODY, "arch/arm64/a.c": BODY}
    assert resolve(files, "f", "arch/x86/b.c") == ["arch/x86/a.c"]
    assert resolve(files, "f", "virt/main.c") == ["arch/arm64/a.c", "arch/x86/a.c"]
    assert resolve({"arch/arm64/a.c": BODY}, "f", "arch/x86/b.c") == []
