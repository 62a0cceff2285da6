// The old value is fresh in each round, but the new one was made of the first.
// path: arch/x86/kvm/mmu/mmu.c
void set_bit_in(u64 *sptep, u64 bit)
{
	u64 old = READ_ONCE(*sptep);
	u64 new = old | bit;

	while (!try_cmpxchg64(sptep, &old, new))  // expect: kvm-cmpxchg-not-refreshed "made of the old value"
		cpu_relax();
}
