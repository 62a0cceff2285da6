// litmus: the count is kept in a long
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
		long n = fill_some(kvm, nr - done);

		if (n <= 0)
			return done ? done : n;
		done += n;
	}
	return done;
}
