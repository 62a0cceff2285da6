int use(int x)
{
	return level(x) + init_device(x);
}
