// path: arch/x86/kvm/mmu/tdp_mmu.c
// The early end gives back both, or leaves the root scheduled and with it the reference of the schedule.
void zap_scheduled(struct kvm *kvm, bool shared)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (!root->scheduled)
			continue;

		root->scheduled = false;
		tdp_mmu_zap_root(kvm, root, shared);
		if (shared && rwlock_is_contended(&kvm->mmu_lock)) {
			kvm_tdp_mmu_put_root(kvm, root);
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
		kvm_tdp_mmu_put_root(kvm, root);
	}
}

void zap_some(struct kvm *kvm, int max)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (!max--) {
			root->scheduled = true;
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
		tdp_mmu_zap_root(kvm, root, true);
		kvm_tdp_mmu_put_root(kvm, root);
	}
}

void age_some(struct kvm *kvm, int max)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root) {
		if (!max--) {
			kvm_tdp_mmu_put_root(kvm, root);
			break;
		}
		age_root(kvm, root);
	}
}
