// path: arch/x86/kvm/mmu/mmu.c
void set_bit_in(u64 *sptep, u64 bit)
{
	u64 old, seen = READ_ONCE(*sptep);

	do {
		old = seen;
		seen = cmpxchg64(sptep, old, old | bit);
	} while (seen != old);
}
