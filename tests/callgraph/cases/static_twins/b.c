static int helper(int x)
{
	return x + 1;
}

int from_b(int x)
{
	return helper(x);
}
