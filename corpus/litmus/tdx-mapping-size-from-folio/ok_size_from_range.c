// litmus: the count of the level is compared with the length of the range that is to be mapped
// path: arch/x86/kvm/vmx/tdx.c
static unsigned long range_pages(gfn_t start, gfn_t end)
{
	return end - start;
}

bool td_leaf_fits(gfn_t start, gfn_t end, enum pg_level level)
{
	return KVM_PAGES_PER_HPAGE(level) <= range_pages(start, end);
}

int td_accept_leaf(gfn_t start, gfn_t end, enum pg_level level)
{
	return td_leaf_fits(start, end, level) ? 0 : -EINVAL;
}
