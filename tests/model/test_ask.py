"""The questions of the command line, and what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from analyzer.core.problem import AnalyzerError
from analyzer.model import ask
from analyzer.model.engines import native, python
from analyzer.model.tell import spans
from tests.cli.nak import nak


def test_check_prints_a_line_a_scope() -> None:
    ran = nak("model", "check", "--scope", "accept-4k", "--scope", "pfnmap", "--engine", "python")
    assert ran.code == 0
    protocol, head, first, second, *_ = ran.out.splitlines()
    assert protocol == "protocol: correct"
    assert head.split()[:3] == ["scope", "states", "transitions"]
    assert first.split()[0] == "accept-4k"
    assert "holds: I1-I14 P1 P3" in first
    assert "holds: I1-I14 I17 P1-P3" in second


def test_check_explores_every_protocol_that_undecided_fields_stand_for() -> None:
    ran = nak("model", "check", "--scope", "1x2", "--set", "track=track|none", "--set", "poison=split-zap")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert [lines[0], lines[3]] == ["protocol: correct", "protocol: track=none"]
    assert "holds" in lines[2]
    assert "BROKEN: I6 after 15 steps" in lines[5]
    wrong = nak("model", "check", "--set", "track=maybe")
    assert wrong.code == 2
    assert "track=track|none" in wrong.err


def test_explain_follows_one_claim() -> None:
    out = nak("model", "explain", "no_stale_check", "--claim", "I3", "--engine", "python").out
    assert "breaks I3: a 2M S-EPT leaf lies over an unsplit folio" in out
    assert "after 14 steps, 11,277 states" in out
    assert nak("model", "explain", "no_track", "--claim", "I99").code == 2


def test_all_engines_are_asked_and_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = nak("model", "check", "--scope", "accept-4k", "--engine", "all")
    assert ran.code == 0
    assert " python" in ran.out
    honest = python.search
    monkeypatch.setattr(python, "search", lambda *given: replace(honest(*given), states=1))
    if native.compiler():
        wrong = nak("model", "check", "--scope", "accept-4k", "--engine", "all")
        assert wrong.code == 4
        assert "the engines disagree: python: 1 states" in wrong.err


def test_check_in_json() -> None:
    ran = nak("model", "check", "--scope", "accept-4k", "--no-reduce", "--format", "json")
    (found,) = json.loads(ran.out)
    assert found["states"] == 10_348
    assert found["complete"] is True
    assert found["broken"] is None
    assert [p["lost"] for p in found["progress"]] == [0]


def test_a_limit_is_an_incomplete_answer() -> None:
    ran = nak("model", "check", "--scope", "1x2", "--limit", "500", "--engine", "python")
    assert ran.code == 3
    assert "not all states were seen" in ran.out
    assert "known so far" in ran.err


@pytest.mark.parametrize(
    "words", [("check", "--scope", "moon"), ("explain", "nothing"), ("mutate", "--rule", "no-rule")]
)
def test_what_does_not_exist_is_named(words: tuple[str, ...]) -> None:
    ran = nak("model", *words)
    assert ran.code == 2
    assert "no " in ran.err
    assert len(ran.err.splitlines()) == 1


def test_mutate_shows_the_matrix_of_a_rule() -> None:
    ran = nak("model", "mutate", "--rule", "tdx-pamt-unbalanced", "--engine", "python")
    assert ran.code == 0
    assert "pamt_2m_get        I5            10" in ran.out
    assert "6 mutations: 6 killed" in ran.out
    assert "[HPA_RANGE_NOT_FREE]" in ran.out


EXPLAINED = """\
no_stale_check: the fault maps without the retry check under mmu_lock
rule: kvm-gmem-fault-without-retry
scope: 2 vCPUs x 2 pages
breaks I12: no mapping is made inside an open invalidation
"""


def test_explain_shows_lanes_sources_and_the_guard() -> None:
    ran = nak("model", "explain", "no_stale_check", "--engine", "python")
    assert ran.code == 0
    assert ran.out.startswith(EXPLAINED)
    lines = ran.out.splitlines()
    assert lines[6].split() == ["vcpu0", "converter", "changes", "source"]
    assert lines[13].split() == ["7", ".", "begin", "writer", "nobody->converter,", "invalidating", "0->1",
                                 "kvm_mmu_invalidate_start"]  # fmt: skip
    assert lines[-1] == "stopped by (step 11, guard): vcpu0 fresh needs not (invalidating > 0 or stale_0 == 1)"


def test_explain_shows_a_loop_without_progress() -> None:
    out = nak("model", "explain", "accept_ignored").out
    assert "and again from step 18 on" in out
    assert "vcpu1 fault needs not (small_1 == 1 and inhibit != yes)" in out


def test_explain_says_why_a_mutation_is_equivalent() -> None:
    out = nak("model", "explain", "late_begin_same", "--engine", "python").out
    assert "equivalent: readers see the counter only after the section" in out
    assert "all 54,174 states" in out


def test_explain_in_json_and_mermaid() -> None:
    told: dict[str, Any] = json.loads(nak("model", "explain", "no_track", "--format", "json").out)
    assert told["verdict"] == "I6"
    assert told["protocol"] == {"track": "none"}
    assert told["steps"][-1]["changed"] == {"bug": ["none", "DEMOTE_UNTRACKED"]}
    assert "split.kick if mode_0 != previous" in told["stopped_by"]["text"]
    assert {"file", "function", "tree"} <= set(told["steps"][0]["source"])
    drawn = nak("model", "explain", "no_track", "--format", "mermaid").out
    assert drawn.startswith("sequenceDiagram")
    assert "converter->>module: 14. split.block" in drawn
    assert "stopped by" in drawn


def test_scope_says_what_is_left_out() -> None:
    out = nak("model", "scope").out
    assert "* 1x2" in out
    assert "Not modelled" in out


def test_every_scope_is_explored_until_the_user_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real, seen = ask.check_one, []

    def stop(*args: Any) -> Any:
        seen.append(args)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(ask, "check_one", stop)
    assert ask.check(("accept-4k", "pfnmap", "teardown"), (), ask.How("python"), said.append) == 3
    assert [line.split()[0] for line in said[:2]] == ["protocol:", "accept-4k"]
    assert not any("pfnmap" in line for line in said)


def test_a_scope_may_be_given_by_size() -> None:
    assert ask.scope_named("1x3,no-zapper,poison,enomem").describe() == (
        "1 vCPU x 3 pages, no zapper, poison, enomem injected"
    )
    assert ask.scope_named("pfnmap,no-converter").describe().endswith("no ACCEPT-level faults, pfnmap")
    for wrong in ("2x9", "2x2,warp", "9x2", "x"):
        with pytest.raises(AnalyzerError):
            ask.scope_named(wrong)


def test_spans() -> None:
    assert spans(["I10", "I2", "P1", "I1", "I3"]) == "I1-I3 I10 P1"


def test_the_command_line_starts_without_the_model() -> None:
    code = "import sys, analyzer.cli; sys.exit('analyzer.model' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
