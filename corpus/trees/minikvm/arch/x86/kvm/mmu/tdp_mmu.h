/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_TDP_MMU_H
#define MINIKVM_TDP_MMU_H

#include "mmu_internal.h"
#include "spte.h"

enum kvm_tdp_mmu_root_types {
	KVM_DIRECT_ROOTS	= BIT(0),
	KVM_MIRROR_ROOTS	= BIT(1),
	KVM_VALID_ROOTS		= KVM_DIRECT_ROOTS | KVM_MIRROR_ROOTS,

	/* To be added to one of the others. */
	KVM_INVALID_ROOTS	= BIT(2),
	KVM_ALL_ROOTS		= KVM_VALID_ROOTS | KVM_INVALID_ROOTS,
};

/* The roots under which a range of this kind can be mapped. */
static inline enum kvm_tdp_mmu_root_types
kvm_gfn_range_filter_to_root_types(struct kvm *kvm, enum kvm_gfn_range_filter filter)
{
	enum kvm_tdp_mmu_root_types types = 0;

	if (!kvm_has_mirrored_tdp(kvm))
		return KVM_DIRECT_ROOTS;

	types |= (filter & KVM_FILTER_PRIVATE) ? KVM_MIRROR_ROOTS : 0;
	types |= (filter & KVM_FILTER_SHARED) ? KVM_DIRECT_ROOTS : 0;
	WARN_ON_ONCE(!types);

	return types;
}

static inline struct kvm_mmu_page *tdp_mmu_get_root(struct kvm_vcpu *vcpu,
						    enum kvm_tdp_mmu_root_types type)
{
	struct kvm_mmu *mmu = vcpu->arch.mmu;

	return root_to_sp(type == KVM_MIRROR_ROOTS ? mmu->mirror_root_hpa : mmu->root.hpa);
}

static inline struct kvm_mmu_page *tdp_mmu_get_root_for_fault(struct kvm_vcpu *vcpu,
							      struct kvm_page_fault *fault)
{
	bool direct = kvm_is_addr_direct(vcpu->kvm, fault->addr);

	return tdp_mmu_get_root(vcpu, direct ? KVM_DIRECT_ROOTS : KVM_MIRROR_ROOTS);
}

static inline bool __must_check kvm_tdp_mmu_get_root(struct kvm_mmu_page *root)
{
	return refcount_inc_not_zero(&root->tdp_mmu_root_count);
}

void kvm_tdp_mmu_put_root(struct kvm *kvm, struct kvm_mmu_page *root);

void kvm_mmu_init_tdp_mmu(struct kvm *kvm);
void kvm_mmu_uninit_tdp_mmu(struct kvm *kvm);
void kvm_tdp_mmu_alloc_root(struct kvm_vcpu *vcpu, bool mirror);

int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault);
bool kvm_tdp_mmu_zap_leafs(struct kvm *kvm, gfn_t start, gfn_t end, bool flush);
bool kvm_tdp_mmu_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range, bool flush);
void kvm_tdp_mmu_invalidate_roots(struct kvm *kvm, enum kvm_tdp_mmu_root_types types);
void kvm_tdp_mmu_zap_invalidated_roots(struct kvm *kvm, bool shared);
bool kvm_tdp_mmu_wrprot_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, int min_level);

void kvm_tdp_mmu_try_split_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      gfn_t start, gfn_t end, int target_level, bool shared);
int kvm_tdp_mmu_split_mirror_leaf(struct kvm *kvm, gfn_t gfn);
int kvm_tdp_mmu_split_mirror_edges(struct kvm *kvm, gfn_t start, gfn_t end);

#endif /* MINIKVM_TDP_MMU_H */
