// litmus: changes from zero are made under the lock
// path: arch/x86/virt/vmx/tdx/tdx.c
static DEFINE_SPINLOCK(pamt_lock);

int td_frame_get(struct page *page, u64 *pages)
{
	atomic_t *count = tdx_find_pamt_refcount(page_to_pfn(page));

	if (atomic_inc_not_zero(count))
		return 0;

	scoped_guard(spinlock, &pamt_lock) {
		if (atomic_read(count) == 0 && tdh_phymem_pamt_add(page, pages))
			return -EIO;
		atomic_inc(count);
	}
	return 0;
}
