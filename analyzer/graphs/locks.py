"""Lock states in words, and along a path of calls."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.analyses.held import HeldResult
from analyzer.analyses.locks import Held
from analyzer.dataflow.context import Context
from analyzer.ir.effect import Verb
from analyzer.ir.program import Key
from analyzer.ir.types import Call

_MODES = {"r": "read", "R": "read", "w": "write", "x": "held", "a": "in some mode", "?": "unknown"}
_CHANGES = (Verb.ACQUIRE, Verb.RELEASE)
_ABSENT = ""
NEVER = "never called with what its caller holds"


def show_state(state: object) -> str:
    """What a held state says, in words: ``mmu_lock write, slots_lock unknown``, or ``nothing``."""
    if not isinstance(state, frozenset):
        return str(state)
    return ", ".join(f"{label} {_MODES.get(mode, mode)}" for label, mode in sorted(state)) or "nothing"


def lock_states(held: HeldResult, path_keys: Iterable[Key]) -> dict[Key, tuple[str, ...]]:
    """Function -> what is held when it is entered along a path, one text for each lock (``mmu_lock read or write``).

    ``path_keys`` are the functions of the path from the top. What a function is entered with is narrowed by what its
    caller on the path was entered with, where the caller changes no lock; when nothing is left, no run goes that way,
    which is said, and what is below lacks. So do functions that were not explored.
    """
    found: dict[Key, tuple[str, ...]] = {}
    before: list[Context[Held]] = []
    above: Key | None = None
    for key in path_keys:
        contexts = list(held.explorer.contexts.get(key, {}).values())
        if before and above is not None and _steady(held, above):
            fitting = [c for c in contexts if any(_fits(b.state, c.state) for b in before)]
            if contexts and not fitting:
                found[key] = (NEVER,)
                break
            contexts = fitting
        if contexts:
            found[key] = _summary(held, contexts)
        before, above = contexts, key
    return found


def _modes(state: object) -> dict[str, str]:
    return dict(state) if isinstance(state, frozenset) else {}


def _summary(held: HeldResult, contexts: Iterable[Context[Held]]) -> tuple[str, ...]:
    """Each lock with all the ways it is held."""
    states = [_modes(c.state) for c in contexts]
    lines = []
    for label in sorted(held.tracked.labels):
        words = {_MODES.get(m, m) if m else "not held" for m in (s.get(label, _ABSENT) for s in states)}
        if words != {"not held"}:
            lines.append(f"{label} {' or '.join(sorted(words))}")
    return tuple(lines) or ("nothing held",)


def _fits(before: object, after: object) -> bool:
    """Whether a state can be the other one later with no lock changed: assertions may have told more of it."""
    old, new = _modes(before), _modes(after)
    return all(_known_as(old.get(label, _ABSENT), new.get(label, _ABSENT)) for label in old.keys() | new.keys())


def _known_as(old: str, new: str) -> bool:
    return old.lower() == new.lower() or old == "?" or (old == "a" and new not in ("?", _ABSENT))


def _steady(held: HeldResult, key: Key) -> bool:
    """Whether neither a function nor what it calls leaves a lock otherwise than it was."""
    function = held.explorer.program.lower(key)
    return function is not None and not any(_changes(held, key[0], call) for call in function.calls())


def _changes(held: HeldResult, path: str, call: Call) -> bool:
    if any(effect.verb in _CHANGES for effect, _ in held.tracked.effects(call)):
        return True
    keys, _ = held.explorer.targets(call, {}, path)
    contexts = (c for key in keys for c in held.explorer.contexts.get(key, {}).values())
    return any(not _fits(c.state, state) for c in contexts for state, _ in c.exits)
