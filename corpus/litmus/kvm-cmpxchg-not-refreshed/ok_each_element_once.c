// A failure goes on to the next element; the value is read there.
// path: arch/x86/kvm/mmu/mmu.c
void clear_all(u64 *table, int n)
{
	u64 old;
	int i;

	for (i = 0; i < n; i++) {
		old = READ_ONCE(table[i]);
		if (cmpxchg64(&table[i], old, 0) != old)
			continue;
	}
}
