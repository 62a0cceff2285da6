"""Memory that lives as long as a TD or a vCPU is not charged to the VM that uses it.

GFP_KERNEL without __GFP_ACCOUNT charges nobody: a container can create TDs whose control pages, page arrays and caches
count for no memory cgroup, and its limit does not hold.

Use GFP_KERNEL_ACCOUNT for what is stored in the TD, the vCPU or one of their caches. What is freed before the operation
ends need not be charged.

May be false: where the object is only parked in the TD and freed soon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Call,
    Escape,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Kept,
    Provenance,
    Return,
    Rule,
    Severity,
    Step,
    covers,
    reaching,
    shown,
    step,
    words,
)
from rules.vocabulary.memory import ALLOCATORS, CASTS, FILLERS, outlives

SCOPE = ("arch/x86/kvm/vmx/tdx*", "arch/x86/kvm/vmx/main.c", "arch/x86/kvm/mmu/*", "arch/x86/virt/vmx/tdx/*")
CACHE_FLAGS = frozenset(("gfp_custom",))  # of struct kvm_mmu_memory_cache: what it allocates with (linux/kvm_types.h)
Flags = tuple[str, tuple[Step, ...]]  # what the flags are, and how they came here


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def check(facts: Facts) -> Iterator[Finding]:
    """Every allocation of TDX code whose flags do not charge, followed to where its result is kept."""
    escape = Escape(facts.program, facts.names)
    for function in facts.mentioning(frozenset(ALLOCATORS) | frozenset(FILLERS), _covers):
        for call in function.calls():
            if call.callee in ALLOCATORS or call.callee in FILLERS:
                facts.count("allocations looked at")
                yield from _allocation(facts, escape, function, call)
    for function in facts.mentioning(CACHE_FLAGS, _covers):
        yield from _caches(facts, escape, function)


def _caches(facts: Facts, escape: Escape, function: Function) -> Iterator[Finding]:
    """Caches in what lives long that are told to fill themselves with flags that do not charge."""
    stores = (i for b in function.blocks for i in b.instrs if isinstance(i, Assign) and isinstance(i.target, Field))
    for instr in stores:
        target = instr.target
        if not isinstance(target, Field) or target.name not in CACHE_FLAGS:
            continue
        facts.count("flags of caches looked at")
        plain = next((f for f in _resolved(facts, function, instr, instr.value, 4) if _uncharged(f[0])), None)
        if plain is not None and escape.lives_in(function, target, outlives, CASTS):
            message = f"{words(function, target.base)} fills itself with {plain[0]}, which is not charged to the VM"
            trace = (*plain[1], step(function, instr, f"{words(function, target)} = {plain[0]}"))
            subject = f"flags of {words(function, target.base).split('->')[-1]}"
            yield facts.finding(function, instr, subject, message, trace=trace, severity=Severity.WARNING)


def _allocation(facts: Facts, escape: Escape, function: Function, call: Call) -> Iterator[Finding]:
    """A finding if some flags do not charge and some place lives long."""
    plain = next((f for f in _flags(facts, function, call) if _uncharged(f[0])), None)
    if plain is None or _charging_cache(facts, function, call):
        return
    places = escape.of(function, call)
    if call.callee in FILLERS:
        places = escape.filled(function, call, FILLERS[call.callee][1])
    kept = next((k for k in places if escape.lives_in(k.function, k.target, outlives, CASTS)), None)
    if kept is not None:
        yield _finding(facts, function, call, plain, kept)


def _finding(facts: Facts, function: Function, call: Call, flags: Flags, kept: Kept) -> Finding:
    target = words(kept.function, kept.target).removeprefix("&")
    message = f"{call.callee}() with {flags[0]} is not charged to the VM, and {target} keeps what it returns"
    trace = (
        *flags[1],
        step(function, call, f"allocates with {flags[0]}: {shown(call)}"),
        *kept.path,
        step(kept.function, kept.instr, f"keeps it in {target}"),
    )
    subject = f"{call.callee} for {target.split('->')[-1]}"
    return facts.finding(function, call, subject, message, trace=trace, severity=Severity.WARNING)


def _uncharged(flags: str) -> bool:
    return re.search(r"\bGFP_\w+|\b__GFP_\w+", flags) is not None and "ACCOUNT" not in flags


def _flags(facts: Facts, function: Function, call: Call) -> Iterator[Flags]:
    """What the flags of an allocation can be."""
    index = FILLERS[call.callee][0] if call.callee in FILLERS else ALLOCATORS[call.callee]
    if index is None or index >= len(call.args):
        yield "GFP_KERNEL", ()
    else:
        yield from _resolved(facts, function, call, call.args[index], 4)


def _resolved(facts: Facts, function: Function, at: Instr, expr: Expr, depth: int) -> Iterator[Flags]:
    """An expression of flags with variables, parameters and macros replaced by what they stand for."""
    names = sorted(n for n in expr.names if not re.match(r"_*GFP_", n))
    if "ACCOUNT" in expr.text or not names or not depth:
        yield expr.text, ()
        return
    name = names[0]
    places = [n for n, p in enumerate(function.params) if p.name == name]
    local = name in function.locals or name[0] == "%" or places
    if not local:
        yield expr.text.replace(name, _named(facts, function, name)), ()
        return
    for setter in reaching(function, at, name):
        if setter is None and places:
            yield from _passed(facts, function, places[0], expr.text, name, depth)
        elif isinstance(setter, Assign):
            for text, path in _resolved(facts, function, setter, setter.value, depth - 1):
                yield expr.text.replace(name, text), path
        elif isinstance(setter, Call):
            yield from _returned(facts, function, setter, depth)


def _returned(facts: Facts, function: Function, call: Call, depth: int) -> Iterator[Flags]:
    """The flags that a helper gives."""
    for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
        helper = facts.program.lower(key)
        for block in helper.blocks if helper is not None else ():
            for instr in block.instrs:
                if helper is not None and isinstance(instr, Return) and instr.value is not None:
                    for text, path in _resolved(facts, helper, instr, instr.value, depth - 1):
                        yield text, (step(helper, instr, f"returns {text}"), *path)


def _passed(facts: Facts, function: Function, place: int, text: str, name: str, depth: int) -> Iterator[Flags]:
    """The flags that callers pass."""
    for key in facts.names.callers.get(function.key, ()):
        caller = facts.program.lower(key)
        for call in caller.calls() if caller is not None else ():
            if caller is not None and call.callee == function.name and place < len(call.args):
                for found, path in _resolved(facts, caller, call, call.args[place], depth - 1):
                    here = step(caller, call, f"passes {found} to {function.name}()")
                    yield re.sub(rf"\b{re.escape(name)}\b", found, text), (*path, here)


def _named(facts: Facts, function: Function, name: str) -> str:
    """What a macro or a constant of the file (or a header) stands for."""
    pattern = re.compile(rf"(?:#\s*define\s+{re.escape(name)}\s+([^\n]+)|\b{re.escape(name)}\s*=\s*([^;\n]+);)")
    for path in (function.path, *(p for p in facts.program.files if p.endswith(".h") and "tdx" in p)):
        found = pattern.search(facts.program.code(path))
        if found is not None:
            return (found.group(1) or found.group(2)).strip()
    return name


def _charging_cache(facts: Facts, function: Function, call: Call) -> bool:
    """Whether the slab cache that is allocated from charges by itself."""
    if not call.callee.startswith("kmem_cache") or not call.args:
        return False
    name = call.args[0].text.split("->")[-1]
    made = re.search(rf"\b{re.escape(name)}\s*=\s*\w*[^;]*;", facts.program.code(function.path))
    return made is not None and "SLAB_ACCOUNT" in made.group()


RULE = Rule(
    id="tdx-allocation-not-accounted",
    catalog=29,
    severity=Severity.WARNING,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "mail",
            "20260129011517.3545883-4-seanjc@google.com",
            "Sean Christopherson",
            "2026-01-28",
            "v5 03/45: what lives as long as a TD is charged",
        ),
    ),
    bad=(
        """
        int vcpu_pages(struct kvm_vcpu *vcpu)
        {
                struct vcpu_tdx *tdx = to_tdx(vcpu);

                tdx->vp.tdvpr_page = alloc_page(GFP_KERNEL);  // expect "is not charged to the VM"
                return tdx->vp.tdvpr_page ? 0 : -ENOMEM;
        }
        """,
    ),
    good=(
        """
        int vcpu_pages(struct kvm_vcpu *vcpu)
        {
                struct vcpu_tdx *tdx = to_tdx(vcpu);

                tdx->vp.tdvpr_page = alloc_page(GFP_KERNEL_ACCOUNT);
                return tdx->vp.tdvpr_page ? 0 : -ENOMEM;
        }
        """,
        """
        int copy_cpuid(struct kvm *kvm, void __user *user, size_t size)
        {
                void *buffer = kzalloc(size, GFP_KERNEL);
                int ret = 0;

                if (!buffer)
                        return -ENOMEM;
                if (copy_from_user(buffer, user, size))
                        ret = -EFAULT;
                kfree(buffer);
                return ret;
        }
        """,
    ),
)
