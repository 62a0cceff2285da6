"""The mutations: each breaks one thing that a rule demands, so that the model can show why the rule is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol
from analyzer.model.kvm_tdx.scope import FULL, SCOPES, SMALL, Scope


@dataclass(frozen=True, slots=True)
class Mutation:
    """One broken rule. ``rules`` are ids of nak's rules; ``equivalent`` says that nothing may break, and why."""

    name: str
    text: str
    rules: tuple[str, ...]
    protocol: Protocol
    scope: Scope = FULL
    progress: bool = False  # only a progress property shows it
    equivalent: str = ""


def _break(
    name: str,
    text: str,
    rules: str,
    scope: Scope = FULL,
    *,
    progress: bool = False,
    equivalent: str = "",
    **changes: Any,
) -> Mutation:
    return Mutation(name, text, tuple(rules.split()), replace(CORRECT, **changes), scope, progress, equivalent)


ENOMEM = replace(FULL, faults=("enomem",))
INTERRUPTS = SCOPES["restartable"][0]
LAX = replace(FULL, lax_module=True)
CACHE = replace(SMALL, split_cache=True, converter=False)
PAMT = SCOPES["pamt"][0]
TEARDOWN = SCOPES["teardown"][0]
PFNMAP = SCOPES["pfnmap"][0]

MUTATIONS: tuple[Mutation, ...] = (
    _break(
        "split_read",
        "ACCEPT-level split under mmu_lock held for read: no kick on BUSY, no UNBLOCK",
        "tdx-sept-op-without-write-lock",
        split_lock="read",
    ),
    _break(
        "folio_first",
        "the folio is split before the S-EPT mapping",
        "tdx-mapping-size-from-folio",
        split_order="folio-first",
    ),
    _break("no_track", "no TRACK between BLOCK and DEMOTE or REMOVE", "tdx-sept-op-misordered", track="none"),
    _break(
        "no_track_lax",
        "the same on a TDX module that does not check tracking",
        "tdx-sept-op-misordered",
        LAX,
        track="none",
    ),
    _break("no_kick", "TRACK, but the vCPUs are not kicked after it", "tdx-sept-op-misordered", kick="none"),
    _break(
        "no_kick_lax",
        "the same on a TDX module that does not check tracking",
        "tdx-sept-op-misordered",
        LAX,
        kick="none",
    ),
    _break(
        "demote_ignored",
        "DEMOTE fails and nobody hears of it",
        "tdx-external-op-result-dropped",
        demote_error="dropped",
    ),
    _break(
        "no_stale_check",
        "the fault maps without the retry check under mmu_lock",
        "kvm-gmem-fault-without-retry",
        stale_check="none",
    ),
    _break(
        "late_invalidate",
        "the invalidation begins in a later critical section than the zap",
        "kvm-invalidate-unbalanced",
        invalidate_begin="after-zap",
    ),
    _break(
        "no_split_zap",
        "a 2M leaf that crosses the range is zapped whole",
        "kvm-private-zap-imprecise",
        zap_crossing="whole-leaf",
    ),
    _break(
        "attr_first",
        "the attribute is stored before the zap",
        "kvm-zap-can-fail",
        attribute_store="before-zap",
    ),
    _break(
        "free_first",
        "pages are freed before the zap",
        "tdx-module-page-freed",
        truncate="before-zap",
    ),
    _break(
        "pamt_2m_get", "a PAMT reference is taken for a 2M mapping too", "tdx-pamt-unbalanced", pamt_levels="4k-and-2m"
    ),
    _break("pamt_leak_busy", "a BUSY AUG keeps its PAMT reference", "tdx-pamt-unbalanced", pamt_on_error="kept"),
    _break(
        "pamt_no_set", "the PAMT count is not set after DEMOTE", "tdx-pamt-unbalanced", pamt_after_demote="untouched"
    ),
    _break(
        "no_freeze",
        "the mirror entry is not frozen while the S-EPT entry is written",
        "tdx-mirror-commit-misordered",
        freeze="none",
    ),
    _break(
        "no_wait_flag",
        "the retry after BUSY kicks vCPUs but lets them in again",
        "tdx-retried-call-not-idempotent",
        no_vcpu_window="kick-only",
    ),
    _break(
        "inv_leak",
        "a failing split returns without ending the invalidation",
        "kvm-invalidate-unbalanced",
        ENOMEM,
        invalidate_end="not-on-error",
    ),
    _break(
        "errno_as_bool",
        "-ENOMEM of the split arrives as 'flush needed'",
        "kvm-errno-truncated",
        ENOMEM,
        split_errno="bool",
    ),
    _break(
        "pamt_cache_two",
        "the split cache holds two pairs and a BUSY DEMOTE frees the one it used",
        "kvm-sleep-under-mmu-lock tdx-retried-call-not-idempotent",
        CACHE,
        split_cache="two-pairs",
    ),
    _break(
        "poison_split",
        "memory failure splits the folio and leaves the 2M mapping",
        "tdx-mapping-size-from-folio",
        poison="folio-only",
    ),
    _break("merge_ok", "a fault maps 2M over an existing table", "tdx-sept-promotion", SMALL, promotion="allowed"),
    _break(
        "accept_ignored",
        "a 4K ACCEPT of a pending 2M leaf is not honoured",
        "tdx-level-ignored",
        SCOPES["accept-4k"][0],
        progress=True,
        accept_level="ignored",
    ),
    _break(
        "late_begin_same",
        "the invalidation begins late, but in the critical section of the zap",
        "kvm-invalidate-unbalanced",
        SMALL,
        invalidate_begin="end-of-section",
        equivalent="readers see the counter only after the section",
    ),
    # What the other invariants and statuses are for.
    _break(
        "split_read_inhibit",
        "the split under mmu_lock held for read, the inhibit under write",
        "tdx-sept-op-without-write-lock",
        split_lock="read-then-write",
    ),
    _break(
        "frozen_left",
        "a BUSY external update leaves the mirror entry FROZEN",
        "tdx-mirror-commit-misordered",
        freeze_rollback="none",
    ),
    _break(
        "old_kept",
        "the mirror entry gets its old value though the external one was written",
        "tdx-mirror-commit-misordered",
        freeze_rollback="always",
    ),
    _break(
        "new_kept",
        "the mirror entry gets its new value though a BUSY external update wrote nothing",
        "tdx-mirror-commit-misordered",
        freeze_rollback="never",
    ),
    _break(
        "flag_left", "the retry leaves vCPUs locked out", "tdx-retried-call-not-idempotent", no_vcpu_window="flag-left"
    ),
    _break(
        "create_unchecked",
        "a vCPU created during a kick enters unchecked",
        "tdx-retried-call-not-idempotent",
        SCOPES["late-vcpu"][0],
        no_vcpu_window="not-for-new",
    ),
    _break(
        "fastpath_spin",
        "a vCPU that is kept out spins in the fast path instead of leaving it",
        "kvm-retry-on-permanent-error",
        SMALL,
        busy_entry="spins",
    ),
    _break(
        "lock_left",
        "a BUSY external update returns with mmu_lock held",
        "tdx-mirror-commit-misordered",
        unlock="not-on-error",
    ),
    _break("inhibit_unread", "the fault does not look at the guest's inhibit", "tdx-level-ignored", inhibit="unread"),
    _break("inhibit_cleared", "a conversion clears the guest's inhibit", "tdx-level-ignored", inhibit="cleared"),
    _break("pair_leaked", "a BUSY DEMOTE loses its page pair", "tdx-pamt-unbalanced", CACHE, split_cache="pair-leaked"),
    _break(
        "topup_no_rewalk",
        "the walk goes on after mmu_lock was dropped to allocate",
        "kvm-sleep-under-mmu-lock",
        replace(SMALL, split_cache=True),
        after_topup="continue",
    ),
    _break(
        "three_pairs",
        "the cache holds three pairs, one for the second attempt",
        "tdx-retried-call-not-idempotent",
        CACHE,
        split_cache="three-pairs",
        equivalent="the second attempt finds a pair of its own",
    ),
    _break("no_block", "no BLOCK before DEMOTE or REMOVE", "tdx-sept-op-misordered", block="none"),
    _break(
        "reblock",
        "the retry after a BUSY TRACK starts with BLOCK again",
        "tdx-retried-call-not-idempotent",
        retry_unit="sequence",
    ),
    _break("level_4k", "BLOCK of a 2M leaf is given the 4K level", "tdx-level-units-mixed", seamcall_level="4k"),
    _break(
        "restart_once",
        "an interrupted DEMOTE is started over once",
        "tdx-retried-call-not-idempotent",
        INTERRUPTS,
        restartable="retry-once",
    ),
    _break(
        "restart_error",
        "an interrupted DEMOTE counts as failed",
        "tdx-retried-call-not-idempotent",
        INTERRUPTS,
        restartable="error",
    ),
    _break(
        "restart_forever",
        "an interrupted DEMOTE is started over until it is done",
        "tdx-retried-call-not-idempotent",
        INTERRUPTS,
        restartable="retry",
        equivalent="nothing is committed by an interrupted DEMOTE; it only costs time under mmu_lock",
    ),
    _break(
        "not_free_fatal",
        "PAMT.ADD that lost a race counts as failed",
        "tdx-pamt-unbalanced",
        PAMT,
        pamt_not_free="error",
    ),
    _break(
        "pamt_no_recheck",
        "PAMT.REMOVE without another look at the count",
        "tdx-pamt-unbalanced",
        PAMT,
        pamt_recheck="none",
    ),
    _break(
        "sept_page_early",
        "the last leaf's zap frees the S-EPT page",
        "tdx-module-page-freed",
        TEARDOWN,
        sept_page_free="with-last-leaf",
    ),
    _break(
        "reclaim_early",
        "S-EPT pages are reclaimed while the HKID is in use",
        "tdx-module-page-freed",
        TEARDOWN,
        sept_page_free="before-hkid",
    ),
    _break(
        "pfnmap_no_retry",
        "a VM_PFNMAP fault maps without the retry check",
        "kvm-gmem-fault-without-retry",
        PFNMAP,
        pfnmap_retry="none",
    ),
    _break(
        "pfnmap_untied",
        "the area's PFN goes without mmu notifiers",
        "kvm-invalidate-unbalanced",
        PFNMAP,
        pfnmap_notifier="untied",
    ),
    _break(
        "table_unfrozen",
        "linking a table has a hook of its own, which forgets to freeze the entry",
        "tdx-external-update-scattered",
        freeze="leaf-only",
    ),
    _break(
        "wrong_root",
        "the split and the zap of private memory walk the direct root",
        "kvm-wrong-root-for-private",
        zap_root="direct",
    ),
    _break(
        "root_kept",
        "a walk that fails is left with its reference to the root",
        "kvm-root-reference-leaked",
        SCOPES["roots"][0],
        root_put="not-on-error",
    ),
    _break(
        "rcu_left",
        "a pointer into a page table is used after the RCU read section",
        "kvm-rcu-scope-left",
        SCOPES["lockless"][0],
        rcu="left-early",
    ),
    _break(
        "stale_compare",
        "a compare-exchange that lost is tried again with the old value",
        "kvm-cmpxchg-not-refreshed",
        SCOPES["accept-4k"][0],
        progress=True,
        cmpxchg="stale",
    ),
    _break(
        "running_vcpu",
        "a conversion takes the split's pages from the cache of the running vCPU",
        "tdx-running-vcpu-null",
        replace(SMALL, split_cache=True),
        cache_of="running-vcpu",
    ),
    _break(
        "pfn_to_page", "pfn_to_page() on what a VM_PFNMAP area maps", "tdx-gmem-pfn-to-page", PFNMAP, pfn_use="page"
    ),
)


def named(name: str) -> Mutation | None:
    """The mutation of a name."""
    return next((m for m in MUTATIONS if m.name == name), None)
