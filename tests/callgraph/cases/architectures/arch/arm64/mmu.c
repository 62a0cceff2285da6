int map(int x)
{
	return x + 1;
}
