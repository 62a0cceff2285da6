"""The destroyer: guest_memfd is released, then the HKID, and only then S-EPT pages go back to the host."""

from __future__ import annotations

from analyzer.model.expr import TRUE, all_of, when
from analyzer.model.kvm_tdx.punch import add_leaves
from analyzer.model.kvm_tdx.sequence import Sequence, zap_huge_job
from analyzer.model.kvm_tdx.world import DESTROY, FREE, HUGE, NL, NONP, TABLE, World
from analyzer.model.machine import ActorBuilder


def add_destroyer(w: World, others: tuple[ActorBuilder, ...]) -> ActorBuilder:
    """The actor; it starts when nobody else holds a reference: vCPUs are outside, the others idle."""
    actor = w.builder.actor("destroyer", "alive")
    index = w.builder.var("destroy_index", w.scope.pages, owner="destroyer")
    move = actor.move
    idle = all_of(*(v.actor.at("outside", "absent", "created") for v in w.vcpus), *(o.at("idle") for o in others))
    move("last_reference", "alive", "release", w.gone.to(1), *w.put_root(), when=idle, source="kvm_gmem_release")
    move("begin", "release", "walk", w.writer.to(DESTROY), when=w.lock_free, source="kvm_gmem_release")
    huge = Sequence(w, actor, "zap_2m", zap_huge_job(w), "zapped")
    move("need_zap_2m", "walk", huge.build(), when=w.top == HUGE, source="tdp_mmu_zap_leafs")
    move("walk_4k", "walk", "leaves", index.to(0), when=w.top == TABLE, source="tdp_mmu_zap_leafs")
    move("nothing", "walk", "zapped", when=w.top == NONP, source="tdp_mmu_zap_leafs")
    places = add_leaves(w, actor, index, tuple(TRUE for _ in w.pages), "zapped")
    free = (w.folio.to(0), *(b.to(0) for b in w.backed))
    early = w.protocol.sept_page_free == "before-hkid"
    move("unlock", "zapped", "reclaim" if early else "hkid", w.writer.to(0), *free, source="kvm_gmem_release")
    unused = w.root == 0 if w.scope.roots else TRUE  # the last user of a root frees it, with its tables
    move("release_hkid", "hkid", "reclaim", w.hkid.to(0), when=unused, source="tdx_mmu_release_hkid")
    reclaimed = when(w.hkid == 1, w.broken("RECLAIM_EARLY"), otherwise=(w.sept.to(FREE), w.sept_page.to(0)))
    move(
        "reclaim",
        "reclaim",
        "destroyed",
        when(w.sept == NL, reclaimed, w.top.to(NONP)),
        source="tdx_sept_free_private_spt",
    )
    actor.section("writing", ("walk", "zapped", *huge.places(), *places))
    return actor
