"""The names of the RV monitors that are exported, and the rules whose verdict they give."""

from __future__ import annotations

from typing import Final

ENTRY_MONITOR: Final = "sept_leaf"
LOCK_MONITOR: Final = "sept_lock"
INVALIDATE_MONITOR: Final = "mmu_inval"
FAULT_MONITOR: Final = "gmem_retry"
PAMT_MONITOR: Final = "pamt_page"
RULE_OF: Final[dict[str, str]] = {
    ENTRY_MONITOR: "tdx-sept-op-misordered",
    LOCK_MONITOR: "tdx-sept-op-without-write-lock",
    INVALIDATE_MONITOR: "kvm-invalidate-unbalanced",
    FAULT_MONITOR: "kvm-gmem-fault-without-retry",
    PAMT_MONITOR: "tdx-pamt-unbalanced",
}
