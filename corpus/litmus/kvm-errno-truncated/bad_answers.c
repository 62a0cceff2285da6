// path: arch/x86/kvm/mmu/mmu.c
// An errno that becomes a yes or no on its way: by a comparison that is stored, by ||, by a ternary, in a byte.
struct kvm_outcome {
	u8 status;
};

static int kvm_fill(struct kvm *kvm, int n)
{
	return kvm->empty ? -ENOMEM : n;
}

static int kvm_fill_both(struct kvm *kvm)
{
	if (kvm->dead)
		return -EIO;
	return kvm_fill(kvm, 1) || kvm_fill(kvm, 2); // expect: kvm-errno-truncated "cut"
}

static int kvm_fill_ternary(struct kvm *kvm)
{
	int r;

	if (kvm->dead)
		return -EIO;
	r = kvm_fill(kvm, 1);
	return r ? 1 : 0; // expect: kvm-errno-truncated "cut"
}

static int kvm_fill_stored(struct kvm *kvm)
{
	int r;

	if (kvm->dead)
		return -EIO;
	r = kvm_fill(kvm, 1) != 0; // expect: kvm-errno-truncated "cut"
	if (r)
		goto out;
	r = 0;
out:
	return r;
}

static u8 kvm_fill_byte(struct kvm *kvm)
{
	if (kvm->dead)
		return -EIO; // expect: kvm-errno-truncated "cut"
	return 0;
}

static int kvm_fill_by_byte(struct kvm *kvm)
{
	return kvm_fill_byte(kvm);
}

static void kvm_fill_member(struct kvm *kvm, struct kvm_outcome *outcome)
{
	outcome->status = kvm_fill(kvm, 3); // expect: kvm-errno-truncated "kept in"
}
