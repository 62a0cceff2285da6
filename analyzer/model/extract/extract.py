"""From a snapshot's facts to the record: which layers there are, and each field's decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from analyzer.analyses.facts import Facts
from analyzer.model.extract import byrule, chain, faults, life, pamt, pamtcache, pamtcount, ranges, splits, topup
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, Layers, Record, absent, both
from analyzer.model.kvm_tdx.protocol import Protocol

HUGE = """split_lock split_order seamcall_level demote_error split_errno restartable zap_crossing poison promotion
accept_level inhibit""".split()
SPLITS = ["pamt_after_demote", "split_cache", "after_topup"]  # of Dynamic PAMT, where something is split
PAMT = ["pamt_levels", "pamt_on_error", "pamt_not_free", "pamt_recheck", *SPLITS]
PFNMAP = "pfnmap_retry pfnmap_notifier pfn_use".split()


def layers(facts: Facts) -> Layers:
    """What there is."""
    definitions = facts.program.definitions.values()
    said = frozenset().union(*(d.mentions for d in definitions if d.path.startswith("arch/x86/kvm/")))
    generic = frozenset().union(*(d.mentions for d in definitions if d.path.startswith("virt/kvm/")))
    return Layers(
        huge=w.DEMOTE in said or bool(splits.huge_levels(facts)),
        pamt=any("pamt" in name and name.endswith(("_get", "_put")) for name in said),
        entry=w.ENTER in said and bool(facts.program.tables.get(life.RUN_OP)),
        pfnmap=not generic.isdisjoint(life.FOLLOW),
        teardown=w.FREE_KEY in said and bool(facts.program.tables.get(w.PRUNE_OP)),
    )


def extract(facts: Facts) -> Record:
    """The record of a snapshot."""

    def make() -> Record:
        there = layers(facts)
        made = {d.field: d for d in _decisions(facts, there)}
        return Record(there, tuple(made.get(f.name) or _rest(f.name, there) for f in fields(Protocol)))

    return facts.solve("model record", make)


def _decisions(facts: Facts, there: Layers) -> Iterator[Decision]:
    yield from byrule.decide(facts)
    yield from chain.decide(facts)
    yield from ranges.decide(facts, there.huge)
    for decision in faults.decide(facts):
        if there.pfnmap or decision.field not in PFNMAP:
            yield decision
    if there.huge:
        yield from splits.decide(facts)
    if there.pamt:
        yield from pamt.decide(facts, there.huge)
        yield from pamtcount.decide(facts)
    if there.pamt and there.huge:
        yield pamtcache.decide(facts)
        yield topup.decide(facts)
    if there.entry:
        yield life.entry(facts)
    if there.teardown:
        yield life.teardown(facts)
    if there.pfnmap:
        yield from life.pfnmap(facts)


def _rest(field: str, there: Layers) -> Decision:
    if field in (*HUGE, *SPLITS) and not there.huge and (there.pamt or field in HUGE):
        return absent(field, "private memory is mapped at 4K only: nothing demotes")
    if field in PAMT and not there.pamt:
        return absent(field, "no Dynamic PAMT")
    if field in PFNMAP and not there.pfnmap:
        return absent(field, "no mappings of VM_PFNMAP areas")
    if field == "busy_entry" and not there.entry:
        return absent(field, "VM entry is not in these files")
    if field == "sept_page_free" and not there.teardown:
        return absent(field, "S-EPT pages are not reclaimed in these files")
    return both(field, "there is no procedure that decides this")
