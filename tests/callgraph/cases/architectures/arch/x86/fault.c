int fault(int x)
{
	return map(x);
}
