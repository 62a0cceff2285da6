// litmus: the flush is deferred to an RCU callback, which runs after the lock was released
// path: arch/x86/kvm/vmx/tdx.c
struct stale_table {
	struct rcu_head rcu;
	struct kvm *kvm;
};

static void stale_table_release(struct rcu_head *head)
{
	struct stale_table *st = container_of(head, struct stale_table, rcu);
	u64 status;

	status = tdh_mem_track(&to_kvm_tdx(st->kvm)->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, st->kvm);
	kvm_make_all_cpus_request(st->kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	kfree(st);
}

void td_retire_table(struct kvm *kvm, struct stale_table *st)
{
	write_lock(&kvm->mmu_lock);
	st->kvm = kvm;
	call_rcu(&st->rcu, stale_table_release);
	write_unlock(&kvm->mmu_lock);
}
