/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_KVM_HOST_H
#define MINIKVM_KVM_HOST_H

#include <linux/kvm_types.h>
#include <asm/kvm_host.h>

#define KVM_MEM_READONLY		BIT(1)
#define KVM_MEM_LOG_DIRTY_PAGES		BIT(0)
#define KVM_MEMSLOT_GMEM_ONLY		BIT(17)
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	BIT_ULL(3)
#define KVM_MAX_SLOTS			32
#define KVM_MAX_VCPUS			64

struct kvm_memory_slot {
	gfn_t base_gfn;
	unsigned long npages;
	unsigned long userspace_addr;
	u32 flags;
	u16 as_id;
	struct kvm_arch_memory_slot arch;
	struct {
		struct file *file;
		pgoff_t pgoff;
	} gmem;
};

enum kvm_gfn_range_filter {
	KVM_FILTER_SHARED = BIT(0),
	KVM_FILTER_PRIVATE = BIT(1),
};

struct kvm_gfn_range {
	struct kvm_memory_slot *slot;
	gfn_t start;
	gfn_t end;
	enum kvm_gfn_range_filter attr_filter;
	bool may_block;
};

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
	int cpu;
	unsigned long requests;
	struct kvm_vcpu_arch arch;
};

struct kvm {
	rwlock_t mmu_lock;
	struct mutex slots_lock;
	refcount_t users_count;

	struct kvm_memory_slot slots[KVM_MAX_SLOTS];
	int nr_slots;
	struct kvm_vcpu *vcpus[KVM_MAX_VCPUS];
	int created_vcpus;
	struct xarray mem_attr_array;

	/* All under mmu_lock, changed only while it is held for write. */
	unsigned long mmu_invalidate_seq;
	long mmu_invalidate_in_progress;
	gfn_t mmu_invalidate_range_start;
	gfn_t mmu_invalidate_range_end;

	bool vm_bugged;
	bool vm_dead;
	struct kvm_arch arch;
};

#define kvm_for_each_vcpu(idx, vcpup, kvm)				\
	for (idx = 0; idx < (kvm)->created_vcpus &&			\
	     ((vcpup) = (kvm)->vcpus[idx], true); idx++)

#define kvm_for_each_memslot(slot, kvm)					\
	for (slot = (kvm)->slots; slot < (kvm)->slots + (kvm)->nr_slots; slot++)

bool kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req);
void kvm_flush_remote_tlbs(struct kvm *kvm);
void kvm_vm_dead(struct kvm *kvm);
void kvm_vm_bugged(struct kvm *kvm);

#define KVM_BUG_ON(cond, kvm) ({					\
	bool _bug = !!(cond);						\
									\
	if (WARN_ON_ONCE(_bug && !(kvm)->vm_bugged))			\
		kvm_vm_bugged(kvm);					\
	unlikely(_bug);							\
})

int kvm_mmu_topup_memory_cache(struct kvm_mmu_memory_cache *mc, int min);
void *kvm_mmu_memory_cache_alloc(struct kvm_mmu_memory_cache *mc);

struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn);
kvm_pfn_t __kvm_faultin_pfn(const struct kvm_memory_slot *slot, gfn_t gfn,
			    bool write, bool *writable, struct page **refcounted_page);
void kvm_release_faultin_page(struct page *page, bool unused, bool dirty);
int host_pfn_mapping_level(struct kvm *kvm, gfn_t gfn, const struct kvm_memory_slot *slot);

void kvm_mmu_invalidate_start(struct kvm *kvm);
void kvm_mmu_invalidate_range_add(struct kvm *kvm, gfn_t start, gfn_t end);
void kvm_mmu_invalidate_end(struct kvm *kvm);

/* Called with mmu_lock held; true when a fault that saw @seq must start over. */
static inline bool mmu_invalidate_retry_gfn(struct kvm *kvm, unsigned long seq, gfn_t gfn)
{
	lockdep_assert_held(&kvm->mmu_lock);

	if (unlikely(kvm->mmu_invalidate_in_progress) &&
	    gfn >= kvm->mmu_invalidate_range_start && gfn < kvm->mmu_invalidate_range_end)
		return true;

	return kvm->mmu_invalidate_seq != seq;
}

static inline bool kvm_slot_has_gmem(const struct kvm_memory_slot *slot)
{
	return slot && slot->gmem.file;
}

static inline bool kvm_memslot_is_gmem_only(const struct kvm_memory_slot *slot)
{
	return slot->flags & KVM_MEMSLOT_GMEM_ONLY;
}

static inline bool kvm_mem_is_private(struct kvm *kvm, gfn_t gfn)
{
	unsigned long index = gfn;

	return kvm_arch_has_private_mem(kvm) && xa_find(&kvm->mem_attr_array, &index, gfn);
}

int kvm_vm_set_mem_attributes(struct kvm *kvm, gfn_t start, gfn_t end, u64 attributes);
int kvm_set_slot_flags(struct kvm *kvm, struct kvm_memory_slot *slot, u32 flags);
void kvm_delete_slot(struct kvm *kvm, struct kvm_memory_slot *slot);

/* Architecture hooks. */
bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range);
int kvm_arch_split_private_range(struct kvm *kvm, struct kvm_gfn_range *range);
void kvm_arch_commit_memory_region(struct kvm *kvm, struct kvm_memory_slot *slot, u32 old_flags);
void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot);

/*
 * guest_memfd.  The callback of kvm_gmem_populate() is told a frame number and
 * nothing about what is behind it; @src_page is ordinary pinned user memory.
 */
typedef int (*kvm_gmem_populate_cb)(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn,
				    struct page *src_page, void *opaque);

int kvm_gmem_get_pfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
		     kvm_pfn_t *pfn, struct page **page, int *max_order);
long kvm_gmem_populate(struct kvm *kvm, gfn_t start_gfn, u64 src_addr, long npages,
		       kvm_gmem_populate_cb post_populate, void *opaque);

#endif /* MINIKVM_KVM_HOST_H */
