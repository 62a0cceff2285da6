"""A page table that RCU protects is looked at outside of an RCU read section.

Pages of the TDP MMU are freed after a grace period: an SPTE pointer that is dereferenced once rcu_read_unlock() ran, or
before rcu_read_lock(), can point into a page that another CPU has freed. That holds for every pointer that is read by
rcu_dereference(), and for the helpers that do so for their caller (is_mirror_sptep(), kvm_tdp_mmu_read_spte(), the
steps of a tdp_iter).

Keep the read section open around the use; an allocation that has to leave it gets what it needs to know as a value.

May be false: a page that its user has made unreachable itself needs no read section.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    Call,
    Certainty,
    Facts,
    Finding,
    Function,
    Instr,
    Key,
    LockChanges,
    Name,
    Needs,
    Provenance,
    RegionChange,
    Return,
    Rule,
    Severity,
    Step,
    Unmet,
    has_hole,
    one_sided_helpers,
    shown,
    step,
    words,
)
from rules.vocabulary.contexts import (
    IRQ,
    IRQS_OFF,
    IRQS_ON,
    RCU,
    RCU_ASSERTS,
    RCU_GIVES,
    RCU_HELPERS,
    RCU_TAKES,
    RCU_USES,
    WALKS,
)

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "include/linux/kvm*")
_RCU = frozenset((RCU, IRQ))  # lockless walks of shadow pages turn interrupts off instead
_ITERATOR = WALKS.starts | WALKS.steps
_NONE: frozenset[str] = frozenset()


def _solve(facts: Facts) -> Needs:
    program, names = facts.program, facts.names

    def need(call: Call, function: Function) -> frozenset[str]:
        used = call.callee in RCU_USES or (
            call.callee in RCU_HELPERS and not program.resolve(call.callee, function.path)
        )
        return _RCU if used else _NONE

    locks = LockChanges(facts.vocabulary, RCU_TAKES | RCU_GIVES)

    def changes(call: Call, function: Function | None) -> Iterator[RegionChange]:
        if call.callee in RCU_ASSERTS:
            yield RegionChange(RCU, True, said=True)
        if call.callee in IRQS_OFF | IRQS_ON:
            yield RegionChange(IRQ, call.callee in IRQS_OFF)
        yield from locks(call, function)

    direct = names.where(lambda d: not d.mentions.isdisjoint(RCU_USES | RCU_HELPERS))
    if not program.whole:  # then only a section that is shown being left counts
        parts, gives = program.partial_files, RCU_GIVES | IRQS_ON
        direct &= names.reachable(names.where(lambda d: d.path in parts and not d.mentions.isdisjoint(gives)))
    wrappers = one_sided_helpers(names, RCU_TAKES | IRQS_OFF, RCU_GIVES | IRQS_ON)
    through = dict.fromkeys(_ITERATOR, WALKS.loops | {"tdp_iter"})  # the loops, or who has a cursor
    return Needs(program, names, facts.vocabulary, need, changes, direct, wrappers, through).solve()


def _place(facts: Facts, unmet: Unmet) -> tuple[Function, Call] | None:
    """Where the function that left the section uses what it protects, itself or by a call; without one the use itself,
    or the call of the inline helper of a header, or of the iterator of a walk, that does it."""
    path = unmet.context.path()
    for context, leaving in [(unmet.context, unmet.call), *reversed(path[:-1])] if unmet.given else ():
        function = facts.program.lower(context.key)
        given = context.notes.get(f"{RCU} given")
        own = isinstance(given, Call) and given.callee in RCU_GIVES  # not a callee's
        if own and function is not None and leaving is not None and not function.path.endswith(".h"):
            return function, leaving
    walks = [n for n, (c, leaving) in enumerate(path[:-1]) if leaving is not None and leaving.callee in _ITERATOR]
    inner = [] if walks else [(unmet.context, unmet.call)]
    for context, leaving in [*inner, *reversed(path[: walks[0] + 1] if walks else path[:-1])]:
        function = facts.program.lower(context.key)
        caller = context.caller
        if not unmet.given and caller is not None and _blamed(facts, caller.key, context.key):
            continue
        if function is not None and leaving is not None and not function.path.endswith(".h"):
            return function, leaving
    function = facts.program.lower(unmet.context.key)
    return None if function is None else (function, unmet.call)


def _blamed(facts: Facts, caller: Key, key: Key) -> bool:
    """Whether a caller walks a table itself, and another that calls the same function has a read section for it."""
    definitions = facts.program.definitions
    others = [definitions[k] for k in facts.names.callers.get(key, ()) if k != caller]
    if definitions[caller].mentions.isdisjoint(WALKS.loops):
        return False
    return any(not d.mentions.isdisjoint(RCU_TAKES) for d in others if d.kind == "function")


def _steps(facts: Facts, unmet: Unmet) -> Iterator[Step]:
    for context, leaving in [*unmet.context.path()[:-1], (unmet.context, unmet.call)]:
        function = facts.program.lower(context.key)
        if function is None or leaving is None:
            continue
        given = context.notes.get(f"{RCU} given")
        if given is not None and given.line < leaving.line:
            yield step(function, given, "leaves the RCU read section")
        last = leaving is unmet.call
        yield step(function, leaving, f"{shown(leaving)} {'outside of it' if last else 'is called'}")


def _finding(facts: Facts, unmet: Unmet, entry: str) -> Finding | None:
    placed = _place(facts, unmet)
    if placed is None:
        return None
    function, call = placed
    how = "after rcu_read_unlock()" if unmet.given else "without rcu_read_lock()"
    message = f"{call.name}() looks at what RCU protects {how}"
    if not unmet.given and entry and entry != function.name:
        message += f" on the path from {entry}()"
    sure = facts.program.whole and not has_hole(function)
    return facts.finding(
        function,
        call,
        f"{shown(call)} outside of RCU",
        message,
        trace=tuple(_steps(facts, unmet)),
        certainty=Certainty.MUST if sure else Certainty.MAY,
    )


def _outlived(facts: Facts, function: Function, name: str, read: Call, left: Call, instr: Instr) -> Finding:
    what = f"{words(function, Name(name))} is {'returned' if isinstance(instr, Return) else 'followed'}"
    message = f"{what} after rcu_read_unlock(): what it points to may be freed"
    trace = (
        step(function, read, f"{shown(read)} is read"),
        step(function, left, "leaves the RCU read section"),
        step(function, instr, what),
    )
    return facts.finding(function, instr, f"{what} outside of RCU", message, trace=trace)


def _shown(facts: Facts, unmet: Unmet) -> bool:
    """Whether code that is shown makes the break: without all of it, or of the helper, only a section that was left."""
    known = facts.program.whole and unmet.call.callee in RCU_USES
    return known or unmet.given


def check(facts: Facts) -> Iterator[Finding]:
    """Uses that a path reaches outside of a section, the shortest path of each."""
    needs = facts.solve("rcu needs", lambda: _solve(facts))
    facts.count("functions between uses of RCU and their read sections", needs.looked_at)
    facts.count("functions that leave RCU to their callers", len(needs.open))
    best: dict[tuple[object, ...], tuple[int, Finding]] = {}
    found = [(u, "") for u in needs.broken.values()]
    entries = [(u, key[1]) for key, u in needs.entries() if _shown(facts, u)]
    nearest: dict[str, int] = {}
    for unmet, entry in entries:  # a section that is missing leaves many uses bare: the nearest to the entry say it
        nearest[entry] = min(unmet.length, nearest.get(entry, unmet.length))
    found += [(u, entry) for u, entry in entries if u.length == nearest[entry]]
    for unmet, entry in found:
        made = _finding(facts, unmet, entry)
        if made is not None:
            key = (made.location, made.subject)
            if key not in best or unmet.length < best[key][0]:
                best[key] = (unmet.length, made)
    yield from (made for _, made in best.values())
    for one in needs.outlived(RCU_USES, RCU_TAKES, RCU_GIVES):
        facts.count("pointers that outlive their read section")
        yield _outlived(facts, one.function, one.name, one.read, one.left, one.instr)


RULE = Rule(
    id="kvm-rcu-scope-left",
    catalog=21,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "doc", "arch/x86/kvm/mmu/tdp_mmu.c:tdp_mmu_free_sp_rcu_callback", "KVM", "", "pages are freed by RCU"
        ),
        Provenance(
            "mail",
            "20260129011517.3545883-1-seanjc@google.com",
            "Yan Zhao, Sean Christopherson",
            "2026-02-06",
            "in the thread of v5: is_mirror_sptep() of an allocation callee",
        ),
    ),
    bad=(
        """
        static bool alloc_for_split(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
        {
                rcu_read_unlock();
                sp->spt = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
                sp->mirror = is_mirror_sptep(iter->sptep);  // expect "after rcu_read_unlock()"
                rcu_read_lock();
                return sp->spt;
        }
        """,
    ),
    good=(
        """
        static bool alloc_for_split(struct kvm *kvm, struct tdp_iter *iter, struct kvm_mmu_page *sp)
        {
                sp->mirror = is_mirror_sptep(iter->sptep);
                rcu_read_unlock();
                sp->spt = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
                rcu_read_lock();
                return sp->spt;
        }
        """,
    ),
)
