// litmus: a goto to the unlock skips the put
// path: arch/x86/kvm/mmu/tdp_mmu.c
int mmu_visit_roots(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	struct kvm_mmu_page *root;
	int ret = 0;

	write_lock(&kvm->mmu_lock);
	__for_each_tdp_mmu_root_yield_safe(kvm, root, slot->as_id, KVM_DIRECT_ROOTS) {
		ret = mmu_visit(kvm, root);
		if (ret < 0)	// expect: kvm-root-reference-leaked
			goto out_unlock;
	}
	kvm_flush_remote_tlbs(kvm);
out_unlock:
	write_unlock(&kvm->mmu_lock);
	return ret;
}
