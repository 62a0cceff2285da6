static int helper(int x)
{
	return x;
}

int from_a(int x)
{
	return helper(x);
}
