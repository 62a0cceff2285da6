// litmus: splitting goes by the one hook, which sees it by the two values
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
};
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int change_mirror(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
{
	return kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
}
