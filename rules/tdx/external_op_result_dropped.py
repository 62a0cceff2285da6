"""The result of an operation on the external page table is dropped.

Where the S-EPT refuses a change that the mirror already has, the two disagree: the guest runs on a translation that KVM
believes gone, or KVM believes in one that the module never made. An operation that can fail is either handed to a
caller that can undo the change (the atomic path), or bugs the VM (the exclusive path). A log line is neither.

Return the error, or wrap the call in KVM_BUG_ON() or TDX_BUG_ON().
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from analyzer.author import (
    Call,
    Facts,
    Finding,
    Function,
    Provenance,
    Rule,
    Severity,
    Step,
    all_bodies,
    covers,
    heading_type,
    step,
    use_of,
)
from rules.vocabulary.seamcall import VOID_OPS

SCOPE = ("arch/x86/kvm/*",)
Wrappers = dict[tuple[str, str], tuple[Step, ...]]


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _external(facts: Facts, call: Call) -> bool:
    """An op of the external page table that returns something."""
    name = call.table
    if not name or "external_sp" not in name or name in VOID_OPS:
        return False
    returns = [f.returns for f in facts.program.fields() if f.name == name]
    return not returns or any(r != "void" for r in returns)


def _operation(facts: Facts, function: Function, call: Call, wrappers: Wrappers) -> tuple[Step, ...] | None:
    """Why the result of a call matters: the steps to the operation; None when it does not."""
    if _external(facts, call):
        return (step(function, call, f"the external operation {call.table}()"),)
    if call.callee.startswith("tdh_") and fnmatchcase(function.path, "arch/x86/kvm/vmx/tdx*"):
        return (
            (step(function, call, f"the SEAMCALL {call.callee}()"),)
            if call.callee != "tdh_do_no_vcpus" or call.args
            else None
        )
    for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
        if key in wrappers:
            return (step(function, call, f"{call.callee}() returns the result of"), *wrappers[key])
    return None


def _candidates(facts: Facts) -> list[Function]:
    """The functions that call an external op or a SEAMCALL, and their callers."""
    program = facts.program
    ops = frozenset(n for n in program.tables if "external_sp" in n)
    direct = facts.names.where(
        lambda d: (
            _covers(d.path)
            and d.kind == "function"
            and any("external_sp" in w or w.startswith("tdh_") for w in d.mentions)
        )
    )
    facts.count("ops of the external page table", len(ops))
    keys = set(direct) | {c for k in direct for c in facts.names.callers.get(k, ())}
    wider = keys | {c for k in keys for c in facts.names.callers.get(k, ())}
    found = (program.lower(k) for k in sorted(wider) if _covers(k[0]) and program.definitions[k].kind == "function")
    return [f for f in found if f is not None]


def _must_check(facts: Facts) -> frozenset[tuple[str, str]]:
    """Functions whose callers have to look at the result, by their own word."""
    return facts.solve(
        "must check", lambda: frozenset(d.key for d, t in all_bodies(facts) if "__must_check" in heading_type(d, t))
    )


def check(facts: Facts) -> Iterator[Finding]:
    """Operations first, then what returns their result, until nothing is new."""
    functions = _candidates(facts)
    wrappers: Wrappers = {}
    done: set[int] = set()
    places: set[tuple[tuple[str, str], int, str]] = set()
    grown = True
    while grown:
        grown = False
        for function in functions:
            for call in function.calls():
                why = _operation(facts, function, call, wrappers) if id(call) not in done else None
                if why is None:
                    continue
                done.add(id(call))
                facts.count("results of external operations followed")
                use = use_of(function, call)
                place = (function.key, call.line, call.name)
                if use.loss is not None and place not in places:  # a macro that retries calls twice
                    places.add(place)
                    message = f"the result of {call.name}() is {use.loss.how}"
                    trace = (*why, step(function, use.loss.instr, f"here the result is {use.loss.how}"))
                    yield facts.finding(function, call, call.name, message, trace=trace)
                asked = not use.handled or function.key in _must_check(facts)
                if use.returned and asked and function.key not in wrappers:
                    wrappers[function.key] = why
                    grown = True


RULE = Rule(
    id="tdx-external-op-result-dropped",
    catalog=7,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "mail",
            "aXqPym6QSFQTn9Cy@google.com",
            "Sean Christopherson",
            "2026-01-28",
            "atomic writes can fail, others cannot",
        ),
        Provenance("doc", "arch/x86/kvm/mmu/tdp_mmu.c:tdp_mmu_set_spte_atomic", "KVM"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static void update(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
        {
                kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);  // expect
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static void update(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
        {
                KVM_BUG_ON(kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level), kvm);
        }
        """,
    ),
)
