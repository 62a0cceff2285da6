// litmus: the operation is the argument of a variadic retry macro, mmu_lock held for write
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
	write_lock(&kvm->mmu_lock);
	status = seam_retry_once(tdh_mem_track, kvm, &tdx->td);
	if (TDX_BUG_ON(status, TDH_MEM_TRACK, kvm))
		ret = -EIO;
	else
		kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	write_unlock(&kvm->mmu_lock);
	mutex_unlock(&kvm->slots_lock);
	return ret;
}
