// litmus: an object of the module lives longer than any TD
// path: arch/x86/kvm/vmx/tdx.c
static struct td_stats *stats;

int td_module_init(void)
{
	stats = kzalloc(sizeof(*stats), GFP_KERNEL);
	return stats ? 0 : -ENOMEM;
}
