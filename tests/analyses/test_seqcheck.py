"""A snapshot, a barrier, a lookup, a recheck under the lock, and only then publication."""

from __future__ import annotations

import pytest

from analyzer.analyses.carried import Carriers
from analyzer.analyses.lifetime import homes
from analyzer.analyses.marks import marked, marker
from analyzer.analyses.seqcheck import PUBLISH, Sequence, snapshot_of, solve_sequence
from analyzer.ir.types import Addr, Call, Expr, Function, Instr, Name
from tests.analyses.made import PATH, facts, function

WORDS = Sequence(
    counter="seq",
    lock="mmu_lock",
    lookups={"find": True},
    rechecks=frozenset(("again",)),
    prechecks=frozenset(("maybe",)),
    barriers=frozenset(("smp_rmb",)),
    publishers=frozenset(("publish",)),
    failures=frozenset(),
    excluders=frozenset(("hold",)),
    unlocks=frozenset(("drop",)),
)


def breaches(*lines: str) -> set[str]:
    """What is wrong with a function that looks up and publishes."""
    text = (
        "int entry(struct kvm *kvm)\n{\n\tu64 s, v;\n\n" + "".join(f"\t{line}\n" for line in lines) + "\treturn 0;\n}\n"
    )
    made = facts(text)

    def mark(within: Function, instr: Instr) -> Call | None:
        taken = snapshot_of(instr, WORDS.counter)
        return marker(instr, taken) if taken else None

    key = (PATH, "entry")
    result = solve_sequence(marked(made.program, mark), made.vocabulary, WORDS, [key], frozenset((key,)))
    return {b.why for b in result.breaches}


TAKE, FIND, LOCK, CHECK, USE, UNLOCK = (
    "s = kvm->seq;",
    "if (find(kvm, &v))\n\t\treturn 1;",
    "read_lock(&kvm->mmu_lock);",
    "if (again(kvm, s))\n\t\treturn 1;",
    "publish(v);",
    "read_unlock(&kvm->mmu_lock);",
)
WRONG = {
    "no snapshot": (FIND, LOCK, CHECK, USE),
    "no barrier": (TAKE, FIND, LOCK, CHECK, USE),
    "late snapshot": (TAKE, "smp_rmb();", FIND, TAKE, "smp_rmb();", LOCK, CHECK, USE),
    "no check": (TAKE, "smp_rmb();", FIND, LOCK, USE),
    "unlocked": (TAKE, "smp_rmb();", FIND, CHECK, LOCK, USE),
    "dropped": (TAKE, "smp_rmb();", FIND, LOCK, CHECK, UNLOCK, USE),
    "lockless": (TAKE, "smp_rmb();", FIND, LOCK, "if (maybe(kvm, s))\n\t\treturn 1;", USE),
    "fresh": (TAKE, "smp_rmb();", FIND, LOCK, "if (again(kvm, kvm->seq))\n\t\treturn 1;", USE),
    "stale": (TAKE, "smp_rmb();", FIND, LOCK, "if (!again(kvm, s))\n\t\treturn 1;", USE),
}


@pytest.mark.parametrize("why", WRONG)
def test_each_way_to_get_it_wrong(why: str) -> None:
    assert breaches(*WRONG[why]) == {why}


def test_the_protocol_as_it_should_be() -> None:
    assert breaches(TAKE, "smp_rmb();", FIND, LOCK, CHECK, USE, UNLOCK) == set()
    assert breaches("s = smp_load_acquire(&kvm->seq);", FIND, "guard(read_lock)(&kvm->mmu_lock);", CHECK, USE) == set()
    assert breaches(TAKE, "spin_unlock(&kvm->other);", FIND, LOCK, CHECK, USE, UNLOCK) == set()


def test_what_needs_no_protocol() -> None:
    assert breaches(FIND, "look(v);") == set()
    assert breaches("hold(kvm);", FIND, USE, "drop(kvm);") == set()
    assert breaches("find(kvm, &v);", "return 0;") == set()


def test_a_loop_takes_a_new_snapshot_for_a_new_lookup() -> None:
    lines = ("again:", TAKE, "smp_rmb();", FIND, LOCK, "if (again(kvm, s)) {", UNLOCK, "goto again;", "}", USE, UNLOCK)
    assert breaches(*lines) == set()


def test_an_open_coded_comparison_is_a_check() -> None:
    assert breaches(TAKE, "smp_rmb();", FIND, LOCK, "if (kvm->seq != s)\n\t\treturn 1;", USE, UNLOCK) == set()


def found_in(function: Function) -> list[Expr]:
    """Where ``find()`` puts what it finds."""
    args = [c.args[1] for c in function.calls() if c.callee == "find"]
    return [a.base for a in args if isinstance(a, Addr)]


def test_values_live_where_their_place_is() -> None:
    text = """
    static int inner(struct walk *walk)
    {
            return find(walk->kvm, &walk->v);
    }

    int outer(struct kvm *kvm)
    {
            struct walk walk = { .kvm = kvm };

            return inner(&walk);
    }
    """
    made = facts(text)
    tops, known = homes(made.program, made.names, [(PATH, "inner")], found_in, lambda name: False)
    assert tops == [(PATH, "outer")]
    assert [p.text for p in known[PATH, "outer"]] == ["walk.v"]


def test_what_carries_a_value() -> None:
    made = function("void entry(u64 v)\n{\n\tu64 a = v, b, c;\n\n\tb = a << 12;\n\tc = other(v);\n}\n", "entry")
    carried = Carriers(made, [Name("v")], lambda name: False)
    assert carried.carries(Name("a")) and not carried.computed(Name("a"))
    assert carried.carries(Name("b")) and carried.computed(Name("b"))
    assert not carried.carries(Name("c"))
    assert PUBLISH.startswith("%")
