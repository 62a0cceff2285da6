// path: arch/x86/kvm/vmx/tdx.c
static int tdx_install(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	u64 err, entry, state;

	err = tdh_mem_page_aug(kvm->td, gpa, PG_LEVEL_4K, pfn, &entry, &state);
	return KVM_BUG_ON(err, kvm) ? -EIO : 0;
}

int tdx_prefault(struct kvm *kvm, gpa_t gpa, kvm_pfn_t pfn)
{
	guard(read_lock)(&kvm->mmu_lock);
	return tdx_install(kvm, gpa, pfn);
}
