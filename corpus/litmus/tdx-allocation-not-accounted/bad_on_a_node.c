// litmus: an array of the vCPU on the node of the CPU, and a copy that stays with the TD
// path: arch/x86/kvm/vmx/tdx.c
static int td_vcpu_arrays(struct kvm_vcpu *vcpu, struct kvm_tdx *kvm_tdx)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);

	tdx->vp.tdcx_pages = kcalloc_node(kvm_tdx->td.tdcx_nr_pages, sizeof(*tdx->vp.tdcx_pages),	// expect: tdx-allocation-not-accounted
					  GFP_KERNEL, numa_node_id());
	return tdx->vp.tdcx_pages ? 0 : -ENOMEM;
}

static int td_keep_cpuid(struct kvm_tdx *kvm_tdx, struct kvm_cpuid2 *cpuid)
{
	kvm_tdx->cpuid = kmemdup_array(cpuid->entries, cpuid->nent, sizeof(*cpuid->entries), GFP_KERNEL);	// expect: tdx-allocation-not-accounted
	return kvm_tdx->cpuid ? 0 : -ENOMEM;
}
