"""Macros: how they are read, what a use expands to, and where its words stand."""

from __future__ import annotations

import pytest

from analyzer.frontend.macros import Argument, Macro, expand, read_classes, read_macros, split_arguments
from analyzer.frontend.unit import read_unit
from analyzer.ir.types import Call
from analyzer.tree.snapshot import SourceFile
from tests.frontend.made import PATH, called, instrs, lowered, program


def one(text: str) -> Macro:
    (macro,) = read_macros(text, "a.h")
    return macro


def expanded(definition: str, *args: str) -> str:
    unit = read_unit(SourceFile("a.c", b"x\n"))
    made = expand(one(definition), [Argument(a, 0) for a in args], unit, 0, "", "")
    return " ".join(made.text.decode().split())


@pytest.mark.parametrize(
    ("definition", "params", "rest"),
    [
        ("#define A 1", None, ""),
        ("#define A(x) x", ("x",), ""),
        ("# define A( x , y ) x", ("x", "y"), ""),
        ("#define A() 1", (), ""),
        ("#define A(...) f(__VA_ARGS__)", (), "__VA_ARGS__"),
        ("#define A(x, ...) f(__VA_ARGS__)", ("x",), "__VA_ARGS__"),
        ("#define A(x, more...) f(more)", ("x",), "more"),
        ("#define A(x, \\\n y) x", ("x", "y"), ""),
    ],
)
def test_definitions(definition: str, params: tuple[str, ...] | None, rest: str) -> None:
    macro = one(definition + "\n")
    assert (macro.name, macro.params, macro.rest) == ("A", params, rest)


def test_lines_of_definitions() -> None:
    text = "\n#define A(x) \\\n\tf(x); \\\n\tg(x)\n\n#define B 2\n"
    assert [(m.name, m.line, m.body.count("\n")) for m in read_macros(text, "a.h")] == [("A", 2, 2), ("B", 6, 0)]


@pytest.mark.parametrize(
    ("definition", "args", "result"),
    [
        ("#define A(x) f(x, x)", ("1",), "f(1, 1)"),
        ("#define A(x) #x", ("a  + b",), '"a + b"'),
        ("#define A(x) #x", ('f("s\\n")',), '"f(\\"s\\\\n\\")"'),
        ("#define A(x) pre_##x(x)", ("op",), "pre_op(op)"),
        ("#define A(x) x##_post()", ("op",), "op_post()"),
        ("#define A(x) x ## _post()", ("op",), "op_post()"),
        ("#define A(a, b) a##b", ("x", "y"), "xy"),
        ("#define A(fmt, ...) p(fmt, __VA_ARGS__)", ('"f"', "1", "2"), 'p("f", 1, 2)'),
        ("#define A(fmt, ...) p(fmt, ##__VA_ARGS__)", ('"f"',), 'p("f")'),
        ("#define A(fmt, ...) p(fmt, ##__VA_ARGS__)", ('"f"', "1"), 'p("f",1)'),
        ("#define A(f, args...) f(args)", ("g", "1", "2"), "g(1, 2)"),
        ("#define A(f, args...) f(args)", ("g",), "g()"),
        ("#define A(f, args...) f(0, ##args)", ("g",), "g(0)"),
        ('#define A(x) "x" x', ("1",), '"x" 1'),
        ("#define A(x) xx x x_", ("1",), "xx 1 x_"),
    ],
)
def test_expansion(definition: str, args: tuple[str, ...], result: str) -> None:
    assert expanded(definition + "\n", *args) == result


def test_words_of_arguments_stand_where_they_were_written() -> None:
    text = "#define A(x, y)\t\\\n\tdo {\t\\\n\t\tf(x);\t\\\n\t\ty;\t\\\n\t} while (0)\n\n"
    made = program(text + "int run(int a)\n{\n\tA(a,\n\t  g(a));\n}\n")
    calls = [i for i in instrs(lowered(made, "run")) if isinstance(i, Call)]
    assert [(c.name, c.line, [(f.macro, f.line) for f in c.frames]) for c in calls] == [
        ("f", 9, [("A", 3)]),
        ("g", 10, []),
    ]


def test_frames_of_nested_uses_are_outermost_first() -> None:
    made = program("#define IN(x) f(x)\n#define OUT(x) do { IN(x); } while (0)\nint run(int a)\n{\n\tOUT(a);\n}\n")
    (call,) = (i for i in instrs(lowered(made, "run")) if isinstance(i, Call))
    assert [(f.macro, f.path, f.line) for f in call.frames] == [("OUT", PATH, 2), ("IN", PATH, 1)]


def test_a_macro_of_the_file_hides_that_of_a_header() -> None:
    body = "int run(int a)\n{\n\tA(a);\n}\n"
    made = program(f"#define A(x) mine(x)\n{body}", "#define A(x) theirs(x)\n")
    assert called(lowered(made, "run")) == [(4, "mine")]
    made = program(body, "#define A(x) theirs(x)\n")
    assert called(lowered(made, "run")) == [(3, "theirs")]


def test_a_macro_that_does_nothing_is_an_ordinary_call() -> None:
    made = program("#define A(x) ((x) & 3)\nint run(int a)\n{\n\treturn A(a);\n}\n")
    assert called(lowered(made, "run")) == [(4, "A")]


def test_recursion_ends() -> None:
    made = program("#define A(x) f(A(x))\nint run(int a)\n{\n\treturn A(a);\n}\n")
    assert (4, "f") in called(lowered(made, "run"))


def test_a_block_macro_that_is_defined_here() -> None:
    text = "#define each(i, n) \\\n\tfor (i = first(n); i; i = next(i)) \\\n\t\tif (skip(i)) {} else\n"
    made = program(
        text.replace("each", "for_each_it")
        + "int run(int n)\n{\n\tint i;\n\n\tfor_each_it(i, n) {\n\t\tuse(i);\n\t}\n}\n"
    )
    assert sorted(name for _, name in called(lowered(made, "run"))) == ["first", "next", "skip", "use"]


def test_a_macro_on_its_own_stands_at_its_own_lines() -> None:
    made = program("\n#define A(x)\t\\\n\tdo {\t\\\n\t\tf(x);\t\\\n\t\tg(x);\t\\\n\t} while (0)\n")
    assert called(lowered(made, "A")) == [(4, "f"), (5, "g")]
    assert made.definitions[(PATH, "A")].line == 2


def test_a_macro_that_makes_definitions_is_a_problem() -> None:
    made = program("#define BUILD(x) int x(int a) { return f(a); } (\nBUILD(one)\n")
    assert made.lower((PATH, "BUILD")) is None
    assert [p.detail for p in made.problems] == ["BUILD(): the definitions it makes are not looked at"]
    assert made.problems[0].where == f"{PATH}:1"


def test_a_macro_that_no_statement_can_be_made_of_is_told_of_where_it_stands() -> None:
    made = program("#define PICK(x) f(x) ? g(x) :\nint run(int a)\n{\n\treturn PICK(a) 0;\n}\n")
    assert [p.detail for p in made.problems] == ["run(): parts of the body could not be parsed"]
    assert made.lower((PATH, "PICK")) is None
    assert len(made.problems) == 1


def test_classes_are_two_macros() -> None:
    text = "DEFINE_CLASS(state, struct vm *, put(_T), get(vm, n), struct vm *vm, int n)\n"
    made, gone = read_classes(text, "a.h")
    assert (made.name, made.params, made.body.strip()) == ("class_state_constructor", ("vm", "n"), "get(vm, n)")
    assert (gone.name, gone.params, gone.body.strip()) == ("class_state_destructor", ("_T",), "put(_T)")


def test_arguments_are_split_at_their_own_commas() -> None:
    text = "a, f(b, c), d[1, 2], { e, f }) rest"
    parts, end = split_arguments(text, 0)
    assert [p.strip() for p in parts] == ["a", "f(b, c)", "d[1, 2]", "{ e, f }"]
    assert text[end] == ")"
    assert split_arguments("a, (b", 0)[1] == -1
