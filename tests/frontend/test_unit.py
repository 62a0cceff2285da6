"""What a file defines and declares, before any body is lowered."""

from __future__ import annotations

import pytest

from analyzer.core.limits import Limits
from analyzer.core.problem import ProblemKind
from analyzer.frontend.load import UnitCache, load
from analyzer.frontend.unit import fold, split_params
from analyzer.ir.types import Call, Function
from analyzer.tree.snapshot import Snapshot, SourceFile
from tests.frontend.made import PATH, called, instrs, lowered, program


def test_definitions_of_functions_and_macros() -> None:
    text = "static int\none(void)\n{\n\treturn two();\n}\n\n"
    text += "bool __init two(int x) { return x; }\n#define three(x) f(x)\n#define FOUR 4\n"
    made = program(text)
    found = {d.name: (d.line, d.end_line, d.static, d.kind) for d in made.definitions.values()}
    assert found == {
        "one": (2, 5, True, "function"),
        "two": (7, 7, False, "function"),
        "three": (8, 8, True, "macro"),
    }
    assert "two" in made.definitions[(PATH, "one")].mentions
    assert lowered(made, "two").returns == "bool"


def test_a_digest_changes_with_what_lowering_sees() -> None:
    def digest(text: str) -> int:
        return program(text).definitions[(PATH, "f")].digest

    assert digest("int f(int a)\n{\n\treturn a; /* one */\n}\n") == digest(
        "int f(int a)\n{\n\treturn a; /* two */\n}\n"
    )
    assert digest("int f(int a)\n{\n\treturn a;\n}\n") != digest("int f(int b)\n{\n\treturn a;\n}\n")
    assert digest("int f(int a)\n{\n\treturn a;\n}\n") == digest("\nint f(int a)\n{\n\treturn a;\n}\n")


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("void", []),
        ("int a, struct page *p", [("a", "int"), ("p", "struct page *")]),
        ("const char *fmt, ...", [("fmt", "const char *")]),
        ("int (*fn)(struct x *, int), void *data", [("fn", "int ( * )(struct x * , int)"), ("data", "void *")]),
        ("u64 args[4]", [("args", "u64 *")]),
        ("struct x **x,\n\t unsigned long", [("x", "struct x **"), ("", "unsigned long")]),
        ("struct x", [("", "struct x")]),
    ],
)
def test_parameters(text: str, params: list[tuple[str, str]]) -> None:
    assert [(p.name, p.type) for p in split_params(text)] == params


def test_types_are_folded() -> None:
    assert fold("struct  page\t*") == "struct page *"
    assert fold("int**") == "int **"


def test_prototypes() -> None:
    text = "int one(struct kvm *kvm, u64 gfn);\nextern int three;\n"
    text += "static inline void __must_check *two(void)\n{\n\treturn NULL;\n}\n"
    found = {p.name: p for p in program(text).prototypes()}
    assert set(found) == {"one", "two"}
    assert found["one"].shape == ("int", ("struct kvm *", "u64"))
    assert (found["one"].defined, found["two"].defined, found["two"].static) == (False, True, True)
    assert found["two"].returns == "void *"


def test_constants() -> None:
    text = '#define A 3\n#define B (1 << 4)\n#define C BIT(2)\n#define D (B | C)\n#define E "x"\n#define F A\n'
    text += "enum e { X, Y, Z = 7, W, V = A, U = f(), T, };\n"
    assert program(text).constants == {
        "A": 3, "B": 16, "C": 4, "D": 20, "F": 3, "X": 0, "Y": 1, "Z": 7, "W": 8, "V": 3,
    }  # fmt: skip


def test_tables_by_initialiser_assignment_and_pasting_macro() -> None:
    text = (
        "#define my_op(name) my_##name\nint my_open(void) { return 0; }\nint my_stop(void) { return 0; }\n"
        "static struct ops ops = {\n\t.open = my_op(open),\n\t.stop = my_stop,\n\t.other = unknown,\n};\n"
        "void init(void)\n{\n\tops.open = my_stop;\n\tops.count = 3;\n}\n"
    )
    tables = program(text).tables
    assert {(e.field, e.function, e.how) for entries in tables.values() for e in entries} == {
        ("open", "my_open", "initialiser"),
        ("stop", "my_stop", "initialiser"),
        ("open", "my_stop", "assignment"),
    }


def test_the_larger_of_two_arms_is_the_definition() -> None:
    text = "#ifdef A\nint f(void)\n{\n\ta();\n\tb();\n\treturn 0;\n}\n#else\nint f(void) { return 0; }\n#endif\n"
    made = program(text)
    assert called(lowered(made, "f")) == [(4, "a"), (5, "b")]


def test_a_body_that_cannot_be_read_is_a_problem() -> None:
    made = program("int f(void)\n{\n\tx = = 3;\n\ta();\n}\n")
    assert (4, "a") in called(lowered(made, "f"))
    assert {p.kind for p in made.problems} == {ProblemKind.UNPARSED}
    assert made.problems[0].where == f"{PATH}:1"


def test_a_file_that_is_too_large_is_left_out() -> None:
    snapshot = Snapshot("tree", None, {PATH: SourceFile(PATH, b"int f(void) { return 0; }\n" * 9)})
    made = load(snapshot, [PATH, "absent.c"], limits=Limits(file_bytes=100))
    assert made.files == ()
    assert [p.kind for p in made.problems] == [ProblemKind.TOO_LARGE]


def test_nesting_without_end_is_a_problem() -> None:
    made = program("int f(void)\n{\n\treturn " + "(" * 3000 + "1" + ")" * 3000 + ";\n}\n")
    assert made.lower((PATH, "f")) is None
    assert [p.kind for p in made.problems] == [ProblemKind.TOO_LARGE]


def test_units_are_shared_by_what_they_contain() -> None:
    cache = UnitCache()
    same, other = SourceFile(PATH, b"int f(void) { return 0; }\n"), SourceFile("b.c", b"int g(void) { return 0; }\n")
    load(Snapshot("one", None, {PATH: same}), [PATH], cache)
    first = dict(cache.units)
    load(Snapshot("two", None, {PATH: same, "b.c": other}), [PATH, "b.c"], cache)
    assert len(first) == 1
    assert len(cache.units) == 2
    assert all(cache.units[k] is unit for k, unit in first.items())


MOVED = "#define ACT(x) do { \\\n\tact(x); \\\n} while (0)\nint f(int a)\n{\n\tACT(a);\n\treturn g(a);\n}\n"


@pytest.mark.parametrize("above", ["", "\n\n", "int h(void);\n"])
def test_a_body_that_moved_is_what_lowering_it_anew_makes(above: str) -> None:
    def f(text: str, cache: UnitCache) -> Function:
        made = load(Snapshot("s", None, {PATH: SourceFile(PATH, text.encode())}), [PATH], cache).lower((PATH, "f"))
        assert made is not None
        return made

    cache = UnitCache()
    first, moved, anew = f(MOVED, cache), f(above + MOVED, cache), f(above + MOVED, UnitCache())
    assert moved.body == first.body
    assert (moved.line, moved.end_line) == (anew.line, anew.end_line)
    assert [(i.line, i.column, i.frames) for i in instrs(moved)] == [(i.line, i.column, i.frames) for i in instrs(anew)]
    assert f(MOVED.replace("act(x)", "bet(x)"), cache).body != first.body


def test_a_call_through_a_dereferenced_field_is_one_through_the_table() -> None:
    made = program("void f(struct x *x)\n{\n\t(*x->ops->run)(1);\n\tx->ops->run(2);\n}\n")
    calls = [i for i in instrs(lowered(made, "f")) if isinstance(i, Call)]
    assert [(c.table, c.callee) for c in calls] == [("run", ""), ("run", "")]


def test_calls_among_the_inputs_of_assembly_are_calls() -> None:
    made = program('void f(u64 a)\n{\n\tasm volatile("nop" : "=a" (a) : "b" (g(a)));\n}\n')
    assert called(lowered(made, "f")) == [(3, "g")]


def test_the_text_of_a_partial_file_shows_no_filling() -> None:
    source = SourceFile(PATH, b"\n\n\ta(); /* c */\n", ((1, 2), (4, 10**9)), ((3, "int f(void)"),))
    assert program(source).code(PATH) == "\n\n\ta();        \n"
