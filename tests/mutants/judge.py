"""What the rules say of mutants: each violation found or missed, each edit without meaning silent or not."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import tests.mutants
from analyzer.core.finding import Finding
from tests.kernel.edits import Edit, Kernel
from tests.mutants.sources import Mutant, Same, Sources

Identity = tuple[str, str, str, str]
T = TypeVar("T", Mutant, Same)
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: ``found`` where it is due; ``others`` are findings of its rule elsewhere.

    ``broken`` says why the edit is no C that can be judged; such a mutant counts for nothing.
    """

    what: Mutant | Same
    found: bool = False
    others: tuple[str, ...] = ()
    broken: str = ""


def families() -> list[object]:
    """The modules beside this one that make mutants."""
    names = sorted(m.name for m in pkgutil.iter_modules(tests.mutants.__path__))
    modules = [importlib.import_module(f"tests.mutants.{name}") for name in names]
    return [m for m in modules if hasattr(m, "OPERATORS") or hasattr(m, "SAME")]


def mutants(sources: Sources) -> list[Mutant]:
    """All violations; equal ones once."""
    operators = (operator for family in families() for operator in getattr(family, "OPERATORS", ()))
    return list(dict.fromkeys(m for operator in operators for m in _made(operator, sources)))


def sames(sources: Sources) -> list[Same]:
    """All edits that keep the meaning."""
    operators = (operator for family in families() for operator in getattr(family, "SAME", ()))
    return list(dict.fromkeys(s for operator in operators for s in _made(operator, sources)))


def _made(operator: Callable[[Sources], Iterator[T]], sources: Sources) -> list[T]:
    """What an operator makes of a tree; nothing where the tree has not the functions that it changes."""
    try:
        return list(operator(sources))
    except (LookupError, ValueError, RuntimeError, AssertionError):  # what it looked for is not there
        return []


@dataclass(slots=True)
class Judge:
    """Judges on one clean tree."""

    root: Path
    kernel: Kernel = field(init=False)
    known: Counter[Identity] = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.root)
        self.known = Counter(identity(f) for f, _ in self.kernel.findings(()))

    def judge(self, what: Mutant | Same) -> Verdict:
        """One verdict."""
        rules = (what.rule,) if isinstance(what, Mutant) else what.rules
        try:
            found = [f for f, _ in self.kernel.findings(what.edits, rules)]
        except AssertionError as error:
            return Verdict(what, broken=str(error).split("\n", 1)[0][:200])
        new = list(self.new(found))
        if isinstance(what, Same):
            return Verdict(what, bool(new), tuple(told(f) for f in new))
        due = [f for f in new if (f.location.path, f.function) in what.due]
        return Verdict(what, bool(due), tuple(told(f) for f in new if f not in due))

    def new(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """Findings that the clean tree does not have."""
        left = self.known.copy()
        for finding in found:
            left[identity(finding)] -= 1
            if left[identity(finding)] < 0:
                yield finding


def identity(finding: Finding) -> Identity:
    return (finding.rule, finding.location.path, finding.function, finding.subject)


def told(finding: Finding) -> str:
    return f"{finding.location} {finding.function}(): [{finding.rule}] {finding.message}"


_JUDGE: list[Judge] = []  # what forked processes inherit


def _judge(what: Mutant | Same) -> Verdict:
    return _JUDGE[-1].judge(what)


def judge_all(
    root: Path, all_of: Sequence[Mutant | Same], progress: Callable[[int], None] = lambda done: None
) -> list[Verdict]:
    """Verdicts in order, on all cores."""
    _JUDGE.append(Judge(root))
    try:
        return on_all_cores(_judge, all_of, progress)
    finally:
        _JUDGE.pop()


def on_all_cores(work: Callable[[A], B], all_of: Sequence[A], progress: Callable[[int], None]) -> list[B]:
    """The answers in order, from forked processes; ``progress`` is told how many there are."""
    out: list[B] = []
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("fork")) as pool:
        for one in pool.map(work, all_of, chunksize=8):
            out.append(one)
            progress(len(out))
    return out


def shown(edits: Iterable[Edit]) -> str:
    """The lines that edits take out and put in, for a look at a sample."""
    import difflib

    lines = []
    for edit in edits:
        diff = difflib.unified_diff(
            edit.old.splitlines(), edit.new.splitlines(), edit.path, edit.inside, lineterm="", n=1
        )
        lines += list(diff)
    return "\n".join(lines)
