// litmus: what only reads an entry for the log of a failure may fail
// path: arch/x86/kvm/vmx/tdx.c
static void tdx_log_entry(struct kvm *kvm, gpa_t gpa, enum pg_level level)
{
	u64 err, entry, level_state;

	err = tdh_mem_sept_rd(&to_kvm_tdx(kvm)->td, gpa, level, &entry, &level_state);
	if (err)
		pr_err("entry of 0x%llx: unreadable, 0x%llx\n", gpa, err);
	else
		pr_err("entry of 0x%llx: 0x%llx, state 0x%llx\n", gpa, entry, level_state);
}
