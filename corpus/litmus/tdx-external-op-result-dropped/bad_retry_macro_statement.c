// litmus: a statement expression yields the status of TRACK and nobody takes it
// path: arch/x86/kvm/vmx/tdx.c
#define seam_retry_once(fn, kvm, args...)					\
({										\
	u64 __st = fn(args);							\
										\
	if (unlikely(tdx_operand_busy(__st))) {					\
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);	\
		__st = fn(args);						\
	}									\
	__st;									\
})

void td_flush_private(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);

	write_lock(&kvm->mmu_lock);
	seam_retry_once(tdh_mem_track, kvm, &tdx->td);	// expect: tdx-external-op-result-dropped
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	write_unlock(&kvm->mmu_lock);
}
