"""Which errors a function may return, what tests leave of them, and where they lose their sign."""

from __future__ import annotations

import pytest

from analyzer.analyses.errors import Errors
from analyzer.analyses.reception import narrow_kind, signed
from analyzer.analyses.tokens import Token
from rules.vocabulary.errnos import KNOWN
from tests.analyses.made import PATH, facts

BASE = """
static int deep(struct kvm *kvm)
{
        if (!kvm->a)
                return -EINVAL;
        if (kvm->b)
                return -EBUSY;
        return 0;
}
"""


def results(body: str, name: str = "asked", shallow: bool = False) -> dict[str, Token]:
    """The tokens of a function that follows the base, by name; the last of equal names."""
    made = facts(BASE + body)
    found = Errors(made, KNOWN, shallow).results((PATH, name))
    return {t.name if not t.hides else f"{t.name}<{t.hides}": t for t in found}


def errors(body: str) -> set[str]:
    return {t.name for t in results(body).values() if t.known}


def asked(*lines: str) -> str:
    return (
        "int asked(struct kvm *kvm, int given)\n{\n\tint r, other = 0;\n\n" + "".join(f"\t{x}\n" for x in lines) + "}\n"
    )


SEEN = {
    "returned": (("return deep(kvm);",), {"EINVAL", "EBUSY"}),
    "by a variable": (("r = deep(kvm);", "return r;"), {"EINVAL", "EBUSY"}),
    "by a copy": (("r = deep(kvm);", "other = r;", "return other;"), {"EINVAL", "EBUSY"}),
    "one is dealt with": (("r = deep(kvm);", "if (r == -EBUSY)", "\treturn 0;", "return r;"), {"EINVAL"}),
    "only one is left": (("r = deep(kvm);", "if (r != -EBUSY)", "\treturn 0;", "return r;"), {"EBUSY"}),
    "success only": (("r = deep(kvm);", "if (r)", "\treturn 1;", "return r;"), set()),
    "negative is told": (("r = deep(kvm);", "if (r < 0)", "\treturn 1;", "return r;"), set()),
    "the other way round": (("r = deep(kvm);", "if (0 > r)", "\treturn 1;", "return r;"), set()),
    "overwritten": (("r = deep(kvm);", "r = 0;", "return r;"), set()),
    "another instead": (("if (deep(kvm))", "\treturn -ENOMEM;", "return 0;"), {"ENOMEM"}),
    "an error pointer": (("return PTR_ERR(ERR_PTR(deep(kvm)));",), {"EINVAL", "EBUSY"}),
    "a conditional": (("r = deep(kvm);", "return r < 0 ? r : 0;"), {"EINVAL", "EBUSY"}),
    "switch": (
        ("r = deep(kvm);", "switch (r) {", "case -EBUSY:", "\treturn 0;", "default:", "\treturn r;", "}"),
        {"EINVAL"},
    ),
}


@pytest.mark.parametrize(("lines", "expected"), SEEN.values(), ids=SEEN)
def test_the_errors_that_are_left(lines: tuple[str, ...], expected: set[str]) -> None:
    assert errors(asked(*lines)) == expected


def test_a_helper_hands_on_what_it_is_given() -> None:
    helper = "static int note(struct kvm *kvm, int err)\n{\n\tkvm->x = err;\n\treturn err;\n}\n"
    assert errors(helper + asked("return note(kvm, deep(kvm));")) == {"EINVAL", "EBUSY"}
    assert errors(helper + asked("return note(kvm, 0);")) == set()


def test_a_call_through_a_table_gives_what_its_functions_give() -> None:
    table = "static struct kvm_x86_ops ops = { .ask = deep };\n"
    assert errors(table + asked("return kvm_x86_call(ask)(kvm);")) == {"EINVAL", "EBUSY"}


def test_recursion_ends() -> None:
    body = "int asked(struct kvm *kvm, int n)\n{\n\tif (n)\n\t\treturn asked(kvm, n - 1);\n\treturn -EIO;\n}\n"
    assert errors(body) == {"EIO"}


def test_an_error_after_a_bugged_vm_is_told_apart() -> None:
    assert results(asked("if (KVM_BUG_ON(!kvm->a, kvm))", "\treturn -EIO;", "return 0;"))["EIO"].bugged
    assert results(asked("r = deep(kvm);", "KVM_BUG_ON(r, kvm);", "return r;"))["EINVAL"].bugged
    assert not results(asked("if (WARN_ON(!kvm->a))", "\treturn -EIO;", "return 0;"))["EIO"].bugged


def test_null_of_a_helper_that_bugs_the_vm_is_bugged_too() -> None:
    check = "KVM_BUG_ON(!kvm->a, kvm)"
    helper = f"static void *find(struct kvm *kvm)\n{{\n\tif ({check})\n\t\treturn NULL;\n\treturn &kvm->a;\n}}\n"
    caller = asked("if (!find(kvm))", "\treturn -EIO;", "return 0;")
    assert results(helper + caller)["EIO"].bugged
    assert not results(helper.replace(check, "!kvm->a") + caller)["EIO"].bugged


def test_a_retry_stands_for_the_error_before_it() -> None:
    lines = ("r = deep(kvm);", "if (r)", "\treturn RET_PF_RETRY;", "return RET_PF_FIXED;")
    assert {"RET_PF_RETRY<EINVAL", "RET_PF_RETRY<EBUSY"} <= set(results(asked(*lines)))
    told = ("r = deep(kvm);", "if (r < 0)", "\treturn r;", "return RET_PF_RETRY;")
    assert not [name for name in results(asked(*told)) if "<" in name]


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (("bool b = deep(kvm);", "return b;"), "bool"),
        (("u8 b = deep(kvm);", "return b;"), "bool"),
        (("unsigned int b = deep(kvm);", "return b;"), "unsigned"),
        (("r = deep(kvm);", "return !!r;"), "bool"),
        (("r = deep(kvm);", "return r < 0;"), "bool"),
        (("long b = deep(kvm);", "return b;"), ""),
    ],
)
def test_where_the_sign_is_lost(lines: tuple[str, ...], kind: str) -> None:
    assert {t.narrow for t in results(asked(*lines)).values() if t.known} == {kind}


def test_a_first_look_finds_no_less() -> None:
    """What the full look returns as an error, a first look returns as some error."""
    for lines, expected in SEEN.values():
        if expected and "ENOMEM" not in expected:
            assert any(t.known for t in results(asked(*lines), shallow=True).values()), lines


def test_the_trace_leads_to_where_the_error_is_written() -> None:
    made = facts(BASE + asked("return deep(kvm);"))
    found = Errors(made, KNOWN)
    token = next(t for t in found.results((PATH, "asked")) if t.name == "EINVAL")
    assert [s.function for s in found.trace((PATH, "asked"), token)] == ["asked", "deep"]


def test_types() -> None:
    assert [narrow_kind(t) for t in ("const bool", "u8", "static inline u32", "int", "struct kvm *")] == [
        "bool", "bool", "unsigned", "", "",
    ]  # fmt: skip
    assert signed("static int") and signed("long") and not signed("void") and not signed("u64")


@pytest.mark.parametrize(
    ("helper", "possible"),
    [
        ("static int stub(struct kvm *kvm)\n{\n\treturn 0;\n}\n", False),
        ("static int stub(struct kvm *kvm)\n{\n\tif (kvm->a)\n\t\treturn 1;\n\treturn 0;\n}\n", True),
        ("static int stub(struct kvm *kvm)\n{\n\treturn kvm->a;\n}\n", True),
        ("int __weak stub(struct kvm *kvm)\n{\n\treturn 0;\n}\n", True),
    ],
)
def test_behind_a_stub_that_cannot_fail_nothing_is_returned(helper: str, possible: bool) -> None:
    found = results(helper + asked("r = stub(kvm);", "if (r)", "\treturn -EIO;", "return 0;"))
    assert ("EIO" in found) is possible
