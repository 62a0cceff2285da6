"""Rule 2: an S-EPT entry is blocked, tracked or removed without mmu_lock held for write."""

from __future__ import annotations

from tests.kernel.edits import At, Case, Edit, before, changing, drop, swap
from tests.kernel.places import GMEM, LOCKS, MAIN, MMU, TDP, TDX

LOCK, UNLOCK = "write_lock(&kvm->mmu_lock);", "write_unlock(&kvm->mmu_lock);"
READ, READ_END = "read_lock(&kvm->mmu_lock);", "read_unlock(&kvm->mmu_lock);"
KVM_LOCK, KVM_UNLOCK = "KVM_MMU_LOCK(kvm);", "KVM_MMU_UNLOCK(kvm);"
REMOVE = "tdx_sept_remove_leaf_spte"
ZAP, SLOT, RANGE, INVALIDATE = (
    "kvm_zap_gfn_range",
    "kvm_arch_flush_shadow_memslot",
    "kvm_handle_gfn_range",
    "__kvm_gmem_invalidate_start",
)
# What a zap of a private leaf comes to: the three operations on the S-EPT entry.
ZAPPED = (
    At(TDX, REMOVE, "tdh_do_no_vcpus(tdh_mem_range_block"),
    At(TDX, REMOVE, "tdh_do_no_vcpus(tdh_mem_page_remove"),
    At(TDX, "tdx_track", "tdh_do_no_vcpus(tdh_mem_track"),
)
# Where a condition chose the mode, the assertion of tdx_track(), behind another condition, closes the path to TRACK.
PROVEN = ZAPPED[:2]
LEAFS = (
    "kvm_tdp_mmu_zap_leafs",
    "tdp_mmu_zap_leafs",
    "tdp_mmu_set_spte",
    "handle_changed_spte",
    "__handle_changed_spte",
    "tdx_sept_set_private_spte",
    REMOVE,
)


def locks(path: str, function: str, take: str, give: str, old: tuple[str, str] = (LOCK, UNLOCK)) -> tuple[Edit, ...]:
    """Other words for taking and giving back the lock."""
    return changing(swap(path, function, old[0], take), swap(path, function, old[1], give))


def zap(*texts: str) -> tuple[Edit, ...]:
    """kvm_zap_gfn_range() with the lock work before the start, before the zap, before the flush, at the end."""
    return changing(
        swap(MMU, ZAP, UNLOCK, texts[3]),
        swap(MMU, ZAP, LOCK, texts[0]),
        swap(MMU, ZAP, "if (tdp_mmu_enabled)\n", f"{texts[1]}if (tdp_mmu_enabled)\n"),
        swap(MMU, ZAP, "if (flush)\n", f"{texts[2]}if (flush)\n"),
    )


def epoch(lock: str) -> tuple[Edit, ...]:
    """A new path to TRACK, from the exit handler of a vCPU."""
    return (
        before(
            TDX,
            "tdx_handle_ept_violation",
            f"""
            static void tdx_new_epoch(struct kvm *kvm)
            {{
                    {lock}
                    tdx_track(kvm);
            }}
            """,
        ),
        swap(TDX, "tdx_handle_ept_violation", "kvm_vm_dead(vcpu->kvm);", "tdx_new_epoch(vcpu->kvm);"),
    )


def chosen(call: str) -> tuple[Edit, ...]:
    """Helpers that take the lock in the mode of a flag."""
    return (
        before(
            MMU,
            ZAP,
            """
            static void kvm_mmu_lock_mode(struct kvm *kvm, bool shared)
            {
                    if (shared)
                            read_lock(&kvm->mmu_lock);
                    else
                            write_lock(&kvm->mmu_lock);
            }

            static void kvm_mmu_unlock_mode(struct kvm *kvm, bool shared)
            {
                    if (shared)
                            read_unlock(&kvm->mmu_lock);
                    else
                            write_unlock(&kvm->mmu_lock);
            }
            """,
        ),
        *locks(MMU, ZAP, f"kvm_mmu_lock_mode(kvm, {call});", f"kvm_mmu_unlock_mode(kvm, {call});"),
    )


def flagged(test: str) -> tuple[Edit, ...]:
    """kvm_arch_flush_shadow_memslot() takes the lock in a mode that depends on what it zaps."""
    return locks(
        MMU,
        SLOT,
        f"if ({test})\n\t\tread_lock(&kvm->mmu_lock);\n\telse\n\t\twrite_lock(&kvm->mmu_lock);",
        f"if ({test})\n\t\tread_unlock(&kvm->mmu_lock);\n\telse\n\t\twrite_unlock(&kvm->mmu_lock);",
    )


def around_spte(first: str, second: str) -> tuple[Edit, ...]:
    """The lock is dropped once in the walk of tdp_mmu_zap_leafs()."""
    anchor = "tdp_mmu_iter_set_spte(kvm, &iter, SHADOW_NONPRESENT_VALUE);"
    return (swap(TDP, "tdp_mmu_zap_leafs", anchor, f"{first}\n\t\t{anchor}\n\t\t{second}"),)


CASES = (
    Case(
        "read_lock instead of write_lock",
        LOCKS,
        locks(MMU, ZAP, READ, READ_END),
        ZAPPED,
        (ZAP, *LEAFS),
        locks(MMU, ZAP, KVM_LOCK, KVM_UNLOCK),
    ),
    Case(
        "guard(read_lock)",
        LOCKS,
        locks(MMU, ZAP, "guard(read_lock)(&kvm->mmu_lock);", ""),
        ZAPPED,
        (ZAP, *LEAFS),
        locks(MMU, ZAP, "guard(write_lock)(&kvm->mmu_lock);", ""),
    ),
    Case(
        "no lock at all",
        LOCKS,
        locks(MMU, ZAP, "", ""),
        ZAPPED,
        (ZAP, *LEAFS),
        locks(MMU, ZAP, "down_read(&kvm->srcu_lock); write_lock(&kvm->mmu_lock);", UNLOCK),
    ),
    Case(
        "the lock taken behind the zap",
        LOCKS,
        zap("", "", LOCK, UNLOCK),
        ZAPPED,
        (ZAP, *LEAFS),
        zap("", LOCK, "", UNLOCK),
    ),
    Case(
        "the lock given back before the zap",
        LOCKS,
        zap(LOCK, UNLOCK, "", ""),
        ZAPPED,
        (ZAP, *LEAFS),
        zap(LOCK, "", UNLOCK, ""),
    ),
    Case(
        "scoped_guard() ends before the zap",
        LOCKS,
        (
            swap(MMU, ZAP, LOCK, ""),
            drop(MMU, ZAP, UNLOCK),
            swap(
                MMU,
                ZAP,
                "kvm_mmu_invalidate_start(kvm);",
                "scoped_guard(write_lock, &kvm->mmu_lock)\n\t\tkvm_mmu_invalidate_start(kvm);",
            ),
        ),
        ZAPPED,
        (ZAP, *LEAFS),
        (swap(MMU, ZAP, LOCK, "scoped_guard(write_lock, &kvm->mmu_lock) {"), swap(MMU, ZAP, UNLOCK, "}")),
    ),
    Case(
        "trylock, and on without it",
        LOCKS,
        locks(MMU, ZAP, "if (write_trylock(&kvm->mmu_lock))\n\t\treturn;", UNLOCK),
        ZAPPED,
        (ZAP, *LEAFS),
        locks(MMU, ZAP, "if (!write_trylock(&kvm->mmu_lock))\n\t\treturn;", UNLOCK),
    ),
    Case(
        "read_trylock",
        LOCKS,
        locks(MMU, ZAP, "while (!read_trylock(&kvm->mmu_lock))\n\t\tcpu_relax();", READ_END),
        ZAPPED,
        (ZAP, *LEAFS),
        locks(MMU, ZAP, "while (!write_trylock(&kvm->mmu_lock))\n\t\tcpu_relax();", UNLOCK),
    ),
    Case(
        "a helper takes the lock in a mode",
        LOCKS,
        chosen("true"),
        PROVEN,
        (ZAP, "kvm_mmu_lock_mode", *LEAFS),
        chosen("false"),
    ),
    Case(
        "a slot is zapped for read when it is private",
        LOCKS,
        flagged("!zap_all"),
        PROVEN,
        (SLOT, "kvm_unmap_gfn_range", "tdp_mmu_zap_leafs", REMOVE),
        locks(MMU, SLOT, KVM_LOCK, KVM_UNLOCK),
    ),
    Case(
        "guest_memfd invalidates under the read lock",
        LOCKS,
        locks(GMEM, INVALIDATE, READ, READ_END, (KVM_LOCK, KVM_UNLOCK)),
        ZAPPED,
        (INVALIDATE, "kvm_mmu_unmap_gfn_range", "kvm_tdp_mmu_unmap_gfn_range", "tdp_mmu_zap_leafs", REMOVE),
        locks(GMEM, INVALIDATE, LOCK, UNLOCK, (KVM_LOCK, KVM_UNLOCK)),
    ),
    Case(
        "guest_memfd invalidates without the lock",
        LOCKS,
        locks(GMEM, INVALIDATE, "", "(void)kvm;", (KVM_LOCK, KVM_UNLOCK)),
        ZAPPED,
        (INVALIDATE, "kvm_mmu_unmap_gfn_range", "kvm_tdp_mmu_unmap_gfn_range", "tdp_mmu_zap_leafs", REMOVE),
        (swap(GMEM, INVALIDATE, KVM_LOCK, "if (!write_trylock(&kvm->mmu_lock))\n\t\t\t\twrite_lock(&kvm->mmu_lock);"),),
    ),
    Case(
        "attributes change under the read lock",
        LOCKS,
        locks(MAIN, RANGE, READ, READ_END, (KVM_LOCK, KVM_UNLOCK)),
        ZAPPED,
        (RANGE, "kvm_tdp_mmu_unmap_gfn_range", "tdp_mmu_zap_leafs", REMOVE),
        locks(MAIN, RANGE, LOCK, UNLOCK, (KVM_LOCK, KVM_UNLOCK)),
    ),
    Case(
        "a new path to TRACK, for read",
        LOCKS,
        epoch("guard(read_lock)(&kvm->mmu_lock);"),
        ZAPPED[2:],
        ("tdx_new_epoch", "tdx_track"),
        epoch("guard(write_lock)(&kvm->mmu_lock);"),
    ),
    Case(
        "a new path to TRACK, without the lock",
        LOCKS,
        epoch("lockdep_assert_irqs_enabled();"),
        ZAPPED[2:],
        ("tdx_handle_ept_violation", "tdx_new_epoch", "tdx_track"),
        epoch("write_lock(&kvm->mmu_lock);\n\tscoped_guard(rcu)"),
    ),
    Case(
        "the lock dropped around the SPTE",
        LOCKS,
        around_spte(UNLOCK, LOCK),
        ZAPPED,
        ("tdp_mmu_zap_leafs", "tdp_mmu_set_spte", REMOVE),
        around_spte(f"{UNLOCK}\n\t\t{LOCK}", ""),
    ),
    Case(
        "write for read in the middle of the walk",
        LOCKS,
        around_spte(f"{UNLOCK}\n\t\t{READ}", f"{READ_END}\n\t\t{LOCK}"),
        PROVEN,
        ("tdp_mmu_zap_leafs", "tdp_mmu_set_spte", REMOVE),
        around_spte(f"{UNLOCK}\n\t\t{READ}\n\t\t{READ_END}\n\t\t{LOCK}", ""),
    ),
    Case(
        "the fault path zaps what it finds",
        LOCKS,
        (
            swap(
                TDP,
                "tdp_mmu_map_handle_target_level",
                "if (new_spte == iter->old_spte)",
                "if (!is_last_spte(new_spte, iter->level))\n\t\ttdp_mmu_iter_set_spte(vcpu->kvm, iter, 0);\n"
                "\tif (new_spte == iter->old_spte)",
            ),
        ),
        ZAPPED,
        ("kvm_tdp_mmu_map", "tdp_mmu_map_handle_target_level", "tdp_mmu_set_spte", REMOVE),
        (
            swap(
                TDP,
                "tdp_mmu_map_handle_target_level",
                "if (new_spte == iter->old_spte)",
                "if (!is_last_spte(new_spte, iter->level))\n\t\treturn RET_PF_RETRY;\n"
                "\tif (new_spte == iter->old_spte)",
            ),
        ),
    ),
)
