/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_KVM_TYPES_H
#define MINIKVM_KVM_TYPES_H

#include <stub/compiler.h>
#include <stub/list.h>
#include <stub/lock.h>
#include <stub/mm.h>

typedef u64 gpa_t;
typedef u64 gfn_t;
typedef u64 hpa_t;
typedef u64 kvm_pfn_t;

#define INVALID_PAGE		(~(hpa_t)0)
#define KVM_PFN_ERR_FAULT	BIT_ULL(62)

struct kvm;
struct kvm_vcpu;
struct kvm_memory_slot;
struct kvm_mmu_page;

static inline gpa_t gfn_to_gpa(gfn_t gfn)
{
	return gfn << PAGE_SHIFT;
}

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT;
}

static inline bool is_error_pfn(kvm_pfn_t pfn)
{
	return pfn & KVM_PFN_ERR_FAULT;
}

#endif /* MINIKVM_KVM_TYPES_H */
