// path: arch/x86/kvm/mmu/mmu.c
// Yes or no is what is asked for; a result of the guest's ABI is 64 bits wide; a member that is an int.
struct kvm_outcome {
	int status;
};

static int kvm_fill(struct kvm *kvm, int n)
{
	return kvm->empty ? -ENOMEM : n;
}

static int kvm_filled(struct kvm *kvm)
{
	return kvm_fill(kvm, 1) || kvm_fill(kvm, 2);
}

static bool kvm_can_fill(struct kvm *kvm)
{
	int r = kvm_fill(kvm, 1);

	return r ? false : true;
}

static int kvm_use(struct kvm *kvm, struct kvm_outcome *outcome, u64 *r)
{
	*r = kvm_fill(kvm, 1);
	outcome->status = kvm_fill(kvm, 3);
	if (kvm_filled(kvm))
		return -EBUSY;
	return kvm_can_fill(kvm) ? 0 : -EIO;
}
