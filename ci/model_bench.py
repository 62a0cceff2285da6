"""Measures the engines of the model on one scope, each in a process of its own, beside Spin where it is installed."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET = {"python": 150_000, "numpy": 600_000, "c": 1_500_000}  # states a second on 2x2, DESIGN section 5


def run(command: Sequence[str], folder: Path) -> tuple[str, float, float]:
    """Output, wall seconds and megabytes of a command."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, env={**os.environ, "PYTHONPATH": str(ROOT)})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return out.read().decode(), seconds, usage.ru_maxrss / 1024


def engine(name: str, scope: str, folder: Path) -> str:
    """One engine's row."""
    words = ("check", "--engine", name, "--scope", scope, "--no-reduce", "--format", "json")
    said, wall, megabytes = run([sys.executable, "-m", "analyzer", "model", *words], folder)
    (found,) = json.loads(said)
    rate = found["states"] / max(found["seconds"], 1e-3)
    kept = "" if scope != "2x2" else "  within budget" if rate >= BUDGET[name] else "  BUDGET EXCEEDED"
    size = f"{found['bytes_per_state']:.0f} B/state"
    return row(name, found["states"], found["transitions"], found["seconds"], wall, megabytes) + f"{size:>13}{kept}"


def spin(scope: str, folder: Path) -> str:
    """Spin's row: depth-first, exact, without partial order reduction, which gains nothing here."""
    if shutil.which("spin") is None or shutil.which("cc") is None:
        return "spin      not installed"
    exported, _, _ = run([sys.executable, "-m", "analyzer", "model", "export", "promela", "--scope", scope], folder)
    (folder / "model.pml").write_text(exported)
    start = time.perf_counter()
    run(["spin", "-a", "model.pml"], folder)
    run(["cc", "-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"], folder)
    prepared = time.perf_counter() - start
    said, wall, megabytes = run(["./pan", "-m5000000", "-w24"], folder)
    patterns = (r"(\d+) states, stored", r"(\d+) transitions", r"elapsed time ([\d.]+)")
    found = [re.search(pattern, said) for pattern in patterns]
    states, transitions, elapsed = (float(m[1]) if m else 0.0 for m in found)
    return (
        row("spin", int(states), int(transitions), elapsed, prepared + wall, megabytes)
        + f"   (spin and cc: {prepared:.1f} s)"
    )


def row(name: str, states: int, transitions: int, seconds: float, wall: float, megabytes: float) -> str:
    """One line; ``wall`` has the compiler and the start of the interpreter in it."""
    rate = states / max(seconds, 1e-3) / 1000
    return f"{name:8}{states:>12,}{transitions:>13,}{seconds:>8.2f} s{wall:>8.2f} s{rate:>7.0f} k/s{megabytes:>7.0f} MB"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scope", default="2x2")
    parser.add_argument("engines", nargs="*", default=["c", "numpy", "python", "spin"])
    chosen = parser.parse_args()
    head = f"{'engine':8}{'states':>12}{'transitions':>13}{'search':>10}{'wall':>10}{'rate':>11}{'memory':>10}"
    sys.stdout.write(head + "\n")
    for name in chosen.engines:
        with tempfile.TemporaryDirectory(prefix="nak-bench-") as folder:
            line = spin(chosen.scope, Path(folder)) if name == "spin" else engine(name, chosen.scope, Path(folder))
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
