// litmus: the value of the statement expression is stored, tested in unlikely() and bugs the VM
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
	u64 status;

	write_lock(&kvm->mmu_lock);
	status = seam_retry_once(tdh_mem_track, kvm, &tdx->td);
	if (unlikely(status))
		kvm_vm_bugged(kvm);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	write_unlock(&kvm->mmu_lock);
}
