/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line for each member of struct kvm_x86_ops.  KVM_X86_OP must be filled by
 * the vendor; an OPTIONAL one may stay NULL and is then never called; an
 * OPTIONAL_RET0 one may stay NULL and then answers zero.
 */
#ifndef KVM_X86_OP_OPTIONAL
#define KVM_X86_OP_OPTIONAL KVM_X86_OP
#endif
#ifndef KVM_X86_OP_OPTIONAL_RET0
#define KVM_X86_OP_OPTIONAL_RET0 KVM_X86_OP
#endif

KVM_X86_OP(vm_init)
KVM_X86_OP_OPTIONAL(vm_pre_destroy)
KVM_X86_OP_OPTIONAL(vm_destroy)
KVM_X86_OP(vcpu_create)
KVM_X86_OP(vcpu_free)
KVM_X86_OP(handle_exit)
KVM_X86_OP(load_mmu_pgd)
KVM_X86_OP(flush_tlb_all)
KVM_X86_OP_OPTIONAL(need_external_cache)
KVM_X86_OP_OPTIONAL(topup_external_cache)
KVM_X86_OP_OPTIONAL_RET0(set_external_spte)
KVM_X86_OP_OPTIONAL(free_external_spt)
KVM_X86_OP_OPTIONAL_RET0(gmem_max_mapping_level)
KVM_X86_OP_OPTIONAL(vcpu_mem_enc_ioctl)

#undef KVM_X86_OP
#undef KVM_X86_OP_OPTIONAL
#undef KVM_X86_OP_OPTIONAL_RET0
