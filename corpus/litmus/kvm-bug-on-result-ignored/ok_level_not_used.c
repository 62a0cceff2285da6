// path: arch/x86/kvm/vmx/tdx.c
u64 tdx_take(struct kvm *kvm, gpa_t gpa, enum pg_level level, u64 *entry, u64 *state)
{
	KVM_BUG_ON(level != PG_LEVEL_4K, kvm);

	return tdh_mem_page_aug(&kvm->td, gpa, PG_LEVEL_4K, kvm->pfn, entry, state);
}
