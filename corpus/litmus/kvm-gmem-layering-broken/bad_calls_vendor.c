// litmus: guest_memfd calls the TDP MMU
// path: virt/kvm/guest_memfd.c
static void kvm_gmem_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
	kvm_tdp_mmu_forget(kvm, start, end);	// expect: kvm-gmem-layering-broken
}
// path: arch/x86/kvm/mmu/tdp_mmu.c
void kvm_tdp_mmu_forget(struct kvm *kvm, gfn_t start, gfn_t end)
{
}
