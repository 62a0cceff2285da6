// SPDX-License-Identifier: GPL-2.0-or-later
/* The Intel vendor module: picks between plain VMX and TDX for each VM. */
#include "x86_ops.h"
#include "tdx.h"

bool enable_tdx __ro_after_init;

static int vmx_vm_init(struct kvm *kvm)
{
	return 0;
}

static int vmx_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->cpu = -1;
	return 0;
}

static void vmx_vcpu_free(struct kvm_vcpu *vcpu)
{
	vcpu->cpu = -1;
}

static int vmx_handle_exit(struct kvm_vcpu *vcpu, fastpath_t fastpath)
{
	return fastpath == EXIT_FASTPATH_REENTER_GUEST;
}

static void vmx_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root_hpa, int root_level)
{
	vcpu->arch.mmu->root.hpa = root_hpa;
}

static void vmx_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	vcpu->requests &= ~KVM_REQ_TLB_FLUSH;
}

#ifdef CONFIG_KVM_INTEL_TDX
static int vt_hardware_setup(void)
{
	return enable_tdx ? tdx_hardware_setup() : 0;
}

static int vt_vm_init(struct kvm *kvm)
{
	return is_td(kvm) ? tdx_vm_init(kvm) : vmx_vm_init(kvm);
}

static void vt_vm_pre_destroy(struct kvm *kvm)
{
	if (is_td(kvm))
		tdx_mmu_release_hkid(kvm);
}

static void vt_vm_destroy(struct kvm *kvm)
{
	if (is_td(kvm))
		tdx_vm_destroy(kvm);
}

static int vt_vcpu_create(struct kvm_vcpu *vcpu)
{
	if (is_td(vcpu->kvm))
		return tdx_vcpu_create(vcpu);

	return vmx_vcpu_create(vcpu);
}

static void vt_vcpu_free(struct kvm_vcpu *vcpu)
{
	if (is_td(vcpu->kvm)) {
		tdx_vcpu_free(vcpu);
		return;
	}

	vmx_vcpu_free(vcpu);
}

static int vt_handle_exit(struct kvm_vcpu *vcpu, fastpath_t fastpath)
{
	if (is_td(vcpu->kvm))
		return tdx_handle_exit(vcpu, fastpath);

	return vmx_handle_exit(vcpu, fastpath);
}

static void vt_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root_hpa, int root_level)
{
	/* The module owns the private root; only the shared one is ours to set. */
	vmx_load_mmu_pgd(vcpu, root_hpa, root_level);
}

static void vt_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	if (is_td(vcpu->kvm))
		tdx_flush_tlb_all(vcpu);
	else
		vmx_flush_tlb_all(vcpu);
}

static int vt_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	if (is_td(kvm))
		return tdx_gmem_max_mapping_level(kvm, pfn, is_private);

	return 0;
}

static int vt_vcpu_mem_enc_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	return is_td(vcpu->kvm) ? tdx_vcpu_ioctl(vcpu, argp) : -EINVAL;
}

#define vt_op(name)		vt_##name
#define vt_op_tdx_only(name)	vt_##name
#else
static int vmx_hardware_setup(void)
{
	return 0;
}

#define vt_hardware_setup	vmx_hardware_setup
#define vt_op(name)		vmx_##name
#define vt_op_tdx_only(name)	NULL
#endif /* CONFIG_KVM_INTEL_TDX */

/* set_external_spte and free_external_spt are filled in once TDX is up. */
struct kvm_x86_ops vt_x86_ops __initdata = {
	.name			= "kvm_intel",

	.vm_init		= vt_op(vm_init),
	.vm_pre_destroy		= vt_op_tdx_only(vm_pre_destroy),
	.vm_destroy		= vt_op_tdx_only(vm_destroy),

	.vcpu_create		= vt_op(vcpu_create),
	.vcpu_free		= vt_op(vcpu_free),
	.handle_exit		= vt_op(handle_exit),

	.load_mmu_pgd		= vt_op(load_mmu_pgd),
	.flush_tlb_all		= vt_op(flush_tlb_all),

	.gmem_max_mapping_level	= vt_op_tdx_only(gmem_max_mapping_level),
	.vcpu_mem_enc_ioctl	= vt_op_tdx_only(vcpu_mem_enc_ioctl),
};

static struct kvm_x86_init_ops vt_init_ops __initdata = {
	.hardware_setup		= vt_hardware_setup,
	.runtime_ops		= &vt_x86_ops,
};

int __init vt_init(void)
{
	return kvm_x86_vendor_init(&vt_init_ops);
}
