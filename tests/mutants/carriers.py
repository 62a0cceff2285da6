"""Functions on Dynamic PAMT that the tree does not have, whole and with one half of a pair broken."""

from __future__ import annotations

MAP = """
static int tdx_pamt_map_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
{
	int ret;

	if (level == PG_LEVEL_4K) {
		ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->pamt_cache);
		if (ret)
			return ret;
	}

	if (to_kvm_tdx(kvm)->state == TD_STATE_RUNNABLE)
		ret = tdx_mem_page_aug(kvm, gfn, level, pfn);
	else
		ret = tdx_mem_page_add(kvm, gfn, level, pfn);

	if (ret && level == PG_LEVEL_4K)
		tdx_pamt_put(pfn);

	return ret;
}

"""
TABLE = """
static int tdx_pamt_take(struct kvm *kvm, struct page *page)
{
	return tdx_pamt_get(page, &to_kvm_tdx(kvm)->pamt_cache);
}

static void tdx_pamt_drop(struct page *page)
{
	tdx_pamt_put(page);
}

static int tdx_pamt_map_table(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 new_spte)
{
	u64 err, entry, level_state;
	struct page *sept_pt;
	int ret;

	sept_pt = tdx_spte_to_sept_pt(kvm, gfn, new_spte, level);
	if (!sept_pt)
		return -EIO;

	ret = tdx_pamt_take(kvm, sept_pt);
	if (ret)
		return ret;

	err = tdh_mem_sept_add(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), level, sept_pt, &entry, &level_state);
	if (unlikely(tdx_operand_busy(err))) {
		ret = -EBUSY;
		goto put;
	}
	if (TDX_BUG_ON_2(err, TDH_MEM_SEPT_ADD, entry, level_state, kvm)) {
		ret = -EIO;
		goto put;
	}

	return 0;
put:
	tdx_pamt_drop(sept_pt);
	return ret;
}

"""
VCPU = """
static int tdx_pamt_add_vcpu_page(struct kvm_vcpu *vcpu)
{
	struct vcpu_tdx *tdx = to_tdx(vcpu);
	struct page *page;
	u64 err;

	page = tdx_alloc_control_page(&tdx->pamt_cache);
	if (!page)
		return -ENOMEM;

	err = tdh_vp_addcx(&tdx->vp, page);
	if (TDX_BUG_ON(err, TDH_VP_ADDCX, vcpu->kvm)) {
		tdx_free_control_page(page);
		return -EIO;
	}
	return 0;
}

"""
COUNT = """
static DEFINE_SPINLOCK(tdx_pamt_lock);

static int tdx_pamt_frame_get(struct page *page, u64 *pages)
{
	atomic_t *pamt_refcount = tdx_find_pamt_refcount(page_to_pfn(page));

	spin_lock(&tdx_pamt_lock);
	if (!atomic_read(pamt_refcount) && tdh_phymem_pamt_add(page, pages)) {
		spin_unlock(&tdx_pamt_lock);
		return -EIO;
	}
	atomic_inc(pamt_refcount);
	spin_unlock(&tdx_pamt_lock);
	return 0;
}

"""
REMOVE = """
static int tdx_pamt_remove_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, u64 old_spte)
{
	struct kvm_tdx *kvm_tdx = to_kvm_tdx(kvm);
	kvm_pfn_t pfn = spte_to_pfn(old_spte);
	u64 err, entry, level_state;

	err = tdh_do_no_vcpus(tdh_mem_page_remove, kvm, &kvm_tdx->td, gfn_to_gpa(gfn),
			level, &entry, &level_state);
	if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_REMOVE, entry, level_state, kvm))
		return -EIO;

	if (level == PG_LEVEL_4K)
		tdx_pamt_put(pfn);
	return 0;
}

"""
CLEAN = (MAP, TABLE, VCPU, COUNT, REMOVE)
_GUARD = "if (ret && level == PG_LEVEL_4K)\n\t\ttdx_pamt_put(pfn);"
_GET = (
    "if (level == PG_LEVEL_4K) {\n\t\tret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->pamt_cache);\n"
    "\t\tif (ret)\n\t\t\treturn ret;\n\t}"
)
_PLAIN_GET = "ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->pamt_cache);\n\tif (ret)\n\t\treturn ret;"
_BUG = "level_state, kvm)) {\n\t\tret = -EIO;\n\t\tgoto put;"
_FREE = "\t\ttdx_free_control_page(page);\n"
_REMOVED = "level_state, kvm))\n\t\treturn -EIO;"
_EDITS = (
    ("no put on failure", "tdx_pamt_map_leaf", MAP, _GUARD, ""),
    (
        "put when busy only",
        "tdx_pamt_map_leaf",
        MAP,
        "if (ret && level == PG_LEVEL_4K)",
        "if (ret == -EBUSY && level == PG_LEVEL_4K)",
    ),
    ("put on success", "tdx_pamt_map_leaf", MAP, "if (ret && level", "if (!ret && level"),
    ("put of any level", "tdx_pamt_map_leaf", MAP, "if (ret && level == PG_LEVEL_4K)", "if (ret)"),
    ("put of 2M", "tdx_pamt_map_leaf", MAP, "if (ret && level == PG_LEVEL_4K)", "if (ret && level == PG_LEVEL_2M)"),
    ("get of any level", "tdx_pamt_map_leaf", MAP, _GET, _PLAIN_GET),
    (
        "other guard at the put",
        "tdx_pamt_map_leaf",
        MAP,
        "if (ret && level == PG_LEVEL_4K)",
        "if (ret && kvm->arch.pre_fault_allowed)",
    ),
    (
        "return before the put",
        "tdx_pamt_map_leaf",
        MAP,
        "\tif (ret && level",
        "\tif (ret == -EIO)\n\t\treturn ret;\n\tif (ret && level",
    ),
    (
        "result returned at once",
        "tdx_pamt_map_leaf",
        MAP,
        "\t\tret = tdx_mem_page_aug(",
        "\t\treturn tdx_mem_page_aug(",
    ),
    ("get's failure ignored", "tdx_pamt_map_leaf", MAP, "\t\tif (ret)\n\t\t\treturn ret;\n", ""),
    ("busy path forgets", "tdx_pamt_map_table", TABLE, "\t\tret = -EBUSY;\n\t\tgoto put;", "\t\treturn -EBUSY;"),
    ("bug path forgets", "tdx_pamt_map_table", TABLE, _BUG, "level_state, kvm)) {\n\t\treturn -EIO;"),
    ("label puts nothing", "tdx_pamt_map_table", TABLE, "\ttdx_pamt_drop(sept_pt);\n", ""),
    (
        "put before the get",
        "tdx_pamt_map_table",
        TABLE,
        "\tif (!sept_pt)\n\t\treturn -EIO;",
        "\tret = -EIO;\n\tif (kvm->vm_bugged)\n\t\tgoto put;",
    ),
    ("failing get put", "tdx_pamt_map_table", TABLE, "\tif (ret)\n\t\treturn ret;", "\tif (ret)\n\t\tgoto put;"),
    ("page leaked", "tdx_pamt_add_vcpu_page", VCPU, _FREE, ""),
    ("plain free", "tdx_pamt_add_vcpu_page", VCPU, "tdx_free_control_page(page)", "__free_page(page)"),
    (
        "plain page put",
        "tdx_pamt_add_vcpu_page",
        VCPU,
        "tdx_alloc_control_page(&tdx->pamt_cache)",
        "alloc_page(GFP_KERNEL_ACCOUNT)",
    ),
    (
        "count behind the lock",
        "tdx_pamt_frame_get",
        COUNT,
        "\tatomic_inc(pamt_refcount);\n\tspin_unlock(&tdx_pamt_lock);",
        "\tspin_unlock(&tdx_pamt_lock);\n\tatomic_inc(pamt_refcount);",
    ),
    ("count without the lock", "tdx_pamt_frame_get", COUNT, "\tspin_lock(&tdx_pamt_lock);\n\tif", "\tif"),
    (
        "count before the lock",
        "tdx_pamt_frame_get",
        COUNT,
        "\tspin_lock(&tdx_pamt_lock);\n\tif",
        "\tatomic_set(pamt_refcount, 0);\n\tspin_lock(&tdx_pamt_lock);\n\tif",
    ),
    (
        "put after a failed REMOVE",
        "tdx_pamt_remove_leaf",
        REMOVE,
        _REMOVED,
        "level_state, kvm)) {\n\t\tif (level == PG_LEVEL_4K)\n\t\t\ttdx_pamt_put(pfn);\n\t\treturn -EIO;\n\t}",
    ),
    (
        "removal puts any level",
        "tdx_pamt_remove_leaf",
        REMOVE,
        "\tif (level == PG_LEVEL_4K)\n\t\ttdx_pamt_put(pfn);",
        "\ttdx_pamt_put(pfn);",
    ),
    ("failure not left", "tdx_pamt_remove_leaf", REMOVE, _REMOVED, 'level_state, kvm))\n\t\tpr_err("remove\\n");'),
)


def _broken(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new)


PAMT_CARRIERS = tuple((op, function, _broken(text, old, new)) for op, function, text, old, new in _EDITS)
