int leaf(int x)
{
	return x;
}

void note(int x)
{
}

int root(int x)
{
	return outer(x);
}
