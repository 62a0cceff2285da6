// litmus: the physical address of what was just found to be missing; a value read through it in a helper
// path: arch/x86/kvm/svm/sev.c
static u64 read_entry(u64 __rcu *entry)
{
	guard(rcu)();
	return READ_ONCE(*rcu_dereference(entry));
}

static void launch(struct kvm *kvm, struct kvm_sev_info *sev, struct sev_data *data)
{
	KVM_BUG_ON(!sev->snp_context, kvm);
	data->gctx_paddr = __psp_pa(sev->snp_context);	// expect: kvm-bug-on-result-ignored
}

static u64 look(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	KVM_BUG_ON(!sp->ptep, kvm);
	return read_entry(sp->ptep);	// expect: kvm-bug-on-result-ignored
}
