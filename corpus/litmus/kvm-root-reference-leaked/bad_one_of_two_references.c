// path: arch/x86/kvm/mmu/tdp_mmu.c
// Each root of the walk has a reference of its own that the body gives back; the early end forgets one of the two.
void zap_scheduled(struct kvm *kvm, bool shared)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (!root->scheduled)
			continue;

		root->scheduled = false;
		tdp_mmu_zap_root(kvm, root, shared);
		if (shared && rwlock_is_contended(&kvm->mmu_lock)) {
			kvm_tdp_mmu_put_root(kvm, root);	// expect: kvm-root-reference-leaked
			break;
		}
		kvm_tdp_mmu_put_root(kvm, root);
	}
}
