/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STUB_LIST_H
#define STUB_LIST_H

#include <stub/compiler.h>

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

void list_add(struct list_head *item, struct list_head *head);
void list_del(struct list_head *item);
#define list_add_rcu	list_add
#define list_del_rcu	list_del

#define list_entry(ptr, type, member)	container_of(ptr, type, member)

#define list_for_each_entry(pos, head, member)				\
	for (pos = list_entry((head)->next, typeof(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.next, typeof(*pos), member))

/* The entry after @at, which may be the head itself; NULL at the end. */
#define list_next_or_null_rcu(head, at, type, member) ({			\
	struct list_head *_n = READ_ONCE((at)->next);				\
	_n == (head) ? (type *)NULL : list_entry(_n, type, member);		\
})

struct xarray {
	void *root;
};

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long last);
#define xa_for_each_range(xa, index, entry, first, last)		\
	for (index = first, entry = xa_find(xa, &index, last);		\
	     entry; index++, entry = xa_find(xa, &index, last))

#endif /* STUB_LIST_H */
