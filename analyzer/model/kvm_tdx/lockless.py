"""A table of the direct root, looked at without mmu_lock: RCU keeps it while a reader may hold a pointer into it.

Mirror tables are never freed before the HKID is released, so this is a machine of its own beside the rest.
"""

from __future__ import annotations

from analyzer.model.expr import TRUE, Effect, Expr, all_of, when
from analyzer.model.kvm_tdx.world import World
from analyzer.model.machine import ActorBuilder

LINKED, UNLINKED, FREED = 0, 1, 2
RETIRE = "handle_removed_pt"


def add_lockless(w: World) -> tuple[ActorBuilder, ...]:
    """The reader, and who takes the table away and puts a new one there."""
    reader = w.builder.actor("reader", "idle")
    move, out = reader.move, w.reading.to(0)
    early = w.protocol.rcu == "left-early"
    source = "kvm_tdp_mmu_fast_pf_get_last_sptep"
    follow = when(w.table == LINKED, w.pointer.to(1))
    move("rcu_read_lock", "idle", "inside", w.reading.to(1), source="fast_page_fault")
    move("follow", "inside", "left" if early else "use", follow, source=source)
    if early:
        move("rcu_read_unlock", "left", "use", out, source="fast_page_fault")
    done: tuple[Effect, ...] = (w.pointer.to(0), *(() if early else (out,)))
    move("use", "use", "idle", *done, source="fast_page_fault")
    freer = w.builder.actor("freer", "linked")
    freer.move("unlink", "linked", "unlinked", w.table.to(UNLINKED), source=RETIRE)
    grace, freed = all_of(w.reading == 0), w.table.to(FREED)
    freer.move("free", "unlinked", "freed", freed, when=grace, source="tdp_mmu_free_sp_rcu_callback")
    freer.move("link", "freed", "linked", w.table.to(LINKED), source="tdp_mmu_set_spte_atomic")
    return reader, freer


def unfreed(w: World, actors: tuple[ActorBuilder, ...]) -> Expr:
    """Nobody is about to use a pointer into a freed table."""
    reader = next((a for a in actors if a.name == "reader"), None)
    return TRUE if reader is None else ~all_of(reader.at("use"), w.pointer == 1, w.table == FREED)
