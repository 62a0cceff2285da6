// litmus: the operation is the argument of a variadic retry macro, with slots_lock and no mmu_lock
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

int td_quiesce(struct kvm *kvm)
{
	struct kvm_tdx *tdx = to_kvm_tdx(kvm);
	int ret = 0;
	u64 status;

	mutex_lock(&kvm->slots_lock);
	status = seam_retry_once(tdh_mem_track, kvm, &tdx->td);	// expect: tdx-sept-op-without-write-lock
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		ret = -EIO;
	else
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	mutex_unlock(&kvm->slots_lock);
	return ret;
}
