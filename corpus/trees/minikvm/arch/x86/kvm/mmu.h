/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_MMU_H
#define MINIKVM_MMU_H

#include <linux/kvm_host.h>

#define PFERR_WRITE_MASK	BIT_ULL(1)
#define PFERR_FETCH_MASK	BIT_ULL(4)
#define PFERR_PRIVATE_ACCESS	BIT_ULL(49)

void kvm_mmu_init_vm(struct kvm *kvm);
void kvm_mmu_uninit_vm(struct kvm *kvm);
int kvm_mmu_create(struct kvm_vcpu *vcpu);
int kvm_mmu_load(struct kvm_vcpu *vcpu);
void kvm_mmu_zap_all_fast(struct kvm *kvm);
void kvm_mmu_zap_memslot(struct kvm *kvm, struct kvm_memory_slot *slot);
void kvm_mmu_slot_try_split_huge_pages(struct kvm *kvm, const struct kvm_memory_slot *slot,
				       int target_level);
void kvm_mmu_slot_remove_write_access(struct kvm *kvm, const struct kvm_memory_slot *slot,
				      int min_level);
int kvm_mmu_page_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);
int kvm_tdp_mmu_map_private_pfn(struct kvm_vcpu *vcpu, gfn_t gfn, kvm_pfn_t pfn);
void kvm_mmu_set_guest_inhibit(struct kvm *kvm, gfn_t gfn);

/* Does the VM mirror a part of its tables into ones that KVM cannot write? */
static inline bool kvm_has_mirrored_tdp(const struct kvm *kvm)
{
	return kvm->arch.gfn_direct_bits;
}

static inline bool kvm_is_addr_direct(const struct kvm *kvm, gpa_t addr)
{
	gpa_t direct = gfn_to_gpa(kvm_gfn_direct_bits(&kvm->arch));

	return !direct || (addr & direct);
}

#endif /* MINIKVM_MMU_H */
