// litmus: the TDP MMU converts the level of an iterator before it hands it on
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct change_note {
	gfn_t gfn;
	u8 sept_level;
};

void note_iter(struct change_note *note, struct tdp_iter *iter)
{
	note->gfn = iter->gfn;
	note->sept_level = pg_level_to_tdx_sept_level(iter->level);	// expect: tdx-level-units-mixed
}

void note_iters(struct change_note *notes, struct tdp_iter *iters, int nr)
{
	while (nr--)
		note_iter(&notes[nr], &iters[nr]);
}
