static int map_range(struct vm *vm, u64 start, u64 end)
{
	struct page *page;
	int ret = -ENOMEM;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return ret;

	mutex_lock(&vm->lock);
	if (end <= start) {
		ret = -EINVAL;
		goto out;
	}

retry:
	ret = map_one(vm, page, start);
	if (ret == -EAGAIN)
		goto retry;
	if (ret)
		goto out_free;
	page = NULL;
out_free:
	put(page);
out:
	mutex_unlock(&vm->lock);
	return ret;
}
