// litmus: the hook gets the lock state as a hint for BUSY
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level, bool shared);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
};
// path: arch/x86/kvm/vmx/tdx.c
static int set_private(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level, bool shared)
{
	u64 err = install_private(kvm, gfn, new_spte, level);

	if (tdx_operand_busy(err)) {
		if (shared)
			return -EBUSY;
		return again_without_vcpus(kvm, gfn, new_spte, level);
	}
	return err ? -EIO : 0;
}

void setup(void)
{
	vt_x86_ops.set_external_spte = set_private;
}
