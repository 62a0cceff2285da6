"""Rules on several processes say what they say on one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.analyses.facts import Facts
from analyzer.core.finding import Finding
from analyzer.core.problem import Problem, ProblemKind
from analyzer.engine import cores
from analyzer.engine.registry import load_rules, load_vocabulary
from analyzer.engine.run import run_rules
from analyzer.frontend.load import load
from analyzer.ir.program import Program
from analyzer.review import PATHS
from analyzer.tree.repo import open_tree
from analyzer.tree.snapshot import Snapshot, SourceFile, sources
from tests.conftest import ROOT

BAD = b"void f(struct kvm_tdx *t)\n{\n\tu64 err = tdh_mem_track(&t->td);\n\n\tuse(err);\n\tint;;)\n}\n"


def program() -> Program:
    with open_tree(ROOT / "corpus" / "trees" / "minikvm") as tree:
        path = "arch/x86/kvm/vmx/more.c"
        snapshot = Snapshot("s", tree.worktree_files(), {path: SourceFile(path, BAD)})
        return load(snapshot, sources(snapshot.paths(PATHS)))


def test_several_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH_LINES", 1)
    rules = load_rules()
    facts = Facts(program(), load_vocabulary())
    alone = run_rules(rules, facts)
    parts = cores.run_on_cores(rules, [lambda: Facts(program(), load_vocabulary())] * 3, 1)
    for part in parts:
        shared = part.outcome
        assert shared.findings == alone.findings != []
        assert (shared.sites.keys(), part.counts.keys()) == (alone.sites.keys(), facts.counts.keys())
        assert list(shared.seconds) == list(alone.seconds)
        said = {*facts.program.problems, *alone.problems}
        assert {*part.problems, *shared.problems} == said != set()


def test_states_for_which_there_is_no_time_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WORTH_LINES", 1)
    late = Problem(ProblemKind.TOO_LARGE, "state 2", "not analysed")
    states: list[cores.State] = [lambda: Facts(program(), load_vocabulary()), lambda: late]
    done: list[int] = []
    first, second = cores.run_on_cores(load_rules(), states, 1, done.append)
    assert (first.late, second.late, second.outcome.findings, done) == (False, True, [], [1, 2])
    assert set(second.problems) == {late}


def test_a_check_that_crashes_is_a_problem_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(facts: Facts) -> list[Finding]:
        raise KeyError("here")

    monkeypatch.setattr(cores, "WORTH_LINES", 1)
    monkeypatch.delenv("NAK_RAISE", raising=False)
    rules = tuple(replace(r, check=crash) if r.catalog == 2 else r for r in load_rules())
    [part] = cores.run_on_cores(rules, [lambda: Facts(program(), load_vocabulary())], 1)
    outcome = part.outcome
    assert [p.kind for p in outcome.problems if p.where == "tdx-sept-op-without-write-lock"] == ["crashed"]
    assert len(outcome.seconds) == sum(r.check is not None for r in rules)


def test_rules_that_share_an_analysis_stay_together() -> None:
    rules = [replace(r, solves="locks") if r.catalog in (7, 10) else r for r in load_rules()]
    bundles = cores.bundled(rules)
    assert [7, 10] in [[r.catalog for r in bundle] for bundle in bundles]
    assert [bool(bundle[0].solves) for bundle in bundles] == sorted((bool(b[0].solves) for b in bundles), reverse=True)
    assert sorted(r.id for b in bundles for r in b) == sorted(r.id for r in rules if r.check is not None)
