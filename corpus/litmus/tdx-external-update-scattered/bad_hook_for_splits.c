// litmus: splitting gets a hook of its own, listed, declared and called
// path: arch/x86/include/asm/kvm-x86-ops.h
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
KVM_X86_OP_OPTIONAL_RET0(split_external_leaf)	// expect: tdx-external-update-scattered
// path: arch/x86/include/asm/kvm_host.h
struct kvm_x86_ops {
	int (*set_external_spte)(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, enum pg_level level);
	void (*free_external_spt)(struct kvm *kvm, struct kvm_mmu_page *sp);
	int (*split_external_leaf)(struct kvm *kvm, gfn_t gfn, enum pg_level level, void *new_table);
};
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int change_mirror(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte, void *table)
{
	if (is_last_spte(iter->old_spte, iter->level) && !is_last_spte(new_spte, iter->level))
		return kvm_x86_call(split_external_leaf)(kvm, iter->gfn, iter->level, table);	// expect: tdx-external-update-scattered

	return kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
}
