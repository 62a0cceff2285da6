// litmus: the frame of a guest mapping under another name
// path: arch/x86/kvm/vmx/tdx.c
static int link_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	kvm_pfn_t frame = pfn;

	if (tdx_pamt_get(frame, &to_kvm_tdx(kvm)->cache))	// expect: tdx-pamt-unbalanced
		return -EBUSY;

	if (map_leaf(kvm, gfn, level, frame)) {
		tdx_pamt_put(frame);	// expect: tdx-pamt-unbalanced
		return -EBUSY;
	}
	return 0;
}
