// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM does on every architecture. */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

void stub_kick_vcpu(struct kvm_vcpu *vcpu, bool wait);
void stub_store_attributes(struct xarray *xa, gfn_t start, gfn_t end, u64 attributes);
void stub_put_slot(struct kvm *kvm, struct kvm_memory_slot *slot);

/* Ends when no vCPU is in the guest any more that had not seen @req. */
bool kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req)
{
	struct kvm_vcpu *vcpu;
	bool kicked = false;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		vcpu->requests |= req;
		if (READ_ONCE(vcpu->cpu) < 0)
			continue;

		stub_kick_vcpu(vcpu, true);
		kicked = true;
	}

	return kicked;
}

void kvm_flush_remote_tlbs(struct kvm *kvm)
{
	kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH);
}

void kvm_vm_dead(struct kvm *kvm)
{
	kvm->vm_dead = true;
	kvm_make_all_cpus_request(kvm, KVM_REQ_VM_DEAD);
}

void kvm_vm_bugged(struct kvm *kvm)
{
	kvm->vm_bugged = true;
	kvm_vm_dead(kvm);
}

int kvm_mmu_topup_memory_cache(struct kvm_mmu_memory_cache *mc, int min)
{
	void *obj;

	while (mc->nobjs < min) {
		if (mc->object_size)
			obj = kzalloc(mc->object_size, GFP_KERNEL_ACCOUNT);
		else
			obj = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!obj)
			return -ENOMEM;

		mc->objects[mc->nobjs++] = obj;
	}

	return 0;
}

void *kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache *mc)
{
	if (WARN_ON(!mc->nobjs))
		BUG();

	return mc->objects[--mc->nobjs];
}

struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot;

	kvm_for_each_memslot(slot, kvm) {
		if (gfn >= slot->base_gfn && gfn - slot->base_gfn < slot->npages)
			return slot;
	}

	return NULL;
}

/* Memory of the user: what comes back is refcounted, and the reference is ours. */
kvm_pfn_t __kvm_faultin_pfn(const struct kvm_memory_slot *slot, gfn_t gfn, bool write,
			    bool *writable, struct page **refcounted_page)
{
	u64 hva = slot->userspace_addr + gfn_to_gpa(gfn - slot->base_gfn);

	*writable = write;
	if (get_user_page_fast(hva, refcounted_page))
		return KVM_PFN_ERR_FAULT;

	return page_to_pfn(*refcounted_page);
}

void kvm_release_faultin_page(struct page *page, bool unused, bool dirty)
{
	if (!page)
		return;

	if (dirty && !unused)
		folio_mark_uptodate(page_folio(page));
	put_page(page);
}

void kvm_mmu_invalidate_start(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!kvm->mmu_invalidate_in_progress++) {
		kvm->mmu_invalidate_range_start = ~(gfn_t)0;
		kvm->mmu_invalidate_range_end = 0;
	}
}

void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
	WARN_ON_ONCE(!kvm->mmu_invalidate_in_progress);

	kvm->mmu_invalidate_range_start = min(kvm->mmu_invalidate_range_start, start);
	kvm->mmu_invalidate_range_end = max(kvm->mmu_invalidate_range_end, end);
}

void kvm_mmu_invalidate_end(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	kvm->mmu_invalidate_seq++;
	smp_wmb();
	kvm->mmu_invalidate_in_progress--;
	KVM_BUG_ON(kvm->mmu_invalidate_in_progress < 0, kvm);
}

/*
 * A gfn that changes hands is unmapped on both sides.  Private mappings that reach
 * over an end of the range are split first: that can fail, taking away cannot.
 */
static struct kvm_gfn_range kvm_slot_part(struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	return (struct kvm_gfn_range) {
		.slot = slot,
		.start = max(start, slot->base_gfn),
		.end = min(end, slot->base_gfn + slot->npages),
		.attr_filter = KVM_FILTER_PRIVATE | KVM_FILTER_SHARED,
		.may_block = true,
	};
}

static int kvm_split_part(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_gfn_range range = kvm_slot_part(slot, start, end);

	if (range.start >= range.end)
		return 0;

	/* Faults next to the range must not bring back what is split here. */
	kvm_mmu_invalidate_range_add(kvm, ALIGN_DOWN(range.start, 1ULL << PMD_ORDER),
				     ALIGN(range.end, 1ULL << PMD_ORDER));

	return kvm_arch_split_private_range(kvm, &range);
}

static bool kvm_unmap_part(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	struct kvm_gfn_range range = kvm_slot_part(slot, start, end);

	return range.start < range.end && kvm_unmap_gfn_range(kvm, &range);
}

int kvm_vm_set_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t end, u64 attributes)
{
	struct kvm_memory_slot *slot;
	bool flush = false;
	int r = 0;

	if (attributes & ~KVM_MEMORY_ATTRIBUTE_PRIVATE || start >= end)
		return -EINVAL;

	guard(mutex)(&kvm->slots_lock);

	KVM_MMU_LOCK(kvm);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, start, end);

	kvm_for_each_memslot(slot, kvm) {
		r = kvm_split_part(kvm, slot, start, end);
		if (r)
			goto out_end;
	}

	kvm_for_each_memslot(slot, kvm)
		flush |= kvm_unmap_part(kvm, slot, start, end);
	if (flush)
		kvm_flush_remote_tlbs(kvm);

	stub_store_attributes(&kvm->mem_attr_array, start, end, attributes);

out_end:
	kvm_mmu_invalidate_end(kvm);
	KVM_MMU_UNLOCK(kvm);

	return r;
}

/* The host takes back memory of the user; private memory is not affected. */
void kvm_mmu_notifier_invalidate(struct kvm *kvm, u64 hva_start, u64 hva_end)
{
	struct kvm_memory_slot *slot;
	bool flush = false;
	u64 first, last;

	guard(write_lock)(&kvm->mmu_lock);
	kvm_mmu_invalidate_start(kvm);

	kvm_for_each_memslot(slot, kvm) {
		struct kvm_gfn_range range = {
			.slot = slot,
			.attr_filter = KVM_FILTER_SHARED,
		};

		first = max(hva_start, (u64)slot->userspace_addr);
		last = min(hva_end, slot->userspace_addr + gfn_to_gpa(slot->npages));
		if (first >= last)
			continue;

		range.start = slot->base_gfn + PHYS_PFN(first - slot->userspace_addr);
		range.end = slot->base_gfn + PHYS_PFN(last + PAGE_SIZE - 1 - slot->userspace_addr);
		kvm_mmu_invalidate_range_add(kvm, range.start, range.end);
		flush |= kvm_unmap_gfn_range(kvm, &range);
	}

	if (flush)
		kvm_flush_remote_tlbs(kvm);

	kvm_mmu_invalidate_end(kvm);
}

int kvm_set_slot_flags(struct kvm *kvm, struct kvm_memory_slot *slot, u32 flags)
{
	u32 old_flags = slot->flags;

	if (flags & ~(KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES))
		return -EINVAL;

	guard(mutex)(&kvm->slots_lock);
	slot->flags = flags | (old_flags & KVM_MEMSLOT_GMEM_ONLY);
	kvm_arch_commit_memory_region(kvm, slot, old_flags);

	return 0;
}

void kvm_delete_slot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	guard(mutex)(&kvm->slots_lock);
	kvm_arch_flush_shadow_memslot(kvm, slot);
	stub_put_slot(kvm, slot);
}
