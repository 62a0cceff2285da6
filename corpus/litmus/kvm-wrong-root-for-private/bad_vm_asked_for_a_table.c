// litmus: a table gets its external twin because the VM has mirror roots
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct kvm_mmu_page *grow(struct kvm_vcpu *vcpu, struct tdp_iter *iter)
{
	struct kvm_mmu_page *sp = next_table(vcpu);

	init_child(sp, iter);
	if (kvm_has_mirrored_tdp(vcpu->kvm))	// expect: kvm-wrong-root-for-private
		kvm_mmu_alloc_external_spt(vcpu, sp);
	return sp;
}
