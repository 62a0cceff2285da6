int tdx_set_spte(int x)
{
	return x;
}
