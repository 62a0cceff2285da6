// path: arch/x86/kvm/vmx/tdx.c
// The page of the vCPU is freed by a work, and nobody took it back from the module.
struct td_late_page {
	struct work_struct work;
	struct page *page;
};

static void td_free_late(struct work_struct *work)
{
	struct td_late_page *late = container_of(work, struct td_late_page, work);

	__free_page(late->page);
	kfree(late);
}

void td_vcpu_free(struct vcpu_tdx *tdx, struct td_late_page *late)
{
	late->page = tdx->vp.tdvpr_page;	// expect: tdx-module-page-freed
	tdx->vp.tdvpr_page = NULL;
	INIT_WORK(&late->work, td_free_late);
	schedule_work(&late->work);
}
