// path: arch/x86/kvm/mmu/mmu.c
void set_bit_in(u64 *sptep, u64 bit)
{
	u64 old = READ_ONCE(*sptep), seen;

	do {
		seen = cmpxchg64(sptep, old, old | bit);  // expect: kvm-cmpxchg-not-refreshed "tried again with old"
	} while (seen != old);
}
