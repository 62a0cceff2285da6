// path: arch/x86/kvm/vmx/posted_intr.c
static int pi_try(struct pi_desc *desc, u64 old, u64 new)
{
	if (!try_cmpxchg64(&desc->control, &old, new))
		return -EBUSY;
	return 0;
}

void pi_set(struct pi_desc *desc, u64 bit)
{
	u64 old = READ_ONCE(desc->control);

	while (pi_try(desc, old, old | bit))  // expect: kvm-cmpxchg-not-refreshed "tried again with old"
		cpu_relax();
}
