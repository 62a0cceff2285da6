int __weak arch_flush(int x)
{
	return 0;
}

int flush(int x)
{
	return arch_flush(x);
}
