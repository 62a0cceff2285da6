// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a made-up machine.
 *
 * Nothing here is taken from anywhere.
 */
#include <linux/kernel.h>

#include "pages.h"

#define PAGE_LIMIT	512
#define for_each_slot(m, s)				\
	for (s = first_slot(m);				\
	     s;						\
	     s = next_slot(m, s))

struct slot_range {
	u64 start;
	u64 end;
	union {
		struct slot *slot;
		void *raw;
	};
	unsigned int flags : 4;
};

enum slot_state {
	SLOT_FREE,
	SLOT_BUSY = 4,
	SLOT_DEAD,
	SLOT_GONE,
};

static const char * const names[] = {
	[SLOT_FREE] = "free",
	[SLOT_BUSY] = "busy",
	[SLOT_DEAD] = "dead",
	[SLOT_GONE] = "gone",
};

static DEFINE_MUTEX(slots_lock);

static int slot_grow(struct machine *m, struct slot *slot, u64 start,
		     u64 end, bool shared);

static bool slot_is_free(struct slot *slot)
{
	return slot->state == SLOT_FREE;
}

static int slot_lookup(struct machine *m, u64 gfn, struct slot **found)
{
	struct slot *slot;
	int ret = -ENOENT;

	mutex_lock(&slots_lock);
	for_each_slot(m, slot) {
		if (gfn < slot->base)
			continue;
		if (gfn >= slot->base + slot->npages) {
			trace_miss(slot, gfn);
			continue;
		}

		/* The first one that fits is the one. */
		*found = slot;
		ret = 0;
		break;
	}
	mutex_unlock(&slots_lock);

	return ret;
}

static int slot_grow(struct machine *m, struct slot *slot, u64 start,
		     u64 end, bool shared)
{
	struct slot_range range = {
		.start = start,
		.end = end,
		.slot = slot,
	};
	int ret;

	if (WARN_ON_ONCE(!slot || start >= end))
		return -EINVAL;

	if (shared) {
		read_lock(&m->lock);
		ret = try_grow(m, &range,
			       slot_flags(slot) |
			       GROW_SHARED);
		read_unlock(&m->lock);
	} else if (m->frozen) {
		ret = -EBUSY;
	} else {
		write_lock(&m->lock);
		ret = do_grow(m, &range);
		if (ret)
			undo_grow(m, &range);
		write_unlock(&m->lock);
	}

	if (ret == -EAGAIN)
		ret = slot_is_free(slot) ?
		      grow_slowly(m, slot) :
		      -EBUSY;
	else
		note_growth(m, slot, ret);

	return ret;
}

/*
 * Copies between slots. The callers hold the lock.
 *
 * Both slots are of one machine.
 */
void slot_copy(struct machine *m, struct slot *to,
	       struct slot *from)
{
	u64 gfn, last = from->base + from->npages;
	void *src, *dst;

	for (gfn = from->base; gfn < last; gfn++) {
		src = map_page(m, gfn);
		if (!src)
			goto out;

		dst = map_page(m, to->base +
			       (gfn - from->base));
		if (!dst) {
			unmap_page(m, src);
			goto out;
		}

		memcpy(dst, src, PAGE_SIZE);
		unmap_page(m, dst);
		unmap_page(m, src);
		cond_resched();
	}
	return;

out:
	pr_warn("copy stopped at %llx of %llx\n",
		gfn, last);
	m->failed = true;
}
EXPORT_SYMBOL_GPL(slot_copy);

static int slot_handle(struct machine *m, struct request *req)
{
	struct slot *slot = req->slot;
	int ret = 0;

	switch (req->kind) {
	case REQ_GROW:
		ret = slot_grow(m, slot, req->start, req->end,
				req->flags & REQ_SHARED);
		break;
	case REQ_DROP: {
		u64 dropped = drop_pages(m, slot);

		if (!dropped)
			break;
		account(m, dropped);
		fallthrough;
	}
	case REQ_FLUSH:
		flush(m);
		break;
	case REQ_COPY:
		if (!req->to) {
			ret = -EINVAL;
			break;
		}
		slot_copy(m, req->to, slot);
		break;
	default:
		unknown_request(m, req);
		return -EOPNOTSUPP;
	}

	req->done = true;
	return ret;
}

static void slot_retry(struct machine *m, struct slot *slot)
{
	int tries = 0;

again:
	do {
		if (slot_is_free(slot))
			return;

		tries++;
		relax(m);
	} while (tries < PAGE_LIMIT);

	if (kick(m)) {
		tries = 0;
		goto again;
	}

#ifdef CONFIG_SLOT_STATS
	m->stats.retries += tries;
	report(m, tries);
#else
	forget(m);
#endif
}

static bool slot_allowed(struct machine *m, struct slot *slot, u64 flags)
{
	if (flags & ~m->allowed_flags)
		return false;

	return slot->state != SLOT_DEAD && (slot_is_free(slot) ||
	       owner_of(slot) == current_owner(m));
}

static struct machine_ops ops = {
	.lookup = slot_lookup,
	.grow = slot_grow,
	.copy = slot_copy,
	.handle = slot_handle,
};

int __init slots_init(struct machine *m)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ret = register_name(names[i]);
		if (ret)
			goto err;
	}

	m->ops = &ops;
	return 0;

err:
	while (--i >= 0)
		unregister_name(names[i]);
	return ret;
}

void slots_exit(struct machine *m)
{
	struct slot *slot, *next;

	list_for_each_entry_safe(slot, next, &m->slots, node) {
		list_del(&slot->node);
		kfree(slot);
	}
	WRITE_ONCE(m->ops, NULL);
}
