"""Regions, needs, staleness, lock fields, checks: the laws and the edges."""

from __future__ import annotations

import pytest

from analyzer.analyses.checked import Checks, sources
from analyzer.analyses.lockfields import LockFields
from analyzer.analyses.regions import BELOW, OUT, RegionChange, after_change, inside, one_sided_helpers, spelled, taken
from analyzer.analyses.sleeping import Sleeping
from rules.vocabulary.contexts import LOCK_TYPES, SLEEPERS
from tests.analyses.made import PATH, facts, function, program

TAKE, GIVE = RegionChange("rcu", True), RegionChange("rcu", False)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_region_ends_with_as_many_gives_as_takes(depth: int) -> None:
    state = frozenset[tuple[str, str]]()
    for _ in range(depth):
        state = after_change(state, TAKE)
        assert inside(state, "rcu")
    for left in range(depth, 0, -1):
        assert inside(state, "rcu") == (left > 0)
        state = after_change(state, GIVE)
    assert state == {("rcu", OUT)}
    assert taken(state) == []


def test_giving_what_a_caller_took_is_told_apart() -> None:
    state = after_change(frozenset(), GIVE)
    assert state == {("rcu", BELOW)}
    assert inside(after_change(state, TAKE), "rcu")


def test_an_assertion_does_not_nest() -> None:
    said = RegionChange("rcu", True, said=True)
    assert after_change(after_change(frozenset(), TAKE), said) == {("rcu", "1")}


def test_guards_stand_for_the_calls_they_make() -> None:
    assert spelled(frozenset(("rcu_read_lock",))) == {"rcu_read_lock", "rcu"}


def test_wrappers_of_wrappers_are_one_sided() -> None:
    text = "static void in(void)\n{\n\tlock();\n}\nstatic void deep(void)\n{\n\tin();\n}\n"
    text += "static void out(void)\n{\n\tunlock();\n}\nstatic void both(void)\n{\n\tdeep();\n\tout();\n}\n"
    found = one_sided_helpers(facts(text).names, frozenset(("lock",)), frozenset(("unlock",)))
    assert {name for _, name in found} == {"in", "deep", "out"}


@pytest.mark.parametrize(
    ("flags", "may"),
    [
        ("GFP_KERNEL", True),
        ("GFP_KERNEL_ACCOUNT | __GFP_ZERO", True),
        ("GFP_ATOMIC", False),
        ("GFP_NOWAIT | __GFP_ACCOUNT", False),
        ("gfp", False),
    ],
)
def test_what_flags_say(flags: str, may: bool) -> None:
    text = f"void f(gfp_t gfp)\n{{\n\tp = kmalloc(8, {flags});\n}}\n"
    body = function(text, "f")
    assert Sleeping(program(text), SLEEPERS).sleeps(body.calls()[0], body) is may


def test_a_flag_that_one_path_sets_counts() -> None:
    text = "void f(int x)\n{\n\tgfp_t gfp = GFP_NOWAIT;\n\tif (x)\n\t\tgfp = GFP_KERNEL;\n\tp = kmalloc(8, gfp);\n}\n"
    body = function(text, "f")
    assert Sleeping(program(text), SLEEPERS).sleeps(body.calls()[0], body)


FIELDS = """struct a {
	int n;
	spinlock_t lock;
	struct {
		struct mutex lock;
	} inner;
};
struct b {
	struct a *a;
	raw_spinlock_t raw;
};
static DEFINE_PER_CPU(spinlock_t, percpu_lock);
extern spinlock_t elsewhere;
"""


def test_declared_locks() -> None:
    made = program(FIELDS + "void f(void)\n{\n\tspinlock_t mine;\n}\n")
    declared = LockFields(made, LOCK_TYPES).declared
    words = sorted(lock.words for locks in declared.values() for lock in locks)
    assert words == ["percpu_lock", "struct a.inner.lock", "struct a.lock", "struct b.raw"]


@pytest.mark.parametrize(
    ("expr", "words"),
    [("&a->lock", "struct a.lock"), ("&a->inner.lock", "struct a.inner.lock"), ("&b->a->lock", "struct a.lock"),
     ("&b->raw", "struct b.raw"), ("&per_cpu(percpu_lock, 1)", "percpu_lock")],
)  # fmt: skip
def test_the_lock_an_expression_means(expr: str, words: str) -> None:
    made = program(FIELDS + f"void f(struct a *a, struct b *b)\n{{\n\tspin_lock({expr});\n}}\n")
    body = made.lower((PATH, "f"))
    assert body is not None
    call = next(c for c in body.calls() if c.callee == "spin_lock")
    assert [lock.words for lock in LockFields(made, LOCK_TYPES).meant(call.args[0], body)] == [words]


def unchecked(body: str) -> list[str]:
    text = f"void f(void)\n{{\n\tstruct v *v = get();\n\t{body}\n}}\n"
    made = program(text)
    found = sources(made, Checks(made, lambda name: name.startswith("to_")), frozenset(("get",)))
    return [use.how for _, _, uses in found for use in uses]


@pytest.mark.parametrize(
    "body",
    ["if (!v) return; v->n = 1;", "if (v && v->n) go();", "if (v == NULL) return; to_w(v);",
     "bool ok = v; if (ok) v->n = 1;",
     "if (other == v) v->n = 1;", "v = mine(); v->n = 1;", "if (WARN_ON(!v)) return; v->n = 1;", "pass(v);"],
)  # fmt: skip
def test_checked_before_use(body: str) -> None:
    assert unchecked(body) == []


@pytest.mark.parametrize(
    "body",
    ["v->n = 1;", "to_w(v); if (!v) return;", "p = &v->n;", "if (v->n && v) go();", "w = v; w->n = 1;",
     "if (x && !v) return; v->n = 1;", "if (v) return; v->n = 1;"],
)  # fmt: skip
def test_used_before_the_check(body: str) -> None:
    assert len(set(unchecked(body))) == 1
