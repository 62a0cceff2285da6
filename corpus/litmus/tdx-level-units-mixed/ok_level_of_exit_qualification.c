// litmus: a level of the module is decoded out of an exit qualification and becomes a pg_level at once
// path: arch/x86/kvm/vmx/tdx.c
#define EEQ_LEVEL_SHIFT		32
#define EEQ_LEVEL_MASK		0x7

static enum pg_level accept_level(struct kvm_vcpu *vcpu)
{
	u64 eeq = to_tdx(vcpu)->ext_exit_qualification;

	return ((eeq >> EEQ_LEVEL_SHIFT) & EEQ_LEVEL_MASK) + PG_LEVEL_4K;
}

bool td_accept_is_huge(struct kvm_vcpu *vcpu)
{
	return accept_level(vcpu) > PG_LEVEL_4K;
}
