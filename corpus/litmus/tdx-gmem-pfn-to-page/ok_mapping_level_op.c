// litmus: the mapping level hook answers without a page; the S-EPT table it logs is KVM's own
// path: arch/x86/kvm/vmx/tdx.c
static int td_max_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (is_private)
		pr_debug("frame 0x%llx\n", pfn);

	return PG_LEVEL_4K;
}

void td_note_table(struct kvm_mmu_page *sp)
{
	note_page(sp->gfn, virt_to_page(sp->external_spt));
}

void __init td_hardware_setup(void)
{
	vt_x86_ops.gmem_max_mapping_level = td_max_level;
}
