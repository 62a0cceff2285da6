// litmus: the wrapper is called by a retrying macro
// path: arch/x86/virt/vmx/tdx/tdx.c
u64 tdh_mem_probe(struct tdx_td *td, u64 gpa, struct page *spare, u64 *ext_err1, u64 *ext_err2)
{
	struct tdx_module_args args = { .rcx = gpa, .rdx = page_to_phys(spare) };
	u64 ret;

	if (WARN_ON_ONCE(!IS_ALIGNED(gpa, PAGE_SIZE)))
		return TDX_SW_ERROR;	// expect: tdx-seamcall-output-unset

	ret = seamcall_ret(TDH_MEM_PROBE, &args);

	*ext_err1 = args.rcx;
	*ext_err2 = args.rdx;

	return ret;
}
// path: arch/x86/kvm/vmx/tdx.c
#define probe_no_vcpus(func, kvm, args...)					\
({										\
	u64 __err = func(args);							\
										\
	if (unlikely(tdx_operand_busy(__err))) {				\
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);	\
		__err = func(args);						\
	}									\
	__err;									\
})

static int tdx_probe(struct kvm *kvm, gpa_t gpa, struct page *spare)
{
	u64 status, entry, state;

	status = probe_no_vcpus(tdh_mem_probe, kvm, &to_kvm_tdx(kvm)->td, gpa, spare, &entry, &state);
	if (TDX_BUG_ON_2(status, TDH_MEM_PROBE, entry, state, kvm))
		return -EIO;

	return 0;
}
