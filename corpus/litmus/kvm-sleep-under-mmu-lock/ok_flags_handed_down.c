// The flags come from the caller: those given under the lock do not sleep, the others are given without it.
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

int tdx_fill(struct kvm *kvm, int node)
{
	struct page *page, *near, *spare = tdx_take_counted(kvm, GFP_KERNEL_ACCOUNT);

	write_lock(&kvm->mmu_lock);
	page = tdx_take_counted(kvm, GFP_ATOMIC);
	near = alloc_pages_node(node, GFP_NOWAIT, 0);
	write_unlock(&kvm->mmu_lock);

	return page && near && spare ? 0 : -ENOMEM;
}
