"""Questions to the model, asked by the command line: check, mutate, explain, export, scope."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.core.problem import AnalyzerError
from analyzer.model import export as exports
from analyzer.model import jsonform, matrix, story, tell
from analyzer.model.engines.outcome import UNLIMITED, Limits, Outcome, Tick
from analyzer.model.engines.progress import Progress, progress
from analyzer.model.explore import explore, prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol, differing, possible, values
from analyzer.model.kvm_tdx.scope import DEFAULT, Scope, parse
from analyzer.model.machine import Machine

Say = Callable[[str], None]
PROGRESS_LIMIT = 130_000  # states of which plain Python keeps all edges within a second or two
CUT = "nak: stopped early; this is what is known so far"


@dataclass(frozen=True, slots=True)
class How:
    """How to explore: engine, reductions, limit on states, form of the answer."""

    engine: str = "auto"
    reduce: bool = True
    limit: int = UNLIMITED
    form: str = "text"


class _Status:
    """A line on stderr that is rewritten while a long run goes on; only on a terminal."""

    def __init__(self) -> None:
        self.shown, self.last = sys.stderr.isatty(), 0.0

    def tick(self, what: str) -> Tick | None:
        """What to call with states and depth."""
        return None if not self.shown else lambda states, depth: self._show(f"{what}: {states:,} states, depth {depth}")

    def _show(self, text: str) -> None:
        if time.monotonic() - self.last > 0.2:
            self.last = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self.last:
            sys.stderr.write("\r\x1b[K")
            self.last = 0.0


def scope_named(name: str) -> Scope:
    """A scope by name or size, or what the user can mend."""
    try:
        return parse(name)
    except ValueError as wrong:
        raise AnalyzerError(str(wrong)) from wrong


def protocols(settings: Sequence[str]) -> tuple[Protocol, ...]:
    """The protocols that ``field=value`` and ``field=value|value`` stand for."""
    undecided = {}
    for setting in settings:
        field, _, chosen = setting.partition("=")
        undecided[field.strip().replace("-", "_")] = tuple(chosen.split("|"))
    try:
        return tuple(possible(undecided))
    except ValueError as wrong:
        known = "; ".join(f"{field}={'|'.join(choices)}" for field, choices in values().items())
        raise AnalyzerError(f"{wrong}; there are: {known}") from wrong


@dataclass(frozen=True, slots=True)
class _Checked:
    name: str
    scope: Scope
    protocol: Protocol
    machine: Machine
    outcome: Outcome
    progress: tuple[Progress, ...]

    @property
    def cut(self) -> bool:
        """The user interrupted."""
        return not self.outcome.complete and self.outcome.discovery is None


def check(names: Sequence[str], settings: Sequence[str], how: How, say: Say) -> int:
    """The correct protocol, or others, in some scopes; the exit code."""
    status, results = _Status(), list[_Checked]()
    scopes = [(name, scope_named(name)) for name in names or DEFAULT]
    wanted = [(protocol, name, scope) for protocol in protocols(settings) for name, scope in scopes]
    width = max(len(name) for name, _ in scopes) + 1
    for protocol, name, scope in wanted:
        if how.form == "text" and (not results or results[-1].protocol != protocol):
            changes = ", ".join(f"{field}={value}" for field, value in differing(protocol).items())
            say(f"protocol: {changes or 'correct'}\n{tell.check_head(width)}")
        machine = prepared(build(scope, protocol), how.reduce)
        try:
            outcome, progress_, stopped = check_one(machine, how, status.tick(name))
        except KeyboardInterrupt:
            break
        finally:
            status.clear()
        results.append(_Checked(name, scope, protocol, machine, outcome, progress_))
        if how.form == "text":
            say(tell.check_line(width, name, machine, outcome, progress_))
        if stopped or (results[-1].cut and outcome.states <= how.limit):
            break
    _close(results, how, say)
    return _code([r.outcome for r in results], [p for r in results for p in r.progress], len(results) == len(wanted))


def _close(results: Sequence[_Checked], how: How, say: Say) -> None:
    if how.form == "json":
        rows = [jsonform.scope(r.name, r.scope, r.protocol, r.machine, r.outcome, r.progress) for r in results]
        say(jsonform.dumps(rows).rstrip())
    elif how.reduce:
        say("states are counted after reductions: vCPUs exchanged, dead values forgotten (--no-reduce: without)")


def check_one(machine: Machine, how: How, tick: Tick | None) -> tuple[Outcome, tuple[Progress, ...], bool]:
    """Claims, then progress where that is cheap; whether the user interrupted the second."""
    outcome = explore(machine, how.engine, Limits(how.limit, tick))
    if not outcome.complete or outcome.states > PROGRESS_LIMIT:
        return outcome, (), False
    try:
        return outcome, progress(machine), False
    except KeyboardInterrupt:
        return outcome, (), True


def _code(outcomes: Sequence[Outcome], found: Sequence[Progress], all_done: bool) -> int:
    if any(o.discovery for o in outcomes) or any(p.lost and p.complete for p in found):
        return 1
    if not all_done or not all(o.complete for o in outcomes):
        sys.stderr.write(f"{CUT}\n")
        return 3
    return 0


def mutate(rule: str | None, how: How, say: Say) -> int:
    """The matrix; 1 where a mutation does not do what it says."""
    status, rows, wanted = _Status(), [], matrix.chosen(rule)
    for mutation in wanted:
        try:
            row = matrix.run(mutation, how.engine, how.reduce, Limits(how.limit, status.tick(mutation.name)))
        except KeyboardInterrupt:
            break
        finally:
            status.clear()
        rows.append(row)
        if row.verdict == "cut":
            break
    text = jsonform.dumps([jsonform.row(r) for r in rows]) if how.form == "json" else tell.matrix(rows)
    say(text.rstrip())
    if len(rows) < len(wanted) or any(r.verdict == "cut" for r in rows):
        sys.stderr.write(f"{CUT}\n")
        return 3
    return 0 if all(r.as_declared for r in rows) else 1


def explain(name: str, claim: str | None, how: How, say: Say) -> int:
    """One mutation with its shortest interleaving, to the first broken claim or to the one asked for."""
    status, wanted = _Status(), matrix.mutation(name)
    row = matrix.run(wanted, how.engine, False, Limits(how.limit, status.tick(name)), claim)
    status.clear()
    steps: tuple[story.Step, ...] = ()
    stopped = None
    if row.discovery is not None:
        steps = story.steps(row.machine, row.discovery)
        stopped = story.stop(row.machine, prepared(build(wanted.scope), False), row.discovery)
    if how.form == "json":
        say(jsonform.dumps(jsonform.row(row, steps, stopped)).rstrip())
    elif how.form == "mermaid":
        say(jsonform.mermaid(row, steps, stopped).rstrip())
    else:
        say(tell.story(row, steps, stopped).rstrip())
    return 3 if row.verdict == "cut" else 0


def export(form: str, scope: str, mutation: str | None) -> str:
    """The machine for Spin or Murphi, with its full counts."""
    protocol = matrix.mutation(mutation).protocol if mutation else CORRECT
    machine = prepared(build(scope_named(scope), protocol, f"kvm-tdx {mutation or 'correct'}, scope {scope}"), False)
    writers: dict[str, Any] = {"promela": exports.promela, "murphi": exports.murphi}
    return str(writers[form](machine))


def trace(scope: str, mutation: str | None, layout: str, steps: int, seed: int) -> str:
    """What the probes record of a random run; of a mutation its shortest counterexample, then a random run."""
    from analyzer.model.trace.generate import Scribe, counterexample, run_on, walks
    from analyzer.model.trace.record import Format

    written_by = next(f for f in Format if f.value.split()[0] == layout)
    if mutation is None:
        scribe = Scribe(prepared(build(scope_named(scope)), False), pamt=True)
        return walks(scribe, seed, steps).text(written_by)
    row = matrix.run(matrix.mutation(mutation))
    scribe = Scribe(row.machine, pamt=True)
    state = row.machine.init
    if row.discovery is not None:
        counterexample(row.discovery.moves, row.discovery.states, scribe)
        state = row.discovery.states[-1]
    run_on(scribe, state, seed, steps)
    return scribe.text(written_by)
