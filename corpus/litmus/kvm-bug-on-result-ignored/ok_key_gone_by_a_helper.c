// path: arch/x86/kvm/vmx/tdx.c
// Without a key it leaves; where it goes on, it uses no key, or the key of somebody else.
static inline bool td_has_key(struct kvm_tdx *kvm_tdx)
{
	return kvm_tdx->key > 0;
}

static int td_flush(struct kvm *kvm, kvm_pfn_t pfn)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	u64 err;

	if (KVM_BUG_ON(!td_has_key(kvm_tdx), kvm))
		return -EIO;

	err = tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->key, pfn);
	return err ? -EIO : 0;
}

static void td_count(struct kvm *kvm)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);

	KVM_BUG_ON(!td_has_key(kvm_tdx), kvm);
	kvm_tdx->nr_pages++;
}

static void td_other(struct kvm *kvm, struct kvm_tdx *other, kvm_pfn_t pfn)
{
	KVM_BUG_ON(td_has_key(to_kvm_tdx(kvm)), kvm);
	if (tdh_phymem_page_wbinvd_hkid((u16)other->key, pfn))
		kvm_vm_bugged(kvm);
}
