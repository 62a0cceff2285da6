// Each round looks at another element: a failure is skipped, not tried again.
// path: arch/x86/kvm/svm/sev.c
static int sev_lock_page(struct kvm *kvm, unsigned long i)
{
	return kvm->pinned ? -EPERM : 0;
}

void sev_take_pages(struct kvm *kvm, unsigned long npages)
{
	unsigned long i = 0;

	while (i < npages) {
		if (sev_lock_page(kvm, i++))
			continue;
		mark(kvm, i);
	}
}
