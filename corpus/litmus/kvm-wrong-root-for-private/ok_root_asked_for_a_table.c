// litmus: a table gets its external twin because it is a mirror table; a cache is filled for the VM
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct kvm_mmu_page *grow(struct kvm_vcpu *vcpu, struct tdp_iter *iter)
{
	struct kvm_mmu_page *sp = next_table(vcpu);

	init_child(sp, iter);
	if (is_mirror_sp(sp))
		kvm_mmu_alloc_external_spt(vcpu, sp);
	return sp;
}

int topup(struct kvm_vcpu *vcpu)
{
	if (!kvm_has_mirrored_tdp(vcpu->kvm))
		return 0;
	return kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_external_spt_cache, PT64_ROOT_MAX_LEVEL);
}
