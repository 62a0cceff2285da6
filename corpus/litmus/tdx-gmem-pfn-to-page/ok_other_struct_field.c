// litmus: the field that becomes a page holds the PFN of the MMU's own table
// path: arch/x86/kvm/mmu/mmu.c
struct map_work {
	unsigned long frame;
	unsigned long table;
	gfn_t gfn;
};

static void start_map(struct map_work *work, struct kvm_page_fault *fault, struct kvm_mmu_page *sp)
{
	work->gfn = fault->gfn;
	work->frame = fault->pfn;
	work->table = page_to_pfn(virt_to_page(sp->spt));
}

void log_map(struct kvm_page_fault *fault, struct kvm_mmu_page *sp)
{
	struct map_work work;

	start_map(&work, fault, sp);
	note_page(work.gfn, pfn_to_page(work.table));
}
