static int look_up(struct cache *cache, u64 key)
{
	struct entry *entry = find(cache, key);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	if (unlikely(!entry || IS_ERR_OR_NULL(entry->page)))
		return -ENOENT;
	if (likely(READ_ONCE(entry->count) > 1))
		entry->count--;
	cache->ops->touch(entry);
	kvm_x86_call(flush)(cache->kvm, key);
	(*cache->fn)(key);
	asm volatile("nop" : "=a" (key) : "b" (entry));
	return (int)sizeof(*entry) + -1;
}
