"""A state that is analysed after others of its series gives what it gives alone, finding by finding."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding, Stage
from analyzer.core.limits import DEFAULT
from analyzer.engine.registry import load_rules, load_vocabulary
from analyzer.engine.run import run_rules
from analyzer.frontend.load import UnitCache, load
from analyzer.review import PATHS
from analyzer.series.assemble import load_series
from analyzer.tree.base import choose_base
from analyzer.tree.repo import open_tree
from analyzer.tree.snapshot import Snapshot, sources
from analyzer.tree.steps import walk
from tests.conftest import ROOT
from tests.kernel.cases_locks import CASES as LOCKS
from tests.kernel.cases_order import CASES as ORDER
from tests.kernel.cases_pages import CASES as PAGES
from tests.kernel.edits import Case, Kernel
from tests.mutants import contexts_sleep, errors, gmem, mirror_commits
from tests.mutants.sources import Sources

CORPUS = ROOT / "corpus"
SERIES = sorted(p.name for p in (CORPUS / "series").iterdir())


def found(snapshot: Snapshot, cache: UnitCache) -> list[Finding]:
    paths = {*sources(snapshot.paths(PATHS)), *snapshot.overlay}
    kept = sorted(p for p in paths if snapshot.read(p) is not None)
    facts = Facts(load(snapshot, kept, cache), load_vocabulary())
    return run_rules(load_rules(), facts).findings


@pytest.mark.parametrize(("name", "with_tree"), [*((n, True) for n in SERIES), *((n, False) for n in SERIES[::3])])
def test_states_of_a_series(name: str, with_tree: bool) -> None:
    [series], _ = load_series(sorted((CORPUS / "series" / name).glob("*.patch")), None, DEFAULT)
    cache = UnitCache()
    with open_tree(CORPUS / "trees" / "minikvm") as tree:
        steps = walk(series, choose_base(series, tree) if with_tree else None, DEFAULT)
        states = [state for step in steps for state in (step.before, step.after)]
        for state in [*states, *states[::-2]]:
            assert found(state, cache) == found(state, UnitCache())


SOME = [*PAGES[::9], *LOCKS[::9], *ORDER[::11]]
FAMILIES = (errors, contexts_sleep, mirror_commits, gmem)


@pytest.fixture(scope="module")
def edited(kernel: Path) -> Kernel:
    return Kernel(kernel)


@pytest.mark.parametrize("case", SOME, ids=lambda case: f"{case.rule}: {case.name}")
def test_edits_of_the_real_kernel(kernel: Path, edited: Kernel, case: Case) -> None:
    stable = tuple(r.id for r in load_rules() if r.stage is Stage.STABLE and r.check is not None)
    assert edited.findings(case.edits, stable) == Kernel(kernel).findings(case.edits, stable)


def test_violations_one_after_the_other(kernel: Path) -> None:
    """The analyses that take over most, each on a few violations of the rules that ask them."""
    sources = Sources(kernel)
    made = [m for family in FAMILIES for m in [*chain.from_iterable(o(sources) for o in family.OPERATORS)][::67]]
    rules = tuple(sorted({m.rule for m in made}))
    edited = Kernel(kernel)
    assert len(made) >= len(FAMILIES)
    for mutant in made:
        assert edited.findings(mutant.edits, rules) == Kernel(kernel).findings(mutant.edits, rules), mutant.operator
