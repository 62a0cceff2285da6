"""The vocabulary: what names do, and how parts of it are joined."""

from __future__ import annotations

from analyzer.ir.effect import Effect, Verb, Vocabulary, join

LOCK = Effect(Verb.ACQUIRE, "lock", 0, "w")
UNLOCK = Effect(Verb.RELEASE, "lock")
TAKE = Effect(Verb.ACQUIRE, "page")


def test_effects_of_a_verb() -> None:
    vocabulary = Vocabulary({"f": (LOCK, UNLOCK), "g": (TAKE,)})
    assert vocabulary.of("f", Verb.ACQUIRE) == (LOCK,)
    assert vocabulary.of("h", Verb.ACQUIRE) == ()
    assert vocabulary.names(Verb.ACQUIRE) == {"f", "g"}
    assert vocabulary.names(Verb.ACQUIRE, "page") == {"g"}


def test_joined_vocabularies_add_up() -> None:
    one = Vocabulary({"f": (LOCK,)}, frozenset({"is_x"}), synchronous=frozenset({"run"}), constants={"A": 1})
    two = Vocabulary({"f": (LOCK, TAKE)}, asynchronous=frozenset({"queue"}), constants={"B": 2})
    both = join([one, two])
    assert both.effects == {"f": (LOCK, TAKE)}
    assert both.predicates == frozenset({"is_x"})
    assert (both.asynchronous, both.synchronous) == (frozenset({"queue"}), frozenset({"run"}))
    assert both.constants == {"A": 1, "B": 2}
    assert join([]) == Vocabulary()
