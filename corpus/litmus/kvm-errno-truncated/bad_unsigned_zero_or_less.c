// litmus: a count that may be an errno is kept in an unsigned and asked for zero or less
// path: virt/kvm/guest_memfd.c
static long fill_some(struct kvm *kvm, unsigned long nr)
{
	if (kvm->closed)
		return -EIO;
	return min(nr, 512UL);
}

long fill_all(struct kvm *kvm, unsigned long nr)
{
	unsigned long done = 0;

	while (done < nr) {
		unsigned long n = fill_some(kvm, nr - done);	// expect: kvm-errno-truncated

		if (n <= 0)
			break;
		done += n;
	}
	return done;
}
