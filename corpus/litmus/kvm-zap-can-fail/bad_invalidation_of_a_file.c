// litmus: the start of an invalidation tells that one of the VMs is broken, and the hole is not made
// path: virt/kvm/guest_memfd.c
static int kvm_gmem_invalidate_start(struct inode *inode, pgoff_t start, pgoff_t end)	// expect: kvm-zap-can-fail
{
	struct gmem_file *f;
	int ret = 0;

	kvm_gmem_for_each_file(f, inode) {
		kvm_gmem_drop_slots(f, start, end);
		if (f->kvm->vm_bugged)
			ret = -EIO;
	}
	return ret;
}
