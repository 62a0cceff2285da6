/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_VMX_X86_OPS_H
#define MINIKVM_VMX_X86_OPS_H

#include <linux/kvm_host.h>

extern struct kvm_x86_ops vt_x86_ops;
extern bool enable_tdx;

#ifdef CONFIG_KVM_INTEL_TDX
int tdx_hardware_setup(void);
int tdx_vm_init(struct kvm *kvm);
void tdx_mmu_release_hkid(struct kvm *kvm);
void tdx_vm_destroy(struct kvm *kvm);
int tdx_vcpu_create(struct kvm_vcpu *vcpu);
void tdx_vcpu_free(struct kvm_vcpu *vcpu);
int tdx_handle_exit(struct kvm_vcpu *vcpu, fastpath_t fastpath);
void tdx_flush_tlb_all(struct kvm_vcpu *vcpu);
int tdx_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp);
int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private);
#endif

#endif /* MINIKVM_VMX_X86_OPS_H */
