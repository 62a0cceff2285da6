// path: arch/x86/kvm/vmx/tdx.c
static int tdx_add_mode(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn, bool shared)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(kvm->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);
	if (err && shared)
		return -EBUSY;

	return KVM_BUG_ON(err, kvm) ? -EIO : 0;
}

static int tdx_add_warn(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(kvm->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);
	if (WARN_ON_ONCE(err))
		return -EIO;

	return 0;
}
