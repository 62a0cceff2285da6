// litmus: a buffer of an object that the TD keeps is not charged
// path: arch/x86/kvm/vmx/tdx.c
static int td_add_log(struct kvm *kvm, size_t size)
{
	struct td_log *log;

	log = kzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);
	if (!log)
		return -ENOMEM;
	log->buffer = kvzalloc(size, GFP_KERNEL);	// expect: tdx-allocation-not-accounted
	if (!log->buffer) {
		kfree(log);
		return -ENOMEM;
	}
	to_kvm_tdx(kvm)->log = log;
	return 0;
}
