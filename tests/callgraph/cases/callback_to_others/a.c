static int compare(const void *a, const void *b)
{
	return 0;
}

void order(int *list, int n)
{
	sort(list, n, sizeof(*list), compare, 0);
	BUILD_TABLE(list, compare);
}
