int from_c(int x)
{
	return helper(x);
}
