"""Questions about traces, asked by the command line: replay one, export what records one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analyzer.core.problem import AnalyzerError
from analyzer.model.trace import bpftrace, plan, render, rv, window
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.verdict import Outcome
from analyzer.model.trace.window import Keeper


def instruments(form: str, rules: tuple[str, ...], kprobe: bool, into: Path | None) -> Iterator[str]:
    """What records a trace or watches a running kernel: a probe plan, a bpftrace script, or RV monitors.

    Raises AnalyzerError where the monitors, which are several files, cannot be written to ``into``.
    """
    if form == "probes":
        yield plan.render(rules, plan.Style.KPROBE if kprobe else plan.Style.FPROBE)
    elif form == "bpftrace":
        yield bpftrace.script(rules)
    else:
        if into is None:
            raise AnalyzerError("RV monitors are several files: name a folder with --into")
        for name, text in rv.files().items():
            try:
                into.mkdir(parents=True, exist_ok=True)
                (into / name).write_text(text, encoding="utf-8")
            except OSError as error:
                raise AnalyzerError(f"{into}: {error.strerror}") from error
            yield f"{into / name}\n"


@dataclass(frozen=True, slots=True)
class How:
    """How to check a trace: which rules, which probes were on, what to replay on the model, how to print."""

    rules: tuple[str, ...] = ()
    armed: tuple[str, ...] = ()
    window: int | None = None  # events in front of an alarm
    exact: bool = False  # all of it
    form: str = "text"
    verbose: bool = False


def replay(trace: str, how: How) -> tuple[str, int]:
    """The answer to ``nak model replay``, and the exit code: 1 for a violation, 3 where no event was found."""
    keeper = Keeper(how.exact, how.window)
    report = check_trace(trace, rules=how.rules, armed=how.armed, hear=keeper.hear)
    answers = [window.replay(one, report.recorded, report.unplaced) for one in keeper.chosen()]
    broken = report.violated or any(answer.outcome is Outcome.VIOLATED for answer in answers)
    as_json = how.form == "json"
    text = render.json(report, answers) if as_json else render.text(report, verbose=how.verbose, answers=answers)
    return text, 1 if broken else 0 if report.events else 3
