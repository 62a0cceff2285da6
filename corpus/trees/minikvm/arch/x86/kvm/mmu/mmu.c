// SPDX-License-Identifier: GPL-2.0-or-later
/* Page faults, and what the rest of KVM asks of the MMU. */
#include "mmu_internal.h"
#include "tdp_mmu.h"

void kvm_mmu_init_vm(struct kvm *kvm)
{
	kvm_mmu_init_tdp_mmu(kvm);
}

void kvm_mmu_uninit_vm(struct kvm *kvm)
{
	kvm_mmu_uninit_tdp_mmu(kvm);
}

/* Enough for one walk from the root to a 4K leaf. */
static int mmu_topup_memory_caches(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_memory_cache *caches[] = {
		&vcpu->arch.mmu_page_header_cache,
		&vcpu->arch.mmu_shadow_page_cache,
		kvm_has_mirrored_tdp(vcpu->kvm) ? &vcpu->arch.mmu_external_spt_cache : NULL,
	};
	int i, r;

	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		if (!caches[i])
			continue;

		r = kvm_mmu_topup_memory_cache(caches[i], PT64_ROOT_4LEVEL + 1);
		if (r)
			return r;
	}

	if (kvm_has_mirrored_tdp(vcpu->kvm) && kvm_x86_ops.topup_external_cache)
		return kvm_x86_call(topup_external_cache)(vcpu->kvm);

	return 0;
}

int kvm_mmu_create(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu *mmu = &vcpu->arch.root_mmu;

	vcpu->arch.mmu_page_header_cache.object_size = sizeof(struct kvm_mmu_page);
	vcpu->arch.mmu = mmu;
	mmu->root_role.level = PT64_ROOT_4LEVEL;
	mmu->root_role.direct = true;
	mmu->root.hpa = mmu->mirror_root_hpa = INVALID_PAGE;

	return kvm_x86_call(vcpu_create)(vcpu);
}

int kvm_mmu_load(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;
	int r;

	r = mmu_topup_memory_caches(vcpu);
	if (r)
		return r;

	if (kvm_has_mirrored_tdp(vcpu->kvm) && mmu->mirror_root_hpa == INVALID_PAGE)
		kvm_tdp_mmu_alloc_root(vcpu, true);

	if (mmu->root.hpa != INVALID_PAGE)
		return 0;

	kvm_tdp_mmu_alloc_root(vcpu, false);
	kvm_x86_call(load_mmu_pgd)(vcpu, mmu->root.hpa, mmu->root_role.level);
	kvm_x86_call(flush_tlb_all)(vcpu);
	return 0;
}

static u8 kvm_max_level_for_order(int order)
{
	return order >= PMD_ORDER ? PG_LEVEL_2M : PG_LEVEL_4K;
}

/* guest_memfd says how far a private mapping may reach, the vendor may say less. */
static u8 kvm_gmem_max_mapping_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	u8 vendor_level, max_level = fault->max_level;

	if (max_level == PG_LEVEL_4K)
		return max_level;

	vendor_level = kvm_x86_call(gmem_max_mapping_level)(kvm, fault->pfn, fault->is_private);

	return vendor_level ? min(max_level, vendor_level) : max_level;
}

static u8 kvm_mmu_max_mapping_level(struct kvm *kvm, struct kvm_page_fault *fault)
{
	const struct kvm_memory_slot *slot = fault->slot;
	u8 max_level = min(fault->max_level, (u8)KVM_MAX_HUGEPAGE_LEVEL);
	u8 host_level;

	for ( ; max_level > PG_LEVEL_4K; max_level--) {
		if (!lpage_info_slot(fault->gfn, slot, max_level)->disallow_lpage)
			break;
	}

	if (max_level == PG_LEVEL_4K)
		return PG_LEVEL_4K;

	/* The page tables of the host know nothing of private memory. */
	if (fault->is_private || kvm_memslot_is_gmem_only(slot))
		host_level = kvm_gmem_max_mapping_level(kvm, fault);
	else
		host_level = host_pfn_mapping_level(kvm, fault->gfn, slot);

	return min(host_level, max_level);
}

/* The guest wants small pages here.  It does not change its mind. */
void kvm_mmu_set_guest_inhibit(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);
	int level;

	lockdep_assert_held_write(&kvm->mmu_lock);

	for (level = PG_LEVEL_2M; slot && level <= KVM_MAX_HUGEPAGE_LEVEL; level++)
		lpage_info_slot(gfn, slot, level)->disallow_lpage |= KVM_LPAGE_GUEST_INHIBIT;
}

void kvm_mmu_hugepage_adjust(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	if (is_error_pfn(fault->pfn) || fault->max_level == PG_LEVEL_4K) {
		fault->goal_level = PG_LEVEL_4K;
		return;
	}

	fault->req_level = kvm_mmu_max_mapping_level(vcpu->kvm, fault);
	fault->goal_level = fault->req_level;
	fault->pfn &= ~(KVM_PAGES_PER_HPAGE(fault->goal_level) - 1);
}

static int kvm_mmu_faultin_pfn_gmem(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int max_order, r;

	if (!kvm_slot_has_gmem(fault->slot))
		return -EFAULT;

	r = kvm_gmem_get_pfn(vcpu->kvm, fault->slot, fault->gfn, &fault->pfn,
			     &fault->refcounted_page, &max_order);
	if (r)
		return r;

	fault->max_level = kvm_max_level_for_order(max_order);
	fault->map_writable = !(fault->slot->flags & KVM_MEM_READONLY);

	return RET_PF_CONTINUE;
}

static int kvm_mmu_faultin_pfn(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;

	if (!fault->slot)
		return -ENOENT;

	/* Before the backend is asked: is_page_fault_stale() compares with it. */
	fault->mmu_seq = READ_ONCE(kvm->mmu_invalidate_seq);
	smp_rmb();

	if (fault->is_private != kvm_mem_is_private(kvm, fault->gfn))
		return -EFAULT;

	if (fault->is_private || kvm_memslot_is_gmem_only(fault->slot))
		return kvm_mmu_faultin_pfn_gmem(vcpu, fault);

	fault->pfn = __kvm_faultin_pfn(fault->slot, fault->gfn, fault->write,
				       &fault->map_writable, &fault->refcounted_page);

	return is_error_pfn(fault->pfn) ? -EFAULT : RET_PF_CONTINUE;
}

static bool is_page_fault_stale(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);

	if (!root || root->role.invalid)
		return true;

	return mmu_invalidate_retry_gfn(vcpu->kvm, fault->mmu_seq, fault->gfn);
}

/* Give back the reference that came with the frame, whatever became of the fault. */
static void kvm_mmu_finish_page_fault(struct kvm_page_fault *fault, int r)
{
	kvm_release_faultin_page(fault->refcounted_page, r == RET_PF_RETRY, fault->map_writable);
}

static int kvm_tdp_mmu_page_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	int r;

	r = mmu_topup_memory_caches(vcpu);
	if (r)
		return r;

	r = kvm_mmu_faultin_pfn(vcpu, fault);
	if (r)
		return r;

	scoped_guard(read_lock, &vcpu->kvm->mmu_lock) {
		r = is_page_fault_stale(vcpu, fault) ? RET_PF_RETRY :
						       kvm_tdp_mmu_map(vcpu, fault);
		kvm_mmu_finish_page_fault(fault, r);
	}

	return r;
}

/* Zero when the access has to be tried again, positive when it is mapped now. */
int kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	struct kvm_page_fault fault = {
		.addr = gpa,
		.gfn = gpa_to_gfn(gpa) & ~kvm_gfn_direct_bits(&vcpu->kvm->arch),
		.write = error_code & PFERR_WRITE_MASK,
		.exec = error_code & PFERR_FETCH_MASK,
		.is_private = error_code & PFERR_PRIVATE_ACCESS,
		.max_level = KVM_MAX_HUGEPAGE_LEVEL,
		.req_level = PG_LEVEL_4K,
		.goal_level = PG_LEVEL_4K,
	};
	int r;

	fault.slot = gfn_to_memslot(vcpu->kvm, fault.gfn);

	r = kvm_tdp_mmu_page_fault(vcpu, &fault);
	if (r < 0)
		return r;

	return r == RET_PF_RETRY ? 0 : 1;
}

/* For guest_memfd's populate callback, which has the frame already. */
int kvm_tdp_mmu_map_private_pfn(struct kvm_vcpu *vcpu, gfn_t gfn, kvm_pfn_t pfn)
{
	struct kvm_page_fault fault = {
		.addr = gfn_to_gpa(gfn),
		.gfn = gfn,
		.slot = gfn_to_memslot(vcpu->kvm, gfn),
		.pfn = pfn,
		.is_private = true,
		.write = true,
		.map_writable = true,
		.max_level = PG_LEVEL_4K,
		.req_level = PG_LEVEL_4K,
		.goal_level = PG_LEVEL_4K,
	};
	struct kvm *kvm = vcpu->kvm;
	int r;

	if (!fault.slot || !kvm_slot_has_gmem(fault.slot))
		return -EFAULT;

	lockdep_assert_held(&kvm->slots_lock);
	lockdep_assert_held(&file_inode(fault.slot->gmem.file)->i_mapping->invalidate_lock);

	r = kvm_mmu_load(vcpu);
	if (r)
		return r;

	do {
		if (kvm->vm_dead || signal_pending(current))
			return kvm->vm_dead ? -EIO : -EINTR;

		r = mmu_topup_memory_caches(vcpu);
		if (r)
			return r;

		guard(read_lock)(&kvm->mmu_lock);
		r = kvm_tdp_mmu_map(vcpu, &fault);
	} while (r == RET_PF_RETRY);

	return r < 0 ? r : 0;
}

bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	return kvm_tdp_mmu_unmap_gfn_range(kvm, range, false);
}

int kvm_arch_split_private_range(struct kvm *kvm, struct kvm_gfn_range *range)
{
	if (!(range->attr_filter & KVM_FILTER_PRIVATE) || !kvm_has_mirrored_tdp(kvm))
		return 0;

	return kvm_tdp_mmu_split_mirror_edges(kvm, range->start, range->end);
}

/* Mirror roots live as long as the VM: what they map cannot be faulted in again. */
void kvm_mmu_zap_all_fast(struct kvm *kvm)
{
	lockdep_assert_held(&kvm->slots_lock);

	write_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_invalidate_roots(kvm, KVM_DIRECT_ROOTS);
	kvm_make_all_cpus_request(kvm, KVM_REQ_MMU_FREE_OBSOLETE_ROOTS);
	write_unlock(&kvm->mmu_lock);

	kvm_tdp_mmu_zap_invalidated_roots(kvm, true);
}

void kvm_mmu_zap_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	gfn_t end = slot->base_gfn + slot->npages;

	if (!kvm_has_mirrored_tdp(kvm)) {
		kvm_mmu_zap_all_fast(kvm);
		return;
	}

	guard(write_lock)(&kvm->mmu_lock);
	if (kvm_tdp_mmu_zap_leafs(kvm, slot->base_gfn, end, false))
		kvm_flush_remote_tlbs(kvm);
}

void kvm_mmu_slot_try_split_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
				       int target_level)
{
	read_lock(&kvm->mmu_lock);
	kvm_tdp_mmu_try_split_huge_pages(kvm, slot, slot->base_gfn,
					 slot->base_gfn + slot->npages, target_level, true);
	read_unlock(&kvm->mmu_lock);
}

void kvm_mmu_slot_remove_write_access(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      int min_level)
{
	bool flush;

	scoped_guard(read_lock, &kvm->mmu_lock)
		flush = kvm_tdp_mmu_wrprot_slot(kvm, slot, min_level);

	if (flush)
		kvm_flush_remote_tlbs(kvm);
}
