// litmus: helpers get and put for their caller
// path: arch/x86/kvm/vmx/tdx.c
static int td_prepare(struct kvm *kvm, struct page *table)
{
	return tdx_pamt_get(table, &to_kvm_tdx(kvm)->cache);
}

static void td_unprepare(struct page *table)
{
	tdx_pamt_put(table);
}

static int td_add_table(struct kvm *kvm, gpa_t gpa, enum pg_level level, struct page *table)
{
	u64 err, entry, state;
	int ret;

	ret = td_prepare(kvm, table);
	if (ret)
		return ret;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gpa, level, table, &entry, &state);
	if (unlikely(tdx_operand_busy(err))) {
		td_unprepare(table);
		return -EBUSY;
	}
	if (TDX_BUG_ON_2(err, TDH_MEM_SEPT_ADD, entry, state, kvm)) {
		td_unprepare(table);
		return -EIO;
	}
	return 0;
}
