// path: arch/x86/kvm/vmx/tdx.c
// Only what is larger than 4K has a level below; that one is a level of the kernel as well.
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn);

static int td_split(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	if (KVM_BUG_ON(level == PG_LEVEL_4K, kvm))
		return -EIO;
	return tdh_mem_page_aug(kvm->td, gpa, level - 1, pfn) ? -EIO : 0;
}

int td_map(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	return td_split(kvm, gpa, level, pfn);
}

static void td_reset(kvm_pfn_t pfn, enum pg_level level)
{
	reset(pfn, page_level_size(level));
}

int td_max_level(struct kvm *kvm)
{
	return PG_LEVEL_4K;
}
