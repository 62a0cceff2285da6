// path: arch/x86/kvm/mmu/mmu.c
void set_bit_in(u64 *sptep, u64 bit)
{
	u64 old = READ_ONCE(*sptep);
	u64 new;

	do {
		new = old | bit;
	} while (!try_cmpxchg64(sptep, &old, new));
}
