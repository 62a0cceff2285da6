// litmus: a private helper that splits what guest_memfd itself has
// path: virt/kvm/guest_memfd.c
static int kvm_gmem_split_private(struct inode *inode, pgoff_t at)
{
	return at ? 0 : -EINVAL;
}

static long kvm_gmem_punch(struct inode *inode, pgoff_t at)
{
	if (kvm_gmem_split_private(inode, at))
		return -EINVAL;
	return 0;
}
