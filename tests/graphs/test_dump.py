"""Dumps of the series, the IR, the calls and the locks; lock states along a path."""

from __future__ import annotations

import pytest

from analyzer.analyses.held import HeldResult, solve_held
from analyzer.callgraph.names import NameGraph
from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.graphs.dump import dump_calls, dump_held, dump_ir, dump_series
from analyzer.graphs.locks import NEVER, lock_states, show_state
from analyzer.series.types import BaseHint, FileDiff, FileStatus, Hunk, Patch, Series, Trailer
from rules.vocabulary.locks import VOCABULARY
from tests.callgraph.made import graph, program

LOCKS = {
    "a.c": """\
static void set_atomic(struct kvm *kvm)
{
	lockdep_assert_held_read(&kvm->mmu_lock);
	leaf(kvm);
}

void leaf(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->mmu_lock);
}

static void zap(struct kvm *kvm, bool shared)
{
	if (shared)
		set_atomic(kvm);
	else
		leaf(kvm);
}

int zap_all(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
	zap(kvm, false);
	write_unlock(&kvm->mmu_lock);
	return 0;
}

int zap_some(struct kvm *kvm)
{
	read_lock(&kvm->mmu_lock);
	zap(kvm, true);
	read_unlock(&kvm->mmu_lock);
	return 0;
}

int unrelated(int x)
{
	return x;
}
"""
}


@pytest.fixture(scope="module")
def held() -> HeldResult:
    made = program(LOCKS)
    return solve_held(made, NameGraph(made), VOCABULARY, frozenset(("mmu_lock",)), frozenset())


def path(*names: str) -> list[tuple[str, str]]:
    return [("a.c", name) for name in names]


def test_states_are_said_in_words() -> None:
    assert show_state(frozenset()) == "nothing"
    assert show_state(frozenset((("slots_lock", "x"), ("mmu_lock", "R")))) == "mmu_lock read, slots_lock held"


def test_states_of_functions_by_themselves(held: HeldResult) -> None:
    for name, words in {
        "zap": "mmu_lock read or write",
        "set_atomic": "mmu_lock read",
        "zap_all": "nothing held",
    }.items():
        assert lock_states(held, path(name)) == {("a.c", name): (words,)}
    assert lock_states(held, path("unrelated")) == {}


def test_states_along_a_path_follow_the_caller(held: HeldResult) -> None:
    keys = path("set_atomic", "leaf")
    assert lock_states(held, keys) == {keys[0]: ("mmu_lock read",), keys[1]: ("mmu_lock read",)}
    assert lock_states(held, keys[1:]) == {keys[1]: ("mmu_lock read or write",)}


def test_a_caller_that_changes_the_lock_says_nothing_of_its_callee(held: HeldResult) -> None:
    keys = path("zap_some", "zap")
    assert lock_states(held, keys)[keys[1]] == ("mmu_lock read or write",)


def test_a_path_that_no_run_takes_is_said_to_be_one() -> None:
    both = program({"a.c": LOCKS["a.c"].replace("zap(kvm, false);", "direct(kvm);") + DIRECT})
    result = solve_held(both, NameGraph(both), VOCABULARY, frozenset(("mmu_lock",)), frozenset())
    keys = path("direct", "zap", "leaf")
    assert lock_states(result, keys) == {keys[0]: ("mmu_lock write",), keys[1]: (NEVER,)}


DIRECT = """
void direct(struct kvm *kvm)
{
	int shared = 0;

	lockdep_assert_held_write(&kvm->mmu_lock);
	if (shared)
		zap(kvm, true);
}
"""


def test_held_by_function_and_context(held: HeldResult) -> None:
    text = dump_held(held, "a.c")
    assert text == dump_held(held, "a.c")
    assert text.splitlines() == [
        "set_atomic  a.c:1",
        "  enter: mmu_lock read  from zap() a.c:15",
        "    exit: mmu_lock read",
        "  asserts 3: lockdep_assert_held_read(&kvm->mmu_lock)  mmu_lock: proven",
        "leaf  a.c:7",
        "  enter: mmu_lock read  from set_atomic() a.c:4",
        "    exit: mmu_lock read",
        "  enter: mmu_lock write  from zap() a.c:17",
        "    exit: mmu_lock write",
        "  asserts 9: lockdep_assert_held(&kvm->mmu_lock)  mmu_lock: proven",
        "zap  a.c:12",
        "  enter: mmu_lock read  from zap_some() a.c:31  where shared = 1",
        "    exit: mmu_lock read",
        "  enter: mmu_lock write  from zap_all() a.c:23  where shared = 0",
        "    exit: mmu_lock write",
        "zap_all  a.c:20",
        "  enter: nothing  entry point",
        "    exit: nothing  returns 0",
        "zap_some  a.c:28",
        "  enter: nothing  entry point",
        "    exit: nothing  returns 0",
    ]


def test_a_file_that_was_not_read(held: HeldResult) -> None:
    with pytest.raises(AnalyzerError, match=r"no function of b\.c is among the files read"):
        dump_held(held, "b.c")
    with pytest.raises(AnalyzerError, match=r"no function of b\.c is in the call graph"):
        dump_calls(graph(LOCKS), "b.c")


def test_calls_by_function() -> None:
    text = dump_calls(
        graph({"a.c": "void g(struct ops *ops)\n{\n\tf(1);\n\tops->run();\n}\n", "b.c": "void f(int x)\n{\n}\n"}), "a.c"
    )
    assert text.splitlines() == [
        "function g  a.c:1",
        "      3  f  direct  b.c",
        "      4  unknown  unknown ops->run",
        "unresolved a.c:4 g(): ops->run",
    ]


def test_ir_of_a_function_and_of_a_file() -> None:
    made = program(
        {"a.c": "int f(int x)\n{\n\treturn g(x);\n}\n\nint g(int x)\n{\n\treturn x;\n}\n", "e.c": "int v;\n"}
    )
    one = dump_ir(made, ["f"])
    assert one.splitlines()[0] == "function f(int x) -> int  a.c:1"
    assert "%1 = g(x)" in one
    assert dump_ir(made, ["a.c"]) == one + dump_ir(made, ["a.c:g"])
    assert dump_ir(made, ["e.c"]) == ""


@pytest.mark.parametrize(
    ("name", "words"), [("h", "no function or macro h"), ("b.c", "b.c is not among the files read")]
)
def test_ir_of_what_is_not_there(name: str, words: str) -> None:
    with pytest.raises(AnalyzerError, match=words):
        dump_ir(program({"a.c": "int f(int x)\n{\n\treturn x;\n}\n"}), [name])


def test_ir_hides_control_characters() -> None:
    made = program({"a.c": 'int f(int x)\n{\n\treturn g("\x1b[2J\x07");\n}\n'})
    assert dump_ir(made, ["f"]).replace("\n", "").isprintable()


HUNK = Hunk(10, 2, 10, 3, "int f(void)", (" a", "-b", "+c", "+d"))
RENAMED = FileDiff("old.c", "new.c", FileStatus.RENAMED, (HUNK,))
PATCH = Patch(
    2, "2", "title\x1b[31m", "log", "A <a@b>", (Trailer("Signed-off-by", "A <a@b>"),), (RENAMED,), commit="1234abcd"
)


def test_a_series_with_patches_files_hunks_and_problems() -> None:
    problem = Problem(ProblemKind.MISSING_PATCH, "1/2", "not there")
    base = BaseHint(base_commit="f00", change_id="20260101-x", prerequisite_patch_ids=("abc",))
    series = Series("id1", "3", "the series", None, (PATCH,), base, 2, True, (problem,))
    assert dump_series(series).splitlines() == [
        "series v3 RFC  the series",
        "  id id1  patches 1 of 2",
        "  cover -",
        "  base f00",
        "  change-id 20260101-x",
        "  prerequisite patch abc",
        "  2  title\\x1b[31m",
        "      1234abcd  A <a@b>",
        "      Signed-off-by: A <a@b>",
        "      renamed new.c (was old.c)  +2 -1",
        "        @@ -10,2 +10,3 @@ int f(void)",
        "  problem missing-patch: 1/2: not there",
    ]
