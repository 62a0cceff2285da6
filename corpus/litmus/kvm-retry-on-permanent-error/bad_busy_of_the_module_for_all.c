// Any error of the TDX module is taken for contention.
// path: arch/x86/kvm/vmx/tdx.c
int tdx_add(struct kvm_tdx *kvm_tdx, gpa_t gpa, u64 *entry, u64 *state)
{
	u64 err;

	do {
		cpu_relax();
		err = tdh_mem_sept_add(&kvm_tdx->td, gpa, PG_LEVEL_4K, kvm_tdx->page, entry, state);  // expect: kvm-retry-on-permanent-error
	} while (err);

	return 0;
}
