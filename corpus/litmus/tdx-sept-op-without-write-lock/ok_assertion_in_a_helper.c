// litmus: a fault that only adds never takes away: the helper of the removal asserts the write side, as the read side is
// asserted where the fault goes
// path: arch/x86/kvm/vmx/tdx.c
static void td_may_take_away(struct kvm *kvm)
{
	lockdep_assert_held_write(&kvm->mmu_lock);
}

static void td_may_take_away_from(struct kvm *kvm, gfn_t gfn)
{
	td_may_take_away(kvm);
	trace_td_take_away(gfn);
}

int td_take_away(struct kvm *kvm, gfn_t gfn, enum pg_level level)
{
	u64 status;

	td_may_take_away_from(kvm, gfn);

	status = tdh_do_no_vcpus(tdh_mem_track, kvm, &to_kvm_tdx(kvm)->td);
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		return -EIO;
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	return 0;
}

int td_changed(struct kvm *kvm, gfn_t gfn, u64 old_spte, enum pg_level level)
{
	if (is_shadow_present_pte(old_spte))
		return td_take_away(kvm, gfn, level);
	return td_add(kvm, gfn, level);
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
static int set_shared(struct kvm *kvm, struct tdp_iter *iter)
{
	lockdep_assert_held_read(&kvm->mmu_lock);
	return td_changed(kvm, iter->gfn, iter->old_spte, iter->level);
}

int fault_in(struct kvm *kvm, struct tdp_iter *iter)
{
	int r;

	read_lock(&kvm->mmu_lock);
	r = set_shared(kvm, iter);
	read_unlock(&kvm->mmu_lock);
	return r;
}

int zap_it(struct kvm *kvm, struct tdp_iter *iter)
{
	int r;

	write_lock(&kvm->mmu_lock);
	r = td_changed(kvm, iter->gfn, iter->old_spte, iter->level);
	write_unlock(&kvm->mmu_lock);
	return r;
}
