// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest_memfd: memory that a guest has and its host process has not.  The folios are
 * this file's business alone; KVM gets frame numbers and how far they reach.
 */
#include <linux/kvm_host.h>

#include "kvm_mm.h"

struct gmem_file {
	struct kvm *kvm;
	struct inode *inode;
	struct xarray bindings;
	struct list_head entry;
};

struct gmem_inode {
	struct list_head gmem_file_list;
	bool huge;
};

static inline struct gmem_inode *GMEM_I(struct inode *inode)
{
	return inode->i_private;
}

#define kvm_gmem_for_each_file(f, inode) \
	list_for_each_entry(f, &GMEM_I(inode)->gmem_file_list, entry)

static pgoff_t kvm_gmem_get_index(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn + slot->gmem.pgoff;
}

/* Locked, with a reference.  Huge where the file may be, small where that fails. */
static struct folio *kvm_gmem_get_folio(struct inode *inode, pgoff_t index)
{
	struct folio *folio;

	folio = filemap_lock_folio(inode->i_mapping, index);
	if (!IS_ERR(folio))
		return folio;

	if (GMEM_I(inode)->huge) {
		folio = filemap_alloc_folio(inode->i_mapping,
					    ALIGN_DOWN(index, 1UL << PMD_ORDER), PMD_ORDER);
		if (!IS_ERR(folio))
			return folio;
	}

	return filemap_alloc_folio(inode->i_mapping, index, 0);
}

/* The largest order that maps @gfn with the same alignment in file and guest. */
static int kvm_gmem_max_order(struct folio *folio, struct kvm_memory_slot *slot, gfn_t gfn)
{
	unsigned int order = folio_order(folio);
	gfn_t first = ALIGN_DOWN(gfn, 1ULL << order);

	if (!order || !IS_ALIGNED(slot->base_gfn - slot->gmem.pgoff, 1ULL << order))
		return 0;

	if (first < slot->base_gfn || first + (1ULL << order) > slot->base_gfn + slot->npages)
		return 0;

	return order;
}

static struct folio *__kvm_gmem_get_pfn(struct kvm_memory_slot *slot, gfn_t gfn,
					kvm_pfn_t *pfn, int *max_order)
{
	pgoff_t index = kvm_gmem_get_index(slot, gfn);
	struct inode *inode = file_inode(slot->gmem.file);
	struct folio *folio;

	folio = kvm_gmem_get_folio(inode, index);
	if (IS_ERR(folio))
		return folio;

	if (folio_test_hwpoison(folio))
		goto poisoned;

	*pfn = folio_pfn(folio) + (index & (folio_nr_pages(folio) - 1));
	*max_order = kvm_gmem_max_order(folio, slot, gfn);

	return folio;

poisoned:
	folio_unlock(folio);
	folio_put(folio);
	return ERR_PTR(-EHWPOISON);
}

int kvm_gmem_get_pfn(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
		     kvm_pfn_t *pfn, struct page **page, int *max_order)
{
	struct file *file = get_file_active(&slot->gmem.file);
	struct folio *folio;
	int r = 0;

	if (!file)
		return -EFAULT;

	folio = __kvm_gmem_get_pfn(slot, gfn, pfn, max_order);
	if (IS_ERR(folio)) {
		r = PTR_ERR(folio);
		goto out;
	}

	if (!folio_test_uptodate(folio)) {
		folio_zero(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);

	/* The caller drops the reference with the page. */
	*page = folio_file_page(folio, kvm_gmem_get_index(slot, gfn));
out:
	fput(file);
	return r;
}
EXPORT_SYMBOL_FOR_KVM(kvm_gmem_get_pfn);

static int kvm_gmem_populate_one(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
				 u64 src_addr, kvm_gmem_populate_cb post_populate, void *opaque)
{
	struct page *src_page;
	struct folio *folio;
	int max_order, ret;
	kvm_pfn_t pfn;

	if (!kvm_mem_is_private(kvm, gfn))
		return -EINVAL;

	ret = get_user_page_fast(src_addr, &src_page);
	if (ret)
		return ret;

	folio = __kvm_gmem_get_pfn(slot, gfn, &pfn, &max_order);
	if (IS_ERR(folio)) {
		ret = PTR_ERR(folio);
		goto out_src;
	}
	folio_unlock(folio);

	ret = post_populate(kvm, gfn, pfn, src_page, opaque);
	if (!ret)
		folio_mark_uptodate(folio);

	folio_put(folio);
out_src:
	put_page(src_page);
	return ret;
}

/* How many pages were done; an error only when it was none. */
long kvm_gmem_populate(struct kvm *kvm, gfn_t start_gfn, u64 src_addr, long npages,
		       kvm_gmem_populate_cb post_populate, void *opaque)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, start_gfn);
	struct file *file;
	int ret = 0;
	long i;

	lockdep_assert_held(&kvm->slots_lock);

	if (!kvm_slot_has_gmem(slot))
		return -EINVAL;

	file = get_file_active(&slot->gmem.file);
	if (!file)
		return -EFAULT;

	filemap_invalidate_lock(file_inode(file)->i_mapping);

	npages = min((u64)npages, slot->base_gfn + slot->npages - start_gfn);
	for (i = 0; i < npages; i++) {
		ret = kvm_gmem_populate_one(kvm, slot, start_gfn + i, src_addr + i * PAGE_SIZE,
					    post_populate, opaque);
		if (ret)
			break;
	}

	filemap_invalidate_unlock(file_inode(file)->i_mapping);
	fput(file);

	return ret && !i ? ret : i;
}
EXPORT_SYMBOL_FOR_KVM(kvm_gmem_populate);

/* The part of [start, end) of the file that @slot shows to the guest. */
static struct kvm_gfn_range kvm_gmem_slot_range(struct kvm_memory_slot *slot, pgoff_t start,
						pgoff_t end)
{
	pgoff_t pgoff = slot->gmem.pgoff;

	return (struct kvm_gfn_range) {
		.slot = slot,
		.start = slot->base_gfn + max(pgoff, start) - pgoff,
		.end = slot->base_gfn + min(pgoff + slot->npages, end) - pgoff,
		.attr_filter = KVM_FILTER_PRIVATE,
		.may_block = true,
	};
}

static void kvm_gmem_invalidate_start(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot;
	struct kvm_gfn_range range;
	unsigned long index;

	KVM_MMU_LOCK(f->kvm);
	kvm_mmu_invalidate_start(f->kvm);

	/* Faults next to the hole must not map a huge page over its edge. */
	xa_for_each_range(&f->bindings, index, slot, start, end - 1) {
		range = kvm_gmem_slot_range(slot, start, end);
		kvm_mmu_invalidate_range_add(f->kvm, ALIGN_DOWN(range.start, 1ULL << PMD_ORDER),
					     ALIGN(range.end, 1ULL << PMD_ORDER));
	}
	KVM_MMU_UNLOCK(f->kvm);
}

static int kvm_gmem_split(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot;
	struct kvm_gfn_range range;
	unsigned long index;
	int r = 0;

	KVM_MMU_LOCK(f->kvm);
	xa_for_each_range(&f->bindings, index, slot, start, end - 1) {
		range = kvm_gmem_slot_range(slot, start, end);
		r = kvm_arch_split_private_range(f->kvm, &range);
		if (r)
			break;
	}
	KVM_MMU_UNLOCK(f->kvm);

	return r;
}

static void kvm_gmem_unmap(struct gmem_file *f, pgoff_t start, pgoff_t end)
{
	struct kvm_memory_slot *slot;
	struct kvm_gfn_range range;
	unsigned long index;
	bool flush = false;

	guard(write_lock)(&f->kvm->mmu_lock);

	xa_for_each_range(&f->bindings, index, slot, start, end - 1) {
		range = kvm_gmem_slot_range(slot, start, end);
		flush |= kvm_unmap_gfn_range(f->kvm, &range);
	}

	if (flush)
		kvm_flush_remote_tlbs(f->kvm);
}

static void kvm_gmem_invalidate_end(struct gmem_file *f)
{
	KVM_MMU_LOCK(f->kvm);
	kvm_mmu_invalidate_end(f->kvm);
	KVM_MMU_UNLOCK(f->kvm);
}

/* Take [start, end) away from every guest, or from none. */
static int kvm_gmem_zap_range(struct inode *inode, pgoff_t start, pgoff_t end)
{
	struct gmem_file *f;
	int r = 0;

	kvm_gmem_for_each_file(f, inode)
		kvm_gmem_invalidate_start(f, start, end);

	kvm_gmem_for_each_file(f, inode) {
		r = kvm_gmem_split(f, start, end);
		if (r)
			goto out_end;
	}

	kvm_gmem_for_each_file(f, inode)
		kvm_gmem_unmap(f, start, end);

	truncate_inode_pages_range(inode->i_mapping, (loff_t)start << PAGE_SHIFT,
				   ((loff_t)end << PAGE_SHIFT) - 1);

out_end:
	kvm_gmem_for_each_file(f, inode)
		kvm_gmem_invalidate_end(f);

	return r;
}

long kvm_gmem_fallocate_punch(struct inode *inode, loff_t offset, loff_t len)
{
	int r;

	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;

	filemap_invalidate_lock(inode->i_mapping);
	r = kvm_gmem_zap_range(inode, offset >> PAGE_SHIFT, (offset + len) >> PAGE_SHIFT);
	filemap_invalidate_unlock(inode->i_mapping);

	return r;
}

/* A poisoned folio leaves the guest as a whole, so there is nothing to split. */
int kvm_gmem_error_folio(struct inode *inode, struct folio *folio)
{
	pgoff_t start = folio_index(folio);
	pgoff_t end = start + folio_nr_pages(folio);
	struct gmem_file *f;

	filemap_invalidate_lock(inode->i_mapping);
	kvm_gmem_for_each_file(f, inode) {
		kvm_gmem_invalidate_start(f, start, end);
		kvm_gmem_unmap(f, start, end);
		kvm_gmem_invalidate_end(f);
	}
	filemap_invalidate_unlock(inode->i_mapping);

	return 0;
}

void kvm_gmem_release(struct inode *inode, struct file *file)
{
	struct gmem_file *f = file->private_data;
	struct kvm_memory_slot *slot;
	unsigned long index;

	guard(mutex)(&f->kvm->slots_lock);
	filemap_invalidate_lock(inode->i_mapping);

	xa_for_each_range(&f->bindings, index, slot, 0, ~0UL)
		WRITE_ONCE(slot->gmem.file, NULL);

	kvm_gmem_invalidate_start(f, 0, ~0UL);
	kvm_gmem_unmap(f, 0, ~0UL);
	kvm_gmem_invalidate_end(f);

	list_del(&f->entry);
	filemap_invalidate_unlock(inode->i_mapping);
}
