// litmus: a wrapper takes a number and gets the level less one
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_note(struct tdx_td *td, u64 gpa, u64 size);
// path: arch/x86/kvm/vmx/tdx.c
static int note_size(enum pg_level level)
{
	return level - 1;
}

u64 tdx_note(struct kvm *kvm, gpa_t gpa, enum pg_level level)
{
	u64 status = tdh_mem_note(&to_kvm_tdx(kvm)->td, gpa, level - 1);	// expect: tdx-level-units-mixed

	if (status)
		return status;

	return tdh_mem_note(&to_kvm_tdx(kvm)->td, gpa, note_size(level));	// expect: tdx-level-units-mixed
}
