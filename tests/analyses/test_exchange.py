"""Compare-exchanges, their helpers, and loops that advance."""

from __future__ import annotations

from analyzer.analyses.cycles import advances, loops_of
from analyzer.analyses.exchange import Exchanges
from tests.analyses.made import facts, function


def seen(text: str) -> list[tuple[str, str, bool, str]]:
    """Function, expected value, whether a failure refreshes it, and what a failure returns."""
    found = Exchanges(facts(text)).functions()
    return [(f.name, one.expected.text, one.refreshes, one.fails) for f, ones in found for one in ones]


def test_the_kinds() -> None:
    assert seen("void f(u64 *p, u64 old)\n{\n\tif (!try_cmpxchg64(p, &old, 1))\n\t\treturn;\n}\n") == [
        ("f", "old", True, "zero")
    ]
    assert seen("void f(u64 *p, u64 old)\n{\n\twhile (cmpxchg(p, old, 1) != old)\n\t\t;\n}\n") == [
        ("f", "old", False, "differs")
    ]


def test_a_helper_in_the_words_of_its_caller() -> None:
    body = "\tif (!try_cmpxchg64(it->p, &it->old, new))\n\t\treturn -EBUSY;\n\treturn 0;\n"
    helper = f"static int set(struct it *it, u64 new)\n{{\n{body}}}\n"
    caller = "void f(void)\n{\n\tstruct it i;\n\n\twhile (set(&i, 0))\n\t\t;\n}\n"
    assert seen(helper + caller)[-1] == ("f", "i.old", True, "nonzero")
    copy = helper.replace("\tif (!try", "\tu64 o = it->old;\n\n\tif (!try").replace("&it->old", "&o")
    assert seen(copy + caller)[-1] == ("f", "i.old", False, "nonzero")


def moves(*lines: str) -> bool:
    """Whether the one loop of a body advances at the call of ``ask()``."""
    made = function(
        "int f(struct kvm *kvm, int n)\n{\n\tint i = 0, r;\n\n" + "\n".join(lines) + "\n\treturn 0;\n}\n", "f"
    )
    home = next(n for n, b in enumerate(made.blocks) for i in b.instrs if getattr(i, "callee", "") == "ask")
    return all(advances(made, loop, home) for loop in loops_of(made))


def test_what_advances() -> None:
    assert moves("for (i = 0; i < n; i++) {", "r = ask(kvm, i);", "if (r)", "continue;", "}")
    assert moves("do {", "r = ask(kvm, 0);", "} while (r && ++i < 5);")
    assert not moves("do {", "r = ask(kvm, 0);", "} while (r);")
    assert not moves("again:", "r = ask(kvm, 0);", "if (r)", "goto again;")
    assert not moves("do {", "i++;", "r = ask(kvm, 0);", "} while (r);")
