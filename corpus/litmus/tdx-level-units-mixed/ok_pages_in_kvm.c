// litmus: KVM gets the page count of a leaf from its own helper
// path: arch/x86/kvm/vmx/tdx.c
static unsigned long leaf_pages(enum pg_level level)
{
	return level == PG_LEVEL_4K ? 1 : KVM_PAGES_PER_HPAGE(level);
}

void td_log_pages(gfn_t gfn, enum pg_level level)
{
	pr_debug("0x%llx: %lu pages\n", gfn, leaf_pages(level));
}

void td_log_fault(struct kvm_page_fault *fault)
{
	td_log_pages(fault->gfn, fault->goal_level);
}
