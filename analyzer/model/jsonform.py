"""The model's answers for programs: JSON, and Mermaid sequence diagrams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from analyzer.model.engines.outcome import Outcome
from analyzer.model.engines.progress import Progress
from analyzer.model.kvm_tdx.claims import GOALS, TEXTS
from analyzer.model.kvm_tdx.protocol import Protocol, differing
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.kvm_tdx.sources import Source
from analyzer.model.machine import Machine
from analyzer.model.matrix import Row
from analyzer.model.story import Step, Stop

MODULE = ("block", "track", "demote", "remove", "aug", "sept_add", "pamt_add", "pamt_remove")


def scope(
    name: str, bounds: Scope, protocol: Protocol, machine: Machine, outcome: Outcome, progress: Sequence[Progress]
) -> dict[str, Any]:
    """One scope of a check."""
    return {
        "scope": name,
        "bounds": bounds.describe(),
        "protocol": differing(protocol),
        **_counts(outcome),
        "claims": [c.id for c in machine.claims],
        "broken": outcome.discovery.claim if outcome.discovery else None,
        "progress": [{"id": p.goal.id, "text": p.goal.text, "lost": p.lost, "complete": p.complete} for p in progress],
    }


def _counts(outcome: Outcome) -> dict[str, Any]:
    return {
        "engine": outcome.engine,
        "states": outcome.states,
        "transitions": outcome.transitions,
        "depth": outcome.depth,
        "seconds": round(outcome.seconds, 3),
        "bytes_per_state": round(outcome.bytes_per_state, 1),
        "complete": outcome.complete,
        "note": outcome.note,
    }


def row(found: Row, steps: Sequence[Step] = (), stopped: Stop | None = None) -> dict[str, Any]:
    """One mutation; with steps, its interleaving."""
    wanted, broken = found.mutation, found.discovery
    return {
        "mutation": wanted.name,
        "text": wanted.text,
        "rules": list(wanted.rules),
        "protocol": differing(wanted.protocol),
        "scope": wanted.scope.describe(),
        "verdict": found.verdict,
        "claim": (TEXTS | GOALS)[broken.claim] if broken else None,
        "length": len(broken.moves) if broken else None,
        "loop": broken.loop if broken else None,
        "equivalent": wanted.equivalent or None,
        **_counts(found.outcome),
        **({"steps": [_step(s) for s in steps]} if steps else {}),
        **({"stopped_by": {"step": stopped.step, "kind": stopped.kind, "text": stopped.text}} if stopped else {}),
    }


def _step(step: Step) -> dict[str, Any]:
    changed = {name: [old, new] for name, old, new in step.changed}
    return {
        "n": step.number,
        "actor": step.actor,
        "move": step.move,
        "changed": changed,
        "source": _source(step.source),
        "status": step.status or None,
    }


def _source(source: Source) -> dict[str, Any]:
    if source.mail is not None:
        return {"mail": source.mail.ref, "patch": source.mail.note}
    return {"file": source.file, "function": source.function, "tree": "tdx-module" if source.module else "linux"}


def dumps(value: Any) -> str:
    """JSON with a last newline."""
    return json.dumps(value, indent=1) + "\n"


def mermaid(found: Row, steps: Sequence[Step], stopped: Stop | None) -> str:
    """A sequence diagram: SEAMCALLs are messages to the module, everything else is a note."""
    lines = ["sequenceDiagram", f"    %% {found.mutation.name}: {found.mutation.text}"]
    lines += [f"    participant {a}" for a in dict.fromkeys(step.actor for step in steps)]
    lines.append("    participant module as TDX module")
    for step in steps:
        word = step.move.rsplit(".", 1)[-1].split("[")[0]
        changes = "<br/>".join(f"{name} {old} to {new}" for name, old, new in step.changed)
        text = f"{step.number}. {step.move.replace('[', ' ').replace(']', '')}{'<br/>' if changes else ''}{changes}"
        if word.removesuffix("_retry").removesuffix("_busy").startswith(MODULE):
            lines.append(f"    {step.actor}->>module: {text}")
        else:
            lines.append(f"    Note over {step.actor}: {text}")
        if stopped is not None and stopped.step == step.number:
            lines.append(f"    Note right of {step.actor}: stopped by: {stopped.text.replace(';', ',')}")
    if found.discovery is not None:
        lines.append(f"    Note over module: {found.discovery.claim} is broken")
    return "\n".join([*lines, ""])
