// litmus: a hook named after the mirror, for zapping one leaf
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
KVM_X86_OP_OPTIONAL(zap_mirror_leaf)	// expect: tdx-external-update-scattered
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
	void (*zap_mirror_leaf)(struct kvm *kvm, gfn_t gfn, enum pg_level level);
};
