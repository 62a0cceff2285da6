"""Allocators and what lives as long as a TD or a vCPU (linux/{slab,gfp,vmalloc}.h, arch/x86/kvm/vmx/tdx.h)."""

from analyzer.author import Vocabulary

# Allocator -> index of its flags (which some let one leave out); None for one that has none and does not charge.
ALLOCATORS: dict[str, int | None] = {
    **dict.fromkeys("kmalloc kzalloc kvmalloc kvzalloc alloc_pages_exact kstrdup".split(), 1),
    **dict.fromkeys("kmalloc_node kzalloc_node kvmalloc_node kvzalloc_node".split(), 1),
    **dict.fromkeys("kmem_cache_alloc kmem_cache_zalloc kmem_cache_alloc_node".split(), 1),
    **dict.fromkeys(
        "kcalloc kvcalloc kmalloc_array kvmalloc_array kmemdup krealloc kvrealloc kvmemdup kstrndup".split(), 2
    ),
    **dict.fromkeys("kcalloc_node kmalloc_array_node kvcalloc_node kvrealloc kstrndup".split(), 2),
    **dict.fromkeys("kmemdup_array krealloc_array".split(), 3),
    **dict.fromkeys("alloc_page alloc_pages __get_free_page __get_free_pages get_zeroed_page folio_alloc".split(), 0),
    **dict.fromkeys("alloc_pages_node __alloc_pages_node".split(), 1),
    **dict.fromkeys("kmalloc_obj kzalloc_obj kvmalloc_obj kvzalloc_obj".split(), 1),
    **dict.fromkeys("kmalloc_objs kzalloc_objs kvmalloc_objs kvzalloc_objs".split(), 2),
    **dict.fromkeys("kmalloc_flex kzalloc_flex kvmalloc_flex kvzalloc_flex".split(), 3),
    **dict.fromkeys("vmalloc vzalloc".split(), None),
}
# Allocators that fill an array they are given: the index of the flags, and of the array (linux/gfp.h).
FILLERS: dict[str, tuple[int, int]] = {
    **dict.fromkeys("alloc_pages_bulk alloc_pages_bulk_array alloc_pages_bulk_mempolicy".split(), (0, 2)),
    **dict.fromkeys("alloc_pages_bulk_node alloc_pages_bulk_array_node".split(), (0, 3)),
}
# How TDX code comes from a VM or a vCPU to its own object.
CASTS = {"to_kvm_tdx": "struct kvm_tdx", "to_tdx": "struct vcpu_tdx"}
_OBJECTS = frozenset(
    """kvm_tdx vcpu_tdx tdx_td tdx_vp kvm kvm_vcpu vcpu_vt vcpu_vmx kvm_arch kvm_vcpu_arch kvm_mmu_page
    kvm_mmu""".split()
)


def outlives(kind: str) -> bool:
    """Whether objects of a type live as long as a TD or a vCPU, or keep pages for one."""
    word = kind.removeprefix("struct ").strip()
    return word in _OBJECTS or (kind.startswith("struct ") and word.endswith(("_cache", "_prealloc")))


VOCABULARY = Vocabulary()
