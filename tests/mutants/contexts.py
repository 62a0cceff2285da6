"""Mutants of execution contexts: sleeping in atomic context, RCU left, locks of interrupts, bare locks, no vCPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.mutants import contexts_locks, contexts_rcu, contexts_same, contexts_sleep, contexts_vcpu
from tests.mutants.sources import Operator, Same, Sources

OPERATORS: tuple[Operator, ...] = (
    *contexts_sleep.OPERATORS,
    *contexts_rcu.OPERATORS,
    *contexts_locks.OPERATORS,
    *contexts_vcpu.OPERATORS,
)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = contexts_same.SAME
