// litmus: the start of an invalidation tells how many VMs there are, what can fail goes before it
// path: virt/kvm/guest_memfd.c
static int kvm_gmem_invalidate_start(struct inode *inode, pgoff_t start, pgoff_t end)
{
	struct gmem_file *f;
	int seen = 0;

	kvm_gmem_for_each_file(f, inode) {
		kvm_gmem_drop_slots(f, start, end);
		seen++;
	}
	return seen;
}

static int kvm_gmem_prepare_invalidate(struct inode *inode, pgoff_t start, pgoff_t end)
{
	return end < start ? -EINVAL : 0;
}
