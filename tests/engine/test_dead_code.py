"""Dead code of a series: functions without users, lines behind jumps, branches that values rule out."""

from __future__ import annotations

import pytest

from analyzer.analyses.dead import behind
from analyzer.engine.expect_series import compare_series, example_facts, split_series
from analyzer.engine.registry import load_vocabulary
from analyzer.engine.run import run_series_rules
from rules.kvm.dead_code import RULE

A, B, H = "// path: arch/x86/kvm/a.c\n", "// path: arch/x86/kvm/b.c\n", "// path: arch/x86/kvm/a.h\n"
HELPER = "static int helper(int a)\n{\n\treturn a;\n}\n"
USER = "int u(int a)\n{\n\treturn helper(a);\n}\n"
GLOBAL = "int helper(int a)\n{\n\treturn a;\n}\n"


def found(text: str) -> list[str]:
    told = run_series_rules([RULE], example_facts(split_series(text), load_vocabulary()))
    assert told.problems == []
    return [f.message for f in told.findings]


def body(lines: str, old: str = "\treturn 0;") -> str:
    """A series that changes the body of one function."""
    heading = "int work(int a, int b)\n{\n\tint r;\n\n"
    return (
        f"// patch: 0 before\n{A}{heading}{old}\n}}\nEXPORT_SYMBOL(work);\n"
        f"// patch: 1 change\n{A}{heading}{lines}\n}}\nEXPORT_SYMBOL(work);\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"// patch: 1 add\n{A}{HELPER}",
        f"// patch: 1 add\n{A}{GLOBAL}",
        f"// patch: 1 add\n{A}{GLOBAL}{H}int helper(int a);\n",
        f"// patch: 1 add\n{A}{HELPER}int user(int a)\n{{\n\treturn helper(a);\n}}\nEXPORT_SYMBOL(user);\n"
        f"// patch: 2 drop\n{A}{HELPER}",
        f"// patch: 1 add\n{H}static inline int helper(int a)\n{{\n\treturn a;\n}}\n",
    ],
)
def test_a_function_without_a_user(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"// patch: 1 add\n{A}{GLOBAL}EXPORT_SYMBOL_GPL(helper);\n",
        f"// patch: 1 add\n{A}{HELPER}module_init(helper);\n",
        f"// patch: 1 add\n{A}{HELPER}static struct ops ops = {{\n\t.op = helper,\n}};\n",
        f"// patch: 1 add\n{A}{HELPER}static int (*all[])(int) = {{ helper }};\n",
        f"// patch: 1 add\n{A}{HELPER}#define USE(a) helper(a)\n",
        f"// patch: 1 add\n{A}{HELPER.replace('helper', 'vt_reset')}#define vt_op(name) vt_##name\nOP(reset)\n",
        f"// patch: 1 add\n{A}{GLOBAL}\n// patch: 2 use\n{B}{USER}EXPORT_SYMBOL(u);\n",
        f"// patch: 0 before\n{A}bool helper(int a)\n{{\n\treturn a;\n}}\n// patch: 1 type\n{A}{GLOBAL}",
        f"// patch: 0 before\n{A}{HELPER}\n// patch: 1 move\n// path: arch/x86/kvm/a.c\n\n{B}{HELPER}",
        f"// patch: 1 add\n{A}{HELPER}\n// patch: 2 drop\n// path: arch/x86/kvm/a.c\n\n",
    ],
)
def test_a_function_with_a_user(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "lines",
    [
        "\treturn a;\n\tnote(b);\n\treturn 0;",
        "\tgoto out;\n\tnote(b);\nout:\n\treturn 0;",
        "\tif (a) {\n\t\treturn 1;\n\t\tnote(b);\n\t}\n\treturn 0;",
        "\tif (0)\n\t\tnote(b);\n\treturn 0;",
        "\tr = 0;\n\tif (r)\n\t\tnote(b);\n\treturn 0;",
        "\tif (a)\n\t\treturn 1;\n\tif (a)\n\t\tnote(b);\n\treturn 0;",
        "\tr = -EIO;\n\tif (r)\n\t\treturn r;\n\telse\n\t\tnote(b);\n\treturn 0;",
        "\twhile (a) {\n\t\tcontinue;\n\t\tnote(b);\n\t}\n\treturn 0;",
    ],
)
def test_lines_that_nothing_reaches(lines: str) -> None:
    assert len(found(body(lines))) == 1
    assert found(body(lines, lines + "\n")) == []  # there before the series


@pytest.mark.parametrize(
    "lines",
    [
        "\tif (a)\n\t\treturn 1;\n\tnote(b);\n\treturn 0;",
        "\tgoto out;\nout:\n\treturn 0;",
        "\tswitch (a) {\n\tcase 1:\n\t\treturn 1;\n\t\tbreak;\n\tdefault:\n\t\tbreak;\n\t}\n\treturn 0;",
        "\tdo {\n\t\tnote(b);\n\t} while (0);\n\treturn 0;",
        "\tr = 0;\n\tfill(&r);\n\tif (r)\n\t\tnote(b);\n\treturn 0;",
        "\tfor (r = 0; r < a; r++)\n\t\tif (r)\n\t\t\tnote(b);\n\treturn 0;",
        "\tfor (r = 64; r >= 0; r -= 32)\n\t\tif (a)\n\t\t\treturn r;\n\treturn 0;",
        "\tfor (r = 4; r < 64; r += 4)\n\t\tif (a)\n\t\t\treturn r;\n\tnote(b);\n\treturn 0;",
        "\tif (IS_ENABLED(CONFIG_X))\n\t\tnote(b);\n\treturn 0;",
        "\tr = 0;\n\tif (a)\n\t\tr = 1;\n\tif (r)\n\t\tnote(b);\n\treturn 0;",
        "\tif (WARN_ON_ONCE(a))\n\t\treturn 1;\n\tnote(b);\n\treturn 0;",
        "\tif (a)\n\t\tgoto out;\n\telse\n\t\treturn 2;\nout:\n\tnote(b);\n\treturn 0;",
    ],
)
def test_lines_that_something_reaches(lines: str) -> None:
    assert found(body(lines)) == []


def test_the_finding_is_at_the_patch_that_made_it() -> None:
    text = f"// patch: 1 other\n{B}int x;\n// patch: 2 add\n{A}{HELPER.replace('(int a)', '(int a)  // expect', 1)}"
    assert compare_series(RULE, text, load_vocabulary()) == []


@pytest.mark.parametrize(
    ("body", "known"),
    [("\n", True), ("\tWARN_ON_ONCE(1);\n\treturn -EIO;\n", True), ("\treset(a);\n", False), ("\treturn a;\n", False)],
)
def test_a_stub_may_stand_in_for_what_is_not_shown(body: str, known: bool) -> None:
    """In mails alone: the function that it replaces in other configurations has callers elsewhere."""
    text = f"// patch: 1 add\n{H}static inline int helper(int a)\n{{\n{body}}}\n"
    facts = example_facts(split_series(text), load_vocabulary())
    assert len(run_series_rules([RULE], facts).findings) == 1
    facts.steps[0].after.partial_files = frozenset(("arch/x86/kvm/a.h",))
    assert len(run_series_rules([RULE], facts).findings) == (0 if known else 1)


@pytest.mark.parametrize("whole", [True, False])
def test_an_empty_line_of_a_part_may_be_a_label(whole: bool) -> None:
    lines = ["{", "\treturn 0;", "", "\treturn 1;", "}"]
    assert [b.line for b in behind(lines, 1, 5, whole)] == ([4] if whole else [])
    assert [b.line for b in behind([*lines[:2], *lines[3:]], 1, 4, whole)] == [3]
