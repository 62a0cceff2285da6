"""Questions about traces, asked by the command line: replay one, export what records one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from analyzer.core.problem import AnalyzerError
from analyzer.model.trace import bpftrace, plan, render, rv
from analyzer.model.trace.check import check_trace


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


def replay(trace: str, rules: tuple[str, ...], armed: tuple[str, ...], as_json: bool, verbose: bool) -> tuple[str, int]:
    """The answer to ``nak model replay``, and the exit code: 1 for a violation, 3 where no event was found."""
    report = check_trace(trace, rules=rules, armed=armed)
    text = render.json(report) if as_json else render.text(report, verbose=verbose)
    return text, 1 if report.violated else 0 if report.events else 3
