// litmus: a cross-CPU helper stores the result in a field, its caller reads it and bugs the VM
// path: arch/x86/kvm/vmx/tdx.c
struct flush_arg {
	struct vcpu_tdx *tdx;
	u64 status;
};

static void flush_on_cpu(void *opaque)
{
	struct flush_arg *arg = opaque;

	arg->status = tdh_vp_flush(&arg->tdx->vp);
}

void td_vcpu_disassociate(struct kvm_vcpu *vcpu, int cpu)
{
	struct flush_arg arg = {
		.tdx = to_tdx(vcpu),
	};

	smp_call_function_single(cpu, flush_on_cpu, &arg, 1);
	TDX_BUG_ON(arg.status, TDH_VP_FLUSH, vcpu->kvm);
}
