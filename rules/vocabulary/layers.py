"""Who may know whom: common KVM code, what architectures implement for it, words of one vendor (rules.md, 11)."""

import re
from functools import lru_cache

from analyzer.author import Vocabulary

COMMON = ("virt/kvm/*", "include/linux/kvm*.h")
# Code that an architecture has for KVM alone; its other headers implement what all architectures have.
OF_KVM = (
    "arch/*/kvm/*",
    "arch/*/virt/*",
    "arch/*/include/asm/kvm*",
    *(f"arch/x86/include/asm/{name}.h" for name in ("tdx", "vmx", "svm", "sev", "sev-common", "seamldr", "shared/tdx")),
)
# What every architecture implements by contract, beside kvm_arch_*() (include/linux/kvm_host.h).
CONTRACT = frozenset(
    """kvm_age_gfn kvm_test_age_gfn kvm_unmap_gfn_range kvm_set_spte_gfn kvm_cpu_has_pending_timer kvm_set_msi
    kvm_set_routing_entry kvm_vm_ioctl_check_extension kvm_vm_ioctl_irq_line kvm_cpu_dirty_log_size
    kvm_flush_remote_tlbs kvm_vcpu_kick kvm_apic_set_irq kvm_notify_acked_irq kvm_irq_delivery_to_apic
    irqchip_in_kernel""".split()
)
_VENDOR = frozenset(
    """tdx sept tdp mirror mirrored vmx svm sev snp vmcs vmcb seamcall hkid pamt rmp psmash tdh ept npt tdr""".split()
)
_OF_SPLIT = frozenset("leaf leafs leaves boundary cross private external mirror spte sptes".split())
# Calls that mark a section of mmu_lock in guest_memfd as an invalidation.
INVALIDATING = frozenset(
    """kvm_mmu_invalidate_start kvm_mmu_invalidate_begin kvm_mmu_invalidate_end kvm_mmu_invalidate_range_add
    kvm_mmu_unmap_gfn_range kvm_unmap_gfn_range""".split()
)
WORD = re.compile(r"\b[A-Za-z_]\w*\b")


@lru_cache(maxsize=1 << 16)
def vendor_word(identifier: str) -> bool:
    """Whether a name speaks of one architecture, one vendor, or how mappings are split there."""
    if identifier.startswith(("kvm_arch_", "KVM_ARCH_", "CONFIG_HAVE_KVM", "__kvm_arch")):
        return identifier.startswith("kvm_arch_") and names_vendor(identifier)  # a hook is for all of them
    if identifier.startswith(("kvm_x86_", "KVM_X86_")):
        return True
    words = set(identifier.lower().split("_"))
    if names_vendor(identifier) or {"cross", "boundary"} <= words or {"external", "spt"} <= words:
        return True
    return "split" in words and not words.isdisjoint(_OF_SPLIT)


def names_vendor(identifier: str) -> bool:
    """Whether a word of a name is one of one architecture or vendor."""
    return not _VENDOR.isdisjoint(identifier.lower().split("_"))


VOCABULARY = Vocabulary()
