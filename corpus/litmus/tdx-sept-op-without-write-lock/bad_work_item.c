// litmus: a work item repeats what its scheduler did under the lock, without the lock
// path: arch/x86/kvm/vmx/tdx.c
struct flush_job {
	struct work_struct work;
	struct kvm *kvm;
};

static void bump_epoch(struct kvm *kvm)
{
	u64 status;

	status = tdh_mem_track(&to_kvm_tdx(kvm)->td);	// expect: tdx-sept-op-without-write-lock
	TDX_BUG_ON(status, TDH_MEM_TRACK, kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

static void flush_job_run(struct work_struct *work)
{
	struct flush_job *job = container_of(work, struct flush_job, work);

	bump_epoch(job->kvm);
}

void td_start_flusher(struct kvm *kvm, struct flush_job *job)
{
	job->kvm = kvm;
	INIT_WORK(&job->work, flush_job_run);

	write_lock(&kvm->mmu_lock);
	bump_epoch(kvm);
	schedule_work(&job->work);
	write_unlock(&kvm->mmu_lock);
}
