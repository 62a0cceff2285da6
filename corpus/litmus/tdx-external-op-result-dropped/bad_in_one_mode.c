// path: arch/x86/kvm/mmu/tdp_mmu.c
// Only one way of holding the lock looks at the result; another function sets it to zero after it restored the entry.
static int update_mode(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level, bool shared)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level); // expect: tdx-external-op-result-dropped

	if (r && shared)
		return r;

	return 0;
}

static int update_restore(struct kvm *kvm, gfn_t gfn, u64 old_spte, u64 new_spte, int level)
{
	int r = kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level); // expect: tdx-external-op-result-dropped

	if (r) {
		restore(kvm, gfn, old_spte);
		r = 0;
	}

	return r;
}
