"""Small machines for the tests, by hand and at random."""

from __future__ import annotations

from hypothesis import strategies as st

from analyzer.model.expr import FALSE, TRUE, Effect, Expr, all_of, any_of, const, count, iff, var, when
from analyzer.model.machine import Builder, Claim, Goal, Machine

NAMES = ("a", "b", "c")


def window(leaks: bool) -> Machine:
    """A counter of open windows, and a path that forgets to close one."""
    b = Builder("window")
    opened = b.var("open", 3)
    actor = b.actor("worker", "idle")
    actor.move("open", "idle", "busy", opened.to(opened + 1), source="tdx_track")
    actor.move("close", "busy", "idle", opened.to(opened - 1), source="tdx_track")
    actor.move("fail", "busy", "idle", *(() if leaks else (opened.to(opened - 1),)), source="tdx_track")
    closed = any_of(all_of(opened == 0), actor.at("busy"))
    return b.machine([Claim("W", "closed when idle", closed)], [Goal("G", "idle", actor.at("idle"))], (), FALSE)


@st.composite
def truths(draw: st.DrawFn, depth: int = 2) -> Expr:
    """A random truth value over the variables."""
    if depth and draw(st.booleans()):
        left, right = draw(truths(depth - 1)), draw(truths(depth - 1))
        return draw(st.sampled_from([all_of(left, right), any_of(left, right), ~left, iff(left, right)]))
    name, value = draw(st.sampled_from(NAMES)), draw(st.integers(0, 3))
    some = frozenset(draw(st.sets(st.integers(0, 3), min_size=2)))
    counted = count(var("a") == 1, var("b") != 2) <= value
    choices = [all_of(var(name) == value), var(name) < value, var(name) >= value, var(name).among(some), counted]
    return draw(st.sampled_from(choices))


@st.composite
def effects(draw: st.DrawFn, depth: int = 1) -> tuple[Effect, ...]:
    """Random effects that keep every variable between 0 and 3."""
    found: list[Effect] = []
    for _ in range(draw(st.integers(0, 2))):
        target, other = var(draw(st.sampled_from(NAMES))), var(draw(st.sampled_from(NAMES)))
        plain = draw(
            st.sampled_from([target.to(draw(st.integers(0, 3))), target.to(other), target.to(const(3) - other)])
        )
        found.append(plain)
        if depth and draw(st.booleans()):
            then, otherwise = draw(effects(depth - 1)), draw(effects(depth - 1))
            found.append(when(draw(truths(1)), *then, otherwise=otherwise))
    return tuple(found)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """A random machine of one or two actors over three shared variables."""
    b = Builder("random")
    for name in NAMES:
        b.var(name, 3)
    for number in range(draw(st.integers(1, 2))):
        actor = b.actor(f"actor{number}", "p0")
        for n in range(draw(st.integers(1, 5))):
            at, to = (f"p{draw(st.integers(0, 2))}" for _ in range(2))
            guard = draw(st.one_of(st.just(TRUE), truths()))
            actor.move(f"m{n}", at, to, *draw(effects()), when=guard, source="tdx_track")
    claim = draw(st.one_of(st.just(TRUE), truths()))
    return b.machine([Claim("X", "at random", claim)], (), (), draw(st.sampled_from([TRUE, FALSE])))
