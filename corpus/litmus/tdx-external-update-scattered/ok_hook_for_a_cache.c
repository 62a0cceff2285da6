// litmus: a hook about external pages that touches no entry
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
KVM_X86_OP_OPTIONAL_RET0(topup_external_pages)
KVM_X86_OP_OPTIONAL(free_external_pages)
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
	int (*topup_external_pages)(struct kvm_vcpu *vcpu, int min_nr_spts);
	void (*free_external_pages)(struct kvm_vcpu *vcpu);
};
// path: arch/x86/kvm/mmu/mmu.c
int fill_caches(struct kvm_vcpu *vcpu)
{
	int r = kvm_x86_call(topup_external_pages)(vcpu, PT64_ROOT_MAX_LEVEL);

	return r ? r : kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_shadow_page_cache, PT64_ROOT_MAX_LEVEL);
}
