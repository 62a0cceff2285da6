/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_KVM_MM_H
#define MINIKVM_KVM_MM_H

#include <linux/kvm_host.h>

/* For common code, which does not know what sort of lock mmu_lock is. */
#ifndef KVM_HAVE_MMU_RWLOCK
#define KVM_MMU_UNLOCK(kvm)	spin_unlock(&(kvm)->mmu_lock)
#define KVM_MMU_LOCK(kvm)	spin_lock(&(kvm)->mmu_lock)
#else
#define KVM_MMU_UNLOCK(kvm)	write_unlock(&(kvm)->mmu_lock)
#define KVM_MMU_LOCK(kvm)	write_lock(&(kvm)->mmu_lock)
#endif

long kvm_gmem_fallocate_punch(struct inode *inode, loff_t offset, loff_t len);
int kvm_gmem_error_folio(struct inode *inode, struct folio *folio);
void kvm_gmem_release(struct inode *inode, struct file *file);

#endif /* MINIKVM_KVM_MM_H */
