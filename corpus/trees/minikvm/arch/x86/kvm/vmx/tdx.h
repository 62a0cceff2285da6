/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_VMX_TDX_H
#define MINIKVM_VMX_TDX_H

#include <linux/kvm_host.h>
#include <asm/tdx.h>

#define KVM_X86_TDX_VM	5

#define KVM_TDX_INIT_MEM_REGION		1
#define KVM_TDX_INIT_VCPU		2
#define KVM_TDX_FINALIZE_VM		3
#define KVM_TDX_MEASURE_MEMORY_REGION	BIT(0)

#define TDX_EXTENDMR_CHUNKSIZE		256

/* Pairs of PAMT pages: S-EPT page and range; three S-EPT pages and the leaf. */
#define TDX_SPLIT_PAIRS		2
#define TDX_FAULT_PAIRS		4

struct kvm_tdx_cmd {
	u32 id;
	u32 flags;
	u64 data;
};

struct kvm_tdx_init_mem_region {
	u64 source_addr;
	u64 gpa;
	u64 nr_pages;
};

enum kvm_tdx_state {
	TD_STATE_UNINITIALIZED,
	/* Being built: pages are added, nothing runs. */
	TD_STATE_INITIALIZED,
	/* Measured and sealed: pages are augmented, vCPUs run. */
	TD_STATE_RUNNABLE,
};

struct kvm_tdx {
	struct kvm kvm;
	struct tdx_td td;
	int hkid;
	enum kvm_tdx_state state;

	/* For the pages that the S-EPT maps, and for those it is made of. */
	struct tdx_pamt_cache pamt_cache;

	/* The page that the next PAGE.ADD copies from; user memory, pinned. */
	struct page *page_add_src;

	/* Keeps vCPUs out while a busy S-EPT operation is tried again. */
	bool wait_for_sept_zap;
};

struct vcpu_tdx {
	struct kvm_vcpu vcpu;
	struct tdx_vp vp;
	u64 ext_exit_qualification;
	gpa_t exit_gpa;
	bool initialized;
};

static inline bool is_td(struct kvm *kvm)
{
	return IS_ENABLED(CONFIG_KVM_INTEL_TDX) && kvm->arch.vm_type == KVM_X86_TDX_VM;
}

static inline struct kvm_tdx *to_kvm_tdx(struct kvm *kvm)
{
	return container_of(kvm, struct kvm_tdx, kvm);
}

static inline struct vcpu_tdx *to_tdx(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_tdx, vcpu);
}

static inline bool is_hkid_assigned(const struct kvm_tdx *kvm_tdx)
{
	return kvm_tdx->hkid > 0;
}

/*
 * When the guest accepted a page, the exit says at which size.  The module's
 * numbers start at zero; turn them into ours before anybody looks at them.
 */
#define TDX_EXT_EXIT_QUAL_TYPE_MASK	GENMASK_ULL(3, 0)
#define TDX_EXT_EXIT_QUAL_TYPE_ACCEPT	1
#define TDX_EXT_EXIT_QUAL_LEVEL_SHIFT	32

static inline enum pg_level tdx_ext_qual_to_accept_level(u64 ext_qual)
{
	if ((ext_qual & TDX_EXT_EXIT_QUAL_TYPE_MASK) != TDX_EXT_EXIT_QUAL_TYPE_ACCEPT)
		return PG_LEVEL_NONE;

	return ((ext_qual >> TDX_EXT_EXIT_QUAL_LEVEL_SHIFT) & 7) + PG_LEVEL_4K;
}

#endif /* MINIKVM_VMX_TDX_H */
