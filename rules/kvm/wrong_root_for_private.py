"""An operation on private memory uses a direct root, or one on shared memory a mirror root.

Private memory of a TD is mapped under its mirror root, everything else under its direct root. A walk of the direct root
for a private GFN finds nothing and changes nothing: a split or a zap is silently lost and the guest keeps the mapping.
A walk that includes mirror roots where only shared memory is meant destroys guest data. "The VM has mirror roots" says
nothing of the root at hand: the direct root of a TD gets what is for its mirror.

Take the root that belongs to the fault or to the filter of the range, and test the root. May be false: a per-VM test
that is meant to cover both roots of a TD, and a function named for private memory that has another meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from analyzer.author import (
    DIRECT,
    MAX_LEVELS,
    MIRROR,
    ROOT_TYPES,
    TYPES,
    WALKS,
    Assign,
    Assume,
    Binary,
    Call,
    Derived,
    Expr,
    Facts,
    Finding,
    Function,
    Instr,
    Location,
    MemorySpec,
    PartSpec,
    Provenance,
    Return,
    Root,
    Rule,
    Severity,
    Stage,
    Step,
    called_from,
    constant_walks,
    covers,
    decided_by,
    deciding,
    derived,
    ends_vm,
    handles_of,
    invalidates,
    memory_evidence,
    misplaced_addresses,
    refusal,
    refuses,
    roots_in,
    said,
    settled,
    shown,
    step,
    surely,
    taken,
    types_of,
    uses_of,
    wide_or_wrong,
)
from rules.vocabulary.mirror import (
    DIRECT_ONLY,
    EXTERNAL,
    MIRROR_WORDS,
    PER_ROOT,
    PER_VM,
    PER_VM_TYPE,
    PRIVATE_CALLS,
    PRIVATE_FLAGS,
    PRIVATE_NAMES,
    SHARED_ONLY,
    TEARDOWN,
    WALKERS,
)

SCOPE = ("arch/x86/kvm/mmu/*", "arch/x86/kvm/mmu.h", "arch/x86/kvm/vmx/tdx*", "arch/x86/kvm/vmx/common.h")
GETS = frozenset(("root_to_sp", "tdp_mmu_get_root", "tdp_mmu_next_root"))
HANDLES = ("struct kvm_mmu_page *", "struct tdp_iter", "struct tdp_iter *", "tdp_ptep_t")

MEMORY = MemorySpec(
    PRIVATE_CALLS, frozenset(("kvm_is_addr_direct",)), PRIVATE_FLAGS, WALKERS, GETS, PRIVATE_NAMES, DIRECT_ONLY
)
PART = PartSpec(HANDLES, PER_ROOT, EXTERNAL, re.compile(r"lockdep_|rcu_|trace_|pr_|is_|kvm_is_|sptep?_to_"), "mirror")


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


# -- a root of the wrong kind ---------------------------------------------------------------------------------------


def _wrong_kind(facts: Facts, function: Function, root: Root) -> Finding | None:
    if root.kinds not in (DIRECT, MIRROR):
        return None
    private = root.kinds == DIRECT
    facts.count("roots of one kind looked at")
    evidence = partial(memory_evidence, MEMORY, private)
    for use in uses_of(MEMORY, function, root):
        levels = 0 if isinstance(use, Return) else MAX_LEVELS  # who takes it from here is looked at in its own right
        steps = surely(facts, function.key, use, evidence, levels)
        at_root = () if steps else surely(facts, function.key, root.instr, evidence, levels)
        if not steps and not at_root:
            continue
        kind, memory = ("direct", "private") if private else ("mirror", "shared")
        got = root.instr.shown if isinstance(root.instr, Call) else root.name
        user = use.name if isinstance(use, Call) else ""
        where = "is returned" if isinstance(use, Return) else f"is used by {user}()"
        words = f"{got} is a {kind} root and {where} for {memory} memory"
        trace = (
            *(steps or at_root),
            step(function, root.instr, f"takes a {kind} root"),
            step(function, use, "uses it"),
        )
        return facts.finding(function, root.instr, f"{kind} root for {memory}", words, trace=trace)
    return None


def _addresses(facts: Facts, function: Function) -> Iterator[Finding]:
    """The address of a root is chosen for memory of the other kind."""
    for instr, private, evidence in misplaced_addresses(MEMORY, function):
        kind, memory = ("direct", "private") if private else ("mirror", "shared")
        words = f"{instr.value.text} is the {kind} root and is chosen for {memory} memory"
        trace = (evidence, step(function, instr, f"chooses {instr.value.text}"))
        yield facts.finding(function, instr, f"{kind} root for {memory}", words, trace=trace)


def _has_mirrors(facts: Facts) -> bool:
    """Whether there is a choice: a kernel before mirror roots has one root for all that is mapped."""
    known = facts.solve("knows mirrors", lambda: facts.names.where(lambda d: not d.mentions.isdisjoint(MIRROR_WORDS)))
    return bool(known)


def _for_any_fault(facts: Facts, function: Function, root: Root) -> Finding | None:
    """A fault says by its address which root it is for; a walk of one kind does not listen."""
    faults = [p.name for p in function.params if p.type == "struct kvm_page_fault *"]
    if not faults or root.kinds not in (DIRECT, MIRROR) or not _has_mirrors(facts):
        return None
    private = root.kinds == MIRROR
    for use in uses_of(MEMORY, function, root):
        asked = any(
            surely(facts, function.key, at, lambda f, i: memory_evidence(MEMORY, private, f, i, facts.program))
            for at in (use, root.instr)
        )
        walks = isinstance(use, Call) and any(faults[0] in a.names for a in use.args)
        if not asked and (walks or (private and isinstance(use, Return))):
            kind = "mirror" if private else "direct"
            does = f"{use.name}() walks" if isinstance(use, Call) else f"{function.name}() gives"
            words = f"{does} the {kind} root whatever {faults[0]} is for"
            last = shown(use) if isinstance(use, Call) else "returns it"
            trace = (step(function, root.instr, f"takes the {kind} root"), step(function, use, last))
            return facts.finding(function, root.instr, f"{kind} root for any fault", words, trace=trace)
    return None


def _masks(facts: Facts, function: Function) -> Iterator[Finding]:
    """Root types that are chosen for memory of the other kind, or whatever the filter says."""
    for block in function.blocks:
        for instr in block.instrs:
            value = instr.value if isinstance(instr, Assign | Return) else None
            types = frozenset(value.names if value is not None else ()) & set(TYPES) - {"KVM_INVALID_ROOTS"}
            if value is None or not types:
                continue
            facts.count("choices of root types looked at")
            why = _misfit(function, instr, types)
            if why is not None:
                subject, words, steps = why
                trace = (*steps, step(function, instr, value.text))
                yield facts.finding(function, instr, subject, words, trace=trace)


def _misfit(function: Function, instr: Instr, types: frozenset[str]) -> tuple[str, str, tuple[Step, ...]] | None:
    """Why types are the wrong ones where they are chosen."""
    private = types == {"KVM_DIRECT_ROOTS"}
    kind, memory = ("direct", "private") if private else ("mirror", "shared")
    wide, other = wide_or_wrong(function, instr, private)
    if other is not None and len(types) == 1 and types <= {"KVM_DIRECT_ROOTS", "KVM_MIRROR_ROOTS"}:
        words = said(function, other)
        return f"{kind} roots for {memory}", f"{kind} roots are chosen where {words}", (step(function, other, words),)
    named = len(types) == 1 and kind in min(types).lower()
    if named and (evidence := memory_evidence(MEMORY, private, function, instr)) is not None:
        return f"{kind} roots for {memory}", f"{kind} roots are chosen for {memory} memory", (evidence,)
    if wide:
        return "roots whatever the filter", f"{kind} roots are chosen whatever the filter says", ()
    return None


# -- the VM is asked instead of the root ----------------------------------------------------------------------------


def _per_vm(facts: Facts) -> Derived:
    def call(found: Call) -> bool:
        return found.callee in PER_VM

    def expr(found: Expr) -> bool:
        return isinstance(found, Binary) and found.op == "==" and PER_VM_TYPE in found.names

    return facts.solve("per-VM mirrors", lambda: derived(facts, PER_VM | {PER_VM_TYPE}, call, expr, _covers))


def _asks_vm(facts: Facts, function: Function, carried: dict[str, Instr]) -> Iterator[Finding]:
    handles = handles_of(PART, function)
    told = {p.name for p in function.params if "mirror" in p.name}
    carried = {n: i for n, i in carried.items() if n not in told}
    if not handles or settled(facts, function, HANDLES):
        return
    facts.count("functions with a root that ask the VM")

    def test(assume: Assume) -> bool:
        return bool(assume.cond.names & set(carried)) or PER_VM_TYPE in assume.cond.names

    for instr in (i for b in function.blocks for i in b.instrs):
        why = decided_by(facts, PART, function, instr, carried, test)
        if why is None:
            continue
        side, source = why
        words = f"{_source_words(source)} is a fact about the VM, not about the root that {_doing(instr)} is for"
        trace = [step(function, source, "asks whether the VM has mirror roots")] if source is not None else []
        if side is not None and "%" not in side.cond.text:
            trace.append(step(function, side, f"branches on {side.cond.text}"))
        trace.append(step(function, instr, _doing(instr)))
        place = source if isinstance(source, Call) and source.callee in PER_VM else side or instr
        yield facts.finding(
            function, place, "VM asked instead of root", words, trace=tuple(trace), severity=Severity.ERROR
        )
        return


def _doing(instr: Instr) -> str:
    return shown(instr) if isinstance(instr, Call) else "the result"


def _source_words(source: Instr | None) -> str:
    return shown(source) if isinstance(source, Call) else f"the type {PER_VM_TYPE}"


# -- walks that reach what they must not ----------------------------------------------------------------------------


def _range_walks(facts: Facts, function: Function, roots: list[Root]) -> Iterator[Finding]:
    """A range says by its filter which roots it is for; a walk of constant types does not listen."""
    ranges = [p.name for p in function.params if p.type == "struct kvm_gfn_range *"]
    for instr, kinds in constant_walks(facts, function, roots, ranges[0]) if ranges else ():
        facts.count("walks for a range looked at")
        if any("attr_filter" in a.cond.text for a in taken(function, instr)):
            continue
        words = f"the walk is for {' and '.join(sorted(kinds))} roots whatever {ranges[0]}->attr_filter says"
        trace = (
            Step(Location(function.path, function.line), function.name, f"gets {ranges[0]} with its filter"),
            step(function, instr, "takes roots of constant types"),
        )
        yield facts.finding(function, instr, "walk ignores the filter", words, trace=trace)


def _invalidations(facts: Facts, function: Function) -> Iterator[Finding]:
    """Mirror roots are made invalid while the VM lives on."""
    for call in function.calls():
        for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
            callee = facts.program.lower(key)
            at = next((i for i, p in enumerate(callee.params) if p.type == ROOT_TYPES), None) if callee else None
            if at is None or at >= len(call.args) or not invalidates(facts, key):
                continue
            mask = types_of(facts, function, call.args[at])
            facts.count("invalidations of roots looked at")
            if (
                mask is None
                or not mask & (facts.program.constants.get("KVM_MIRROR_ROOTS", 4))
                or ends_vm(facts, function, TEARDOWN)
            ):
                continue
            words = f"{shown(call)} takes the mirror roots as well, what they map cannot be faulted in again"
            trace = (step(function, call, "called while the VM lives on"),)
            yield facts.finding(function, call, "mirror roots invalidated", words, trace=trace)


def _shared_only(facts: Facts, function: Function, roots: list[Root]) -> Iterator[Finding]:
    """A handler for shared memory zaps all roots it can find, mirror roots among them."""
    for root in roots:
        if not root.walk or root.types is None or "mirror" not in root.kinds:
            continue
        entries = sorted(k for k in called_from(facts, function.key) if k[1] in SHARED_ONLY)
        zaps = [c for c in function.calls() if "zap" in c.callee and any(a.text == root.name for a in c.args)]
        sides = (a for z in zaps for a in deciding(function, z, lambda a: not a.wraps))
        chosen = any(f"{root.name}->" in a.cond.text for a in sides)
        if entries and zaps and not chosen:
            entry = facts.program.definitions[entries[0]]
            words = f"{function.name}() zaps mirror roots as well, and {entry.name}() is for shared memory only"
            trace = (
                Step(Location(entry.path, entry.line), entry.name, f"leads to {function.name}()"),
                step(function, root.instr, "walks mirror roots too"),
                step(function, zaps[0], shown(zaps[0])),
            )
            yield facts.finding(function, root.instr, "mirror roots zapped", words, trace=trace)


def _refused(facts: Facts, function: Function, roots: list[Root]) -> Iterator[Finding]:
    """What a walk of mirror roots calls warns about mirror entries."""
    for root in roots:
        if not root.walk or root.types is None or "mirror" not in root.kinds:
            continue
        for call in function.calls():
            for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
                refused = refusal(facts, key)
                if refused is None or WALKERS.match(call.callee) or not refuses(call, *refused):
                    continue
                callee, assume = refused
                words = f"the walk includes mirror roots, which {callee.name}() warns about"
                trace = (
                    step(function, root.instr, "walks mirror roots too"),
                    step(function, call, f"calls {call.callee}()"),
                    step(callee, assume, "warns where the entry is a mirror one"),
                )
                yield facts.finding(function, root.instr, "mirror roots refused", words, trace=trace)
                return


def check(facts: Facts) -> Iterator[Finding]:
    """Roots and what they are used for; then what asks the VM."""
    words = frozenset((*GETS, *WALKS, *TYPES, "kvm_tdp_mmu_invalidate_roots", "kvm_gfn_range"))
    getters = facts.names.where(lambda d: _covers(d.path) and not d.mentions.isdisjoint(GETS))
    named = words | {k[1] for k in getters}
    loops = {"kvm_mmu_page", "while"}  # what is left of a loop macro that the words do not name
    wanted = facts.names.where(
        lambda d: _covers(d.path) and d.kind == "function" and (not d.mentions.isdisjoint(named) or loops <= d.mentions)
    )
    for function in facts.program.functions(sorted(wanted)):
        roots = list(roots_in(facts, function))
        facts.count("functions with roots looked at", bool(roots))
        for root in roots:
            found = _wrong_kind(facts, function, root) or _for_any_fault(facts, function, root)
            if found is not None:
                yield found
        yield from _addresses(facts, function)
        yield from _masks(facts, function)
        yield from _range_walks(facts, function, roots)
        yield from _invalidations(facts, function)
        yield from _shared_only(facts, function, roots)
        yield from _refused(facts, function, roots)
    asked = _per_vm(facts)
    for key in sorted(asked.names):
        lowered = facts.program.lower(key)
        if lowered is not None and lowered.kind == "function":
            yield from _asks_vm(facts, lowered, asked.of(lowered))


RULE = Rule(
    id="kvm-wrong-root-for-private",
    catalog=12,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    stage=Stage.STABLE,
    provenance=(
        Provenance(
            "mail", "aXeRf4Jw6-Sl1JCe@google.com", "Sean Christopherson", "2026-01-26", "test the root, not the VM"
        ),
        Provenance(
            "mail", "aXtweWFELioEZLzv@google.com", "Sean Christopherson", "2026-01-29", "a split of the direct root"
        ),
        Provenance(
            "mail",
            "2906b4d3b789985917a063d095c4063ee6ab7b72.camel@intel.com",
            "Kai Huang",
            "2026-01-15",
            "mirror roots in dirty logging",
        ),
    ),
    bad=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        void grow(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
        {
                if (kvm_has_mirrored_tdp(kvm))  // expect "not about the root"
                        give_external_table(sp);
                hang_in(iter, sp);
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        void grow(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
        {
                if (is_mirror_sp(sp))
                        give_external_table(sp);
                hang_in(iter, sp);
        }
        """,
    ),
)
