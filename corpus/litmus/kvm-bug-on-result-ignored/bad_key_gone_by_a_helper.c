// path: arch/x86/kvm/vmx/tdx.c
// A helper says that the TD has no key, and the cache is flushed by it all the same.
static inline bool td_has_key(struct kvm_tdx *kvm_tdx)
{
	return kvm_tdx->key > 0;
}

static int td_flush(struct kvm *kvm, kvm_pfn_t pfn)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err;

	KVM_BUG_ON(!td_has_key(to_kvm_tdx(kvm)), kvm);

	err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->key, pfn);	// expect: kvm-bug-on-result-ignored
	return err ? -EIO : 0;
}
