// litmus: the flush happens under the lock, the RCU callback only frees
// path: arch/x86/kvm/vmx/tdx.c
struct stale_table {
	struct rcu_head rcu;
	struct kvm *kvm;
};

static void stale_table_release(struct rcu_head *head)
{
	struct stale_table *st = container_of(head, struct stale_table, rcu);

	kfree(st);
}

void td_retire_table(struct kvm *kvm, struct stale_table *st)
{
	u64 status;

	write_lock(&kvm->mmu_lock);
	st->kvm = kvm;
	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	call_rcu(&st->rcu, stale_table_release);
	write_unlock(&kvm->mmu_lock);
}
