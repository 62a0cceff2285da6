"""A change of the mirror page table reaches the S-EPT by a way of its own.

All changes go through one place and one hook, which decides by the old and the new SPTE alone. A hook for each kind of
change, a second place that calls it, or a branch on how mmu_lock is held spreads the rules of the external table over
the core MMU: one path forgets the freeze or the accounting, the mirror and the S-EPT disagree, and what was legal on
one path is silently skipped on another. An optional hook that returns an error and has no default gives garbage where
the vendor has none.

Let the SPTE change handler call the one hook with both values; tell the transitions apart behind it.

May be false: a hook that is for no entry or table (filling a cache) but has a GFN among its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Assume,
    CallSite,
    Certainty,
    Facts,
    Finding,
    Function,
    Key,
    Location,
    Name,
    Op,
    Prototype,
    Provenance,
    Return,
    Rule,
    Severity,
    Stage,
    Step,
    covers,
    deciding,
    has_hole,
    hub,
    made_by,
    nearest_callers,
    one_sided,
    op_calls,
    ops_of,
    shown,
    step,
    words,
)
from rules.vocabulary.mirror import (
    ATOMIC_WRITES,
    BUSY,
    CENTRAL_OP,
    EXTERNAL,
    LOCK_QUERY,
    LOCK_STATE,
    MMU,
    PLAIN_WRITES,
    PRUNE_OP,
    TABLES,
)

SCOPE = ("arch/x86/include/asm/kvm*", "arch/x86/kvm/*")
WARN = Severity.WARNING


_OF_MEMORY = re.compile(r"private|direct|attr|KVM_FILTER")


def _in_mmu(path: str) -> bool:
    return covers(MMU, path)


# -- what the table declares ----------------------------------------------------------------------------------------


def _values(op: Op) -> int:
    """How many SPTE values a hook gets."""
    return sum(p.type == "u64" and "spte" in p.name for p in op.member.params) if op.member is not None else 0


def _changes_entries(op: Op) -> bool:
    """Whether a hook is about an entry or a table, not about a cache."""
    if op.member is None or op.member.cut:
        return TABLES.search(op.name) is not None
    types = {p.type for p in op.member.params}
    return (
        bool(types & {"gfn_t", "gpa_t", "tdp_ptep_t", "struct kvm_mmu_page *", "struct tdp_iter *"}) or _values(op) > 0
    )


def _allowed(op: Op) -> bool:
    """The hook that gets both values, and the one that prunes a table."""
    if op.name in (CENTRAL_OP, PRUNE_OP):
        return True
    member = op.member
    return (
        member is not None
        and member.returns == "void"
        and any(p.type == "struct kvm_mmu_page *" for p in member.params)
        and not any(p.type == "gfn_t" for p in member.params)
    )


def _extra(ops: tuple[Op, ...]) -> list[Op]:
    """The hooks beside the central one and the pruning one."""
    both = [op for op in ops if _values(op) > 1]
    central = [op for op in both if op.name == CENTRAL_OP] or both
    prunes = [op for op in ops if _allowed(op) and op not in central]
    keep = {op.name for op in (*central[:1], *prunes[:1])}
    return [op for op in ops if op.name not in keep and op.name not in (CENTRAL_OP, PRUNE_OP) and _changes_entries(op)]


def _declared(place: Prototype, op: str, subject: str, message: str, trace: tuple[Step, ...]) -> Finding:
    certainty = Certainty.MAY if place.cut else Certainty.MUST
    return Finding(Location(place.path, place.line), op, subject, message, certainty, trace, severity=WARN)


def _lines(op: Op) -> tuple[Step, ...]:
    """The lines that declare an op."""
    steps = []
    if op.member is not None:
        types = ", ".join(f"{p.type} {p.name}".strip() for p in op.member.params)
        steps.append(
            Step(Location(op.member.path, op.member.line), op.name, f"{op.member.returns} (*{op.name})({types})")
        )
    if op.entry is not None:
        steps.append(Step(Location(op.entry.path, op.entry.line), op.name, f"{op.entry.returns}({op.name})"))
    return tuple(steps)


def _without_default(op: Op) -> bool:
    """Optional, gives a value, and no value is there where the vendor has no such op."""
    return (
        op.entry is not None
        and op.member is not None
        and op.entry.returns.endswith("OPTIONAL")
        and op.member.returns in ("int", "bool", "long", "u64")
    )


def _in_table(facts: Facts, ops: tuple[Op, ...], extra: list[Op]) -> Iterator[Finding]:
    for op in ops:
        missing = _without_default(op) and not _has_fallback(facts, op.name)
        if op in extra:
            words = f"{op.name}() is a hook for one kind of change of the external page table, beside {CENTRAL_OP}()"
            words += ", and an optional one without a default result" if missing else ""
            yield _declared(op.place, op.name, f"op {op.name}", words, _lines(op))
        elif missing:
            words = (
                f"{op.name}() returns {op.member.returns if op.member else ''} and is optional without a default result"
            )
            yield _declared(op.place, op.name, f"optional {op.name}", words, _lines(op))
        yield from _lock_state(facts, op)


def _has_fallback(facts: Facts, op: str) -> bool:
    """Somebody looks whether the op is there before it is used, or fills it in."""
    for function in facts.mentioning(frozenset((op,))):
        for block in function.blocks:
            for instr in block.instrs:
                if isinstance(instr, Assume) and f".{op}" in instr.cond.text:
                    return True
    return False


# -- how the lock is held -------------------------------------------------------------------------------------------


def _lock_state(facts: Facts, op: Op) -> Iterator[Finding]:
    """A parameter that says how mmu_lock is held, unless implementations look at it for BUSY only."""
    for index, param in enumerate(op.member.params if op.member is not None else ()):
        if param.type not in ("bool", "int") or not LOCK_STATE.search(param.name):
            continue
        known = [f for e in facts.program.tables.get(op.name, ()) for k in facts.program.resolve(e.function, e.path)
                 if (f := facts.program.lower(k)) is not None]  # fmt: skip
        uses = [use for f in known if index < len(f.params) for use in _decides(f, f.params[index].name)]
        if known and not uses:
            continue
        steps = tuple(step(f, a, f"{f.name}() looks at {f.params[index].name}") for f, a in uses[:1])
        words = (
            f"{op.name}() takes {param.type} {param.name}, how mmu_lock is held decides what the external table gets"
        )
        assert op.member is not None
        yield _declared(op.member, op.name, f"{param.name} of {op.name}", words, (*_lines(op), *steps))


def _decides(function: Function, name: str) -> list[tuple[Function, Assume]]:
    """The branches on a parameter that are not taken behind a busy test only."""
    made = made_by(function)

    def busy(assume: Assume) -> bool:
        names = assume.cond.names
        return BUSY.search(assume.cond.text) is not None or any(n in made and BUSY.search(made[n].name) for n in names)

    tests = [i for b in function.blocks for i in b.instrs if isinstance(i, Assume) and i.truth and name in i.cond.names]
    return [(function, t) for t in tests if not any(a.truth for a in deciding(function, t, busy))]


def _flags(function: Function) -> frozenset[str]:
    """Booleans of a function that say how mmu_lock is held."""
    found = {n for n, t in function.locals.items() if t in ("bool", "const bool", "int") and LOCK_STATE.search(n)}
    found |= {p.name for p in function.params if p.type in ("bool", "int") and LOCK_STATE.search(p.name)}
    made = made_by(function)
    found |= {n for n, c in made.items() if LOCK_QUERY.search(c.name)}
    for block in function.blocks:
        for instr in block.instrs:
            value, target = getattr(instr, "value", None), getattr(instr, "target", None)
            if isinstance(target, Name) and value is not None and not isinstance(instr, Return):
                if _OF_MEMORY.search(words(function, value)):
                    found.discard(target.id)  # shared memory, not a shared lock
                elif value.names & found:
                    found.add(target.id)
    return frozenset(found)


def _by_lock(facts: Facts, function: Function, leads: frozenset[str], op: str) -> Iterator[Finding]:
    """A branch on the lock state one side of which tells the external table while the other does not."""
    flags = _flags(function)
    calls = [c for c in function.calls() if c.table == op or (c.callee in leads and not c.table)]
    found = (
        one_sided(function, calls, lambda a: not a.wraps and bool(a.cond.names & flags)) if flags and calls else None
    )
    if found is not None:
        side, call = found
        what = f"{op}() is reached only where {side.cond.text} is {'true' if side.truth else 'false'}"
        trace = (step(function, side, f"branches on {side.cond.text}"), step(function, call, shown(call)))
        yield facts.finding(function, call, f"{op} by {side.cond.text}", what, trace=trace, severity=WARN)


# -- where the hook is called ---------------------------------------------------------------------------------------


def _writes(facts: Facts, key: Key) -> set[str]:
    """How a function writes SPTEs: ``atomic`` (itself or by a thin wrapper), ``plain``."""
    definitions = facts.program.definitions
    near = [k for k in (key, *facts.names.callees.get(key, ())) if k == key or k[1] not in PLAIN_WRITES]
    atomic = any(
        "sptep" in definitions[k].mentions and not definitions[k].mentions.isdisjoint(ATOMIC_WRITES) for k in near
    )
    plain = not definitions[key].mentions.isdisjoint(PLAIN_WRITES)
    return {word for word, yes in (("atomic", atomic), ("plain", plain)) if yes}


def _serves(facts: Facts, key: Key) -> set[str]:
    """The kinds of SPTE writers that a function is called for."""

    def writer(found: Key) -> bool:
        return _in_mmu(found[0]) and bool(_writes(facts, found))

    kinds = [_writes(facts, k) for k in nearest_callers(facts, key, writer) if writer(k)]
    return {"atomic" for k in kinds if "atomic" in k} | {"plain" for k in kinds if k == {"plain"}}


def _two_setters(facts: Facts) -> bool:
    """Whether SPTEs are set atomically in one function and plainly in another that is no part of the first."""
    writers = {
        k: w for k in facts.names.where(lambda d: _in_mmu(d.path) and d.kind == "function") if (w := _writes(facts, k))
    }
    plain = [
        k
        for k, how in writers.items()
        if how == {"plain"} and not any("atomic" in writers.get(c, ()) for c in facts.names.callers.get(k, ()))
    ]
    setters = [f for f in facts.program.functions(sorted(plain)) if any(p.type == "u64" for p in f.params)]
    return bool(setters) and any("atomic" in how for how in writers.values())


def _scattered(facts: Facts, op: str) -> Iterator[Finding]:
    """Calls of the central hook from another place than the one that serves all writers."""
    sites = list(op_calls(facts, op, lambda p: p.startswith("arch/x86/kvm/")))
    hubs = {s.function.key: hub(facts, s.function, lambda k: not _writes(facts, k)) for s in sites}
    places = {h.key for h in hubs.values()}
    facts.count("calls of the hook for external updates", len(sites))
    if not facts.program.whole or not sites:
        return
    central = {k for k in places if _serves(facts, k) == {"atomic", "plain"}}
    if not central and len(places) == 1 and not _two_setters(facts):
        return
    main = min(central, default=None)
    best = next((s for s in sites if hubs[s.function.key].key == main), None)
    for site in sites:
        if hubs[site.function.key].key != main:
            yield _elsewhere(facts, op, site, best)


def _elsewhere(facts: Facts, op: str, site: CallSite, best: CallSite | None) -> Finding:
    trace = [step(site.function, site.call, shown(site.call))]
    if best is not None:
        trace.insert(0, step(best.function, best.call, f"the one place for all changes: {shown(best.call)}"))
    where = f"beside {best.function.name}()" if best is not None else "outside the handler of all SPTE changes"
    words = f"{op}() is called by {site.function.name}(), {where}"
    return facts.finding(site.function, site.call, f"call of {op}", words, trace=tuple(trace), severity=WARN)


def _calls(facts: Facts, op: Op) -> Iterator[Finding]:
    for site in op_calls(facts, op.name, _in_mmu):
        facts.count("calls of hooks for one kind of change")
        words = f"{op.name}() tells the external table of one kind of change, beside {CENTRAL_OP}()"
        trace = (*_lines(op), step(site.function, site.call, shown(site.call)))
        may = Certainty.MAY if has_hole(site.function) and op.member is None else Certainty.MUST
        subject = f"call of {op.name}"
        yield facts.finding(site.function, site.call, subject, words, trace=trace, certainty=may, severity=WARN)


def check(facts: Facts) -> Iterator[Finding]:
    """The table first, then the calls."""
    ops = ops_of(facts, lambda n: EXTERNAL.search(n) is not None)
    facts.count("hooks for external page tables", len(ops))
    extra = _extra(ops)
    yield from _in_table(facts, ops, extra)
    for op in extra:
        yield from _calls(facts, op)
    names = [op.name for op in ops if op not in extra and _values(op)] or [CENTRAL_OP]
    for name in names:
        yield from _scattered(facts, name)
    for name in dict.fromkeys((*names, *(o.name for o in extra))):
        for function, leads in _leading(facts, name):
            yield from _by_lock(facts, function, leads, name)


def _leading(facts: Facts, op: str) -> Iterator[tuple[Function, frozenset[str]]]:
    """The functions of the MMU from which a hook is reached, each with the names of all of them."""
    definitions = facts.program.definitions
    direct = facts.names.where(lambda d: _in_mmu(d.path) and op in d.mentions)
    seen, work = set(direct), list(direct)
    while work:  # up to what writes SPTEs: who calls that may choose by the lock what to change at all
        key = work.pop()
        above = () if _writes(facts, key) else facts.names.callers.get(key, ())
        new = [k for k in above if k not in seen and _in_mmu(k[0])]
        seen.update(new)
        work += new
    keys = frozenset(k for k in seen if definitions[k].kind != "macro")
    leads = frozenset(k[1] for k in keys)
    told = [k for k in keys if any(LOCK_STATE.search(w) or LOCK_QUERY.search(w) for w in definitions[k].mentions)]
    for function in facts.program.functions(sorted(told)):
        yield function, leads


RULE = Rule(
    id="tdx-external-update-scattered",
    catalog=8,
    severity=Severity.WARNING,
    scope=SCOPE,
    check=check,
    stage=Stage.STABLE,
    provenance=(
        Provenance(
            "mail", "aXqPym6QSFQTn9Cy@google.com", "Sean Christopherson", "2026-01-28", "one place and one hook for all"
        ),
        Provenance(
            "mail",
            "aXtweWFELioEZLzv@google.com",
            "Sean Christopherson",
            "2026-01-29",
            "do not bend the core MMU for TDX",
        ),
        Provenance(
            "mail", "20260129011517.3545883-9-seanjc@google.com", "Sean Christopherson", "2026-02-05", "v5 08/45"
        ),
    ),
    bad=(
        """
        // path: arch/x86/include/asm/kvm-x86-ops.h
        KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
        KVM_X86_OP_OPTIONAL(free_external_spt)
        KVM_X86_OP_OPTIONAL_RET0(demote_external_spte)  // expect "demote_external_spte"
        // path: arch/x86/include/asm/kvm_host.h
        struct kvm_x86_ops {
                int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
                void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
                int (*demote_external_spte)(struct kvm *kvm, gfn_t gfn, enum pg_level level, void *table);
        };
        """,
    ),
    good=(
        """
        // path: arch/x86/include/asm/kvm-x86-ops.h
        KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
        KVM_X86_OP_OPTIONAL(free_external_spt)
        KVM_X86_OP_OPTIONAL_RET0(topup_external_cache)
        // path: arch/x86/include/asm/kvm_host.h
        struct kvm_x86_ops {
                int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
                void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
                int (*topup_external_cache)(struct kvm *kvm, struct kvm_vcpu *vcpu, int min_nr_spts);
        };
        """,
    ),
)
