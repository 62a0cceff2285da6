// The flags come from the caller, through two wrappers whose parameters have names of their own.
// path: arch/x86/kvm/vmx/tdx.c
static struct page *tdx_take_page(gfp_t how)
{
	return alloc_page(how | __GFP_ZERO);
}

static struct page *tdx_take_counted(struct kvm *kvm, gfp_t mask)
{
	kvm->arch.taken++;
	return tdx_take_page(mask);
}

int tdx_fill(struct kvm *kvm)
{
	struct page *page;

	write_lock(&kvm->mmu_lock);
	page = tdx_take_counted(kvm, GFP_KERNEL_ACCOUNT); // expect: kvm-sleep-under-mmu-lock "with mmu_lock held"
	write_unlock(&kvm->mmu_lock);

	return page ? 0 : -ENOMEM;
}

int tdx_fill_near(struct kvm *kvm, int node)
{
	struct page *page;

	write_lock(&kvm->mmu_lock);
	page = alloc_pages_node(node, GFP_KERNEL, 0); // expect: kvm-sleep-under-mmu-lock "with mmu_lock held"
	write_unlock(&kvm->mmu_lock);

	return page ? 0 : -ENOMEM;
}
