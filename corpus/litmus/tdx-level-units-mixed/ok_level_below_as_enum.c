// litmus: a wrapper takes a level of the kernel and gets the one below
// path: arch/x86/include/asm/tdx.h
u64 tdh_mem_note(struct tdx_td *td, u64 gpa, enum pg_level size);
// path: arch/x86/kvm/vmx/tdx.c
u64 tdx_note(struct kvm *kvm, gpa_t gpa, enum pg_level level)
{
	return tdh_mem_note(&to_kvm_tdx(kvm)->td, gpa, level - 1);
}
