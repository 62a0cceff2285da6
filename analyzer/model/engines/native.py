"""The C engine: the generated file is compiled in a temporary folder of its own and run there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from analyzer.core.problem import AnalyzerError
from analyzer.model.engines.csource import source
from analyzer.model.engines.outcome import DEADLOCK, NO_LIMITS, Discovery, Limits, Outcome
from analyzer.model.engines.python import replay
from analyzer.model.machine import Machine

COMPILERS = ("cc", "gcc", "clang")


def compiler() -> str | None:
    """The C compiler of this machine."""
    return next((path for name in COMPILERS if (path := shutil.which(name))), None)


def search(machine: Machine, limits: Limits = NO_LIMITS) -> Outcome:
    """Explore with a compiled searcher; nothing but the text made from the machine is compiled or run."""
    path = compiler()
    if path is None:
        raise AnalyzerError("no C compiler here (looked for cc, gcc, clang); use --engine python or numpy")
    with tempfile.TemporaryDirectory(prefix="nak-model-") as folder:
        started = time.monotonic()
        _compile(path, Path(folder), source(machine))
        spent = time.monotonic() - started
        return _run(machine, Path(folder), limits, f"compiled in {spent:.1f} s")


def _compile(path: str, folder: Path, text: str) -> None:
    (folder / "model.c").write_text(text, encoding="ascii")
    command = [path, "-O2", "-w", "-o", "model", "model.c"]
    clean = {"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": str(folder), "LC_ALL": "C"}
    done = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        first = next(iter(done.stderr.strip().splitlines()), "no message")
        raise AnalyzerError(f"{path} could not compile the model: {first}", 3)


def _run(machine: Machine, folder: Path, limits: Limits, note: str) -> Outcome:
    command = [str(folder / "model"), str(limits.states)]
    lines: list[list[str]] = []
    with subprocess.Popen(
        command, cwd=folder, env={}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as child:
        while True:
            try:
                line = child.stdout.readline() if child.stdout else ""
                if not line:
                    break
                lines.append(line.split())
                if lines[-1][0] == "level" and limits.tick is not None:
                    limits.tick(int(lines[-1][1]), int(lines[-1][2]))
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)  # it prints what it knows and ends
    return _outcome(machine, lines, note)


def _outcome(machine: Machine, lines: list[list[str]], note: str) -> Outcome:
    done = next((words[1:] for words in lines if words[0] == "done"), None)
    if done is None:
        raise AnalyzerError("the compiled search died: out of memory?", 3)
    found: Discovery | None = None
    bad = int(done[5])
    if bad:
        claims = [c.id for c in machine.claims] + [DEADLOCK]
        chain = [bytes(map(int, words[1:])) for words in lines if words[0] == "state"]
        found = replay(machine, claims[bad - 1], chain[::-1])
    return Outcome(
        "c", int(done[0]), int(done[1]), int(done[2]), float(done[3]), done[4] == "1", found, float(done[6]), note
    )
