// SPDX-License-Identifier: GPL-2.0-or-later
/* What KVM x86 does for a VM outside of its MMU. */
#include <linux/kvm_host.h>

#include "mmu.h"

struct kvm_x86_ops kvm_x86_ops;

static int kvm_no_external_spte(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte,
				enum pg_level level)
{
	return 0;
}

static int kvm_no_mapping_limit(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	return 0;
}

/* True when every op that must not be missing is there. */
static bool kvm_ops_complete(const struct kvm_x86_ops *ops)
{
	bool complete = true;

#define KVM_X86_OP(func) \
	complete = complete && !WARN_ON(!ops->func);
#define KVM_X86_OP_OPTIONAL(func)
#define KVM_X86_OP_OPTIONAL_RET0(func)
#include <asm/kvm-x86-ops.h>

	return complete;
}

int kvm_x86_vendor_init(struct kvm_x86_init_ops *ops)
{
	int r;

	r = ops->hardware_setup();
	if (r)
		return r;

	if (!kvm_ops_complete(ops->runtime_ops))
		return -EIO;

	kvm_x86_ops = *ops->runtime_ops;
	if (!kvm_x86_ops.set_external_spte)
		kvm_x86_ops.set_external_spte = kvm_no_external_spte;
	if (!kvm_x86_ops.gmem_max_mapping_level)
		kvm_x86_ops.gmem_max_mapping_level = kvm_no_mapping_limit;

	return 0;
}

bool kvm_arch_has_private_mem(struct kvm *kvm)
{
	return kvm->arch.has_private_mem;
}

int kvm_arch_init_vm(struct kvm *kvm)
{
	kvm_mmu_init_vm(kvm);
	return kvm_x86_call(vm_init)(kvm);
}

void kvm_arch_destroy_vm(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	int i;

	if (kvm_x86_ops.vm_pre_destroy)
		kvm_x86_call(vm_pre_destroy)(kvm);

	kvm_for_each_vcpu(i, vcpu, kvm)
		kvm_x86_call(vcpu_free)(vcpu);

	kvm_mmu_uninit_vm(kvm);

	if (kvm_x86_ops.vm_destroy)
		kvm_x86_call(vm_destroy)(kvm);
}

int kvm_arch_vcpu_create(struct kvm_vcpu *vcpu)
{
	return kvm_mmu_create(vcpu);
}

/* Run exits until the vCPU has to go back to userspace. */
int kvm_arch_vcpu_run(struct kvm_vcpu *vcpu)
{
	int r;

	do {
		if (vcpu->kvm->vm_bugged)
			return -EIO;

		r = kvm_mmu_load(vcpu);
		if (!r)
			r = kvm_x86_call(handle_exit)(vcpu, EXIT_FASTPATH_NONE);
	} while (r > 0 && !signal_pending(current));

	return r;
}

long kvm_arch_vcpu_mem_enc_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	if (!kvm_x86_ops.vcpu_mem_enc_ioctl)
		return -EINVAL;

	return kvm_x86_call(vcpu_mem_enc_ioctl)(vcpu, argp);
}

void kvm_arch_commit_memory_region(struct kvm *kvm, struct kvm_memory_slot *slot, u32 old_flags)
{
	bool was_logged = old_flags & KVM_MEM_LOG_DIRTY_PAGES;
	bool is_logged = slot->flags & KVM_MEM_LOG_DIRTY_PAGES;

	if (is_logged && !was_logged) {
		kvm_mmu_slot_try_split_huge_pages(kvm, slot, PG_LEVEL_4K);
		kvm_mmu_slot_remove_write_access(kvm, slot, PG_LEVEL_4K);
	}
}

void kvm_arch_flush_shadow_memslot(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	kvm_mmu_zap_memslot(kvm, slot);
}
