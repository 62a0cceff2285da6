// path: arch/x86/kvm/mmu/mmu.c
// A function that says whether an entry changed; that it could not be read is a change, too.
static int kvm_read_entry(struct kvm *kvm)
{
	return kvm->gone ? -EFAULT : 0;
}

static bool kvm_entry_changed(struct kvm *kvm, u64 old)
{
	int r = kvm_read_entry(kvm);

	return r || kvm->entry != old;
}

static int kvm_map_entry(struct kvm *kvm, u64 old)
{
	if (kvm_entry_changed(kvm, old))
		return RET_PF_RETRY;

	return RET_PF_FIXED;
}
