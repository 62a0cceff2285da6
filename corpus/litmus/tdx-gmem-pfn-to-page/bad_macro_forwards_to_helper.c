// litmus: a macro does no more than hand the number on
// path: arch/x86/kvm/vmx/tdx.c
static void note_one(unsigned long frame)
{
	get_page(pfn_to_page(frame));	// expect: tdx-gmem-pfn-to-page
}

#define note(nr) note_one(nr)

int tdx_note(struct kvm *kvm, kvm_pfn_t pfn)
{
	note(pfn);
	return 0;
}
