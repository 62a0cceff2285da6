// path: arch/x86/kvm/mmu/tdp_mmu.c
static int update_mode(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level, bool shared)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);

	if (r && shared)
		return r;

	KVM_BUG_ON(r, kvm);
	return 0;
}

static int update_restore(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level);

	if (r) {
		restore(kvm, gfn, old_spte);
		goto out;
	}
	r = 0;
out:
	return r;
}
