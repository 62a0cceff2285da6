"""What must hold: sixteen invariants, one for each other layer, and the progress properties."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.model.expr import FALSE, TRUE, Expr, all_of, any_of, count, iff, implies
from analyzer.model.kvm_tdx.lockless import unfreed
from analyzer.model.kvm_tdx.seamcall import blocked, huge_leaf, owned
from analyzer.model.kvm_tdx.status import bugs_of
from analyzer.model.kvm_tdx.world import (
    BLKD,
    CONV,
    DESTROY,
    FREE,
    FROZEN,
    HOST,
    HUGE,
    LEAF,
    MAPD,
    NL,
    NONP,
    PEND,
    TABLE,
    VCPU,
    ZAP,
    World,
)
from analyzer.model.machine import ActorBuilder, Claim, Goal

TEXTS = {
    "I1": "a usable TLB entry has an owned, accepted S-EPT leaf",
    "I2": "a shared or freed page is not owned by the TD",
    "I3": "a 2M S-EPT leaf lies over an unsplit folio",
    "I4": "mirror and S-EPT agree when mmu_lock is free",
    "I5": "the PAMT count is the number of owned 4K leaves when mmu_lock is free; pages are in while it is not zero",
    "I6": "no SEAMCALL status that KVM does not expect, no forbidden path",
    "I7": "mmu_invalidate_in_progress is the number of open invalidations",
    "I8": "an S-EPT entry is blocked only under mmu_lock held for write",
    "I9": "a FROZEN mirror entry belongs to exactly one fault",
    "I10": "vCPUs are kept out only under mmu_lock held for write",
    "I11": "nothing outside the requested range is removed",
    "I12": "no mapping is made inside an open invalidation",
    "I13": "every lock is held by those who are inside its section, on error paths too",
    "I14": "the guest's inhibit is one-way, and no 2M mapping exists under it",
    "I15": "the split cache never runs empty, and no page pair is lost",
    "I16": "an S-EPT page is the module's while a table points at it, and is reclaimed after the HKID",
    "I17": "a VM_PFNMAP page is mapped only while its area maps it and the page is shared",
    "I18": "a root is held by the VM and by the walks that are on it, by nobody else",
    "I19": "a page table is not freed while a lockless reader is about to look at it",
}
GOALS = {
    "P1": "every state can reach: page 0 accepted",
    "P2": "every state can reach: conversion and punch hole finished",
    "P3": "some actor can always move",
}


def claims(w: World, actors: tuple[ActorBuilder, ...]) -> tuple[Claim, ...]:
    """The invariants of a scope; where a state breaks several, the first one here is named.

    Content is claimed of a VM that was not bugged by an injected failure, discipline always.
    """
    bugged = w.is_dead
    content = {
        "I6": _no_bug(w, "I6"),
        "I16": _sept_page(w),
        "I1": _tlb(w),
        "I2": all_of(*(any_of(all_of(w.shared[i] == 0, w.backed[i] == 1), ~owned(w, i)) for i in w.pages)),
        "I3": implies(huge_leaf(w), w.folio == 1),
        "I4": any_of(~w.lock_free, _agree(w)),
        "I5": any_of(~w.lock_free, _pamt(w)),
        "I8": any_of(w.writer != 0, all_of(~blocked(w.sept), *(~blocked(e) for e in w.entry))),
    }
    discipline = {
        "I9": all_of(*_frozen(w)),
        "I7": _same(w.inv, count(*(a.inside("invalidating") for a in actors))),
        "I10": any_of(w.window == 0, w.writer != 0),
        "I11": _no_bug(w, "I11"),
        "I12": any_of(w.inv == 0, all_of(*(~v.actor.inside("mapping") for v in w.vcpus))),
        "I13": all_of(*_locks(w, actors)),
        "I14": _inhibit(w),
        "I15": _cache(w),
        "I17": _pfnmap(w),
        "I18": _roots(w, actors),
        "I19": unfreed(w, actors),
    }
    holds = discipline | {name: any_of(bugged, test) for name, test in content.items()}
    return tuple(Claim(name, TEXTS[name], test) for name, test in holds.items() if test is not TRUE)


def goals(w: World, actors: tuple[ActorBuilder, ...]) -> tuple[Goal, ...]:
    """What must stay possible."""
    found = [
        Goal("P2", f"{GOALS['P2']} ({actor.name})", actor.at("idle"))
        for actor in actors
        if actor.name in ("converter", "zapper")
    ]
    if not w.scope.teardown and not w.fails("second-busy"):
        accepted = any_of(w.sept == MAPD, all_of(w.sept == NL, w.entry[0] == MAPD))
        found.append(Goal("P1", GOALS["P1"], accepted))
    return tuple(found)


def _no_bug(w: World, claim: str) -> Expr:
    return ~w.bug.among(bugs_of(claim))


def _same(left: Expr, right: Expr) -> Expr:
    return Expr("eq", "bool", (left, right))


def _tlb(w: World) -> Expr:
    def backed(i: int) -> Expr:
        return any_of(w.sept.among((MAPD, BLKD)), all_of(w.sept == NL, w.entry[i].among((MAPD, BLKD))))

    unused = {i: all_of(*(v.tlb[i] == 0 for v in w.vcpus)) for i in w.pages}
    return all_of(*(any_of(unused[i], backed(i)) for i in w.pages))


def _agree(w: World) -> Expr:
    pairs = [
        w.top != FROZEN,
        iff(w.top == HUGE, w.sept.among((PEND, MAPD))),
        iff(w.top == TABLE, w.sept == NL),
        iff(w.top == NONP, w.sept == FREE),
    ]
    for leaf, entry in zip(w.leaf, w.entry, strict=True):
        pairs += [leaf != FROZEN, iff(leaf == LEAF, entry.among((PEND, MAPD))), iff(leaf == NONP, entry == FREE)]
    return all_of(*pairs)


def _pamt(w: World) -> Expr:
    """A PAMT.REMOVE that failed leaves one reference that no leaf owns."""
    used = count(*(e != FREE for e in w.entry))
    if w.stuck.op == "var":
        used = Expr("add", "int", (used, w.stuck))
        idle: Expr = w.pamt == w.stuck
    else:
        idle = w.pamt == 0
    table = implies(w.sept == NL, _same(w.pamt, used))
    return all_of(table, any_of(w.sept == NL, idle), iff(w.pinned == 1, w.pamt > 0))


def _frozen(w: World) -> Iterator[Expr]:
    owners = count(*(v.actor.inside("frozen_2m") for v in w.vcpus))
    yield any_of(w.top != FROZEN, owners == 1)
    for i in w.pages:
        owners = count(*(all_of(v.actor.inside("frozen_4k"), v.page == i) for v in w.vcpus))
        yield any_of(w.leaf[i] != FROZEN, owners == 1)


def _locks(w: World, actors: tuple[ActorBuilder, ...]) -> Iterator[Expr]:
    yield _same(w.readers, count(*(v.actor.inside("reading") for v in w.vcpus)))
    writers = {"converter": CONV, "zapper": ZAP, "destroyer": DESTROY, "host": HOST}
    vcpus = [v.actor.inside("writing") for v in w.vcpus]
    held = count(w.writer == VCPU)
    if any(test is not FALSE for test in vcpus):
        yield _same(count(*vcpus), held)
    for actor in actors:
        if actor.name in writers:
            yield iff(actor.inside("writing"), w.writer == writers[actor.name])
    for number, name in ((1, "converter"), (2, "zapper")):
        for actor in actors:
            if actor.name == name and (number == 2 or w.scope.in_place):
                yield iff(actor.inside("inode"), w.inode == number)


def _inhibit(w: World) -> Expr:
    one_way = w.inhibit != 2 if w.protocol.inhibit == "cleared" else TRUE
    return all_of(one_way, any_of(w.inhibit == 0, w.top != HUGE, ~w.lock_free))


def _cache(w: World) -> Expr:
    if not w.scope.split_cache:
        return TRUE
    return all_of(_no_bug(w, "I15"), any_of(w.taken == 0, w.writer != 0))


def _sept_page(w: World) -> Expr:
    if not w.scope.teardown:
        return TRUE
    return all_of(iff(w.sept_page == 1, w.sept == NL), _no_bug(w, "I16"))


def _roots(w: World, actors: tuple[ActorBuilder, ...]) -> Expr:
    if not w.scope.roots:
        return TRUE
    return _same(w.root, count(w.stays, *(a.inside("root") for a in actors)))


def _pfnmap(w: World) -> Expr:
    if not w.scope.pfnmap:
        return TRUE
    unused = all_of(w.direct == 0, *(v.direct_tlb == 0 for v in w.vcpus))
    return any_of(unused, all_of(w.vma == 1, any_of(w.shared[0] == 1, w.inv > 0)))
