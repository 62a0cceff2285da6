// path: arch/x86/kvm/svm/sev.c
static int sev_lock_page(struct kvm *kvm)
{
	return kvm->pinned ? -EPERM : kvm->held ? -EBUSY : 0;
}

int sev_take_page(struct kvm *kvm)
{
	for (;;) {
		if (sev_lock_page(kvm))  // expect: kvm-retry-on-permanent-error "-EPERM"
			continue;
		break;
	}
	return 0;
}
