// litmus: the hook gets the lock state and refuses by it
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level, bool shared);	// expect: tdx-external-update-scattered
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
};
// path: arch/x86/kvm/vmx/tdx.c
static int set_private(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level, bool shared)
{
	if (shared && is_shadow_present_pte(old_spte))
		return -EOPNOTSUPP;
	return install_private(kvm, gfn, new_spte, level);
}

void setup(void)
{
	vt_x86_ops.set_external_spte = set_private;
}
