// litmus: a private helper that knows of mirrors
// path: virt/kvm/guest_memfd.c
static int kvm_gmem_split_mirror(struct inode *inode, pgoff_t at) // expect: kvm-gmem-layering-broken
{
	return at ? 0 : -EINVAL;
}

static long kvm_gmem_punch(struct inode *inode, pgoff_t at)
{
	if (kvm_gmem_split_mirror(inode, at)) // expect: kvm-gmem-layering-broken
		return -EINVAL;
	return 0;
}
