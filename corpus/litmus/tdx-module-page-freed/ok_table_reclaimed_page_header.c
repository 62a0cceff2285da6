// litmus: the header that defines the conversions of pages is among what is read
// path: arch/x86/include/asm/page.h
#define __pa(x)			__phys_addr((unsigned long)(x))
#define pfn_to_kaddr(pfn)	__va((pfn) << PAGE_SHIFT)
#define virt_to_page(kaddr)	pfn_to_page(__pa(kaddr) >> PAGE_SHIFT)
// path: arch/x86/kvm/vmx/tdx.c
static void td_free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm))
		goto leak;
	if (tdx_reclaim_page(virt_to_page(sp->external_spt)))
		goto leak;
	free_page((unsigned long)sp->external_spt);
leak:
	sp->external_spt = NULL;
}
