int map(int x)
{
	return x;
}
