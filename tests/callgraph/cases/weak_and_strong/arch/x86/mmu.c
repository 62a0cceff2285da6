int arch_flush(int x)
{
	return x;
}
