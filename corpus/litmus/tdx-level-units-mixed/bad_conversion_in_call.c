// litmus: KVM converts the level in the argument of a wrapper that converts it again
// path: arch/x86/kvm/vmx/tdx.c
static int grow_sept(struct kvm *kvm, gpa_t gpa, enum pg_level level, struct page *sept_page)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, e1, e2;

	status = tdh_mem_sept_add(&tdx->td, gpa, pg_level_to_tdx_sept_level(level), sept_page, &e1, &e2);	// expect: tdx-level-units-mixed
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	return TDX_BUG_ON_2(status, TDH_MEM_SEPT_ADD, e1, e2, kvm) ? -EIO : 0;
}

int td_grow(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_page *sp)
{
	guard(read_lock)(&kvm->mmu_lock);
	return grow_sept(kvm, gfn_to_gpa(gfn), PG_LEVEL_2M, virt_to_page(sp->external_spt));
}
