// litmus: the TDP MMU keeps the level of an iterator and counts pages with the KVM helper
// path: arch/x86/kvm/mmu/tdp_mmu.c
struct change_note {
	gfn_t gfn;
	gfn_t end;
	u8 level;
};

void note_iter(struct change_note *note, struct tdp_iter *iter)
{
	note->gfn = iter->gfn;
	note->level = iter->level;
	note->end = iter->gfn + KVM_PAGES_PER_HPAGE(iter->level);
}

void note_iters(struct change_note *notes, struct tdp_iter *iters, int nr)
{
	while (nr--)
		note_iter(&notes[nr], &iters[nr]);
}
