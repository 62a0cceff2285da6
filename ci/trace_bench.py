"""Measures the monitors and the replay on a trace that the model writes, beside the budget of DESIGN section 5."""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.generate import Scribe, walk
from analyzer.model.trace.record import Format
from analyzer.model.trace.window import Keeper, replay

BUDGET = {"monitors": 100_000, "replay": 15_000}  # events a second


def written(path: Path, events: int, whole: bool) -> None:
    """A trace of many regions, one random run after the other, with every probe on."""
    scribe = Scribe(prepared(build(Scope(whole_punch=whole)), False), pamt=True)
    chance = random.Random(5)
    while len(scribe.told) < events:
        walk(scribe, chance, 2000)
        scribe.base, scribe.pfn, scribe.rest = scribe.base + 512, scribe.pfn + 512, False
    path.write_text(scribe.text(Format.TRACEFS), encoding="utf-8")


def row(name: str, events: int, seconds: float, note: str) -> None:
    """One line."""
    rate = events / seconds
    kept = "within budget" if rate >= BUDGET[name] else "BUDGET EXCEEDED"
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    line = f"{name:9}{events:>10,} events {seconds:7.2f} s {rate:>9,.0f}/s {megabytes:>5} MB  {kept}  {note}\n"
    sys.stdout.write(line)
    sys.stdout.flush()


def main() -> None:
    """Print the two lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--whole", action="store_true", help="with punch holes of 512 pages: many entries a region")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nak-bench-") as folder:
        path = Path(folder) / "trace.txt"
        written(path, chosen.events, chosen.whole)
        start = time.process_time()
        report = check_trace(path)
        row("monitors", report.events, time.process_time() - start, f"{report.format}, violated: {report.violated}")
        keeper = Keeper(exact=True)
        start = time.process_time()
        report = check_trace(path, hear=keeper.hear)
        (answer,) = (replay(one, report.recorded, report.unplaced) for one in keeper.chosen())
        note = f"{answer.outcome}: {answer.regions} regions, {answer.entries} groups; monitors included"
        row("replay", report.events, time.process_time() - start, note)


if __name__ == "__main__":
    main()
