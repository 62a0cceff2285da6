int even(int x)
{
	return x ? odd(x - 1) : 1;
}

int odd(int x)
{
	return x ? even(x - 1) : 0;
}

int factorial(int x)
{
	return x ? x * factorial(x - 1) : 1;
}
