"""Edits at the code that the guest_memfd rules look at, and that keep its meaning or are correct by other means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit, before, swap
from tests.kernel.places import GMEM, MMU, SEV, TDX, WRAPPERS
from tests.mutants.gmem_fault import CHECK, LOCK, SNAPSHOT, everywhere
from tests.mutants.gmem_layer import LAYER
from tests.mutants.gmem_retried import wrappers
from tests.mutants.gmem_zap import HUGE, SPLIT, ZAP, zaps
from tests.mutants.sources import Same, Sources

PRE = "kvm_arch_pre_set_memory_attributes"


def fault_names(sources: Sources) -> Iterator[Same]:
    """Other names, other shapes of the same protocol."""
    for site in everywhere(sources, SNAPSHOT):
        if "mmu_seq" in site.text and "->mmu_seq" not in site.text:
            text = re.sub(r"(?<!\w)mmu_seq", "snapshot", site.text)
            yield Same("rename the snapshot", (Edit(site.path, site.text, text),))
        once = site.matched.replace("= vcpu->kvm->mmu", "= READ_ONCE(vcpu->kvm->mmu").replace(
            "= kvm->mmu", "= READ_ONCE(kvm->mmu"
        )
        yield Same("read once", (site.replaced(once.replace("seq;", "seq);", 1)),))
        acquire = (
            once.replace("READ_ONCE(", "smp_load_acquire(&").replace("seq;", "seq);", 1).replace("\tsmp_rmb();\n", "")
        )
        yield Same("load acquire for load and barrier", (site.replaced(acquire),))
        helper = """
        static unsigned long gmem_seq(struct kvm *kvm)
        {
                unsigned long seq = kvm->mmu_invalidate_seq;

                smp_rmb();
                return seq;
        }
        """
        place = site.matched.split("=")[0]
        kvm = "vcpu->kvm" if "vcpu->kvm" in site.matched else "kvm"
        edits = (site.replaced(f"{place}= gmem_seq({kvm});\n"), before(site.path, site.function, helper))
        yield Same("snapshot in a helper", edits)


def fault_checks(sources: Sources) -> Iterator[Same]:
    """The check in a helper, in a variable, against zero; the lock by a guard or a helper."""
    for site in everywhere(sources, CHECK):
        call = f"{site.groups[0]}({site.groups[1]})"
        yield Same("compared with zero", (site.replaced(f"\tif ({call} != 0)"),))
        yield Same("in a variable", (site.replaced(f"\tbool stale = {call};\n\n\tif (stale)"),))
        if site.groups[0] == "mmu_invalidate_retry_gfn":
            helper = """
            static bool gmem_recheck(struct kvm *kvm, unsigned long mmu_seq, gfn_t gfn)
            {
                    if (mmu_invalidate_retry_gfn_unsafe(kvm, mmu_seq, gfn))
                            return true;
                    return mmu_invalidate_retry_gfn(kvm, mmu_seq, gfn);
            }
            """
            use = site.replaced(f"\tif (gmem_recheck({site.groups[1]}))")
            yield Same("in a helper with a pre-check", (use, before(site.path, site.function, helper)))
    for site in everywhere(sources, LOCK):
        mode, lock = site.groups
        unlock = f"{mode}_unlock({lock});"
        if site.text.count(unlock) != 1 or "kvm" not in lock:
            continue
        vm = lock[1:].removesuffix("->mmu_lock")
        helper = f"""
        static void gmem_enter(struct kvm *kvm)
        {{
                {mode}_lock(&kvm->mmu_lock);
        }}

        static void gmem_leave(struct kvm *kvm)
        {{
                {mode}_unlock(&kvm->mmu_lock);
        }}
        """
        text = site.replaced(f"\tgmem_enter({vm});\n").new.replace(unlock, f"gmem_leave({vm});")
        yield Same("lock in helpers", (Edit(site.path, site.text, text), before(site.path, site.function, helper)))


def fault_order(sources: Sources) -> Iterator[Same]:
    """Inverted conditions, and a fault that installs nothing."""
    stale = "\tif (is_page_fault_stale(vcpu, fault))\n\t\tgoto out_unlock;\n\n"
    yield Same(
        "inverted",
        (
            swap(
                MMU,
                "kvm_tdp_mmu_page_fault",
                f"{stale}\tr = kvm_tdp_mmu_map(vcpu, fault);\n",
                "\tif (!is_page_fault_stale(vcpu, fault))\n\t\tr = kvm_tdp_mmu_map(vcpu, fault);\n",
            ),
        ),
    )
    helper = """
    static int tdp_map_checked(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
    {
            if (is_page_fault_stale(vcpu, fault))
                    return RET_PF_RETRY;
            return kvm_tdp_mmu_map(vcpu, fault);
    }
    """
    old = "\tif (is_page_fault_stale(vcpu, fault))\n\t\tgoto out_unlock;\n\n\tr = kvm_tdp_mmu_map(vcpu, fault);\n"
    new = "\tr = tdp_map_checked(vcpu, fault);\n"
    name = "kvm_tdp_mmu_page_fault"
    yield Same("check and map in a helper", (swap(MMU, name, old, new), before(MMU, name, helper)))


def fault_probe(sources: Sources) -> Iterator[Same]:
    """A PFN that is looked at and given back."""
    probe = """
    static void gmem_probe(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
    {
            struct page *page;
            kvm_pfn_t pfn;
            int order;

            if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &page, &order))
                    return;
            pr_debug("pfn %llx\\n", pfn);
            kvm_release_page_unused(page);
    }
    """
    use = "\tkvm_zap_gfn_range(kvm, gfn, gfn + PTRS_PER_PMD);\n"
    name = "sev_handle_rmp_fault"
    yield Same(
        "looked at only", (swap(SEV, name, use, use + "\tgmem_probe(kvm, slot, gfn);\n"), before(SEV, name, probe))
    )


def layers(sources: Sources) -> Iterator[Same]:
    """Work of an architecture through hooks."""
    body = "\tkvm_gmem_invalidate_start(inode, start, end);\n"
    for call in ("kvm_arch_gmem_prepare_hole(inode, start, end)", "kvm_flush_remote_tlbs(NULL)", "cond_resched()"):
        yield Same("hook", (swap(GMEM, "kvm_gmem_punch_hole", body, f"\t{call};\n{body}"),))
    weak = "int __weak kvm_arch_gmem_ready(struct kvm *kvm)\n{\n\treturn 0;\n}\n"
    yield Same("weak hook", (before(GMEM, "__kvm_gmem_create", weak),))
    for old, new in (
        (
            "KVM_MMU_LOCK(kvm);\n\t\t\tkvm_mmu_invalidate_start(kvm);",
            "KVM_MMU_LOCK(kvm);\n\t\t\tcond_resched();\n\t\t\tkvm_mmu_invalidate_start(kvm);",
        ),
        ("KVM_MMU_LOCK(kvm);", "write_lock(&kvm->mmu_lock);"),
    ):
        yield Same("lock", (swap(GMEM, "__kvm_gmem_invalidate_start", old, new),), (LAYER,))
    split = "static void kvm_gmem_split_folio(struct folio *folio)\n{\n\tsplit_folio(folio);\n}\n"
    use = swap(GMEM, "kvm_gmem_error_folio", "\tend = start", "\tkvm_gmem_split_folio(folio);\n\tend = start")
    yield Same("a folio is split", (use, before(GMEM, "kvm_gmem_error_folio", split)))


def retried(sources: Sources) -> Iterator[Same]:
    """What is changed is put back where the SEAMCALL fails, or nothing lasting is changed."""
    for site in wrappers(sources):
        returns = "return" in site.matched
        word = "r" if returns else "ret"
        run = site.matched.replace("return ", "u64 r = ")
        tail = "\n\treturn r;" if returns else ""
        pairs = (
            ("static atomic_t tdx_refs;\n", "atomic_inc(&tdx_refs);", "atomic_dec(&tdx_refs);"),
            ("static u64 tdx_ops;\n", "tdx_ops++;", "tdx_ops--;"),
            (
                "static LIST_HEAD(tdx_pages);\n",
                "struct list_head *p = tdx_pages.next;\n\n\tlist_del(p);",
                "list_add(p, &tdx_pages);",
            ),
        )
        for declared, do, undo in pairs:
            text = f"\n\t{do}{run}\n\tif ({word})\n\t\t{undo}{tail}"
            yield Same("undone", (Edit(WRAPPERS, site.text, declared + site.replaced(text).new),))
            late = "cpu_relax();" if "p =" in do else do
            text = f"\n\t{run.lstrip()}\n\tif (!{word})\n\t\t{late}{tail}"
            yield Same("done on success", (Edit(WRAPPERS, site.text, declared + site.replaced(text).new),))
        local = f"\n\tu64 tries = 0;\n\n\ttries++;{site.matched}"
        yield Same("a local counter", (site.replaced(local),))
        page = f"\n\tvoid *p = (void *)__get_free_page(GFP_ATOMIC);{run}\n\tfree_page((unsigned long)p);{tail}"
        yield Same("scratch memory", (site.replaced(page),))
    once = swap(
        TDX, "tdx_sept_remove_leaf_spte", "\ttdx_quirk_reset_paddr", "\tkvm_tdx->nr_removed++;\n\ttdx_quirk_reset_paddr"
    )
    yield Same("counted behind the retry", (once,))


def _sound(use: str, hook: str, sources: Sources, attributes: str) -> tuple[Edit, ...]:
    """Huge private mappings, split on every way to a zap."""
    edits = [HUGE, before(MMU, "direct_page_fault", hook)]
    for site in zaps(sources):
        inode = site.groups[0]
        fail = "return -ENOMEM;" if site.function.endswith("hole") else "return MF_FAILED;"
        unlock = re.search(r"filemap_invalidate_unlock\w*\([^;]*;", site.text)
        first = use.replace("{i}", inode).replace("{fail}", f"{unlock.group() if unlock else ''}\n\t\t{fail}")
        edits.append(site.replaced(first + site.matched))
    edits.append(swap(MMU, PRE, "\treturn kvm_unmap_gfn_range(kvm, range);", attributes))
    return tuple(edits)


HOOK = f"""
int kvm_arch_gmem_prepare_zap(struct inode *inode, pgoff_t start, pgoff_t end)
{{
        struct kvm_gfn_range range = {{ .start = start, .end = end, .attr_filter = KVM_FILTER_PRIVATE }};

        return {SPLIT}(NULL, &range, false);
}}
"""
LOOPED = f"""
int kvm_arch_gmem_prepare_zap(struct inode *inode, pgoff_t start, pgoff_t end)
{{
        struct kvm_gfn_range range = {{ .start = start, .end = end, .attr_filter = KVM_FILTER_PRIVATE }};
        int r = 0, i;

        for (i = 0; i < 2; i++) {{
                r = {SPLIT}(NULL, &range, false);
                if (r)
                        break;
        }}
        return r;
}}
"""
USES = (
    "\tif (kvm_arch_gmem_prepare_zap({i}, start, end)) {\n\t\t{fail}\n\t}\n",
    "\tint err = kvm_arch_gmem_prepare_zap({i}, start, end);\n\n\tif (err < 0) {\n\t\t{fail}\n\t}\n",
    "\tif (WARN_ON_ONCE(kvm_arch_gmem_prepare_zap({i}, start, end))) {\n\t\t{fail}\n\t}\n",
    "\tif (!IS_ALIGNED(start, PTRS_PER_PMD) || !IS_ALIGNED(end, PTRS_PER_PMD)) {\n\t\t{fail}\n\t}\n",
)
ATTRIBUTES = (
    f"\tif (range->attr_filter == KVM_FILTER_PRIVATE && {SPLIT}(kvm, range, false))\n\t\treturn false;\n"
    "\treturn kvm_unmap_gfn_range(kvm, range);",
    f"\tif (!{SPLIT}(kvm, range, false))\n\t\treturn kvm_unmap_gfn_range(kvm, range);\n\treturn false;",
    f"\tint ret = {SPLIT}(kvm, range, false);\n\n\tif (ret)\n\t\treturn false;\n"
    "\treturn kvm_unmap_gfn_range(kvm, range);",
)


def split(sources: Sources) -> Iterator[Same]:
    """Huge private mappings that are split first, or ranges that are aligned."""
    for number, use in enumerate(USES):
        for hook in (HOOK, LOOPED):
            edits = _sound(use, hook, sources, ATTRIBUTES[number % len(ATTRIBUTES)])
            yield Same(f"split {number}", edits, (ZAP,))  # nothing keeps the tables of what is split


EDITS: tuple[Callable[[Sources], Iterator[Same]], ...] = (
    fault_names,
    fault_checks,
    fault_order,
    fault_probe,
    layers,
    retried,
    split,
)
