"""Runs Spin on the exported model, and compares its counts and verdicts with those of our engines.

Spin and a C compiler are system packages (apt-get install spin gcc). Where one is missing that is said, and the gate
passes unless NAK_REQUIRE_SPIN=1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analyzer.model import ask
from analyzer.model.engines import native, python
from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import named

# The scope that is explored first by default, and one in which vCPUs race; a mutation that a claim shows.
SCOPES = ("1x2", "accept-4k")
BROKEN = (("accept-4k", "pamt_2m_get"),)
_COUNTS = (r"(\d+) states, stored", r"(\d+) transitions", r"errors: (\d+)")


def spin(scope: str, mutation: str | None, compiler: str) -> tuple[int, ...]:
    """States, transitions and errors as Spin counts them: depth-first, exact, without partial order reduction."""
    with tempfile.TemporaryDirectory(prefix="nak-spin-") as folder:
        (Path(folder) / "model.pml").write_text(ask.export("promela", scope, mutation), encoding="utf-8")
        said = ""
        for command in (
            ("spin", "-a", "model.pml"),
            (compiler, "-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"),
            ("./pan", "-m2000000", "-w22"),
        ):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
            said = done.stdout + done.stderr
    found = [re.search(pattern, said) for pattern in _COUNTS]
    return tuple(int(m[1]) if m else -1 for m in found)


def compare(scope: str, compiler: str) -> bool:
    """The correct model: equal states and transitions, no error."""
    outcome = python.search(prepared(build(ask.scope_named(scope)), False))
    # Spin counts the step into the first state as a transition.
    ours = (outcome.states, outcome.transitions + 1, int(outcome.discovery is not None))
    theirs = spin(scope, None, compiler)
    same = outcome.complete and ours == theirs
    words = f"{theirs[0]:,} states, {theirs[1] - 1:,} transitions, {theirs[2]} errors"
    print_(f"spin {scope}: {words}: {'equal' if same else f'NOT EQUAL, ours are {ours}'}")
    return same


def breaks(scope: str, mutation: str, compiler: str) -> bool:
    """A mutation: both find a broken claim."""
    wanted = named(mutation)
    assert wanted is not None
    ours = python.search(prepared(build(ask.scope_named(scope), wanted.protocol), False)).discovery
    theirs = spin(scope, mutation, compiler)
    same = ours is not None and theirs[2] > 0
    print_(f"spin {scope} with {mutation}: {theirs[2]} errors, ours {ours.claim if ours else 'none'}")
    return same


def print_(text: str) -> None:
    """One line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """0 where all is equal or Spin is missing, 1 otherwise."""
    compiler = native.compiler()
    missing = [name for name, found in (("spin", shutil.which("spin")), ("a C compiler", compiler)) if not found]
    if missing or compiler is None:
        required = os.environ.get("NAK_REQUIRE_SPIN") == "1"
        verdict = "FAILED" if required else "SKIPPED"
        print_(f"spin: {verdict}: not installed: {', '.join(missing)} (apt-get install spin gcc)")
        return int(required)
    results = [compare(scope, compiler) for scope in SCOPES]
    results += [breaks(scope, mutation, compiler) for scope, mutation in BROKEN]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
