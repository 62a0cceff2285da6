"""Which engine explores a machine, and with which reductions."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from analyzer.core.problem import AnalyzerError
from analyzer.model.engines import native, python
from analyzer.model.engines.outcome import NO_LIMITS, Limits, Outcome
from analyzer.model.machine import Machine
from analyzer.model.reduce import forget_dead, plain

EASY = 100_000  # states that plain Python explores before a compiler would have started


def prepared(machine: Machine, reduce: bool) -> Machine:
    """The machine to explore: reduced, or with the counts that other checkers give."""
    return forget_dead(machine) if reduce else plain(machine)


def explore(machine: Machine, engine: str = "auto", limits: Limits = NO_LIMITS) -> Outcome:
    """Explore with an engine; ``auto`` is plain Python as long as that is fastest, then the fastest there is."""
    if engine == "python":
        return python.search(machine, limits)
    if engine == "c":
        return native.search(machine, limits)
    if engine == "numpy":
        return _numpy(machine, limits)
    if engine == "all":
        return _all(machine, limits)
    run = python.Search(machine, Limits(min(EASY, limits.states), limits.tick))
    complete = run.explore()
    if complete or run.bad or run.interrupted or limits.states <= EASY:
        return run.outcome(complete)
    if native.compiler() is not None:
        return native.search(machine, limits)
    if find_spec("numpy") is not None:
        return _numpy(machine, limits)
    run.limits = limits
    return run.outcome(run.explore())


def _numpy(machine: Machine, limits: Limits) -> Outcome:
    from analyzer.model.engines import frontier

    return frontier.search(machine, limits)


def _all(machine: Machine, limits: Limits) -> Outcome:
    """Every engine that is here; they must agree."""
    found = [python.search(machine, limits)]
    if native.compiler() is not None:
        found.append(native.search(machine, limits))
    if find_spec("numpy") is not None:
        found.append(_numpy(machine, limits))
    # Where a claim breaks or a search is cut, engines stop at different states of the same level.
    whole = all(o.complete for o in found)
    counts = {(o.states, o.transitions, o.depth) for o in found if whole}
    lengths = {len(o.discovery.moves) if o.discovery else None for o in found}
    if len(counts) > 1 or len(lengths) > 1:
        said = "; ".join(f"{o.engine}: {o.states} states, {o.transitions} transitions, depth {o.depth}" for o in found)
        raise AnalyzerError(f"the engines disagree: {said}", 4)
    names = "+".join(o.engine for o in found)
    return replace(found[0], engine=names, seconds=sum(o.seconds for o in found), note=f"{names} agree")
