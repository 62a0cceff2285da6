// litmus: the order compared with the level in the callee comes from guest_memfd
// path: arch/x86/kvm/vmx/tdx.c
static enum pg_level clamp_level(enum pg_level level, unsigned int order)
{
	while (level > PG_LEVEL_4K) {
		if (order >= KVM_HPAGE_GFN_SHIFT(level))
			break;
		level--;
	}
	return level;
}

int td_level_of_gfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn, enum pg_level wanted)
{
	struct page *page;
	kvm_pfn_t pfn;
	int order;

	if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, &order))
		return -EFAULT;

	kvm_release_page_clean(page);
	return clamp_level(wanted, order);
}
