"""Mutants of what is opened and closed: root references, invalidations, pages of the module, PAMT entries, charges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.edits import Edit, before
from tests.kernel.places import TDX
from tests.mutants.carriers import PAMT_CARRIERS
from tests.mutants.pairing_same import extracted, renamed, rewritten, whole
from tests.mutants.sources import Mutant, Operator, Site, Sources
from tests.mutants.tables import FREED as FREED_PAGES
from tests.mutants.tables import GMEM, HOST, MMU, TDP

ROOTS, INVALIDATE = "kvm-root-reference-leaked", "kvm-invalidate-unbalanced"
FREED, CHARGED, PAMT = "tdx-module-page-freed", "tdx-allocation-not-accounted", "tdx-pamt-unbalanced"
_WALK = r"(\w*for_each\w*yield_safe\([^{;]*?\)) *(\{?)\n\t\t(?=\S)"


def mutant(rule: str, operator: str, site: Site, new: str, *more: Edit, due: str = "", why: str = "") -> Mutant:
    return Mutant(rule, operator, (site.replaced(new), *more), ((site.path, due or site.function),), why)


def _leaving(site: Site) -> str:
    """A return that fits the function."""
    return "return flush;" if " bool " in site.text.split("(")[0] + " " and "flush" in site.text else "return;"


# -- root references -----------------------------------------------------------------------------------------------


def walks(sources: Sources) -> Iterator[Site]:
    yield from sources.sites(TDP, _WALK)


def left_early(sources: Sources) -> Iterator[Mutant]:
    """Each walk, left by a break, a return, out of an inner loop, a switch, and a goto."""
    for site in walks(sources):
        out = _leaving(site)
        ways = {
            "break": "if (need_resched())\n\t\t\tbreak;\n\t\t",
            "return": f"if (signal_pending(current))\n\t\t\t{out}\n\t\t",
            "return in inner loop": f"for (int n = 0; n < 4; n++) {{\n\t\t\tif (READ_ONCE(kvm->vm_bugged))\n"
            f"\t\t\t\t{out}\n\t\t}}\n\t\t",
            "return in switch": f"switch (root->role.level) {{\n\t\tcase PG_LEVEL_1G:\n\t\t\t{out}\n"
            "\t\tdefault:\n\t\t\tbreak;\n\t\t}\n\t\t",
        }
        for name, text in ways.items():
            yield _in_walk(site, f"leave by {name}", text)


def _in_walk(site: Site, operator: str, text: str, why: str = "") -> Mutant:
    """Statements in front of the body of a walk, with the braces that it may lack."""
    head, brace = site.groups
    if brace:
        return mutant(ROOTS, operator, site, f"{head} {{\n\t\t{text}", why=why)
    end = site.text.index(";", site.end) + 1
    body = site.text[site.end : end]
    whole = site.text[: site.start] + f"{head} {{\n\t\t{text}{body}\n\t}}" + site.text[end:]
    return Mutant(ROOTS, operator, (Edit(site.path, site.text, whole),), ((site.path, site.function),), why)


def put_dropped(sources: Sources) -> Iterator[Mutant]:
    for site in sources.sites(TDP, r"\t\t\tkvm_tdp_mmu_put_root\(kvm, root\);\n\t\t\tbreak;"):
        yield mutant(ROOTS, "drop the put", site, "\t\t\tbreak;")
        yield mutant(ROOTS, "put under a condition", site, "\t\t\tif (shared)\n\t\t" + site.matched)


_FINDER = """
static struct kvm_mmu_page *tdp_mmu_first_root(struct kvm *kvm)
{
	struct kvm_mmu_page *root;

	for_each_tdp_mmu_root_yield_safe(kvm, root)
		break;

	return root;
}

static struct kvm_mmu_page *tdp_mmu_any_root(struct kvm *kvm)
{
	struct kvm_mmu_page *first = tdp_mmu_first_root(kvm);

	return first;
}

"""  # fmt: skip


def found_by_helper(sources: Sources) -> Iterator[Mutant]:
    """A reference that comes out of two helpers is forgotten."""
    for site in sources.sites(
        TDP, r"\tstruct kvm_mmu_page \*root;\n", "kvm_tdp_mmu_(?:zap_leafs|zap_all|clear_dirty\\w*|wrprot\\w*)"
    ):
        helper = before(TDP, site.function, _FINDER)
        for use in ('if (!other)\n\t\tpr_debug("no roots\\n");', "WARN_ON_ONCE(!other);"):
            text = (
                site.text[: site.end]
                + "\tstruct kvm_mmu_page *other = tdp_mmu_any_root(kvm);\n"
                + site.text[site.end :]
            )
            text = re.sub(r"\n\n", f"\n\n\t{use}\n\n".replace("\\", "\\\\"), text, count=1)
            yield Mutant(
                ROOTS, "helper's root forgotten", (Edit(TDP, site.text, text), helper), ((TDP, site.function),)
            )


# -- invalidations -------------------------------------------------------------------------------------------------

_SPANS = (
    (
        GMEM,
        "kvm_gmem_punch_hole",
        "kvm_gmem_invalidate_start(inode, start, end);",
        "kvm_gmem_invalidate_end(inode, start, end);",
        "return -EINTR;",
    ),
    (
        GMEM,
        "kvm_gmem_error_folio",
        "kvm_gmem_invalidate_start(mapping->host, start, end);",
        "kvm_gmem_invalidate_end(mapping->host, start, end);",
        "return -EINTR;",
    ),
    (
        GMEM,
        "kvm_gmem_release",
        "__kvm_gmem_invalidate_start(f, 0, -1ul,\n\t\t\t\t    kvm_gmem_get_invalidate_filter(inode));",
        "__kvm_gmem_invalidate_end(f, 0, -1ul);",
        "return -EINTR;",
    ),
    (MMU, "kvm_zap_gfn_range", "kvm_mmu_invalidate_start(kvm);", "kvm_mmu_invalidate_end(kvm);", "return;"),
    (
        HOST,
        "kvm_vm_set_mem_attributes",
        "kvm_handle_gfn_range(kvm, &pre_set_range);",
        "kvm_handle_gfn_range(kvm, &post_set_range);",
        "return -EINTR;",
    ),
)


def _changed(
    path: str, operator: str, old: str, new: str, *due: str, more: tuple[Edit, ...] = (), why: str = ""
) -> Mutant:
    assert old != new, operator
    return Mutant(INVALIDATE, operator, (Edit(path, old, new), *more), tuple((path, d) for d in due), why)


# The functions of a file in which an invalidation is begun and ended.
_ENDS = {
    GMEM: ("__kvm_gmem_invalidate_start", "__kvm_gmem_invalidate_end"),
    HOST: ("kvm_handle_gfn_range", "kvm_handle_gfn_range"),
}


def unbalanced(sources: Sources) -> Iterator[Mutant]:
    """Both ends of each invalidation dropped, skipped, doubled."""
    for path, function, start, end, leave in _SPANS:
        text = whole(sources, path, function)
        opens, ends = _ENDS.get(path, (function, function))
        yield _changed(
            path,
            "return before the end",
            text,
            text.replace(end, f"if (signal_pending(current))\n\t\t{leave}\n\t{end}"),
            function,
        )
        yield _changed(
            path,
            "end under a condition",
            text,
            text.replace(end, f"if (!signal_pending(current))\n\t\t{end}"),
            function,
        )
        yield _changed(
            path,
            "jump over the end",
            text,
            text.replace(end, f"if (need_resched())\n\t\tgoto skip_end;\n\t{end}\nskip_end:"),
            function,
        )
        yield _changed(path, "drop the end", text, text.replace(end, ""), function, opens)
        yield _changed(path, "drop the start", text, text.replace(start, ""), function, ends)
        yield _changed(
            path,
            "end before start",
            text,
            text.replace(end, "@").replace(start, end).replace("@", start),
            function,
            opens,
            ends,
        )


def locks_dropped(sources: Sources) -> Iterator[Mutant]:
    """The lock that keeps bindings or slots stable is given up, or comes late."""
    for path, function, start, end, _ in _SPANS:
        text = whole(sources, path, function)
        found = re.search(
            r"\t((?:filemap_invalidate_lock\w*|mutex_lock)\((?:inode->i_mapping|mapping|&kvm->slots_lock)\);)", text
        )
        if found is None or function == "kvm_zap_gfn_range":
            continue
        lock = found.group(1) if function != "kvm_gmem_release" else "filemap_invalidate_lock(inode->i_mapping);"
        unlock = (
            lock.replace("_lock_shared(", "_unlock_shared(")
            .replace("_lock(inode", "_unlock(inode")
            .replace("mutex_lock", "mutex_unlock")
        )
        yield _changed(
            path, "unlock before the end", text, text.replace(unlock, "").replace(end, f"{unlock}\n\t{end}"), function
        )
        yield _changed(
            path,
            "unlock in between",
            text,
            text.replace(end, f"{unlock}\n\tcond_resched();\n\t{lock}\n\t{end}"),
            function,
        )
        if path == GMEM:
            due = (function, "__kvm_gmem_invalidate_start")
            yield _changed(path, "drop the lock", text, text.replace(lock, "").replace(unlock, ""), *due)
            yield _changed(
                path, "lock behind the start", text, text.replace(lock, "").replace(start, f"{start}\n\t{lock}"), *due
            )


_DROPS = """
static void kvm_zap_prepare(struct kvm *kvm)
{
	write_unlock(&kvm->mmu_lock);
	cond_resched();
	write_lock(&kvm->mmu_lock);
}

static void kvm_zap_prepare_range(struct kvm *kvm)
{
	kvm_zap_prepare(kvm);
}

"""  # fmt: skip


def range_late(sources: Sources) -> Iterator[Mutant]:
    """mmu_lock is dropped before the range is added, or no range is."""
    function = "kvm_zap_gfn_range"
    text = whole(sources, MMU, function)
    add = "kvm_mmu_invalidate_range_add(kvm, gfn_start, gfn_end);"
    drops = {
        "drop the lock before the range": "write_unlock(&kvm->mmu_lock);\n\twrite_lock(&kvm->mmu_lock);",
        "yield before the range": "cond_resched_rwlock_write(&kvm->mmu_lock);",
        "helper drops the lock": "kvm_zap_prepare(kvm);",
        "helper's helper drops the lock": "kvm_zap_prepare_range(kvm);",
    }
    for name, what in drops.items():
        more = (before(MMU, function, _DROPS),) if "helper" in name else ()
        yield _changed(MMU, name, text, text.replace(add, f"{what}\n\t{add}"), function, more=more)
    yield _changed(MMU, "no range", text, text.replace(add, ""), function)
    host = whole(sources, HOST, "kvm_pre_set_memory_attributes")
    add = "kvm_mmu_invalidate_range_add(kvm, range->start, range->end);"
    yield _changed(
        HOST,
        "handler adds no range",
        host,
        host.replace(add, ""),
        "kvm_pre_set_memory_attributes",
        "kvm_handle_gfn_range",
        "kvm_vm_set_mem_attributes",
    )
    start = whole(sources, GMEM, "__kvm_gmem_invalidate_start")
    lock = "\t\t\tkvm_mmu_invalidate_start(kvm);"
    yield _changed(
        GMEM,
        "lock dropped by file",
        start,
        start.replace(lock, f"{lock}\n\t\t\tKVM_MMU_UNLOCK(kvm);\n\t\t\tKVM_MMU_LOCK(kvm);"),
        "__kvm_gmem_invalidate_start",
    )


# -- pages of the module -------------------------------------------------------------------------------------------

_HELPER_DUE = {"error swallowed": "tdx_reclaim_control_page", "error swallowed by caller": "tdx_reclaim_control_page"}


def module_pages(sources: Sources) -> Iterator[Mutant]:
    """Checks, reclaims and clearing taken out of what frees pages of a TD."""
    for operator, function, old, new in FREED_PAGES:
        text = whole(sources, TDX, function)
        assert old in text, (operator, function)
        due = {(TDX, function), (TDX, _HELPER_DUE.get(operator, function))}
        if "error swallowed" in operator:
            due |= {(TDX, "tdx_sept_free_private_spt"), (TDX, "tdx_reclaim_td_control_pages")}
        yield Mutant(FREED, operator, (Edit(TDX, text, text.replace(old, new)),), tuple(sorted(due)))


def tables(sources: Sources) -> Iterator[Mutant]:
    """Tables of S-EPT freed by the TDP MMU."""
    for site in sources.sites(TDP, r"\tWARN_ON_ONCE\(sp->external_spt\);\n", "tdp_mmu_free_sp_rcu_callback"):
        yield mutant(FREED, "table freed by RCU", site, "\tfree_page((unsigned long)sp->external_spt);\n")
        yield mutant(
            FREED,
            "table freed by RCU",
            site,
            "\ttdp_mmu_free_unused_sp(sp);\n\treturn;\n",
            due="tdp_mmu_free_unused_sp",
        )
    for site in sources.sites(TDP, r"\t\tif \(r\) \{\n\t\t\ttdp_mmu_free_unused_sp", "kvm_tdp_mmu_map"):
        yield mutant(
            FREED, "linked table freed", site, site.matched.replace("if (r)", "if (!r)"), due="tdp_mmu_free_unused_sp"
        )


# -- charges -------------------------------------------------------------------------------------------------------

_FLAGS = """
static gfp_t tdx_gfp(void)
{
	return GFP_KERNEL | __GFP_NOWARN;
}

"""  # fmt: skip


def charges(sources: Sources) -> Iterator[Mutant]:
    """Each charged allocation of a TD, with flags that do not charge: written, in a variable, a macro, a helper."""
    for site in sources.sites(TDX, r"\bGFP_KERNEL_ACCOUNT\b", r"__tdx_td_init|tdx_td_vcpu_init"):
        first = re.search(r"^\{\n", site.text, re.M)
        assert first is not None
        yield mutant(CHARGED, "plain flags", site, "GFP_KERNEL")
        yield mutant(CHARGED, "other plain flags", site, "GFP_KERNEL | __GFP_ZERO")
        yield mutant(CHARGED, "flags of a helper", site, "tdx_gfp()", before(TDX, site.function, _FLAGS))
        macro = before(TDX, site.function, "#define TDX_GFP (GFP_KERNEL | __GFP_NOWARN)\n")
        yield mutant(CHARGED, "flags of a macro", site, "TDX_GFP", macro)
        text = site.text[: site.start] + "gfp" + site.text[site.end :]
        text = text[: first.end()] + "\tgfp_t gfp = GFP_KERNEL;\n" + text[first.end() :]
        yield Mutant(CHARGED, "flags of a variable", (Edit(TDX, site.text, text),), ((TDX, site.function),))


def helper_charges(sources: Sources) -> Iterator[Mutant]:
    """Allocation by helpers that are passed flags which do not charge."""
    text = "static struct page *tdx_new_page(gfp_t gfp)\n{\n\treturn alloc_page(gfp);\n}\n\n"
    for site in sources.sites(TDX, r"alloc_page\(GFP_KERNEL_ACCOUNT\)", r"__tdx_td_init|tdx_td_vcpu_init"):
        helper = before(TDX, site.function, text)
        yield mutant(CHARGED, "helper passed flags", site, "tdx_new_page(GFP_KERNEL)", helper, due="tdx_new_page")
        one = before(TDX, site.function, text.replace("gfp_t gfp", "void").replace("(gfp)", "(GFP_KERNEL)"))
        yield mutant(CHARGED, "helper allocates", site, "tdx_new_page()", one, due="tdx_new_page")


# -- PAMT entries ----------------------------------------------------------------------------------------------------


def pamt(sources: Sources) -> Iterator[Mutant]:
    """Carriers added to the real file, each with one half of a pair broken."""
    for operator, function, text in PAMT_CARRIERS:
        added = before(TDX, "tdx_sept_set_private_spte", text)
        yield Mutant(PAMT, operator, (added,), ((TDX, function),))


OPERATORS: tuple[Operator, ...] = (
    left_early,
    put_dropped,
    found_by_helper,
    unbalanced,
    locks_dropped,
    range_late,
    module_pages,
    tables,
    charges,
    helper_charges,
    pamt,
)
SAME = (renamed, rewritten, extracted)
