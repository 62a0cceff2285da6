"""API churn: made-up series of every shape, rebuilt images, the labelled series, the real one."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import pytest

from analyzer.core.finding import Change, Finding, Severity
from analyzer.core.limits import DEFAULT
from analyzer.engine.expect_series import compare_series, example_facts, split_series
from analyzer.engine.rule import complete
from analyzer.engine.run import run_series_rules
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.frontend.load import UnitCache, load
from analyzer.ir.effect import Vocabulary
from analyzer.series.assemble import load_series, series_from_text
from analyzer.series.diff import added_lines
from analyzer.series.types import Series
from analyzer.tree.base import Base
from analyzer.tree.files import DirectoryFiles
from analyzer.tree.steps import PatchStep, walk
from rules.series.api_churn import RULE

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
SERIES = sorted(path.parent for path in (CORPUS / "series").glob("*/expect.toml"))
CODE = ("arch", "include", "virt")

H, C, K = "// path: include/linux/a.h\n", "// path: virt/a.c\n", "// path: arch/x86/kvm/k.c\n"
CALL = f"{K}int k(void)\n{{\n\treturn a_split(1);\n}}\n"
MARK = "  // expect"


def api(types: str, mark: str = "", head: str = "int") -> str:
    """A header with the prototype of a_split() and a file with its definition."""
    return f"{H}{head} a_split({types});{mark}\n{C}{head} a_split({types})\n{{\n\treturn 0;\n}}\n"


def op(types: str, mark: str = "", listed: str = "KVM_X86_OP_OPTIONAL") -> str:
    """A struct of ops with the member split, and the line of the list; the mark goes to the first line."""
    first, *rest = types.split("\n")
    member = "\n".join([f"\tint (*split)({first}{'' if rest else ');'}{mark}", *rest]) + (");" if rest else "")
    return (
        f"// path: arch/x86/include/asm/kvm_host.h\nstruct kvm_x86_ops {{\n\tint (*old)(int a);\n{member}\n}};\n"
        f"// path: arch/x86/include/asm/kvm-x86-ops.h\n{listed}(split)\n"
    )


OP_CALL = f"{K}int k(void)\n{{\n\treturn kvm_x86_call(split)(1);\n}}\n"
POINTER_CALL = f"{K}int k(struct kvm_x86_ops *ops)\n{{\n\treturn ops->split(1);\n}}\n"

BAD = {
    "a parameter more": (api("int a", MARK), CALL, api("int a, int b")),
    "used by the patch that adds it": (api("int a", MARK) + CALL, api("int a, int b")),
    "another type": (api("struct page *p", MARK), CALL, api("struct folio *p")),
    "another result": (api("int a", MARK), CALL, api("int a", head="bool")),
    "a lock mode": (api("int a", MARK), CALL, "// path: virt/other.c\nint o;\n", api("int a, bool shared")),
    "the second line of a prototype": (
        api("int a,\n\t    int b").replace("a,", f"a,{MARK}", 1),
        CALL,
        api("int a,\n\t    u64 b"),
    ),
    "removed once it is used": (api("int a", MARK), CALL, f"{H}{C}{K}int k(void)\n{{\n\treturn 0;\n}}\n"),
    "another name": (api("int a", MARK), CALL, (api("int a") + CALL).replace("a_split", "a_cut")),
    "handed to a call": (
        api("int a", MARK),
        f"{K}int k(void)\n{{\n\treturn no_vcpus(a_split, 1);\n}}\n",
        api("int a, int b"),
    ),
    "no prototype in a header": (
        f"{C}int a_split(int a){MARK}\n{{\n\treturn 0;\n}}\nint k(void)\n{{\n\treturn a_split(1);\n}}\n",
        f"{C}int a_split(u64 a)\n{{\n\treturn 0;\n}}\nint k(void)\n{{\n\treturn a_split(1);\n}}\n",
    ),
    "changed while it moves": (api("int a", MARK), CALL, api("u64 a").replace("virt/a.c", "virt/b.c") + C),
    "an op, by its list": (op("int a", MARK), OP_CALL, op("int a, bool shared")),
    "an op, by a pointer": (op("int a", MARK), POINTER_CALL, op("u64 a")),
    "an op, by a static call": (
        op("int a", MARK),
        OP_CALL.replace("kvm_x86_call(", "static_call(kvm_x86_"),
        op("u64 a"),
    ),
    "an op over two lines": (op("int a,\n\t\t     int b", MARK), OP_CALL, op("int a,\n\t\t     bool shared")),
    "an op that must be there from now on": (op("int a", MARK), OP_CALL, op("int a", listed="KVM_X86_OP")),
}

STATIC = f"{C}static int a_split(int a)\n{{\n\treturn 0;\n}}\nint k(void)\n{{\n\treturn a_split(1);\n}}\n"
ARMS = "#ifdef CONFIG_A\nint a_split(int a);\n#else\nstatic inline int a_split(int a)\n{\n\treturn 0;\n}\n#endif\n"
GOOD = {
    "complete from the start": (api("int a, int b"), CALL, f"{C}int a_split(int a, int b)\n{{\n\treturn 1;\n}}\n"),
    "a static helper grows": (STATIC, STATIC.replace("int a)", "int a, int b)").replace("t(1)", "t(1, 2)")),
    "an inline helper of a header grows": (
        f"{H}static inline int a_split(int a)\n{{\n\treturn a;\n}}\n",
        CALL,
        f"{H}static inline int a_split(int a, int b)\n{{\n\treturn a;\n}}\n",
    ),
    "there before the series": ("0" + api("int a"), CALL, api("int a, int b")),
    "there before the series as a static": ("0" + STATIC, api("int a"), CALL, api("int a, int b")),
    "there before the series, changed twice": ("0" + api("int a"), api("int b, int a"), CALL, api("u64 a")),
    "there before the series, gone for a while": (
        "0" + api("int a"),
        H + C + K + "int k(void);\n",
        api("int a") + CALL,
        api("u64 a"),
    ),
    "becomes a macro": (api("int a"), CALL, f"{H}#define a_split(a) (0)\n{C}"),
    "changed before it is used": (api("int a"), api("int a, int b"), CALL),
    "changed by the patch that uses it": (api("int a"), api("int a, int b") + CALL),
    "never used": (api("int a"), api("int a, int b")),
    "only named in a comment and a message": (
        api("int a"),
        f'{K}int k(void)\n{{\n\t/*\n\t * see a_split() there\n\t */\n\treturn warn("a_split() fails");\n}}\n',
        api("int a, int b"),
    ),
    "a member of that name is called": (api("int a"), CALL.replace("a_split", "ops->a_split"), api("u64 a")),
    "moves to another file": (api("int a"), CALL, api("int a").replace("virt/a.c", "virt/b.c") + C),
    "the header gets another name": (api("int a"), CALL, api("int a").replace("/a.h", "/b.h") + H),
    "a parameter gets another name": (api("int a, int b"), CALL, api("int first, int second")),
    "laid out in another way": (api("int a, struct page *p"), CALL, api("int a,\n\t    struct page * p")),
    "an attribute more": (api("int a"), CALL, api("int a", head="int noinstr")),
    "calls itself only": (
        f"{H}int a_split(int a);\n{C}int a_split(int a)\n{{\n\treturn a_split(a - 1);\n}}\n",
        api("int a, int b"),
    ),
    "an op that was there": ("0" + op("int a"), OP_CALL, op("int a, int b")),
    "an op that was there, changed twice": ("0" + op("int a"), op("int a, int b"), OP_CALL, op("u64 a")),
    "an op that nobody calls yet": (op("int a"), op("int a, int b"), OP_CALL),
    "a pointer in a struct of one file": (
        f"{C}struct ops {{\n\tint (*split)(int a);\n}};\nint k(struct ops *o)\n{{\n\treturn o->split(1);\n}}\n",
        f"{C}struct ops {{\n\tint (*split)(u64 a);\n}};\nint k(struct ops *o)\n{{\n\treturn o->split(1);\n}}\n",
    ),
    "an arm for another configuration": (api("int a"), CALL, H + ARMS),
    "an arm with types of its own": (
        api("int a"),
        CALL,
        H + ARMS.replace("inline int a_split(int", "inline int a_split(u64"),
    ),
}


def example(parts: tuple[str, ...]) -> str:
    """The text of an example: one patch a part; a part that begins with 0 is the state before."""
    start = 0 if parts[0][0] == "0" else 1
    return "".join(f"// patch: {number} t\n{part.lstrip('0')}" for number, part in enumerate(parts, start))


@pytest.mark.parametrize("parts", BAD.values(), ids=BAD.keys())
def test_churn_is_found_where_the_api_is_introduced(parts: tuple[str, ...]) -> None:
    assert MARK in example(parts)
    assert compare_series(RULE, example(parts), Vocabulary()) == []


@pytest.mark.parametrize("parts", GOOD.values(), ids=GOOD.keys())
def test_what_is_no_churn_is_left_alone(parts: tuple[str, ...]) -> None:
    assert MARK not in example(parts)
    assert compare_series(RULE, example(parts), Vocabulary()) == []


def test_the_rule_is_complete_and_its_examples_hold() -> None:
    assert [m for m in complete(RULE) if m != "text"] == []
    assert all(MARK.strip() in text for text in RULE.bad)
    assert [compare_series(RULE, text, Vocabulary()) for text in (*RULE.bad, *RULE.good)] == [[], []]


def findings(facts: SeriesFacts) -> list[Finding]:
    outcome = run_series_rules([RULE], facts)
    assert outcome.problems == []
    return outcome.findings


def test_a_finding_tells_the_whole_story() -> None:
    other = "// path: virt/other.c\nint o;\n"
    parts = (other, api("int a"), CALL, api("int a, int b"), api("int a, int b", head="bool"), f"{H}{C}{K}")
    [found] = findings(example_facts(split_series(example(parts)), Vocabulary()))
    assert (found.patch, str(found.location), found.function) == (2, "include/linux/a.h:1", "a_split")
    assert (found.severity, found.change, found.rule) == (Severity.WARNING, Change.INTRODUCED, "series-api-churn")
    assert "by patch 2, used by patch 3 and changed by patches 4 and 5 and removed by patch 6" in found.message
    assert [(str(s.location), s.function, s.note) for s in found.trace] == [
        ("include/linux/a.h:1", "a_split", "patch 2 introduces it: int (int)"),
        ("arch/x86/kvm/k.c:3", "k", "patch 3 uses it"),
        ("include/linux/a.h:1", "a_split", "patch 4 adds int"),
        ("include/linux/a.h:1", "a_split", "patch 5 makes int bool"),
        ("include/linux/a.h", "a_split", "patch 6 takes it away"),
    ]


def test_a_mark_that_is_not_met_and_a_finding_without_a_mark_are_told() -> None:
    bad = example(BAD["a parameter more"])
    [miss] = compare_series(RULE, bad.replace(MARK, ""), Vocabulary())
    assert (miss.kind, miss.path, miss.line) == ("unexpected", "patch 1: include/linux/a.h", 1)
    [miss] = compare_series(RULE, example((api("int a", MARK), CALL)), Vocabulary())
    assert (miss.kind, miss.path, miss.line) == ("missed", "patch 1: include/linux/a.h", 1)
    with pytest.raises(ValueError, match="before 'int a;'"):
        split_series("int a;\n// patch: 1 t\n")


# -- mails ---------------------------------------------------------------------------------------------------------


def added(step: PatchStep) -> dict[str, frozenset[int]]:
    """The lines that a patch adds, by path, where they stand behind it."""
    assert step.patch is not None
    images = {f.path: step.after.read(f.path) for f in step.patch.files}
    return {
        f.path: added_lines(f, image.text.decode().split("\n") if (image := images[f.path]) else ())
        for f in step.patch.files
    }


def facts_of(series: Series, base: Base | None = None) -> SeriesFacts:
    cache = UnitCache()
    steps = []
    for step in walk(series, base):
        before, after = (
            load(s, [p for p in s.paths(CODE) if p.endswith((".c", ".h"))], cache) for s in (step.before, step.after)
        )
        assert step.patch is not None
        patch = step.patch
        steps.append(SeriesStep(patch.index, patch.title, patch.log, before, after, added(step), step.touched))
    return SeriesFacts(tuple(steps), Vocabulary())


def mail(number: int, total: int, diff: str) -> str:
    thread = "" if number == 1 else "In-Reply-To: <1.churn@example.org>\n"
    return (
        f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
        f"Date: Mon, 23 Mar 2026 09:0{number}:00 +0000\nMessage-ID: <{number}.churn@example.org>\n{thread}"
        f"Subject: [PATCH {number}/{total}] t{number}\n\nwhy\n---\n{diff}\n"
    )


def rebuilt(*diffs: str) -> SeriesFacts:
    """The facts of a series that is known from its mails alone."""
    text = "".join(mail(n, len(diffs), diff) for n, diff in enumerate(diffs, 1))
    [series], problems = series_from_text(text.encode(), "test")
    assert [*problems, *series.problems] == []
    assert len(series.patches) == len(diffs)
    return facts_of(series)


def change(path: str, *hunks: str) -> str:
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n" + "".join(hunks)


NEW = change(
    "virt/a.c", "@@ -40,2 +40,7 @@ int b(void)\n }\n+int a_split(int a,\n+\t    int b)\n+{\n+\treturn 0;\n+}\n \n"
) + change("include/linux/a.h", "@@ -9,2 +9,4 @@\n int b(void);\n+int a_split(int a,\n+\t    int b);\n int c(void);\n")
USE = change("arch/x86/kvm/k.c", "@@ -70,3 +70,4 @@ int k(void)\n \tint r;\n \n+\tr = a_split(1, 2);\n \treturn r;\n")


def test_rebuilt_images_show_a_change_of_the_second_line() -> None:
    grown = change("include/linux/a.h", "@@ -11,2 +11,2 @@\n-\t    int b);\n+\t    int b, int c);\n int c(void);\n")
    grown += change("virt/a.c", "@@ -42,2 +42,2 @@ int b(void)\n-\t    int b)\n+\t    int b, int c)\n {\n")
    [found] = findings(rebuilt(NEW, USE, grown))
    assert (found.patch, str(found.location)) == (1, "include/linux/a.h:10")
    assert str(found.trace[1].location) == "arch/x86/kvm/k.c:72"
    assert found.trace[-1].note == "patch 3 adds int"


def test_a_hole_in_a_parameter_list_is_no_change() -> None:
    """Of the prototype no more than the first line is known; what follows the hole belongs to something else."""
    first, other = (
        "@@ -9,1 +9,2 @@\n int b(void);\n+int a_split(int a,\n",
        "@@ -14,2 +15,2 @@\n \t    u64 x);\n-int d;\n+u64 d;\n",
    )
    beyond = "@@ -15,2 +15,2 @@\n-\t    u64 x);\n+\t    u32 x, int y);\n u64 d;\n"
    header = "include/linux/a.h"
    assert findings(rebuilt(DEFINED + change(header, first, other), USE, change(header, beyond))) == []


DEFINED = change("virt/a.c", "@@ -40,1 +40,5 @@ int b(void)\n }\n+int a_split(int a, int b)\n+{\n+\treturn 0;\n+}\n")
WIDER = "@@ -41,2 +41,2 @@\n-int a_split(int a, int b)\n+int a_split(u64 a, int b)\n {\n"


def test_a_declaration_that_surfaces_later_makes_the_api_an_older_one() -> None:
    """Patch 1 adds an arm for another configuration; that there is one already is seen in patch 3 only."""
    shown = "@@ -90,4 +90,4 @@\n-int other;\n+u64 other;\n int a_split(int a, int b)\n {\n \treturn 1;\n"
    both = WIDER + "@@ -91,2 +91,2 @@\n-int a_split(int a, int b)\n+int a_split(u64 a, int b)\n {\n"
    assert len(findings(rebuilt(DEFINED, USE, change("virt/a.c", WIDER)))) == 1
    assert findings(rebuilt(DEFINED, USE, change("virt/a.c", shown), change("virt/a.c", both))) == []


def test_a_caller_that_was_there_makes_the_api_an_older_one() -> None:
    caller = change("virt/b.c", "@@ -7,3 +7,4 @@ int old(void)\n \ta_split(1, 2);\n+\tmore();\n \treturn 0;\n }\n")
    exported = change("virt/b.c", "@@ -7,2 +7,3 @@ int old(void)\n EXPORT_SYMBOL_GPL(a_split);\n+int new;\n \n")
    assert findings(rebuilt(DEFINED + caller, USE, change("virt/a.c", WIDER))) == []
    assert findings(rebuilt(DEFINED + exported, USE, change("virt/a.c", WIDER))) == []


def test_a_prototype_for_what_is_defined_elsewhere_is_no_new_api() -> None:
    declared = change(
        "include/linux/a.h", "@@ -9,2 +9,3 @@\n int b(void);\n+int a_split(int a, int b);\n int c(void);\n"
    )
    grown = "@@ -10,2 +10,2 @@\n-int a_split(int a, int b);\n+int a_split(int a);\n int c(void);\n"
    assert findings(rebuilt(declared, USE, change("include/linux/a.h", grown))) == []
    assert (
        len(findings(rebuilt(declared + DEFINED, USE, change("include/linux/a.h", grown) + change("virt/a.c", WIDER))))
        == 1
    )


def test_words_in_the_middle_of_a_comment_are_no_call() -> None:
    comment = change(
        "arch/x86/kvm/k.c", "@@ -70,2 +70,3 @@\n  * of what is\n+ * split, see a_split() for more,\n  * and so on\n"
    )
    assert findings(rebuilt(DEFINED, comment, change("virt/a.c", WIDER))) == []


@functools.cache
def corpus_findings(folder: Path, on_tree: bool) -> tuple[SeriesFacts, list[Finding]]:
    [series], _ = load_series(sorted(folder.glob("*.patch")), None, DEFAULT)
    base = Base("", "test", DirectoryFiles(CORPUS / "trees" / "minikvm")) if on_tree else None
    facts = facts_of(series, base)
    return facts, findings(facts)


@pytest.mark.parametrize("on_tree", [False, True], ids=["mails", "tree"])
@pytest.mark.parametrize("folder", SERIES, ids=lambda folder: folder.name)
def test_labelled_series(folder: Path, on_tree: bool) -> None:
    """One finding for each label, silence elsewhere; the labelled line, in whichever patch, is in the trace."""
    labels = tomllib.loads((folder / "expect.toml").read_text()).get("expect", [])
    labels = [label for label in labels if label["rule"] == RULE.id]
    facts, found = corpus_findings(folder, on_tree)
    assert [f.function for f in found] == [label["function"] for label in labels]
    for finding, label in zip(found, labels, strict=True):
        lines = facts.steps[label["patch"] - 1].after.code(label["path"]).split("\n")
        places = [s.location for s in finding.trace if s.location.path == label["path"]]
        assert any(label["contains"] in lines[place.line - 1] for place in places)


@pytest.mark.parametrize("on_tree", [False, True], ids=["mails", "tree"])
def test_the_wrapper_in_three_steps_is_found_at_its_introduction(on_tree: bool) -> None:
    _, [found] = corpus_findings(CORPUS / "series" / "cache-wb-in-three-steps", on_tree)
    assert (found.patch, found.location.path) == (1, "arch/x86/include/asm/tdx.h")
    assert found.trace[1].location.path == "arch/x86/kvm/vmx/tdx.c"
    assert "used by patch 2 and changed by patch 3" in found.message


def test_the_real_series(shared: Path) -> None:
    """DEMOTE came in three steps, and the op for splitting in two; nothing else of 24 patches is churn."""
    [series], _ = load_series([shared / "corpus" / "lore" / "tdx-hugepage-v3"], None, DEFAULT)
    found = findings(facts_of(series))
    assert [(f.patch, f.location.path, f.function) for f in found] == [
        (2, "arch/x86/include/asm/tdx.h", "tdh_mem_page_demote"),
        (7, "arch/x86/include/asm/kvm_host.h", "split_external_spte"),
    ]
    assert "used by patch 8 and changed by patches 22 and 23" in found[0].message
    assert "used by patch 7 and changed by patch 9" in found[1].message
