// path: arch/x86/kvm/vmx/tdx.c
// Only one way of holding the lock looks at the result; a warning is not an answer.
static int tdx_add_mode(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn, bool shared)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(kvm->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);  // expect: tdx-external-op-result-dropped
	if (err && shared)
		return -EBUSY;

	return 0;
}

static int tdx_add_warn(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(kvm->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);  // expect: tdx-external-op-result-dropped
	WARN_ON_ONCE(err);

	return 0;
}
