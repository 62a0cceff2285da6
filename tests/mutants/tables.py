"""Rows of edits of the real files: what frees pages of a TD, and the same code in other words."""

from __future__ import annotations

from tests.kernel.places import TDX

TDP, MMU = "arch/x86/kvm/mmu/tdp_mmu.c", "arch/x86/kvm/mmu/mmu.c"
GMEM, HOST = "virt/kvm/guest_memfd.c", "virt/kvm/kvm_main.c"

# (kind of edit, function, old, new)
FREED = (
    (
        "failure ignored",
        "tdx_reclaim_control_page",
        "if (tdx_reclaim_page(ctrl_page))\n\t\treturn;",
        "tdx_reclaim_page(ctrl_page);",
    ),
    ("failure only logged", "tdx_reclaim_control_page", "\t\treturn;", '\t\tpr_err("reclaim failed\\n");'),
    ("no reclaim", "tdx_reclaim_control_page", "if (tdx_reclaim_page(ctrl_page))\n\t\treturn;", ""),
    ("test inverted", "tdx_reclaim_control_page", "if (tdx_reclaim_page", "if (!tdx_reclaim_page"),
    ("error swallowed", "__tdx_reclaim_page", "\t\treturn -EIO;", "\t\treturn 0;"),
    ("error swallowed by caller", "tdx_reclaim_page", "return r;", "return 0;"),
    (
        "failure ignored",
        "tdx_reclaim_td_control_pages",
        "if (__tdx_reclaim_page(kvm_tdx->td.tdr_page))\n\t\treturn;",
        "__tdx_reclaim_page(kvm_tdx->td.tdr_page);",
    ),
    ("no reclaim", "tdx_reclaim_td_control_pages", "if (__tdx_reclaim_page(kvm_tdx->td.tdr_page))\n\t\treturn;", ""),
    (
        "freed, not reclaimed",
        "tdx_reclaim_td_control_pages",
        "tdx_reclaim_control_page(kvm_tdx->td.tdcs_pages[i]);",
        "__free_page(kvm_tdx->td.tdcs_pages[i]);",
    ),
    ("pointer stays", "tdx_reclaim_td_control_pages", "\tkvm_tdx->td.tdr_page = NULL;\n", ""),
    (
        "freed, not reclaimed",
        "tdx_vcpu_free",
        "tdx_reclaim_control_page(tdx->vp.tdvpr_page);",
        "__free_page(tdx->vp.tdvpr_page);",
    ),
    (
        "freed, not reclaimed",
        "tdx_vcpu_free",
        "tdx_reclaim_control_page(tdx->vp.tdcx_pages[i]);",
        "__free_page(tdx->vp.tdcx_pages[i]);",
    ),
    ("freed as put", "tdx_vcpu_free", "tdx_reclaim_control_page(tdx->vp.tdvpr_page);", "put_page(tdx->vp.tdvpr_page);"),
    ("pointer stays", "tdx_vcpu_free", "\t\ttdx->vp.tdvpr_page = NULL;\n", ""),
    (
        "failure ignored",
        "tdx_sept_free_private_spt",
        "kvm) ||\n\t    tdx_reclaim_page(virt_to_page(sp->external_spt)))\n\t\tgoto out;",
        "kvm))\n\t\tgoto out;\n\ttdx_reclaim_page(virt_to_page(sp->external_spt));",
    ),
    ("no reclaim", "tdx_sept_free_private_spt", " ||\n\t    tdx_reclaim_page(virt_to_page(sp->external_spt))", ""),
    (
        "HKID not asked",
        "tdx_sept_free_private_spt",
        "KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm) ||\n\t    ",
        "",
    ),
    ("HKID test inverted", "tdx_sept_free_private_spt", "KVM_BUG_ON(is_hkid_assigned", "KVM_BUG_ON(!is_hkid_assigned"),
    ("leaked pointer stays", "tdx_sept_free_private_spt", "goto out;", "return;"),
    ("pointer stays", "tdx_sept_free_private_spt", "\tsp->external_spt = NULL;\n", "\treturn;\n"),
    (
        "freed at the label",
        "tdx_sept_free_private_spt",
        "\tfree_page((unsigned long)sp->external_spt);\nout:",
        "out:\n\tfree_page((unsigned long)sp->external_spt);",
    ),
    (
        "reclaim behind the free",
        "tdx_sept_free_private_spt",
        "if (KVM_BUG_ON",
        "free_page((unsigned long)sp->external_spt);\n\tif (KVM_BUG_ON",
    ),
    (
        "all pages freed",
        "__tdx_td_init",
        "\tfor (; i < kvm_tdx->td.tdcs_nr_pages; i++) {",
        "\tfor (i = 0; i < kvm_tdx->td.tdcs_nr_pages; i++) {",
    ),
    ("freed backwards", "__tdx_td_init", "\tfor (; i < kvm_tdx->td.tdcs_nr_pages; i++) {", "\twhile (i-- > 0) {"),
    (
        "goto frees given pages",
        "__tdx_td_init",
        "ret = -EINVAL;\n\t\tgoto teardown;",
        "ret = -EINVAL;\n\t\tgoto free_tdr;",
    ),
    (
        "goto frees given pages",
        "__tdx_td_init",
        "TDH_MNG_INIT, rcx, kvm)) {\n\t\tret = -EIO;\n\t\tgoto teardown;",
        "TDH_MNG_INIT, rcx, kvm)) {\n\t\tret = -EIO;\n\t\ti = 0;\n\t\tgoto teardown;",
    ),
    (
        "all pages freed",
        "tdx_td_vcpu_init",
        "for (; i < kvm_tdx->td.tdcx_nr_pages; i++) {",
        "for (i = 0; i < kvm_tdx->td.tdcx_nr_pages; i++) {",
    ),
    (
        "goto frees given pages",
        "tdx_td_vcpu_init",
        "TDH_VP_INIT, vcpu->kvm))\n\t\t\treturn -EIO;",
        "TDH_VP_INIT, vcpu->kvm)) {\n\t\t\tret = -EIO;\n\t\t\tgoto free_tdvpr;\n\t\t}",
    ),
    (
        "goto frees given pages",
        "tdx_td_vcpu_init",
        "TDH_VP_INIT, vcpu->kvm))\n\t\t\treturn -EIO;",
        "TDH_VP_INIT, vcpu->kvm)) {\n\t\t\tret = -EIO;\n\t\t\tgoto free_tdcx;\n\t\t}",
    ),
    ("pointer stays", "tdx_td_vcpu_init", "\t\t\t\ttdx->vp.tdcx_pages[i] = NULL;\n", ""),
)
# (file, function, old, new, old, new ...)
REWRITTEN = (
    (
        TDP,
        "kvm_tdp_mmu_try_split_huge_pages",
        "if (r) {\n\t\t\tkvm_tdp_mmu_put_root(kvm, root);\n\t\t\tbreak;\n\t\t}",
        "if (!r)\n\t\t\tcontinue;\n\t\tkvm_tdp_mmu_put_root(kvm, root);\n\t\treturn;",
    ),
    (
        TDP,
        "kvm_tdp_mmu_try_split_huge_pages",
        "if (r) {\n\t\t\tkvm_tdp_mmu_put_root(kvm, root);\n\t\t\tbreak;\n\t\t}",
        "if (r)\n\t\t\tgoto put;\n\t}\n\treturn;\n\tput: {\n\t\tkvm_tdp_mmu_put_root(kvm, root);",
    ),
    (
        TDX,
        "tdx_reclaim_control_page",
        "if (tdx_reclaim_page(ctrl_page))\n\t\treturn;\n\n\t__free_page(ctrl_page);",
        "if (!tdx_reclaim_page(ctrl_page))\n\t\t__free_page(ctrl_page);",
    ),
    (
        TDX,
        "tdx_reclaim_control_page",
        "if (tdx_reclaim_page(ctrl_page))\n\t\treturn;",
        "int r = tdx_reclaim_page(ctrl_page);\n\n\tif (r)\n\t\tgoto out;",
        "\t__free_page(ctrl_page);\n",
        "\t__free_page(ctrl_page);\nout:\n\treturn;\n",
    ),
    (
        TDX,
        "tdx_reclaim_td_control_pages",
        "if (__tdx_reclaim_page(kvm_tdx->td.tdr_page))\n\t\treturn;",
        "struct page *tdr = kvm_tdx->td.tdr_page;\n\n\tif (__tdx_reclaim_page(tdr) != 0)\n\t\treturn;",
    ),
    (
        TDX,
        "tdx_sept_free_private_spt",
        "if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm) ||\n"
        "\t    tdx_reclaim_page(virt_to_page(sp->external_spt)))\n\t\tgoto out;",
        "if (KVM_BUG_ON(is_hkid_assigned(to_kvm_tdx(kvm)), kvm))\n\t\tgoto out;\n"
        "\tif (tdx_reclaim_page(virt_to_page(sp->external_spt)) < 0)\n\t\tgoto out;",
    ),
    (
        TDX,
        "__tdx_td_init",
        "tdr_page = alloc_page(GFP_KERNEL_ACCOUNT);",
        "tdr_page = alloc_page(GFP_KERNEL | __GFP_ACCOUNT);",
    ),
    (
        GMEM,
        "kvm_gmem_punch_hole",
        "\tpgoff_t start = offset >> PAGE_SHIFT;\n\tpgoff_t end = (offset + len) >> PAGE_SHIFT;",
        "\tpgoff_t end = (offset + len) >> PAGE_SHIFT;\n\tpgoff_t start = offset >> PAGE_SHIFT;\n\n"
        "\tif (start >= end)\n\t\treturn 0;",
    ),
    (
        MMU,
        "kvm_zap_gfn_range",
        "\twrite_lock(&kvm->mmu_lock);\n",
        "\tguard(write_lock)(&kvm->mmu_lock);\n",
        "\twrite_unlock(&kvm->mmu_lock);\n",
        "",
    ),
    (
        HOST,
        "kvm_vm_set_mem_attributes",
        "\tmutex_lock(&kvm->slots_lock);\n",
        "\tguard(mutex)(&kvm->slots_lock);\n",
        "\tmutex_unlock(&kvm->slots_lock);\n",
        "\t;\n",
    ),
)
