"""The rules as a trace can show them: the table from which monitors and exports are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.model.trace.guard import Guard, Monitor
from analyzer.model.trace.guards_mmu import (
    AGAIN_GUARDS,
    BALANCE_GUARDS,
    CONTEXT_GUARDS,
    FLUSH_ALL_GUARDS,
    FLUSH_GUARDS,
    PAGE_GUARDS,
    PAMT_GUARDS,
    RANGE_GUARDS,
    RETRY_CHECKS,
    WHOLE_GUARDS,
)  # fmt: skip
from analyzer.model.trace.guards_sept import (
    ACCEPT_GUARDS,
    LOCK_GUARDS,
    ORDER_GUARDS,
    PROMOTION_GUARDS,
    RESULT_GUARDS,
    RETRY_GUARDS,
    UNIT_GUARDS,
)  # fmt: skip

_NO_GET = "kvm_tdp_mmu_get_root() is inlined, so no probe sees a reference taken; the refcount of a root is in no event"
_NO_RCU = "rcu_read_lock() and the SPTE reads are inlined; a kernel with PROVE_RCU reports it in its log"

MONITORS: Final[tuple[Monitor, ...]] = (
    Monitor("tdx-sept-op-without-write-lock", 2, LOCK_GUARDS),
    Monitor("kvm-private-zap-imprecise", 4, RANGE_GUARDS),
    Monitor("kvm-zap-can-fail", 5, WHOLE_GUARDS),
    Monitor("tdx-external-op-result-dropped", 7, RESULT_GUARDS),
    Monitor("tdx-sept-op-misordered", 10, (*ORDER_GUARDS, *FLUSH_GUARDS)),
    Monitor("tdx-sept-promotion", 13, PROMOTION_GUARDS),
    Monitor("kvm-gmem-fault-without-retry", 14, RETRY_CHECKS),
    Monitor("kvm-invalidate-unbalanced", 15, BALANCE_GUARDS),
    Monitor("tdx-pamt-unbalanced", 16, PAMT_GUARDS),
    Monitor("tdx-retried-call-not-idempotent", 17, RETRY_GUARDS),
    Monitor("kvm-retry-on-permanent-error", 18, AGAIN_GUARDS),
    Monitor("kvm-root-reference-leaked", 20, blind=_NO_GET),
    Monitor("kvm-rcu-scope-left", 21, blind=_NO_RCU),
    Monitor("kvm-softirq-lock-unsafe", 22, CONTEXT_GUARDS),
    Monitor("tdx-module-page-freed", 23, PAGE_GUARDS),
    Monitor("tdx-level-units-mixed", 24, UNIT_GUARDS),
    Monitor("tdx-level-ignored", 25, (*ACCEPT_GUARDS, *FLUSH_ALL_GUARDS)),
)
RULES: Final = tuple(monitor.rule for monitor in MONITORS)


def chosen(rules: tuple[str, ...] = ()) -> tuple[Monitor, ...]:
    """The monitors of some rules, all when none is named; unknown names are left to the caller."""
    return tuple(m for m in MONITORS if not rules or m.rule in rules)


def wanted(guard: Guard) -> Iterator[str]:
    """Every event a guard can use."""
    yield from guard.on
    for group in guard.needs:
        yield from group
