/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STUB_MM_H
#define STUB_MM_H

#include <stub/compiler.h>
#include <stub/lock.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PMD_ORDER	9
#define PTRS_PER_PMD	512
#define PAGE_ALIGNED(x)	IS_ALIGNED((u64)(x), PAGE_SIZE)

typedef unsigned int gfp_t;
#define GFP_KERNEL		0x1u
#define GFP_KERNEL_ACCOUNT	0x3u
#define __GFP_ZERO		0x4u

struct page {
	unsigned long flags;
	unsigned long private;
};

struct folio {
	struct page page;
};

struct address_space {
	struct rw_semaphore invalidate_lock;
	void *pages;
};

struct inode {
	struct address_space *i_mapping;
	loff_t i_size;
	void *i_private;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

/* Frame numbers, frames and addresses. */
struct page *pfn_to_page(u64 pfn);
u64 page_to_pfn(const struct page *page);
struct page *phys_to_page(u64 phys);
u64 page_to_phys(const struct page *page);
struct page *virt_to_page(const void *addr);
unsigned long __pa(const void *addr);
void *__va(u64 phys);
bool pfn_valid(u64 pfn);
bool PageReserved(const struct page *page);
bool is_zero_pfn(u64 pfn);
#define PFN_PHYS(pfn)	((u64)(pfn) << PAGE_SHIFT)
#define PHYS_PFN(phys)	((u64)(phys) >> PAGE_SHIFT)

static inline void set_page_private(struct page *page, unsigned long value)
{
	page->private = value;
}

static inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

struct folio *page_folio(struct page *page);
struct folio *pfn_folio(u64 pfn);
struct page *folio_page(struct folio *folio, size_t index);
struct page *folio_file_page(struct folio *folio, pgoff_t index);
size_t folio_page_idx(const struct folio *folio, const struct page *page);
u64 folio_pfn(const struct folio *folio);
long folio_nr_pages(const struct folio *folio);
unsigned int folio_order(const struct folio *folio);
size_t folio_size(const struct folio *folio);
pgoff_t folio_index(const struct folio *folio);
bool folio_test_hwpoison(const struct folio *folio);
bool folio_test_uptodate(const struct folio *folio);
void folio_mark_uptodate(struct folio *folio);
void folio_zero(struct folio *folio);
void folio_get(struct folio *folio);
void folio_put(struct folio *folio);
void folio_lock(struct folio *folio);
void folio_unlock(struct folio *folio);
void get_page(struct page *page);
void put_page(struct page *page);

struct page *alloc_page(gfp_t gfp);
void __free_page(struct page *page);
unsigned long __get_free_page(gfp_t gfp);
void free_page(unsigned long addr);
void *kzalloc(size_t size, gfp_t gfp);
void *kcalloc(size_t n, size_t size, gfp_t gfp);
void kfree(const void *p);

struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index);
struct folio *filemap_alloc_folio(struct address_space *mapping, pgoff_t index, unsigned int order);
void truncate_inode_pages_range(struct address_space *mapping, loff_t first, loff_t last);
int get_user_page_fast(u64 uaddr, struct page **page);
struct file *get_file_active(struct file **slot);
void fput(struct file *file);

static inline void filemap_invalidate_lock(struct address_space *mapping)
{
	down_write(&mapping->invalidate_lock);
}

static inline void filemap_invalidate_unlock(struct address_space *mapping)
{
	up_write(&mapping->invalidate_lock);
}

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

void clflush_cache_range(void *addr, size_t size);
unsigned long copy_from_user(void *to, const void __user *from, size_t n);

struct task_struct;
extern struct task_struct *current;
bool signal_pending(struct task_struct *task);

#endif /* STUB_MM_H */
