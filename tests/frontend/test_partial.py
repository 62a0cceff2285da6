"""Rebuilt images: each way in which a hunk cuts into a file."""

from __future__ import annotations

import pytest

from analyzer.core.problem import ProblemKind
from analyzer.frontend.heading import Kind, read_section
from analyzer.frontend.partial import complete
from analyzer.ir.program import Program
from analyzer.ir.types import Assume, Opaque
from analyzer.tree.snapshot import SourceFile
from tests.frontend.made import PATH, called, holes, instrs, lowered, partial, program


def known(
    before: int, text: str, section: str = "", more: dict[int, str] | None = None, behind: bool = True
) -> SourceFile:
    """``before`` hidden lines, then a text in which lines of ``...`` are ten hidden lines each.

    ``section`` is the header of the first hunk, ``more`` those of the others, by their number from 1.
    """
    rows = [""] * before
    ranges: list[tuple[int, int]] = []
    for part in text.split("...\n"):
        lines = part.splitlines()
        ranges.append((len(rows) + 1, len(rows) + len(lines)))
        rows += [*lines, *[""] * 10]
    headers = {ranges[n][0]: header for n, header in ({0: section} | (more or {})).items() if header}
    return partial("\n".join(rows), ranges, headers)


def functions(made: Program) -> dict[str, tuple[int, int]]:
    return {d.name: (d.line, d.end_line) for d in made.definitions.values() if d.kind == "function"}


def clean(made: Program) -> bool:
    return not [p for p in made.problems if p.kind is ProblemKind.UNPARSED]


def test_a_hunk_inside_a_body_takes_the_name_of_its_header() -> None:
    made = program(known(9, "\ta(vm);\n\tb(vm);\n", "static int run(struct vm *vm, int level)"))
    function = lowered(made, "run")
    assert functions(made) == {"run": (10, 11)}
    assert called(function) == [(10, "a"), (11, "b")]
    assert [(p.type, p.name) for p in function.params] == [("struct vm *", "vm"), ("int", "level")]
    assert (function.returns, function.partial, made.definitions[(PATH, "run")].static) == ("int", True, True)
    assert holes(function) == [9, 12]
    assert clean(made)


def test_hunks_of_one_function_are_joined() -> None:
    text = "static int run(struct vm *vm)\n{\n\tif (vm->a) {\n\t\ta(vm);\n...\n"
    text += "\t\tb(vm);\n\t}\n\tc(vm);\n...\n\treturn d(vm);\n}\n"
    made = program(known(0, text, "", dict.fromkeys((1, 2), "static int run(struct vm *vm)")))
    function = lowered(made, "run")
    assert list(functions(made)) == ["run"]
    assert [name for _, name in called(function)] == ["a", "b", "c", "d"]
    assert len(holes(function)) == 2
    assert clean(made)


def test_a_truncated_header_keeps_the_parameters_it_shows() -> None:
    made = program(known(5, "\tgo(kvm);\n}\n", "static int foo(struct kvm *kvm, gfn_t gfn, u64 old_sp"))
    assert [p.name for p in lowered(made, "foo").params] == ["kvm", "gfn"]
    assert [p.cut for p in made.prototypes() if p.name == "foo"] == [True]


def test_a_heading_in_sight_keeps_its_own_parameters() -> None:
    text = "static int foo(struct kvm *kvm,\n\t       bool exact)\n{\n\ta(kvm);\n...\n\tb(kvm);\n}\n"
    made = program(known(3, text, "", {1: "static int foo(struct kvm *kvm, gfn_t gfn)"}))
    function = lowered(made, "foo")
    assert [p.name for p in function.params] == ["kvm", "exact"]
    assert functions(made) == {"foo": (4, 19)}
    assert [p.cut for p in made.prototypes()] == [False]


def test_a_hunk_that_begins_in_the_parameters() -> None:
    text = "\t\t    gfn_t gfn, bool exact)\n{\n\tgo(kvm, gfn);\n}\n"
    made = program(known(5, text, "static int foo(struct kvm *kvm,"))
    assert [p.name for p in lowered(made, "foo").params] == ["kvm", "gfn", "exact"]
    assert made.definitions[(PATH, "foo")].line == 6
    assert holes(lowered(made, "foo")) == []


def test_a_hunk_that_begins_at_the_brace_and_one_behind_attributes() -> None:
    made = program(known(5, "{\n\tgo(kvm);\n}\n", "static int foo(struct kvm *kvm)"))
    assert called(lowered(made, "foo")) == [(7, "go")]
    made = program(known(5, "\t__acquires(x)\n{\n\tgo(kvm);\n}\n", "static int foo(struct kvm *kvm)"))
    assert called(lowered(made, "foo")) == [(8, "go")]


def test_a_hidden_return_type() -> None:
    made = program(known(5, "foo(struct kvm *kvm)\n{\n\tgo(kvm);\n}\n", "static int"))
    assert (lowered(made, "foo").returns, called(lowered(made, "foo"))) == ("int", [(8, "go")])
    made = program(known(5, "\tgo(kvm);\n}\n", "foo(struct kvm *kvm)"))
    assert lowered(made, "foo").returns == ""


def test_a_prototype_that_begins_in_a_hole_defines_nothing() -> None:
    text = "\t\t struct kvm *kvm);\n\nint bar(struct kvm *kvm);\nint baz(struct kvm *kvm,\n"
    made = program(known(5, text, "int foo(struct vcpu *vcpu, gfn_t gfn,"))
    assert functions(made) == {}
    assert {p.name: p.cut for p in made.prototypes()} == {"foo": True, "bar": False, "baz": True}
    assert clean(made)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("\t\ta();\n\t} else {\n\t\tb();\n\t}\n\tc();\n}\n", "abc"),
        ("\t\t\ta();\n\t\t}\n\t} else if (b()) {\n\t\tc();\n\t}\n}\n", "abc"),
        ("\telse\n\t\ta();\n\tb();\n}\n", "ab"),
        ("\t\treturn 1;\n\ta();\n}\n", "a"),
        ("\t\ta();\n\telse\n\t\tb();\n\tc();\n}\n", "abc"),
        ("\t\ta();\n\t} while (b());\n\tc();\n}\n", "abc"),
        ("\t\tbreak;\n\tcase 3:\n\t\ta();\n\t\tbreak;\n\tdefault:\n\t\treturn 0;\n\t}\n\tb();\n}\n", "ab"),
        ("\tcase 3:\n\t\ta();\n\t\tbreak;\n\tcase 4:\n\t\tb();\n", "ab"),
        ("\t\t\tbreak;\n\t\ta();\n\t}\n\tb();\n}\n", "ab"),
        ("\t\tcontinue;\n\ta();\n", "a"),
        ("\t     a(x), b(y));\n\tc();\n}\n", "abc"),
        ("\t    a(x) ||\n\t    b(y)) {\n\t\tc();\n\t}\n}\n", "abc"),
        ("\t    && a(x))\n\t\tb();\n\tc();\n}\n", "abc"),
        ("\t     i < a(); i++) {\n\t\tb();\n\t}\n}\n", "ab"),
        ("\t     i = a(); i < b(); i++)\n\t\tc();\n}\n", "abc"),
        ("\t\ta() : b();\n\tc();\n}\n", "abc"),
        ("\t\t: b();\n\tc();\n}\n", "bc"),
        ("\t\t.x = a(),\n\t\t.y = 3,\n\t};\n\tb();\n}\n", "ab"),
        ("\t\t.x = a(),\n\t\t.y = b(),\n", "ab"),
        ("\t\ta(), 3\n\t};\n\tb();\n}\n", "ab"),
        ("\t\ta();\n\t\tx;\n\t}), b());\n\tc();\n}\n", "abc"),
        ('\t\t     "text", a());\n\tb();\n}\n', "ab"),
        ('\t\t     : "=r" (x) : "r" (a()) : "memory");\n\tb();\n}\n', "ab"),
        ("\t\tint x : 4;\n\t} packed = { a() };\n\tb();\n}\n", "ab"),
        ("\ta();\n#else\n\tb();\n#endif\n\tc();\n}\n", "abc"),
        ("\treturn a();\n#else\n\treturn b();\n#endif\n}\n", "ab"),
        ("\tif (a())\n\t\tgoto out;\n\tb();\n", "ab"),
        ("\treturn 0;\nerr:\n\ta();\n\treturn 1;\n}\n", "a"),
        ("out:\n\ta();\nout_more:\n\tb();\n}\n", "ab"),
        ("\t * the rest of a comment, with a brace {\n\t */\n\ta();\n\tb();\n}\n", "ab"),
    ],
)
def test_whatever_a_hunk_begins_with_is_read_and_reached(text: str, calls: str) -> None:
    made = program(known(30, text, "static int run(int x)"))
    function = lowered(made, "run")
    assert clean(made)
    assert list(functions(made)) == ["run"]
    wanted = sorted(
        (31 + n, c) for n, line in enumerate(text.splitlines()) for c in calls if f"{c}()" in line or f"{c}(" in line
    )
    assert called(function) == wanted
    assert min(holes(function)) in (29, 30)


@pytest.mark.parametrize(
    "text",
    [
        "\tx = a(1,\n",
        "\tif (a() &&\n",
        "\tif (a())\n",
        "\tif (a()) {\n\t\tb();\n\t} else\n",
        "\tfor (i = a();\n",
        "\tfor (i = a(); i < 3;\n",
        "\twhile (a()) {\n\t\tdo {\n\t\t\tb();\n",
        "\tdo {\n\t\ta();\n\t}\n",
        "\tswitch (a()) {\n\tcase 1:\n\t\tb();\n\tcase 2\n",
        "\tx = a() ?\n",
        "\tx = a() ? b() :\n",
        "\tstruct y y = {\n\t\t.a = a(),\n\t\t.b =\n",
        "\treturn a() +\n",
        "\tx = ({ a();\n",
        "\tx = (unsigned long *)\n",
        "\ta(b[\n",
        "\t/* a comment that\n\t * does not end\n",
        "#ifdef A\n\ta();\n",
        "#ifdef A\n\tif (a())\n#else\n\tif (b())\n",
        '\tasm volatile("nop"\n\t\t     : "=r" (x)\n',
        "#define A(x) \\\n\tdo { \\\n",
    ],
)
def test_whatever_a_hunk_ends_with_is_closed(text: str) -> None:
    made = program(known(30, f"\tz();\n{text}...\nint other(void)\n{{\n\treturn 3;\n}}\n", "static int run(int x)"))
    assert clean(made)
    assert set(functions(made)) == {"run", "other"}
    assert (31, "z") in called(lowered(made, "run"))
    assert not lowered(made, "other").partial


def test_the_end_of_one_function_and_the_beginning_of_the_next() -> None:
    text = "\ta();\n}\n\nstatic void second(int y)\n{\n\tb();\n...\n\tc();\n}\n"
    made = program(known(7, text, "static void first(int x)", {1: "static void second(int y)"}))
    assert functions(made) == {"first": (8, 9), "second": (11, 25)}
    assert [n for _, n in called(lowered(made, "second"))] == ["b", "c"]


def test_another_header_closes_the_function_before() -> None:
    made = program(known(7, "\ta();\n...\n\tb();\n}\n", "static void first(int x)", {1: "static void second(int y)"}))
    assert functions(made) == {"first": (8, 8), "second": (19, 20)}


def test_a_whole_new_function_is_not_swallowed_by_a_stale_header() -> None:
    text = "static int fresh(void)\n{\n\treturn a();\n}\n\n/* What was there before. */\n"
    made = program(known(7, text, "static void stale(int x)"))
    assert functions(made) == {"fresh": (8, 11)}


def test_the_tail_of_a_split_function_belongs_to_the_new_one() -> None:
    """The header names the function as it was before the hunk above ended it and began another."""
    text = "static int old(void)\n{\n\ta();\n}\n\nstatic int new(void)\n{\n\tb();\n...\n\tc();\n}\n"
    made = program(known(0, text, "", {1: "static int old(void)"}))
    assert [n for _, n in called(lowered(made, "new"))] == ["b", "c"]


def test_an_aggregate_opens_no_function() -> None:
    text = "\tint count;\n\tint (*op)(int x);\n};\n\nstatic int user(void)\n{\n\treturn a();\n}\n"
    made = program(known(7, text, "struct holder {"))
    assert functions(made) == {"user": (12, 15)}
    made = program(known(7, "\tint count;\n\tu64 mask;\n...\n\ta();\n}\n", "struct holder {", {1: "void run(void)"}))
    assert functions(made) == {"run": (20, 21)}
    assert clean(made)


def test_an_operations_table_in_parts_is_still_a_table() -> None:
    text = "\t.open = my_open,\n\t.stop = my_stop,\n...\n\t.run = my_run,\n};\n\nint my_open(void)\n{\n\treturn 0;\n}\n"
    header = "static struct ops my_ops __initdata = {"
    made = program(known(7, text, header, {1: header}))
    assert [(e.function, e.line) for e in made.tables["open"]] == [("my_open", 8)]
    assert clean(made)


def test_enumerators_behind_a_hole_have_no_value() -> None:
    text = "\tTHIRD,\n\tTENTH = 10,\n\tELEVENTH,\n...\n\tLATER,\n};\n"
    made = program(known(7, text, "enum number {", {1: "enum number {"}))
    assert made.constants == {"TENTH": 10, "ELEVENTH": 11}


def test_macros_do_not_break_their_neighbours() -> None:
    text = "\t\tbegin(x);\t\\\n\t\tif (y) {\t\\\n\t} while (0)\n\nstatic int user(void)\n{\n\treturn a();\n}\n"
    made = program(known(7, text, "static int before(void)"))
    assert functions(made) == {"user": (12, 15)}
    text = "\t} while (0)\n\nstatic int user(void)\n{\n\treturn a();\n}\n"
    made = program(known(7, text, "static int before(void)"))
    assert functions(made) == {"user": (10, 13)}
    assert clean(made)


def test_a_macro_named_by_the_header() -> None:
    made = program(known(7, "\t\ta(x);\t\\\n\t} while (0)\n", "#define run(x) \\"))
    assert made.definitions[(PATH, "run")].kind == "macro"
    assert functions(made) == {}


def test_a_comment_alone_opens_nothing() -> None:
    made = program(known(7, "\t * words { of a comment\n\t * more words (\n", "static int run(void)"))
    assert functions(made) == {}
    assert clean(made)


def test_a_file_scope_invocation() -> None:
    text = (
        "\tTP_ARGS(a, b),\n\n\tTP_STRUCT__entry(\n\t\t__field(u64, a)\n\t),\n);\n\nint user(void)\n{\n\treturn 1;\n}\n"
    )
    made = program(known(7, text, "TRACE_EVENT(my_event,"))
    assert list(functions(made)) == ["user"]


def test_a_label_in_the_header_is_one_of_the_open_function() -> None:
    made = program(known(7, "\ta();\n...\n\tb();\n}\n", "static void first(int x)", {1: "out_unlock:"}))
    assert functions(made) == {"first": (8, 20)}


def test_a_function_of_which_no_name_is_known_is_told() -> None:
    made = program(known(70, "\ta();\n\treturn b();\n}\n\nint user(void)\n{\n\treturn 0;\n}\n", "out_unlock:"))
    assert [p.detail for p in made.problems] == ["a hunk stands in a function whose name is not known"]
    (unknown,) = (d for d in made.definitions.values() if d.name != "user")
    assert called(lowered(made, unknown.name)) == [(71, "a"), (72, "b")]


def test_a_hidden_case_leaves_the_default_open() -> None:
    text = "static int run(int x)\n{\n\tswitch (x) {\n\tcase 1:\n\t\ta();\n...\n\tdefault:\n\t\tb();\n\t}\n\tc();\n}\n"
    made = program(known(0, text, "", {1: "static int run(int x)"}))
    function = lowered(made, "run")
    assumed = [i for i in instrs(function) if isinstance(i, Assume) and not isinstance(i.cond, Opaque)]
    assert {str(a.cond) for a in assumed if a.truth} == {"x == 1", "x == range"}
    assert [a for a in assumed if not a.truth] == []
    assert len(holes(function)) == 1


def test_a_goto_into_a_hole_comes_out_of_it() -> None:
    text = "static int run(int x)\n{\n\tif (x)\n\t\tgoto out;\n\treturn a();\n...\n\tb();\n}\n"
    made = program(known(0, text, "", {1: "static int run(int x)"}))
    function = lowered(made, "run")
    assert [n for _, n in called(function)] == ["a", "b"]


def test_one_hole_line_is_enough() -> None:
    source = partial("\n\ta();\n\n\tb();\n}\n", [(2, 2), (4, 5)], {2: "int one(void)", 4: "int two(void)"})
    assert complete(source).count(b"\n") == source.text.count(b"\n")
    assert functions(program(source)) == {"one": (2, 5)}  # two functions do not fit around one line


@pytest.mark.parametrize(
    ("line", "kind", "name"),
    [
        ("static int foo(struct kvm *kvm,", Kind.FUNCTION, "foo"),
        ("struct page *foo(void)", Kind.FUNCTION, "foo"),
        ("static __printf(1, 2) void foo(const char *fmt, ...)", Kind.FUNCTION, "foo"),
        ("static int FNAME(walk)(struct walker *walker,", Kind.FUNCTION, "FNAME_walk_"),
        ("static inline bool foo(void) { return true; }", Kind.ENDED, ""),
        ("EXPORT_SYMBOL_GPL(foo);", Kind.ENDED, ""),
        ("struct foo {", Kind.STRUCT, "foo"),
        ("typedef union {", Kind.STRUCT, ""),
        ("enum foo {", Kind.ENUM, "foo"),
        ("static const struct foo bar[] __initconst = {", Kind.INIT, "bar"),
        ("static int (*const handlers[])(struct vcpu *vcpu) = {", Kind.INIT, "handlers"),
        ("TRACE_EVENT(kvm_entry,", Kind.INVOCATION, "TRACE_EVENT"),
        ("#define foo(x) do { \\", Kind.MACRO, "foo"),
        ("static int op_##name(int x) \\", Kind.ENDED, ""),
        ("out_unlock:", Kind.LABEL, ""),
        ("static int", Kind.TYPE, ""),
        ("This is prose (of a kind), which foo(x) is in.", Kind.NONE, ""),
        ("if (foo(x))", Kind.NONE, ""),
        ("", Kind.NONE, ""),
        ("}", Kind.NONE, ""),
    ],
)
def test_sections(line: str, kind: Kind, name: str) -> None:
    section = read_section(line)
    assert (section.kind, section.name) == (kind, name)
