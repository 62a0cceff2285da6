"""Locks: which are held, in which mode, on every path to a call."""

from __future__ import annotations

import pytest

from tests.analyses.made import held, modes, statuses

HELPERS = """
static void lock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_lock(&kvm->mmu_lock);
	else
		write_lock(&kvm->mmu_lock);
}
static void unlock(struct kvm *kvm, bool shared)
{
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}
"""


def body(*lines: str, head: str = "void entry(struct kvm *kvm)") -> str:
    return head + "\n{\n\t" + "\n\t".join(lines) + "\n}\n"


@pytest.mark.parametrize(
    ("lock", "unlock", "mode"),
    [
        ("read_lock(&kvm->mmu_lock);", "read_unlock(&kvm->mmu_lock);", "r"),
        ("write_lock(&kvm->mmu_lock);", "write_unlock(&kvm->mmu_lock);", "w"),
        ("KVM_MMU_LOCK(kvm);", "KVM_MMU_UNLOCK(kvm);", "w"),
        ("spin_lock(&kvm->mmu_lock);", "spin_unlock(&kvm->mmu_lock);", "x"),
        ("mutex_lock(&kvm->mmu_lock);", "mutex_unlock(&kvm->mmu_lock);", "x"),
        ("write_lock_irqsave(&kvm->mmu_lock, flags);", "write_unlock_irqrestore(&kvm->mmu_lock, flags);", "w"),
    ],
)
def test_a_lock_and_its_end(lock: str, unlock: str, mode: str) -> None:
    assert modes(body(lock, "operate(kvm);", unlock)) == {mode}
    assert modes(body(lock, unlock, "operate(kvm);")) == {"-"}
    assert modes(body("operate(kvm);", lock, unlock)) == {"-"}


def test_another_lock_is_another_lock() -> None:
    assert modes(body("write_lock(&kvm->other_lock);", "operate(kvm);", "write_unlock(&kvm->other_lock);")) == {"-"}


def test_the_mode_by_a_flag_that_callers_set() -> None:
    caller = body("lock(kvm, %s);", "operate(kvm);", "unlock(kvm, %s);")
    assert modes(HELPERS + caller.replace("%s", "true")) == {"r"}
    assert modes(HELPERS + caller.replace("%s", "false")) == {"w"}
    by_flag = body("lock(kvm, shared);", "operate(kvm);", "unlock(kvm, shared);", "operate(kvm);")
    by_flag = by_flag.replace("struct kvm *kvm", "struct kvm *kvm, bool shared")
    assert modes(HELPERS + by_flag) == {"r", "w", "-"}


def test_the_flag_goes_through_a_function_that_neither_locks_nor_asks() -> None:
    text = HELPERS + "static void deep(struct kvm *kvm, bool shared)\n{\n\toperate(kvm);\n}\n"
    text += "static void through(struct kvm *kvm, bool shared)\n{\n\tlock(kvm, shared);\n\tdeep(kvm, shared);\n"
    text += "\tunlock(kvm, shared);\n}\n" + body("through(kvm, true);")
    assert modes(text) == {"r"}


def test_a_flag_that_says_whether_it_is_locked() -> None:
    """The unlock belongs to the branch in which the lock was taken; between, both are possible, after it none."""
    text = body(
        "bool locked = false;",
        "if (kvm->busy) {",
        "\twrite_lock(&kvm->mmu_lock);",
        "\tlocked = true;",
        "}",
        "if (locked) {",
        "\toperate(kvm);",
        "\twrite_unlock(&kvm->mmu_lock);",
        "}",
        "after(kvm);",
    )
    assert modes(text) == {"w"}
    assert modes(text, "after") == {"-"}


@pytest.mark.parametrize(
    ("test", "mode"),
    [
        ("if (!write_trylock(&kvm->mmu_lock))\n\t\treturn;", {"w"}),
        ("if (write_trylock(&kvm->mmu_lock))\n\t\treturn;", {"-"}),
        ("if (!read_trylock(&kvm->mmu_lock))\n\t\treturn;", {"r"}),
        ("if (mutex_lock_killable(&kvm->mmu_lock))\n\t\treturn;", {"x"}),
        ("if (!mutex_trylock(&kvm->mmu_lock))\n\t\treturn;", {"x"}),
    ],
)
def test_a_lock_that_may_fail(test: str, mode: set[str]) -> None:
    assert modes(body(test, "operate(kvm);")) == mode


def test_the_result_of_a_trylock_in_a_variable() -> None:
    text = body("int got = read_trylock(&kvm->mmu_lock);", "if (got)", "\toperate(kvm);")
    assert modes(text) == {"r"}


def test_a_guard_lasts_to_the_end_of_its_scope() -> None:
    assert modes(body("guard(write_lock)(&kvm->mmu_lock);", "operate(kvm);")) == {"w"}
    inner = ("if (kvm->busy) {", "\tguard(read_lock)(&kvm->mmu_lock);", "\tinside(kvm);", "}", "operate(kvm);")
    assert modes(body(*inner)) == {"-"}
    assert modes(body(*inner), "inside") == {"r"}


@pytest.mark.parametrize("braces", [("", ""), (" {", "\n\t}")], ids=["statement", "block"])
def test_a_scoped_guard(braces: tuple[str, str]) -> None:
    text = body(f"scoped_guard(write_lock, &kvm->mmu_lock){braces[0]}\n\t\tinside(kvm);{braces[1]}", "operate(kvm);")
    assert modes(text, "inside") == {"w"}
    assert modes(text) == {"-"}


def test_a_scoped_guard_ends_with_a_return_in_it() -> None:
    text = "static int inner(struct kvm *kvm)\n{\n\tscoped_guard(write_lock, &kvm->mmu_lock)\n\t\treturn going(kvm);\n"
    text += "\treturn 0;\n}\n" + body("inner(kvm);", "operate(kvm);")
    assert modes(text, "going") == {"w"}
    assert modes(text) == {"-"}


def test_wrapper_functions_that_lock_for_their_caller() -> None:
    text = "static void enter_mmu(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n}\n"
    text += "static void leave_mmu(struct kvm *kvm)\n{\n\twrite_unlock(&kvm->mmu_lock);\n}\n"
    text += body("enter_mmu(kvm);", "operate(kvm);", "leave_mmu(kvm);", "after(kvm);")
    assert modes(text) == {"w"}
    assert modes(text, "after") == {"-"}


def test_a_wrapper_that_may_fail_to_lock() -> None:
    text = "static int enter_mmu(struct kvm *kvm)\n{\n\tif (kvm->dead)\n\t\treturn -EIO;\n"
    text += "\twrite_lock(&kvm->mmu_lock);\n\treturn 0;\n}\n"
    assert modes(text + body("if (enter_mmu(kvm))", "\treturn;", "operate(kvm);")) == {"w"}
    assert modes(text + body("enter_mmu(kvm);", "operate(kvm);")) == {"w", "-"}


def test_a_wrapper_that_unlocks_when_it_fails() -> None:
    """It takes once and gives back once, and yet it returns with the lock; nothing in it leads to the operation."""
    text = "static int enter_mmu(struct kvm *kvm)\n{\n\twrite_lock(&kvm->mmu_lock);\n\tif (kvm->dead) {\n"
    text += "\t\twrite_unlock(&kvm->mmu_lock);\n\t\treturn -EIO;\n\t}\n\treturn 0;\n}\n"
    assert modes(text + body("if (enter_mmu(kvm))", "\treturn;", "operate(kvm);")) == {"w"}


def test_a_macro_that_locks() -> None:
    text = "#define WITH(kvm) do {\\\n\twrite_lock(&(kvm)->mmu_lock);\\\n\toperate(kvm);\\\n"
    text += "\twrite_unlock(&(kvm)->mmu_lock);\\\n} while (0)\n" + body("WITH(kvm);")
    assert modes(text) == {"w"}


def test_callers_in_different_modes() -> None:
    text = "static void work(struct kvm *kvm)\n{\n\toperate(kvm);\n}\n"
    for mode in ("read", "write"):
        text += f"void by_{mode}(struct kvm *kvm)\n{{\n\t{mode}_lock(&kvm->mmu_lock);\n\twork(kvm);\n"
        text += f"\t{mode}_unlock(&kvm->mmu_lock);\n}}\n"
    assert modes(text) == {"r", "w"}


def test_recursion_ends() -> None:
    text = "static void walk(struct kvm *kvm, int level)\n{\n\tif (level > 1)\n\t\twalk(kvm, level - 1);\n"
    text += "\toperate(kvm);\n}\n"
    text += body("write_lock(&kvm->mmu_lock);", "walk(kvm, 4);", "write_unlock(&kvm->mmu_lock);", "after(kvm);")
    assert modes(text) == {"w"}
    assert modes(text, "after") == {"-"}


def test_mutual_recursion_ends() -> None:
    text = "static void ping(struct kvm *kvm, int n);\n"
    text += "static void pong(struct kvm *kvm, int n)\n{\n\tif (n)\n\t\tping(kvm, n - 1);\n}\n"
    text += "static void ping(struct kvm *kvm, int n)\n{\n\tpong(kvm, n);\n\toperate(kvm);\n}\n"
    assert modes(text + body("read_lock(&kvm->mmu_lock);", "ping(kvm, 3);", "read_unlock(&kvm->mmu_lock);")) == {"r"}


def test_an_ops_table() -> None:
    text = "static int vt_zap(struct kvm *kvm)\n{\n\toperate(kvm);\n\treturn 0;\n}\n"
    text += "struct kvm_x86_ops vt_x86_ops = {\n\t.zap = vt_zap,\n};\n"
    text += body("write_lock(&kvm->mmu_lock);", "kvm_x86_call(zap)(kvm);", "write_unlock(&kvm->mmu_lock);")
    assert modes(text) == {"w"}


def test_a_callback_runs_with_what_its_caller_holds() -> None:
    text = "static bool handler(struct kvm *kvm)\n{\n\toperate(kvm);\n\treturn true;\n}\n"
    text += "static void each(struct kvm *kvm, bool (*hook)(struct kvm *kvm))\n{\n\tread_lock(&kvm->mmu_lock);\n"
    text += "\thook(kvm);\n\tread_unlock(&kvm->mmu_lock);\n}\n" + body("each(kvm, handler);")
    assert modes(text) == {"r"}


def test_a_callback_in_a_field_of_an_argument() -> None:
    text = "struct range { bool (*handler)(struct kvm *kvm); };\n"
    text += "static bool unmap(struct kvm *kvm)\n{\n\toperate(kvm);\n\treturn true;\n}\n"
    text += "static void each(struct kvm *kvm, struct range *range)\n{\n\twrite_lock(&kvm->mmu_lock);\n"
    text += "\trange->handler(kvm);\n\twrite_unlock(&kvm->mmu_lock);\n}\n"
    text += body("struct range range = { .handler = unmap };", "each(kvm, &range);")
    assert modes(text) == {"w"}


def test_a_callback_of_rcu_holds_nothing() -> None:
    text = "static void freed(struct rcu_head *head)\n{\n\toperate(head);\n}\n"
    text += body("write_lock(&kvm->mmu_lock);", "call_rcu(&kvm->rcu, freed);", "write_unlock(&kvm->mmu_lock);")
    assert modes(text) == {"-"}


def test_a_work_item_holds_nothing() -> None:
    text = "static void worker(struct work_struct *work)\n{\n\toperate(work);\n}\n"
    text += body("write_lock(&kvm->mmu_lock);", "INIT_WORK(&kvm->work, worker);", "write_unlock(&kvm->mmu_lock);")
    assert modes(text) == {"-"}


def test_a_loop_that_drops_the_lock_and_takes_it_again() -> None:
    text = body(
        "write_lock(&kvm->mmu_lock);",
        "while (more(kvm)) {",
        "\toperate(kvm);",
        "\tif (need_resched()) {",
        "\t\twrite_unlock(&kvm->mmu_lock);",
        "\t\tpause(kvm);",
        "\t\twrite_lock(&kvm->mmu_lock);",
        "\t}",
        "}",
        "write_unlock(&kvm->mmu_lock);",
        "after(kvm);",
    )
    assert modes(text) == {"w"}
    assert modes(text, "pause") == {"-"}
    assert modes(text, "after") == {"-"}


def test_a_loop_that_leaves_with_the_lock() -> None:
    text = body(
        "for (;;) {",
        "\twrite_lock(&kvm->mmu_lock);",
        "\tif (!busy(kvm))",
        "\t\tbreak;",
        "\twrite_unlock(&kvm->mmu_lock);",
        "}",
        "operate(kvm);",
        "write_unlock(&kvm->mmu_lock);",
    )
    assert modes(text) == {"w"}


def test_goto_to_the_unlock() -> None:
    text = body("write_lock(&kvm->mmu_lock);", "if (bad(kvm))", "\tgoto out;", "operate(kvm);", "out:",
                "write_unlock(&kvm->mmu_lock);", "after(kvm);")  # fmt: skip
    assert modes(text) == {"w"}
    assert modes(text, "after") == {"-"}


def test_nothing_happens_after_the_vm_is_bugged() -> None:
    text = body("if (KVM_BUG_ON(kvm->odd, kvm))", "\toperate(kvm);")
    assert modes(text) == set()


# -- assertions ----------------------------------------------------------------------------------------------------

ASSERTED = "static void work(struct kvm *kvm)\n{\n\tlockdep_assert_held_write(&kvm->mmu_lock);\n\toperate(kvm);\n}\n"


def test_an_assertion_that_every_caller_meets_is_proven() -> None:
    text = ASSERTED + body("write_lock(&kvm->mmu_lock);", "work(kvm);", "write_unlock(&kvm->mmu_lock);")
    assert statuses(text) == ["proven"]


def test_an_assertion_in_the_wrong_mode_is_contradicted() -> None:
    text = ASSERTED + body("read_lock(&kvm->mmu_lock);", "work(kvm);", "read_unlock(&kvm->mmu_lock);")
    assert statuses(text) == ["contradicted"]


def test_an_assertion_without_the_lock_is_contradicted() -> None:
    assert statuses(ASSERTED + body("work(kvm);")) == ["contradicted"]


def test_an_assertion_whose_callers_are_not_known_is_open_and_believed() -> None:
    text = ASSERTED.replace("static ", "") + "EXPORT_SYMBOL_GPL(work);\n"
    assert statuses(text) == ["open"]
    assert modes(text) == {"w"}


def test_held_is_met_by_either_mode() -> None:
    text = ASSERTED.replace("_held_write", "_held")
    for mode in ("read", "write"):
        text += f"void by_{mode}(struct kvm *kvm)\n{{\n\t{mode}_lock(&kvm->mmu_lock);\n\twork(kvm);\n"
        text += f"\t{mode}_unlock(&kvm->mmu_lock);\n}}\n"
    assert statuses(text) == ["proven"]


def test_an_assertion_by_a_flag() -> None:
    text = HELPERS + "static void work(struct kvm *kvm, bool shared)\n{\n"
    text += "\tkvm_lockdep_assert_mmu_lock_held(kvm, shared);\n\toperate(kvm);\n}\n"
    good = body("lock(kvm, true);", "work(kvm, true);", "unlock(kvm, true);")
    bad = good.replace("work(kvm, true)", "work(kvm, false)")
    assert statuses(text + good) == ["proven"]
    assert statuses(text + bad) == ["contradicted"]


def test_the_path_to_a_sighting_names_each_call() -> None:
    text = "static void deep(struct kvm *kvm)\n{\n\toperate(kvm);\n}\n"
    text += "static void middle(struct kvm *kvm)\n{\n\tdeep(kvm);\n}\n"
    text += body("read_lock(&kvm->mmu_lock);", "middle(kvm);", "read_unlock(&kvm->mmu_lock);")
    [sighting] = held(text).tracked.sightings.values()
    assert [context.key[1] for context, _ in sighting.context.path()] == ["entry", "middle", "deep"]
    assert [call.callee for _, call in sighting.context.path() if call is not None] == ["middle", "deep"]
