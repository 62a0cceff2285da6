// litmus: a helper logs the failed block and returns an errno, which the next step overwrites
// path: arch/x86/kvm/vmx/tdx.c
static int block_leaf(struct kvm *kvm, u64 gpa, enum pg_level level)
{
	u64 entry, state, err;

	err = tdh_mem_range_block(&to_kvm_tdx(kvm)->td, gpa, level, &entry, &state);
	if (err) {
		pr_err_ratelimited("block of %llx failed: %llx\n", gpa, err);
		return -EIO;
	}
	return 0;
}

static int clean_leaf(struct kvm *kvm, u64 gpa)
{
	return kvm->dead ? -EIO : 0;
}

int drop_leaf(struct kvm *kvm, u64 gpa, enum pg_level level)
{
	int ret;

	write_lock(&kvm->mmu_lock);
	ret = block_leaf(kvm, gpa, level);	// expect: tdx-external-op-result-dropped
	tdx_track(kvm);
	ret = clean_leaf(kvm, gpa);
	write_unlock(&kvm->mmu_lock);
	return ret;
}
