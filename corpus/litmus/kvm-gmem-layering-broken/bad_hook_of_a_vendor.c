// litmus: a hook with a weak default whose name tells that only one vendor has anything to do there
// path: virt/kvm/guest_memfd.c
int __weak kvm_arch_gmem_split_sept(struct kvm *kvm, gfn_t start, gfn_t end)	// expect: kvm-gmem-layering-broken
{
	return 0;
}

static int kvm_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
	return kvm_arch_gmem_split_sept(kvm, start, end);	// expect: kvm-gmem-layering-broken
}
