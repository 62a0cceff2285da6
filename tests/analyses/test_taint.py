"""Taint: a labelled value is followed to where it must not arrive, through all that C has to hide it in."""

from __future__ import annotations

import pytest

from analyzer.analyses.spec import Spec
from analyzer.analyses.taint import TaintResult, solve_taint
from analyzer.callgraph.names import NameGraph
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from tests.analyses.made import PATH, program

T = "secret"
VOCABULARY = Vocabulary(
    effects={
        "source": (Effect(Verb.SOURCE, T, RESULT),),
        "fill": (Effect(Verb.SOURCE, T, 1),),
        "sink": (Effect(Verb.SINK, T, 0),),
        "convert": (Effect(Verb.PASS, T, 0),),
        "checked": (Effect(Verb.SANITIZE, T, 0),),
        "fresh": (Effect(Verb.SANITIZE, T, RESULT),),
    },
    asynchronous=frozenset(("call_rcu",)),
)
SPEC = Spec(
    label=T,
    typed=lambda function, index: function.params[index].type == "secret_t",
    typed_scope=lambda path, name: True,
    fields=frozenset((("fault", "pfn"),)),
    sanitized=lambda path: True,
    origin_scope=lambda path: True,
    sink_scope=lambda path: "guest_memfd" not in path,
    populate=frozenset(("populate",)),
)


def solve(text: str) -> TaintResult:
    made = program(text)
    assert made.problems == []
    return solve_taint(made, NameGraph(made), VOCABULARY, SPEC)


def arrivals(text: str) -> list[tuple[str, int]]:
    """(function, line) of the sinks that a labelled value reaches."""
    return [(a.function.name, a.instr.line) for a in solve(text).arrivals]


def entry(*lines: str, head: str = "void entry(struct kvm *kvm, int mode)", before: str = "") -> str:
    return f"{before}{head}\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


ID = "static u64 same(u64 value)\n{\n\treturn value;\n}\n"
DEEP = "static void deep(u64 value)\n{\n\tsink(value);\n}\n"
REACHED = {
    "at once": entry("sink(source());"),
    "by a variable": entry("u64 x = source();", "sink(x);"),
    "by a copy": entry("u64 x = source(), y;", "y = x;", "sink(y);"),
    "arithmetic": entry("u64 x = source();", "sink((x + 1) << 12);"),
    "a function of the vocabulary": entry("u64 x = convert(source());", "sink(x);"),
    "one arm of a choice": entry("u64 x = mode ? source() : 0;", "sink(x);"),
    "one branch": entry("u64 x = 0;", "if (mode)", "\tx = source();", "sink(x);"),
    "a loop": entry("u64 x = 0;", "while (mode--) {", "\tsink(x);", "\tx = source();", "}"),
    "an argument": entry("deep(source());", before=DEEP),
    "two calls down": entry("mid(source());", before=DEEP + "static void mid(u64 m)\n{\n\tdeep(m);\n}\n"),
    "a result": entry("sink(get());", before="static u64 get(void)\n{\n\treturn source();\n}\n"),
    "there and back": entry("sink(same(source()));", before=ID),
    "an out-parameter of the vocabulary": entry("u64 x;", "fill(kvm, &x);", "sink(x);"),
    "an out-parameter": entry(
        "u64 x;", "give(&x);", "sink(x);", before="static void give(u64 *out)\n{\n\t*out = source();\n}\n"
    ),
    "out of one parameter into another": entry(
        "u64 x;",
        "give(source(), &x);",
        "sink(x);",
        before="static void give(u64 in, u64 *out)\n{\n\t*out = in;\n}\n",
    ),
    "an element of an array": entry("u64 x[4];", "x[1] = source();", "sink(x[mode]);"),
    "a field of a local": entry("struct args x;", "x.a = source();", "sink(x.a);"),
    "a field by a pointer, elsewhere": entry(
        "put(kvm);",
        before="static void put(struct kvm *kvm)\n{\n\tkvm->stored = source();\n}\n"
        "void use(struct kvm *kvm)\n{\n\tsink(kvm->stored);\n}\n",
    ),
    "a field that is a source": entry("sink(fault->pfn);", head="void entry(struct fault *fault)"),
    "a type that is a source": entry("sink(pfn);", head="void entry(secret_t pfn)"),
    "a macro": entry("WRAP(source());", before="#define WRAP(x) do { sink(x); } while (0)\n"),
    "an argument of a macro that calls": entry(
        "RETRY(deep, kvm, source());", before=DEEP + "#define RETRY(f, k, args...) do { f(args); } while (0)\n"
    ),
    "an ops table": entry(
        "kvm_x86_call(take)(source());", before=DEEP + "struct kvm_x86_ops ops = {\n\t.take = deep,\n};\n"
    ),
    "a function pointer": entry("void (*hook)(u64) = deep;", "hook(source());", before=DEEP),
    "a callback": entry(
        "each(source(), deep);",
        before=DEEP + "static void each(u64 value, void (*hook)(u64))\n{\n\thook(value);\n}\n",
    ),
    "recursion": entry(
        "down(source(), 3);",
        before="static void down(u64 value, int n)\n{\n\tif (n)\n\t\tdown(value, n - 1);\n"
        "\telse\n\t\tsink(value);\n}\n",
    ),
    "checked on one branch only": entry("u64 x = source();", "if (mode && !checked(x))", "\treturn;", "sink(x);"),
    "checked too late": entry("u64 x = source();", "sink(x);", "if (!checked(x))", "\treturn;"),
    "another file": entry("deep(source());").replace("void entry", "// path: virt/kvm/b.c\nvoid entry", 1)
    + f"// path: {PATH}\n"
    + DEEP.replace("static ", ""),
}
CLEAN = {
    "something else": entry("u64 x = source();", "sink(mode);", "use(x);"),
    "overwritten": entry("u64 x = source();", "x = 0;", "sink(x);"),
    "overwritten on every branch": entry("u64 x = source();", "if (mode)", "\tx = 1;", "else", "\tx = 2;", "sink(x);"),
    "made anew": entry("sink(fresh(source()));"),
    "checked": entry("u64 x = source();", "if (!checked(x))", "\treturn;", "sink(x);"),
    "checked in the condition": entry("u64 x = source();", "if (checked(x) && mode)", "\tsink(x);"),
    "another argument": entry("two(source(), mode);", before="static void two(u64 a, u64 b)\n{\n\tsink(b);\n}\n"),
    "another field": entry("struct args x;", "x.a = source();", "x.b = 0;", "sink(x.b);"),
    "the same name in another struct": entry("sink(range->pfn);", head="void entry(struct range *range)"),
    "another caller of a helper": entry("use(same(source()));", "sink(same(mode));", before=ID),
    "a function that is not called with it": entry("deep(mode);", "use(source());", before=DEEP),
    "the owner's file": "// path: virt/kvm/guest_memfd.c\n" + entry("sink(source());"),
    "a size of it": entry("u64 x = source();", "sink(sizeof(x));"),
}


@pytest.mark.parametrize("case", sorted(REACHED))
def test_reached(case: str) -> None:
    [(_, line)] = set(arrivals(REACHED[case]))
    assert "sink" in REACHED[case].split("\n")[line - 1] or "WRAP" in REACHED[case].split("\n")[line - 1]


@pytest.mark.parametrize("case", sorted(CLEAN))
def test_clean(case: str) -> None:
    assert arrivals(CLEAN[case]) == []


def test_the_path_names_the_source_and_every_call() -> None:
    text = entry("mid(source());", before=DEEP + "static void mid(u64 m)\n{\n\tdeep(m);\n}\n")
    [arrival] = solve(text).arrivals
    assert [step.function for step in arrival.path] == ["entry", "entry", "mid"]
    assert [step.location.line for step in arrival.path] == [11, 11, 7]
    assert arrival.function.name == "deep"
    assert all(step.note for step in arrival.path)


def test_of_two_ways_the_shorter_is_told() -> None:
    text = entry("mid(source());", before=DEEP + "static void mid(u64 m)\n{\n\tdeep(m);\n}\n")
    short = text + "void near(void)\n{\n\tdeep(source());\n}\n"
    [arrival] = solve(short).arrivals
    assert arrival.path[0].function == "near"


def test_two_sinks_are_two_arrivals() -> None:
    assert arrivals(entry("u64 x = source();", "sink(x);", "sink(x);")) == [("entry", 4), ("entry", 5)]


def test_a_populate_callback_gets_what_the_owner_has() -> None:
    text = "static int filled(struct kvm *kvm, secret_t pfn)\n{\n\tsink(pfn);\n\treturn 0;\n}\n"
    assert arrivals(text + entry("populate(kvm, filled);")) == [("filled", 3)]


def test_what_was_looked_at_is_counted() -> None:
    result = solve(entry("u64 x = source();", "sink(x);", "sink(mode);"))
    assert (result.sources, result.sinks) == (1, 2)
    assert result.functions == 1
