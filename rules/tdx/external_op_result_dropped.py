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
    Name,
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
from rules.vocabulary.errnos import errors_of
from rules.vocabulary.seamcall import VOID_OPS, is_tdx, only_reads

SCOPE = ("arch/x86/kvm/*",)
TOLD = frozenset(("EBUSY", "EIO"))  # what a function makes of a SEAMCALL that failed, with the VM not bugged
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
    if (
        call.callee.startswith("tdh_")
        and not only_reads(call.callee)
        and fnmatchcase(function.path, "arch/x86/kvm/vmx/tdx*")
    ):
        return (
            (step(function, call, f"the SEAMCALL {call.callee}()"),)
            if call.callee != "tdh_do_no_vcpus" or call.args
            else None
        )
    for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
        if key in wrappers:
            return (step(function, call, f"{call.callee}() returns the result of"), *wrappers[key])
    return None


def _handed(facts: Facts, function: Function, wrappers: Wrappers) -> Iterator[tuple[Function, Call, tuple[Step, ...]]]:
    """Calls by a helper of a function that it is handed: an operation, or what returns the result of one."""
    for call in function.calls():
        for index, arg in enumerate(call.args if call.callee else ()):
            found = facts.program.resolve(arg.text, function.path) if isinstance(arg, Name) else ()
            why = next((wrappers[k] for k in found if k in wrappers), None)
            if why is None or not isinstance(arg, Name) or arg.id in function.locals:
                continue
            for key in facts.program.resolve(call.callee, function.path):
                helper = facts.program.lower(key)
                name = helper.params[index].name if helper is not None and index < len(helper.params) else ""
                if helper is None or helper.kind != "function" or not _covers(helper.path):
                    continue
                for inner in helper.calls():
                    if name and name in (inner.callee, inner.target.text if inner.target else ""):
                        yield helper, inner, (step(function, call, f"hands {arg.id}() to {helper.name}()"), *why)


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
                    yield from _lost(facts, function, call, why)
                asked = use.returned and (not use.handled or function.key in _must_check(facts))
                if (asked or (use.loss is None and _tells(facts, function))) and function.key not in wrappers:
                    wrappers[function.key] = why
                    grown = True
    for function in functions:
        for helper, call, why in _handed(facts, function, wrappers):
            if id(call) not in done:
                done.add(id(call))
                yield from _lost(facts, helper, call, why)


def _tells(facts: Facts, function: Function) -> bool:
    """Whether a function of TDX tells nobody but its caller that an operation on the S-EPT failed."""
    mentions = facts.program.definitions[function.key].mentions
    if not is_tdx(function.path) or mentions.isdisjoint(TOLD) or not any(m.startswith("tdh_mem_") for m in mentions):
        return False
    return any(t.known and t.name in TOLD and not t.bugged for t in errors_of(facts).results(function.key))


def _lost(facts: Facts, function: Function, call: Call, why: tuple[Step, ...]) -> Iterator[Finding]:
    """A result that is lost."""
    use = use_of(function, call)
    if use.loss is not None:
        message = f"the result of {call.name}() is {use.loss.how}"
        trace = (*why, step(function, use.loss.instr, f"here the result is {use.loss.how}"))
        yield facts.finding(function, call, call.name, message, trace=trace)


RULE = Rule(
    id="tdx-external-op-result-dropped",
    catalog=7,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="errors",
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
