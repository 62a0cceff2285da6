// path: arch/x86/kvm/svm/sev.c
static int sev_command(struct kvm *kvm)
{
	return kvm->ready ? 0 : -EIO;
}

int sev_start(struct kvm *kvm)
{
	int tries = 0, r;

	do {
		r = sev_command(kvm);
	} while (r && ++tries < 5);

	return r;
}
