// path: arch/x86/kvm/vmx/tdx.c
// The work frees what the module gave back; a page that the module never had may go the same way.
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
	if (!tdx_reclaim_page(tdx->vp.tdvpr_page)) {
		late->page = tdx->vp.tdvpr_page;
		INIT_WORK(&late->work, td_free_late);
		schedule_work(&late->work);
	}
	tdx->vp.tdvpr_page = NULL;
}

void td_drop_source(struct kvm_tdx *kvm_tdx, struct td_late_page *late)
{
	late->page = kvm_tdx->source;
	schedule_work(&late->work);
}
