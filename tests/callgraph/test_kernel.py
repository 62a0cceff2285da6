"""Known facts of the calls of 7.3.4."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analyzer.callgraph.build import build
from analyzer.callgraph.graph import CallGraph
from analyzer.frontend.load import load
from analyzer.graphs import query
from analyzer.ir.program import Program
from analyzer.tree.snapshot import Snapshot, SourceFile
from rules.vocabulary.locks import VOCABULARY

PARTS = ("arch/x86/kvm", "virt/kvm", "arch/x86/virt/vmx/tdx")
HEADERS = ("arch/x86/include/asm/tdx.h", "arch/x86/include/asm/kvm_host.h", "include/linux/kvm_host.h")
TDX = "arch/x86/kvm/vmx/tdx.c"


@pytest.fixture(scope="module")
def real(kernel: Path) -> Program:
    names = [*HEADERS, *(str(p.relative_to(kernel)) for d in PARTS for p in (kernel / d).rglob("*.[ch]"))]
    files = {name: SourceFile(name, (kernel / name).read_bytes()) for name in sorted(names)}
    made = load(Snapshot("7.3.4", None, files), files)
    assert all(made.lower(k) is not None for k, d in made.definitions.items() if d.kind == "function")
    return made


@pytest.fixture(scope="module")
def calls(real: Program) -> CallGraph:
    return build(real, VOCABULARY)


def steps(graph: CallGraph, a: str, b: str) -> list[list[tuple[str, str, str]]]:
    found = query.paths(graph, a, b, limit=5).paths
    return [[(e.callee[1], e.kind, e.via or " ".join(e.through)) for e in path] for path in found]


def test_the_atomic_set_reaches_aug_through_the_table(calls: CallGraph) -> None:
    shortest = steps(calls, "tdp_mmu_set_spte_atomic", "tdh_mem_page_aug")[0]
    assert ("tdx_sept_set_private_spte", "table", "set_external_spte") in shortest
    assert shortest[-1] == ("tdh_mem_page_aug", "direct", "")


def test_removing_a_leaf_blocks_through_the_retry_macro(calls: CallGraph) -> None:
    found = steps(calls, "tdx_sept_remove_leaf_spte", "tdh_mem_range_block")
    assert found == [[("tdh_mem_range_block", "macro", "tdh_do_no_vcpus")]]
    assert {e.kind for e in calls.into((TDX, "tdh_do_no_vcpus"))} == {"macro"}
    passed = {e.callee[1] for e in calls.out((TDX, "tdh_do_no_vcpus"))}
    assert {"tdh_mem_range_block", "tdh_mem_page_remove", "tdx_operand_busy", "kvm_make_all_cpus_request"} <= passed


def test_uses_of_a_macro_do_not_mix(calls: CallGraph) -> None:
    """tdx_track() does not block a range because another user of the macro does."""
    blocking = {e.caller[1] for e in query.callers(calls, "tdh_mem_range_block").edges}
    assert "tdx_sept_remove_leaf_spte" in blocking
    assert "tdx_track" not in blocking


def test_populating_calls_back(calls: CallGraph) -> None:
    assert steps(calls, "kvm_gmem_populate", "tdx_gmem_post_populate")[0] == [
        ("__kvm_gmem_populate", "direct", ""),
        ("tdx_gmem_post_populate", "callback", "post_populate"),
    ]


def test_handlers_of_ranges_are_called_back(calls: CallGraph) -> None:
    out = calls.out(("virt/kvm/kvm_main.c", "kvm_handle_hva_range"))
    handlers = {e.callee[1] for e in out if (e.kind, e.via) == ("callback", "handler")}
    assert {"kvm_mmu_unmap_gfn_range", "kvm_age_gfn", "kvm_test_age_gfn"} <= handlers


def test_pages_are_freed_later(calls: CallGraph) -> None:
    into = calls.into(("arch/x86/kvm/mmu/tdp_mmu.c", "tdp_mmu_free_sp_rcu_callback"))
    assert {(e.caller[1], e.kind, e.via) for e in into} == {
        ("kvm_tdp_mmu_put_root", "async", "call_rcu"),
        ("handle_removed_pt", "async", "call_rcu"),
    }


def test_the_vendors_enter_the_guest_through_the_table(calls: CallGraph) -> None:
    into = calls.into(("arch/x86/kvm/vmx/main.c", "vt_vcpu_run"))
    assert {(e.caller[1], e.kind, e.via) for e in into} == {("vcpu_enter_guest", "table", "vcpu_run")}


def test_exit_handlers_are_called_through_their_arrays(calls: CallGraph) -> None:
    into = calls.into(("arch/x86/kvm/vmx/vmx.c", "handle_ept_violation"))
    assert [(e.caller[1], e.kind) for e in into] == [("__vmx_handle_exit", "table")]
    assert "npf_interception" in {e.callee[1] for e in calls.out(("arch/x86/kvm/svm/svm.c", "svm_invoke_exit_handler"))}


def test_a_handler_that_a_macro_calls_is_its_users(calls: CallGraph) -> None:
    """__kvm_emulate_hypercall(vcpu, cpl, complete_hypercall) calls its last argument."""
    into = calls.into(("arch/x86/kvm/x86.c", "complete_hypercall_exit"))
    users = {(e.caller[1], e.through) for e in into if e.kind == "macro" and e.caller[1] != "__kvm_emulate_hypercall"}
    assert users == {("kvm_emulate_hypercall", ("__kvm_emulate_hypercall",))}


def test_generic_code_calls_no_other_architecture(calls: CallGraph) -> None:
    targets = {e.callee[0].split("/")[1] for e in calls.edges() if e.callee[0].startswith("arch/")}
    assert targets == {"x86"}


def test_stubs_of_headers_are_not_called_where_there_is_the_function(calls: CallGraph) -> None:
    stub, function = ("include/linux/kvm_host.h", "kvm_gmem_get_pfn"), ("virt/kvm/guest_memfd.c", "kvm_gmem_get_pfn")
    assert calls.into(stub) == []
    assert calls.into(function) != []
    assert calls.into(("virt/kvm/kvm_main.c", "kvm_arch_dy_runnable")) == []


def test_little_is_unresolved(calls: CallGraph) -> None:
    counts = calls.statistics()
    assert counts["direct"] > 10_000
    assert counts["table"] > 600
    assert counts["callback"] >= 40
    assert counts["async"] >= 30
    assert counts["unresolved"] <= 20
    assert {p for p, f in calls.unread if f.islower() and p == TDX} == set()


def test_the_graph_is_made_in_seconds(real: Program, calls: CallGraph) -> None:
    start = time.perf_counter()
    again = build(real, VOCABULARY)
    assert time.perf_counter() - start < 8
    assert again.edges() == calls.edges()
