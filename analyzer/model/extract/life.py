"""The rest: VM entry after BUSY, the end of S-EPT pages, shared mappings of VM_PFNMAP areas."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.analyses.facts import Facts, guarded_by, shown, step, words
from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NZ
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.cfg import reach
from analyzer.ir.types import Assume, Call, Function, Instr, Return
from analyzer.model.extract import chain
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, follow, leading, nearest, op_functions, places, way

RUN_OP, NOTIFY_OPS = "vcpu_run", ("invalidate_range_start", "invalidate_range_end")
REENTER = "REENTER_GUEST"
FOLLOW = ("follow_pfnmap_start", "follow_pfn", "follow_pte")
PAGES = frozenset("pfn_to_page pfn_folio pfn_to_online_page kvm_pfn_to_refcounted_page".split())


# -- VM entry --------------------------------------------------------------------------------------------


def entry(facts: Facts) -> Decision:
    """busy_entry: a vCPU that may not enter now, or finds the TD busy, leaves the fast path."""
    name = "busy_entry"
    running = _running(facts)
    if not running:
        return both(name, "no op that runs a vCPU was found")
    waits = [(f, i) for f in running for i in _held_off(facts, f)]
    spins = [(f, i) for f, i in waits if _enters(facts, f, i)]
    if spins:
        steps = tuple(step(f, i, "goes on to VM entry in the same call") for f, i in spins)
        return decided(name, "spins", "a vCPU that is kept out, or finds the TD busy, stays in the fast path", *steps)
    if not waits:
        return both(name, "neither the flag that keeps vCPUs out nor BUSY is looked at")
    steps = tuple(step(f, i, "leaves the fast path") for f, i in waits)
    return decided(name, "leaves", "a vCPU that is kept out, or finds the TD busy, leaves the fast path", *steps)


def _running(facts: Facts) -> list[Function]:
    """The functions of TDX between the op that runs a vCPU and VM entry, and those they end with."""
    program = facts.program
    stored = op_functions(facts, RUN_OP)
    entering = leading(facts, (w.ENTER,))
    near = facts.names.reachable(stored)
    chosen = {k for k in near & entering if k[0].startswith(chain.VMX)}
    chosen |= {c for k in chosen for c in facts.names.callees.get(k, ()) if c[0].startswith(chain.VMX)}
    return list(program.functions(sorted(k for k in chosen if program.definitions[k].kind == "function")))


def _held_off(facts: Facts, function: Function) -> Iterator[Instr]:
    """The sides of branches on which the vCPU may not enter, or the TD was busy."""
    flagged = {id(i) for n in chain.flags(facts) for f, i in chain.tested(facts).get(n, ()) if f.name == function.name}
    busy = {c.result.text for c in function.calls() if c.callee in BUSY_TESTS and c.result is not None}
    for block in function.blocks:
        for instr in block.instrs:
            if (
                isinstance(instr, Assume)
                and instr.truth
                and (id(instr) in flagged or not busy.isdisjoint(instr.cond.names))
            ):
                yield instr


def _enters(facts: Facts, function: Function, side: Instr) -> bool:
    """Whether that side leads to VM entry, or to a return that asks for it at once."""
    home = next(n for n, b in enumerate(function.blocks) if any(i is side for i in b.instrs))
    entering = leading(facts, (w.ENTER,))
    for number in reach(function, home):
        for instr in function.blocks[number].instrs:
            if isinstance(instr, Return) and instr.value is not None and REENTER in instr.value.text:
                return True
            if isinstance(instr, Call) and (
                instr.callee == w.ENTER
                or any(k in entering for k in facts.program.resolve(instr.callee, function.path))
            ):
                return True
    return False


# -- S-EPT pages -----------------------------------------------------------------------------------------


def teardown(facts: Facts) -> Decision:
    """sept_page_free."""
    name, program = "sept_page_free", facts.program
    reclaims: list[Seen] = []

    def rule(seen: Seen) -> list[Exit]:
        if seen.what == "HKID":
            return [(seen.marks | {"free"}, 0), (seen.marks, NZ)]
        reclaims.append(seen)
        return [(seen.marks, 0), (seen.marks, NZ)]

    pruning = op_functions(facts, w.PRUNE_OP)
    leads = leading(facts, (w.RECLAIM, w.HKID_TEST))
    walk = Walk(facts, {w.RECLAIM: "RECLAIM", w.HKID_TEST: "HKID"}, rule)
    follow(facts, walk, sorted(pruning & leads), leads)
    removing = [k for k in leading(facts, (w.RECLAIM,)) if k[0].startswith(chain.VMX)
                and w.REMOVE in program.definitions[k].mentions]  # fmt: skip
    if removing:
        functions = list(program.functions(removing))
        where = tuple(
            step(f, c, shown(c)) for f in functions for c in f.calls() if w.REMOVE in (c.callee, *map(str, c.args))
        )
        return decided(name, "with-last-leaf", "a page is reclaimed where a leaf is removed", *where)
    bare = [s for s in reclaims if "free" not in s.marks]
    if not reclaims or walk.lost:
        return both(name, "no reclaim of an S-EPT page was reached")
    if not bare:
        return decided(name, "after-hkid", "S-EPT pages are reclaimed once the HKID is gone", *places(facts, reclaims))
    early, late = _order(facts)
    if early:
        why = "S-EPT pages are reclaimed before the HKID is released, and nothing looks"
        return decided(name, "before-hkid", why, *way(facts, bare[0].context, bare[0].call, shown(bare[0].call)),
                       *places(facts, early))  # fmt: skip
    if not late:
        return both(name, "the HKID is not looked at where an S-EPT page is reclaimed", *places(facts, bare))
    return decided(
        name, "after-hkid", "the HKID is released before tables are torn down", *places(facts, [*late, *bare])
    )


def _order(facts: Facts) -> tuple[list[Seen], list[Seen]]:
    """Tables that are pruned before, and after, the HKID is released, in what destroys a VM."""
    pruned: list[Seen] = []

    def rule(seen: Seen) -> list[Exit]:
        if seen.what == "KEY":
            return [(seen.marks | {"K"}, None)]
        pruned.append(seen)
        return [(seen.marks | {"P"}, None)]

    def find(call: Call, known: Known, context: Context[Marks]) -> str:
        return "PRUNE" if call.table == w.PRUNE_OP else ""

    keys, prunes = leading(facts, (w.FREE_KEY,)), leading(facts, (w.PRUNE_OP,))
    walk = Walk(facts, {w.FREE_KEY: "KEY"}, rule, find, at_word=True)
    follow(facts, walk, nearest(facts, keys, prunes), keys | prunes)
    freed = [s for s in walk.seen if s.what == "KEY"]
    early = [s for s in freed if "P" in s.marks]
    return early, [s for s in pruned if "K" in s.marks] if not early else []


# -- VM_PFNMAP -------------------------------------------------------------------------------------------


def pfnmap(facts: Facts) -> Iterator[Decision]:
    """pfnmap_notifier, pfn_use."""
    yield _notifier(facts)
    yield _pages(facts)


def _notifier(facts: Facts) -> Decision:
    name, program = "pfnmap_notifier", facts.program
    zaps: list[Seen] = []
    ends: list[Seen] = []

    def rule(seen: Seen) -> list[Exit]:
        if seen.what == "B":
            return [(seen.marks | {"B"}, None)]
        (zaps if seen.what == "Z" else ends).append(seen)
        return [(seen.marks, None)]

    for op in NOTIFY_OPS:
        keys = sorted(op_functions(facts, op))
        walk = Walk(facts, {**w.COUNTER, **w.ZAP}, rule, at_word=True)
        follow(facts, walk, keys, leading(facts, {**w.COUNTER, **w.ZAP}))
    tied = [s for s in zaps if "B" in s.marks]
    if tied and any(s.what == "E" for s in ends):
        return decided(
            name, "tied", "the mmu notifier begins an invalidation, zaps, and ends it", *places(facts, [*tied, *ends])
        )
    if not any(program.tables.get(op) for op in NOTIFY_OPS) or not zaps:
        return decided(name, "untied", "no mmu notifier takes mappings of the host's pages away")
    return both(name, "the mmu notifier's zap is not between a begin and an end", *places(facts, zaps))


def _pages(facts: Facts) -> Decision:
    name, program = "pfn_use", facts.program
    looking = list(facts.mentioning(frozenset(FOLLOW), lambda p: p.startswith("virt/kvm/")))
    near = {f.key: f for f in looking}
    for function in looking:
        near |= {f.key: f for f in program.functions(c for c in facts.names.callees.get(function.key, ())
                                                     if c[0] == function.path)}  # fmt: skip
    made = [(f, c) for f in near.values() for c in f.calls() if c.callee in PAGES and not _valid(f, c)]
    bad = tuple(step(f, c, shown(c)) for f, c in made)
    if bad:
        return decided(name, "page", "a struct page is made of a PFN that may have none", *bad)
    if not looking:
        return both(name, "no lookup of a VM_PFNMAP area was found")
    steps = tuple(step(f, c, shown(c)) for f in looking for c in f.calls() if c.callee in FOLLOW)
    return decided(name, "pfn", "the PFN of a VM_PFNMAP area is used as a number", *steps)


def _valid(function: Function, call: Call) -> bool:
    """Whether pfn_valid() was asked before."""
    return guarded_by(function, call, lambda assume: "pfn_valid" in words(function, assume.cond))
