// path: arch/x86/kvm/vmx/tdx.c
// The wrapper converts by itself; whoever takes one off before gives it no level at all. Strides and constants by hand.
u64 tdh_mem_page_aug(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn);

#define TD_PTE_SHIFT 9

static int td_aug(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	return tdh_mem_page_aug(kvm->td, gpa, level - 1, pfn) ? -EIO : 0;	// expect: tdx-level-units-mixed
}

int td_map(struct kvm *kvm, gpa_t gpa, enum pg_level level, kvm_pfn_t pfn)
{
	if (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))
		return -EIO;
	return td_aug(kvm, gpa, level, pfn);
}

static void td_reset(kvm_pfn_t pfn, enum pg_level level)
{
	reset(pfn, PAGE_SIZE << (level * TD_PTE_SHIFT));	// expect: tdx-level-units-mixed
}

int td_max_level(struct kvm *kvm)
{
	return TDX_PS_4K;	// expect: tdx-level-units-mixed
}
