"""The second kind of mapping: page 0's shared side comes from a VM_PFNMAP area, tied to mmu notifiers.

There is no folio and no struct page behind such a PFN. It may be mapped only while the area's page table has it, which
nothing but the notifier's begin and end around a change tells KVM.
"""

from __future__ import annotations

from analyzer.model.expr import FALSE, Effect, all_of, any_of
from analyzer.model.kvm_tdx.fault import done
from analyzer.model.kvm_tdx.guest import leave
from analyzer.model.kvm_tdx.world import HOST, Vcpu, World
from analyzer.model.machine import ActorBuilder


def add_direct_fault(w: World, v: Vcpu) -> None:
    """Access to the shared side of page 0, and its fault."""
    move, shared = v.actor.move, w.shared[0]
    hit = all_of(w.direct == 1, v.direct_tlb == 0)
    move("access_shared", "guest", None, v.direct_tlb.to(1), when=hit, source="tdx_vcpu_enter_exit")
    miss = all_of(w.direct == 0, v.direct_tlb == 0)
    move("ept_violation_shared", "guest", "direct", *leave(v), when=miss, source="tdx_handle_ept_violation")
    move("direct_snapshot", "direct", "follow", v.stale.to(0), when=shared == 1, source="kvm_mmu_faultin_pfn")
    move("direct_private", "direct", "outside", *v.forget(), when=shared == 0, source="kvm_mmu_faultin_pfn")
    page: tuple[Effect, ...] = (w.broken("NO_STRUCT_PAGE"),) if w.protocol.pfn_use == "page" else ()
    move("follow_pfn", "follow", "direct_lock", *page, when=w.vma == 1, source="hva_to_pfn_remapped")
    move("no_pfn", "follow", "outside", *v.forget(), when=w.vma == 0, source="hva_to_pfn_remapped")
    taken = w.readers.to(w.readers + 1)
    move("direct_read_lock", "direct_lock", "direct_check", taken, when=w.writer == 0, source="kvm_tdp_mmu_page_fault")
    stale = any_of(w.inv > 0, v.stale == 1) if w.protocol.pfnmap_retry == "under-lock" else FALSE
    back = (w.readers.to(w.readers - 1), v.stale.to(0))
    move("direct_stale", "direct_check", "direct", *back, when=stale, source="is_page_fault_stale")
    move(
        "direct_map",
        "direct_check",
        "outside",
        w.direct.to(1),
        *done(w, v),
        when=~stale,
        source="tdp_mmu_map_handle_target_level",
    )
    v.actor.section("reading", ("direct_check",))


def add_host(w: World) -> ActorBuilder:
    """Who owns the area: takes the PFN out of its page table, and puts one in again."""
    actor = w.builder.actor("host", "mapped")
    move = actor.move
    if w.protocol.pfnmap_notifier == "tied":
        unmap = (w.direct.to(0), *(v.direct_tlb.to(0) for v in w.vcpus))
        move(
            "notify_start",
            "mapped",
            "zapped",
            w.writer.to(HOST),
            w.inv.to(w.inv + 1),
            *unmap,
            when=w.lock_free,
            source="kvm_mmu_notifier_invalidate_range_start",
        )
        move("notify_unlock", "zapped", "clear", w.writer.to(0), source="kvm_mmu_notifier_invalidate_range_start")
        move("clear_pte", "clear", "end", w.vma.to(0), source="kvm_mmu_notifier_invalidate_range_start")
        move(
            "notify_end",
            "end",
            "unmapped",
            w.inv.to(w.inv - 1),
            *w.all_stale(),
            when=w.lock_free,
            source="kvm_mmu_notifier_invalidate_range_end",
        )
    else:
        move("clear_pte", "mapped", "unmapped", w.vma.to(0), source="kvm_mmu_notifier_invalidate_range_start")
    move("map_again", "unmapped", "mapped", w.vma.to(1), source="hva_to_pfn_remapped")
    actor.section("writing", ("zapped",))
    actor.section("invalidating", ("zapped", "clear", "end"))
    return actor
