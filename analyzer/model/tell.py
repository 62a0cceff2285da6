"""The model's answers as text for a terminal: tables, and an interleaving as lanes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from analyzer.model.engines.outcome import Outcome
from analyzer.model.engines.progress import Progress
from analyzer.model.kvm_tdx.claims import GOALS, TEXTS
from analyzer.model.kvm_tdx.scope import DEFAULT, SCOPES
from analyzer.model.kvm_tdx.status import BUGS
from analyzer.model.kvm_tdx.unmodelled import UNMODELLED
from analyzer.model.machine import Machine
from analyzer.model.matrix import Row
from analyzer.model.story import Step, Stop

LIMITS = """\
Modelled: one TD, one 2M region, mmu_lock, guest_memfd, mirror and S-EPT, TLBs and TD epochs, PAMT, one zapper and one
converter of page 0. Memory is sequentially consistent; every SEAMCALL, SPTE write and lock operation is one step.
Not modelled: 1G pages, L2 VMs, migration, IOMMU; allocations fail only where a scope says so. The TDX module is read
from branch tdx_1.5 and from mails; newer ones differ. Progress is possibility: a goal can be reached, not must be.
"""


def number(identifier: str) -> tuple[str, int]:
    """Claims in the order people count."""
    match = re.fullmatch(r"([A-Z]+)(\d+)", identifier)
    return (match[1], int(match[2])) if match else (identifier, 0)


def spans(identifiers: Iterable[str]) -> str:
    """I1, I2, I3, I5 as "I1-I3 I5"."""
    runs: list[list[tuple[str, int]]] = []
    for letter, n in sorted({number(i) for i in identifiers}):
        if runs and runs[-1][-1] == (letter, n - 1):
            runs[-1].append((letter, n))
        else:
            runs.append([(letter, n)])
    first = [f"{run[0][0]}{run[0][1]}" for run in runs]
    return " ".join(f if len(run) == 1 else f"{f}-{run[-1][0]}{run[-1][1]}" for f, run in zip(first, runs, strict=True))


def check_head(width: int) -> str:
    """The head of the table of scopes."""
    return f"{'scope':{width}}{'states':>12}{'transitions':>13}{'depth':>7}  {'engine':15}{'time':>9}  verdict"


def check_line(width: int, name: str, machine: Machine, outcome: Outcome, progress: Sequence[Progress]) -> str:
    """One scope."""
    counts = f"{name:{width}}{outcome.states:>12,}{outcome.transitions:>13,}{outcome.depth:>7}"
    return f"{counts}  {outcome.engine:15}{outcome.seconds:>7.2f} s  {_verdict(machine, outcome, progress)}"


def _verdict(machine: Machine, outcome: Outcome, progress: Sequence[Progress]) -> str:
    lost = [p for p in progress if p.lost and p.complete]
    if outcome.discovery is not None:
        return f"BROKEN: {outcome.discovery.claim} after {len(outcome.discovery.moves)} steps"
    if lost:
        return f"BROKEN: {lost[0].goal.id}, {lost[0].lost:,} states cannot reach it"
    if not outcome.complete:
        return "nothing broken so far; not all states were seen"
    held = [c.id for c in machine.claims] + ["P3"] + [p.goal.id for p in progress if p.complete]
    return f"holds: {spans(held)}"


def matrix(rows: Sequence[Row]) -> str:
    """Rule x mutation x invariant."""
    lines = [f"{'mutation':19}{'breaks':11}{'steps':>5}{'states':>10}{'time':>9}  rule"]
    for row in rows:
        steps = len(row.discovery.moves) if row.discovery else 0
        counts = f"{steps or '-':>5}{row.outcome.states:>10,}{row.outcome.seconds:>7.2f} s"
        rules = " ".join(row.mutation.rules)
        lines.append(f"{row.mutation.name:19}{row.verdict:11}{counts}  {rules}{_bug(row)}")
    killed = sum(row.discovery is not None for row in rows)
    equal = sum(row.verdict == "equivalent" for row in rows)
    seconds = sum(row.outcome.seconds for row in rows)
    lines.append(f"{len(rows)} mutations: {killed} killed, {equal} equivalent as declared; {seconds:.1f} s")
    lines += [f"UNEXPECTED: {row.mutation.name}: {row.verdict}" for row in rows if not row.as_declared]
    firsts: dict[str, list[str]] = {}
    for row in rows:
        if row.discovery is not None:
            firsts.setdefault(row.verdict, []).append(row.mutation.name)
    lines += [f"  {claim:4} {', '.join(firsts[claim])}" for claim in sorted(firsts, key=number)]
    return "\n".join([*lines, ""])


def _bug(row: Row) -> str:
    bug = _reason(row)
    return f"  [{bug}]" if bug else ""


def _reason(row: Row) -> str:
    if row.discovery is None:
        return ""
    word = row.machine.show(row.discovery.states[-1])["bug"]
    return next((b.status or b.text for b in BUGS if b.word == word and word != "none"), "")


def story(row: Row, steps: Sequence[Step], stopped: Stop | None) -> str:
    """One mutation with its shortest interleaving."""
    wanted, outcome = row.mutation, row.outcome
    lines = [f"{wanted.name}: {wanted.text}", f"rule: {', '.join(wanted.rules)}", f"scope: {wanted.scope.describe()}"]
    if row.discovery is None:
        why = f": {wanted.equivalent}" if wanted.equivalent else ""
        seen = "all" if outcome.complete else "not all"
        return "\n".join([*lines, f"{row.verdict}{why}", f"({seen} {outcome.states:,} states explored)", ""])
    claim = row.discovery.claim
    reason = _reason(row)
    text = (TEXTS | GOALS)[claim]
    lines.append(f"breaks {claim}: {text}{f' [{reason}]' if reason else ''}")
    lines.append(f"after {len(steps)} steps, {outcome.states:,} states, {outcome.seconds:.2f} s ({outcome.engine})\n")
    lines += _lanes(steps)
    if row.discovery.loop is not None:
        lines.append(f"     and again from step {row.discovery.loop + 1} on")
    if stopped is not None:
        lines.append(f"\nstopped by (step {stopped.step}, {stopped.kind}): {stopped.text}")
    return "\n".join([*lines, ""])


def _lanes(steps: Sequence[Step]) -> Iterable[str]:
    actors = list(dict.fromkeys(step.actor for step in steps))
    width = max(len(text) for step in steps for text in (step.move, step.actor)) + 2
    changes = [", ".join(f"{name} {old}->{new}" for name, old, new in step.changed) for step in steps]
    room = min(60, max(map(len, changes)) + 2)
    yield f"     {''.join(f'{a:{width}}' for a in actors)}{'changes':{room}}source"
    for step, change in zip(steps, changes, strict=True):
        lanes = "".join(f"{step.move if a == step.actor else '.':{width}}" for a in actors)
        yield f"{step.number:>3}  {lanes}{change:{room}}{' ' if len(change) >= room else ''}{step.source.short}"


def scopes() -> str:
    """What can be explored, and what it leaves out."""
    lines = []
    for name, (scope, text) in SCOPES.items():
        mark = "*" if name in DEFAULT else " "
        lines.append(f"{mark} {name:15} {text} ({scope.describe()})")
    silent = [f"  {rule}: {why}" for rule, why in UNMODELLED.items()]
    return "\n".join(["Scopes (* explored by default):", *lines, "", f"{LIMITS}Rules it says nothing of:", *silent, ""])
