"""Small programs for the analyses: C text, the vocabulary of the rules, one question each."""

from __future__ import annotations

from analyzer.analyses.facts import Facts
from analyzer.analyses.held import HeldResult, solve_held
from analyzer.engine.expect import split
from analyzer.engine.registry import load_vocabulary
from analyzer.frontend.load import load
from analyzer.ir.program import Program
from analyzer.ir.types import Function
from analyzer.tree.snapshot import Snapshot, SourceFile

PATH = "arch/x86/kvm/vmx/tdx.c"


def program(text: str, path: str = PATH) -> Program:
    """The program of a text, which may hold several files (``// path:``)."""
    files = split(text, path)
    return load(Snapshot("made", None, {p: SourceFile(p, t.encode()) for p, t in files.items()}), sorted(files))


def facts(text: str, path: str = PATH) -> Facts:
    return Facts(program(text, path), load_vocabulary())


def function(text: str, name: str, path: str = PATH) -> Function:
    found = program(text, path).lower((path, name))
    assert found is not None
    return found


def held(text: str, watch: str = "operate", labels: frozenset[str] = frozenset(("mmu_lock",))) -> HeldResult:
    """The locks of a program; calls of ``watch`` are sighted."""
    made = facts(text)
    return solve_held(made.program, made.names, made.vocabulary, labels, frozenset((watch,)))


def modes(text: str, watch: str = "operate", label: str = "mmu_lock") -> set[str]:
    """The modes a lock is held in where ``watch`` is called; ``-`` where it is not held."""
    found = held(text, watch, frozenset((label,)))
    assert found.problems == []
    return {dict(s.held).get(label, "-") for s in found.tracked.sightings.values()}


def statuses(text: str) -> list[str]:
    """The status of each assertion, in order of line."""
    assertions = held(text).tracked.assertions.values()
    return [a.status for a in sorted(assertions, key=lambda a: (a.path, a.line))]
