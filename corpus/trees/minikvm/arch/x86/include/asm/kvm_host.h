/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_ASM_KVM_HOST_H
#define MINIKVM_ASM_KVM_HOST_H

#include <linux/kvm_types.h>
#include <asm/pgtable_types.h>

#define KVM_HAVE_MMU_RWLOCK

#define KVM_HPAGE_GFN_SHIFT(level)	(((level) - 1) * PTE_SHIFT)
#define KVM_PAGES_PER_HPAGE(level)	(1UL << KVM_HPAGE_GFN_SHIFT(level))
#define KVM_HPAGE_SIZE(level)		(PAGE_SIZE << KVM_HPAGE_GFN_SHIFT(level))
#define KVM_MAX_HUGEPAGE_LEVEL		PG_LEVEL_1G

#define KVM_REQ_TLB_FLUSH		BIT(0)
#define KVM_REQ_OUTSIDE_GUEST_MODE	BIT(1)
#define KVM_REQ_MMU_FREE_OBSOLETE_ROOTS	BIT(2)
#define KVM_REQ_VM_DEAD			BIT(3)

union kvm_mmu_page_role {
	u32 word;
	struct {
		u32 level:4;
		u32 direct:1;
		u32 access:3;
		u32 invalid:1;
		u32 is_mirror:1;
		u32 smm:1;
	};
};

struct kvm_mmu_root_info {
	hpa_t hpa;
};

struct kvm_mmu {
	struct kvm_mmu_root_info root;
	hpa_t mirror_root_hpa;
	union kvm_mmu_page_role root_role;
};

struct kvm_lpage_info {
	int disallow_lpage;
};

struct kvm_arch_memory_slot {
	struct kvm_lpage_info *lpage_info[KVM_MAX_HUGEPAGE_LEVEL - 1];
};

struct kvm_arch {
	/* Every TDP MMU root; changed under tdp_mmu_pages_lock. */
	struct list_head tdp_mmu_roots;
	spinlock_t tdp_mmu_pages_lock;

	u8 vm_type;
	bool has_private_mem;
	bool pre_fault_allowed;
	/* The gfn bit that makes an access shared, zero for a normal VM. */
	gfn_t gfn_direct_bits;
};

/* Objects set aside before a lock is taken. */
struct kvm_mmu_memory_cache {
	int nobjs;
	size_t object_size;
	void *objects[8];
};

struct kvm_vcpu_arch {
	struct kvm_mmu *mmu;
	struct kvm_mmu root_mmu;
	struct kvm_mmu_memory_cache mmu_page_header_cache;
	struct kvm_mmu_memory_cache mmu_shadow_page_cache;
	struct kvm_mmu_memory_cache mmu_external_spt_cache;
	u64 exit_qualification;
};

enum exit_fastpath_completion {
	EXIT_FASTPATH_NONE,
	EXIT_FASTPATH_REENTER_GUEST,
};
typedef enum exit_fastpath_completion fastpath_t;

struct kvm_x86_ops {
	const char *name;

	int (*vm_init)(struct kvm *kvm);
	void (*vm_pre_destroy)(struct kvm *kvm);
	void (*vm_destroy)(struct kvm *kvm);

	int (*vcpu_create)(struct kvm_vcpu *vcpu);
	void (*vcpu_free)(struct kvm_vcpu *vcpu);
	int (*handle_exit)(struct kvm_vcpu *vcpu, fastpath_t fastpath);

	void (*load_mmu_pgd)(struct kvm_vcpu *vcpu, hpa_t root_hpa, int root_level);
	void (*flush_tlb_all)(struct kvm_vcpu *vcpu);

	/*
	 * What changing an external table takes and mmu_lock does not let one
	 * allocate.  The first asks under mmu_lock held for write whether there
	 * is enough for a split, the second may sleep.
	 */
	bool (*need_external_cache)(struct kvm *kvm);
	int (*topup_external_cache)(struct kvm *kvm);

	/*
	 * Carry one change of a mirror SPTE over to the table that hardware
	 * walks.  What has to be done follows from the two values alone.
	 */
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte,
				 u64 new_spte, enum pg_level level);

	/* Give back the external twin of a mirror page table. */
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);

	/* Largest mapping that the vendor allows for @pfn; zero is no limit. */
	int (*gmem_max_mapping_level)(struct kvm *kvm, kvm_pfn_t pfn, bool is_private);

	int (*vcpu_mem_enc_ioctl)(struct kvm_vcpu *vcpu, void __user *argp);
};

struct kvm_x86_init_ops {
	int (*hardware_setup)(void);
	struct kvm_x86_ops *runtime_ops;
};

extern struct kvm_x86_ops kvm_x86_ops;
#define kvm_x86_call(func)	(*kvm_x86_ops.func)

int kvm_x86_vendor_init(struct kvm_x86_init_ops *ops);

bool kvm_arch_has_private_mem(struct kvm *kvm);

static inline gfn_t kvm_gfn_direct_bits(const struct kvm_arch *arch)
{
	return arch->gfn_direct_bits;
}

#endif /* MINIKVM_ASM_KVM_HOST_H */
