"""The verbs of nak: exit codes, formats, settings, ranges, the default tree, and what reaches a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import analyzer
from analyzer.engine.registry import load_rules
from analyzer.report.json import schema
from tests.cli.nak import MINIKVM, Ran, git, mails, mbox, nak, process, repository

VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel around the current folder."""
    monkeypatch.chdir(tmp_path)


def document(done: Ran) -> Any:
    """The JSON printed, which follows the schema; nothing else is said."""
    assert done.err == ""
    told = json.loads(done.out)
    assert [error.message for error in VALIDATOR.iter_errors(told)] == []
    return told


# -- exit codes ----------------------------------------------------------------------------------------------------


def test_findings_give_one_and_a_clean_series_zero() -> None:
    found, clean = nak("review", *mails("limit-renamed")), nak("review", *mails("aug-checks-alignment"))
    assert (found.code, found.err) == (1, "")
    assert "tdx-gmem-pfn-to-page" in found.out and "tdx_gmem_max_mapping_level" in found.out
    assert (clean.code, clean.err) == (0, "")
    assert "tdx-" not in clean.out


def test_the_threshold() -> None:
    """Warnings count unless only errors are asked for; an error counts always."""
    warnings = mails("block-takes-module-level")
    assert [nak("review", *warnings, *more).code for more in ((), ("--fail-on", "error"), ("--fail-on", "info"))] == [
        1,
        0,
        1,
    ]
    assert nak("review", *mails("limit-renamed"), "--fail-on", "error").code == 1


def test_what_the_series_fixes_itself_is_told_and_counts() -> None:
    """Every patch must stand on its own: a bisection stops at any."""
    done = nak("review", *mails("map-leaf-folio-check"), "--format", "json")
    told = document(done)
    assert done.code == 1
    assert {(f["patch"], f["fixed_by"]) for f in told["findings"]} == {(1, 3)}


def test_one_rule_only() -> None:
    folio = mails("aug-takes-folio")
    done = nak("review", *folio, "--rule", "tdx-silent-sanity-check", "--format", "json")
    assert {f["rule"] for f in document(done)["findings"]} == {"tdx-silent-sanity-check"}
    both = nak(
        "review", *folio, "--rule", "tdx-silent-sanity-check", "--rule", "tdx-level-units-mixed", "--format", "json"
    )
    assert {f["rule"] for f in document(both)["findings"]} == {"tdx-silent-sanity-check"}


# -- formats -------------------------------------------------------------------------------------------------------


def test_json_of_a_review() -> None:
    told = document(nak("review", *mails("limit-renamed"), "--tree", MINIKVM, "--format", "json"))
    assert told["nak"] == {"version": analyzer.__version__}
    assert [p["index"] for p in told["series"]["patches"]] == [1, 2, 3]
    assert told["series"]["patches"][0]["message_id"] == "20260326.1.limit-renamed-v1@example.org"
    assert told["series"]["base"]["reason"]
    found = [f for f in told["findings"] if f["change"] == "introduced"]
    assert {(f["patch"], f["function"]) for f in found} == {(1, "tdx_gmem_max_mapping_level")}
    assert all(f["trace"] and f["provenance"] and len(f["fingerprint"]) == 16 for f in found)


def test_json_of_a_check() -> None:
    done = nak("check", MINIKVM, "--format", "json")
    told = document(done)
    assert done.code == 0
    assert told["series"] is None
    assert told["stats"]["files"] > 20
    assert told["stats"]["looked at"]


def test_equal_runs_give_equal_json() -> None:
    runs = [document(nak("review", *mails("aug-takes-folio"), "--format", "json", "--no-cache")) for _ in range(2)]
    for told in runs:
        del told["stats"]["seconds"]
    assert runs[0] == runs[1]


def test_lines() -> None:
    done = nak("review", *mails("limit-renamed"), "--format", "lines")
    assert re.fullmatch(r"(?:arch/x86/kvm/vmx/tdx\.c:\d+: error: \[tdx-gmem-pfn-to-page\] [^\n]+\n)+", done.out)


def test_findings_of_a_tree(tmp_path: Path) -> None:
    place = tmp_path / "arch/x86/kvm/vmx"
    place.mkdir(parents=True)
    (tmp_path / "virt/kvm").mkdir(parents=True)
    (place / "tdx.c").write_text(
        "static void f(struct kvm *kvm)\n{\n\tread_lock(&kvm->mmu_lock);\n\ttdh_mem_track(&to_kvm_tdx(kvm)->td);\n"
        "\tread_unlock(&kvm->mmu_lock);\n}\n"
    )
    done = nak("check", tmp_path, "--format", "json")
    assert done.code == 1
    assert {(f["rule"], f["line"]) for f in document(done)["findings"]} >= {("tdx-sept-op-without-write-lock", 4)}


# -- the terminal --------------------------------------------------------------------------------------------------


def test_no_escape_codes_where_there_is_no_terminal() -> None:
    assert "\x1b" not in nak("review", *mails("limit-renamed")).out
    assert "\x1b" not in nak("check", MINIKVM).out


def test_colour_when_it_is_asked_for() -> None:
    assert "\x1b[" in nak("review", *mails("limit-renamed"), "--color", "always").out


def test_no_color_of_a_process() -> None:
    done = process(["review", *mails("limit-renamed")], NO_COLOR="1", TERM="xterm-256color")
    assert done.code == 1
    assert "\x1b" not in done.out + done.err


HOSTILE = "\x1b]0;gone\x07\x1b[2J\u202e\x9b31m"


@pytest.mark.parametrize("form", ["text", "json", "lines"])
def test_what_strangers_write_cannot_act_on_the_terminal(form: str) -> None:
    mail = mbox("limit-renamed").replace(b"Subject: [PATCH 1/3] ", f"Subject: [PATCH 1/3] {HOSTILE}".encode())
    mail = mail.replace(b"KVM: TDX: Limits of mappings", f"Limits {HOSTILE}".encode())
    done = nak("review", "-", "--format", form, stdin=mail)
    assert done.code == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.out + done.err)
    if form == "text":
        assert "\\x1b" in done.out


# -- where it comes from -------------------------------------------------------------------------------------------


def test_standard_input_is_the_same_as_files() -> None:
    piped, named = nak("review", "-", stdin=mbox("limit-renamed")), nak("review", *mails("limit-renamed"))
    assert piped.code == named.code == 1
    strip = re.compile(r"[\d.]+ ?s\b")
    assert strip.sub("", piped.out) == strip.sub("", named.out)


def test_a_range_of_commits(tmp_path: Path) -> None:
    tree = repository(tmp_path / "linux", "demote-skips-track")
    done = nak("review", "HEAD~2..HEAD", "--tree", tree, "--format", "json")
    told = document(done)
    assert done.code == 1
    assert [p["index"] for p in told["series"]["patches"]] == [1, 2]
    assert told["series"]["base"]["commit"] == git(tree, "rev-parse", "HEAD~2")
    found = [f for f in told["findings"] if f["change"] == "introduced"]
    assert {(f["rule"], f["patch"], f["function"]) for f in found} == {
        ("tdx-sept-op-misordered", 2, "tdx_sept_split_leaf_spte")
    }
    assert nak("review", "HEAD~2..HEAD~1", "--tree", tree, "--rule", "tdx-sept-op-misordered").code == 0


def test_the_tree_around_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = repository(tmp_path / "linux", "demote-skips-track")
    monkeypatch.chdir(tree / "arch/x86/kvm")
    assert nak("review", "HEAD~2..").code == 1
    assert nak("check", "--format", "json").code == 1
    with_tree = document(nak("review", *mails("demote-skips-track"), "--format", "json"))
    without = document(nak("review", *mails("demote-skips-track"), "--no-tree", "--format", "json"))
    assert "no tree" in without["series"]["base"]["reason"]
    assert "no tree" not in with_tree["series"]["base"]["reason"]


def test_the_work_tree_is_never_touched(tmp_path: Path) -> None:
    tree = repository(tmp_path / "linux", "demote-skips-track")
    before = {p: p.stat().st_mtime_ns for p in tree.rglob("*") if p.is_file()}
    nak("review", *mails("limit-renamed"), "--tree", tree)
    nak("review", "HEAD~2..HEAD", "--tree", tree)
    assert {p: p.stat().st_mtime_ns for p in tree.rglob("*") if p.is_file()} == before
    assert git(tree, "status", "--porcelain") == ""


# -- settings ------------------------------------------------------------------------------------------------------


def test_git_config_and_the_flags_that_override_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "nak.failOn", "error")
    assert nak("review", *mails("block-takes-module-level")).code == 0
    assert nak("review", *mails("block-takes-module-level"), "--fail-on", "warning").code == 1
    git(tmp_path, "config", "nak.rules", "tdx-silent-sanity-check,tdx-level-units-mixed")
    folio: list[str | Path] = ["review", *mails("aug-takes-folio"), "--format", "json"]
    assert {f["rule"] for f in document(nak(*folio))["findings"]} == {"tdx-silent-sanity-check"}
    flagged = document(nak(*folio, "--rule", "tdx-gmem-pfn-to-page"))
    assert {f["rule"] for f in flagged["findings"]} == {"tdx-gmem-pfn-to-page"}


# -- the other verbs -----------------------------------------------------------------------------------------------


def test_rules_list_has_every_rule() -> None:
    done = nak("rules", "list")
    lines = done.out.splitlines()
    assert done.code == 0
    assert len(lines) == len(load_rules())
    assert all(rule.id in line and rule.summary in line for rule, line in zip(load_rules(), lines, strict=True))


@pytest.mark.parametrize("rule", [rule.id for rule in load_rules()])
def test_explain(rule: str) -> None:
    done = nak("explain", rule)
    [found] = [r for r in load_rules() if r.id == rule]
    assert done.code == 0
    assert done.out.startswith(rule)
    assert found.summary in done.out and "Bad:" in done.out and "Good:" in done.out
    assert all(source.ref in done.out for source in found.provenance)


def test_dump_series() -> None:
    out = nak("dump", "series", *mails("limit-renamed")).out
    assert "KVM: TDX: Limits of mappings" in out
    assert "KVM: TDX: Rename tdx_gmem_max_mapping_level()" in out


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("ir", "tdh_mem_page_demote"),
        ("calls", "tdx_sept_split_leaf_spte"),
        ("held", "mmu_lock"),
    ],
)
def test_dump_of_a_file_of_a_tree(what: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MINIKVM)
    done = nak("dump", what, "arch/x86/kvm/vmx/tdx.c")
    assert (done.code, done.err) == (0, "")
    assert word in done.out


def test_dump_of_a_file_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int f(int a)\n{\n\tif (a)\n\t\treturn g(a);\n\treturn 0;\n}\n")
    done = nak("dump", "ir", "a.c")
    assert done.code == 0
    assert "function f(int a) -> int" in done.out and "assume a" in done.out


def test_graph_from_to() -> None:
    done = nak("graph", MINIKVM, "--from", "tdx_sept_set_private_spte", "--to", "tdh_mem_page_demote")
    assert done.code == 0
    assert "macro tdh_do_no_vcpus" in done.out
    told = json.loads(
        nak("graph", MINIKVM, "--from", "kvm_mmu_page_fault", "--to", "tdh_mem_page_aug", "--format", "json").out
    )
    assert told


def test_graph_callers_and_locks() -> None:
    assert "tdx_sept_remove_leaf_spte" in nak("graph", MINIKVM, "--callers", "tdx_track").out
    path = ("--from", "tdx_handle_ept_violation", "--to", "tdh_mem_page_demote", "--locks")
    assert "mmu_lock" in nak("graph", MINIKVM, *path).out


def test_the_lock_report_of_the_small_tree() -> None:
    done = nak("check", MINIKVM, "--lock-report")
    assert done.code == 0
    assert re.search(r"\b0 contradicted\b", done.out.strip().split("\n")[-1])


def test_version_and_help() -> None:
    assert nak("--version").out == f"nak {analyzer.__version__}\n"
    for words in ((), ("review",), ("check",), ("graph",), ("dump",), ("rules",), ("explain",)):
        done = nak(*words, "--help")
        assert done.code == 0
        assert done.out.startswith("Usage:")


def test_the_order_of_sets_does_not_show() -> None:
    """Two processes with other seeds for their hashes print the same."""
    words: list[str | Path] = ["review", *mails("block-takes-module-level"), "--tree", MINIKVM, "--format", "json"]
    told = [document(process(words, PYTHONHASHSEED=seed)) for seed in ("1", "2")]
    for each in told:
        del each["stats"]
    assert told[0] == told[1]
