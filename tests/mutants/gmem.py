"""Mutants of the rules about guest_memfd: faults, layers, retried calls, private zaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.mutants import gmem_fault, gmem_layer, gmem_retried, gmem_same, gmem_zap
from tests.mutants.sources import Operator, Same, Sources

OPERATORS: tuple[Operator, ...] = (
    gmem_fault.fault_snapshot,
    gmem_fault.fault_check,
    gmem_fault.fault_lock,
    gmem_fault.fault_helper,
    gmem_layer.layer_call,
    gmem_layer.layer_word,
    gmem_layer.layer_lock,
    gmem_layer.layer_helper,
    gmem_layer.layer_weak,
    gmem_retried.retried_effect,
    gmem_retried.retried_helper,
    gmem_retried.retried_loop,
    gmem_zap.zap_unsplit,
    gmem_zap.zap_attributes,
)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = gmem_same.EDITS
