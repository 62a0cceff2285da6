// litmus: level - 1 in an argument is the level of the child table, still counted from PG_LEVEL_4K
// path: arch/x86/kvm/vmx/tdx.c
static int grow_sept(struct kvm *kvm, gpa_t gpa, enum pg_level level, struct page *sept_page)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	u64 status, e1, e2;

	if (KVM_BUG_ON(level <= PG_LEVEL_2M, kvm))
		return -EIO;

	status = tdh_mem_sept_add(&tdx->td, gpa, level - 1, sept_page, &e1, &e2);
	if (unlikely(tdx_operand_busy(status)))
		return -EBUSY;
	return TDX_BUG_ON_2(status, TDH_MEM_SEPT_ADD, e1, e2, kvm) ? -EIO : 0;
}

int td_grow(struct kvm *kvm, gfn_t gfn, struct kvm_mmu_page *sp)
{
	guard(read_lock)(&kvm->mmu_lock);
	return grow_sept(kvm, gfn_to_gpa(gfn), PG_LEVEL_1G, virt_to_page(sp->external_spt));
}
