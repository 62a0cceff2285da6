// litmus: the hook can fail, is optional, and has no default
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL(set_external_spte)	// expect: tdx-external-update-scattered
KVM_X86_OP_OPTIONAL(free_external_spt)
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
};
