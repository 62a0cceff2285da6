"""Zapping: the functions that take guest mappings away, and the handlers of MMU notifiers and of guest_memfd."""

import re

# A range goes: kvm_unmap_gfn_range(), kvm_tdp_mmu_zap_leafs(), kvm_gmem_zap(), kvm_arch_pre_set_memory_attributes().
ZAPS = re.compile(
    r"^(?!trace_|.*split|.*filter)(?:\w*_)?(?:(?:zap|unmap)_(?:\w+_)?(?:gfn|range|leafs?|private|gmem)(?:_\w+)?"
    r"|gmem_(?:zap|unmap)(?:_\w+)?|pre_set_memory_attributes)$"
)
# Handlers by their names; retry checks, filters and splits are none.
HANDLERS = re.compile(
    r"^(?!trace_|.*(?:split|retry|filter|assert|unsync|vcpu_unmap))(?:\w*_)?(?:zap|unmap|invalidate|age_gfn|test_age_gfn"
    r"|(?:pre|post)_set_memory_attributes)(?:_\w+)?$"
)
# the same for the range of a file of guest_memfd: all its VMs; what splits, may refuse and then zaps has a longer name
FILE_HANDLERS = re.compile(r"^_*kvm_(?:arch_)?gmem_(?:invalidate(?:_(?:start|begin|end|range|all))?|zap|unmap)$")
RANGE = "struct kvm_gfn_range *"
# Ops of the primary MMU that return an int: they may not fail but where they must not block (linux/mmu_notifier.h).
NOTIFIERS = ("invalidate_range_start",)
HANDLER_FIELDS = ("handler",)  # struct kvm_mmu_notifier_range
