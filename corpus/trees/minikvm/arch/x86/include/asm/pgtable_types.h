/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINIKVM_PGTABLE_TYPES_H
#define MINIKVM_PGTABLE_TYPES_H

/* The kernel's own level numbers: a 4K mapping is 1, never 0. */
enum pg_level {
	PG_LEVEL_NONE,
	PG_LEVEL_4K,
	PG_LEVEL_2M,
	PG_LEVEL_1G,
	PG_LEVEL_512G,
	PG_LEVEL_256T,
	PG_LEVEL_NUM
};

#define PTE_SHIFT	9

static inline unsigned long page_level_size(enum pg_level level)
{
	return 1UL << (12 + (level - PG_LEVEL_4K) * PTE_SHIFT);
}

#endif /* MINIKVM_PGTABLE_TYPES_H */
