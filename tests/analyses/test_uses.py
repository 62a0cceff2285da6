"""What becomes of the result of a call."""

from __future__ import annotations

import pytest

from analyzer.analyses.uses import Use, use_of
from tests.analyses.made import function


def use(*lines: str) -> Use:
    """The use of the result of the first call of ``ask()``."""
    text = (
        "int entry(struct kvm *kvm, int mode)\n{\n\tint r, other;\n\n"
        + "".join(f"\t{line}\n" for line in lines)
        + "}\n"
    )
    made = function(text, "entry")
    return use_of(made, next(call for call in made.calls() if call.callee == "ask"))


LOST = {
    "a statement": (("ask(kvm);", "return 0;"), "thrown away"),
    "a cast to void": (("(void)ask(kvm);", "return 0;"), "thrown away"),
    "never read": (("r = ask(kvm);", "return 0;"), "never looked at"),
    "overwritten": (("r = ask(kvm);", "r = other_call(kvm);", "return r;"), "overwritten"),
    "read on one branch": (("r = ask(kvm);", "if (mode)", "\treturn r;", "return 0;"), "never looked at"),
    "only logged": (("r = ask(kvm);", 'pr_err("%d", r);', "return 0;"), "never looked at"),
    "warned about": (("WARN_ON_ONCE(ask(kvm));", "return 0;"), "never looked at"),
    "acted on in one mode": (("r = ask(kvm);", "if (r && mode)", "\treturn r;", "return 0;"), "never looked at"),
    "success after an undo": (
        ("r = ask(kvm);", "if (r) {", "\tundo(kvm);", "\tr = 0;", "}", "return r;"),
        "turned into success",
    ),
    "logged and forgotten": (("r = ask(kvm);", "if (r)", '\tpr_warn("%d", r);', "return 0;"), "never looked at"),
    "a copy that nobody reads": (("r = ask(kvm);", "other = r;", "return 0;"), "never looked at"),
    "jumped over": (
        ("r = ask(kvm);", "if (mode)", "\tgoto out;", "if (r)", "\treturn r;", "out:", "return 0;"),
        "never",
    ),
    "the last of a loop": (("while (more(kvm))", "\tr = ask(kvm);", "return 0;"), ""),
}
KEPT = {
    "returned": ("return ask(kvm);",),
    "returned by a variable": ("r = ask(kvm);", "return r;"),
    "tested": ("if (ask(kvm))", "\treturn -EIO;", "return 0;"),
    "tested by a variable": (
        "r = ask(kvm);",
        "if (r < 0)",
        "\tgoto out;",
        "return 0;",
        "out:",
        "undo(kvm);",
        "return r;",
    ),
    "bugs the VM": ("r = ask(kvm);", "KVM_BUG_ON(r, kvm);", "return 0;"),
    "handed to a function": ("r = ask(kvm);", "finish(kvm, r);", "return 0;"),
    "an argument": ("finish(kvm, ask(kvm));", "return 0;"),
    "stored in a field": ("kvm->error = ask(kvm);", "return 0;"),
    "a copy that is read": ("r = ask(kvm);", "other = r;", "return other;"),
    "the condition of a loop": ("while (ask(kvm))", "\tcpu_relax();", "return 0;"),
    "one arm of a choice": ("return mode ? ask(kvm) : 0;",),
    "another error in one mode": ("r = ask(kvm);", "if (r) {", "\tif (mode)", "\t\treturn -EIO;", "}", "return r;"),
    "out of two tests to one label": (
        "r = ask(kvm);",
        "if (r)",
        "\tgoto out;",
        "if (mode)",
        "\tgoto out;",
        "return 0;",
        "out:",
        "return -EIO;",
    ),
    "another try": ("again:", "r = ask(kvm);", "if (r)", "\tgoto again;", "return 0;"),
    "logged and returned": ("r = ask(kvm);", "if (r)", '\tpr_warn("%d", r);', "return r;"),
    "switched over": ("switch (ask(kvm)) {", "case 0:", "\treturn 1;", "default:", "\tundo(kvm);", "}", "return 0;"),
    "added up": ("r = 0;", "r |= ask(kvm);", "return r;"),
}


@pytest.mark.parametrize("case", sorted(LOST))
def test_lost(case: str) -> None:
    lines, how = LOST[case]
    loss = use(*lines).loss
    assert loss is not None
    assert loss.how.startswith(how)


@pytest.mark.parametrize("case", sorted(KEPT))
def test_kept(case: str) -> None:
    assert use(*KEPT[case]).loss is None


def test_returned_and_handled() -> None:
    """A function that only hands the result on leaves it to its caller; one that acts on it has dealt with it."""
    handed = use("r = ask(kvm);", "if (r)", "\treturn r;", "return 0;")
    assert handed.returned and not handed.handled
    dealt = use("r = ask(kvm);", "if (r) {", "\tundo(kvm);", "\treturn -EIO;", "}", "return 0;")
    assert dealt.handled
    assert use("r = ask(kvm);", "return r;").returned
    assert not use("ask(kvm);", "return 0;").returned


def test_a_retry_ends() -> None:
    assert use("do {", "\tr = ask(kvm);", "} while (r == -EAGAIN);", "return r;").loss is None
