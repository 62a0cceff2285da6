"""Wrappers of SEAMCALLs that a retry runs twice and that leave a trace, derived from clean code."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import TDX, WRAPPERS
from tests.mutants.sources import Mutant, Site, Sources

RETRIED = "tdx-retried-call-not-idempotent"
CHANGES: tuple[tuple[str, str, str], ...] = (  # name, declarations before the wrapper, statements before the SEAMCALL
    ("counter", "static u64 tdx_ops;\n", "tdx_ops++;"),
    ("counter of the TD", "", "td->nr_ops = td->nr_ops + 1;"),
    ("reference", "static atomic_t tdx_refs;\n", "atomic_inc(&tdx_refs);"),
    ("reference dropped", "static refcount_t tdx_refs;\n", "refcount_dec(&tdx_refs);"),
    ("page from a list", "static LIST_HEAD(tdx_pages);\n", "list_del(tdx_pages.next);"),
    ("allocation", "", "td->scratch = (void *)__get_free_page(GFP_ATOMIC);"),
    ("free", "", "free_page((unsigned long)td->scratch);"),
    ("pointer taken", "", "struct page *spare = td->spare;\n\n\ttd->spare = NULL;"),
    ("cache", "static struct kvm_mmu_memory_cache tdx_mc;\n", "kvm_mmu_memory_cache_alloc(&tdx_mc);"),
)
SEAM = r"\n\t(?:ret = |return )seamcall(?:_ret)?\(\w+, &args\);"


def wrappers(sources: Sources) -> Iterator[Site]:
    yield from sources.sites(WRAPPERS, SEAM, r"tdh_mem_(?:track|range_block|page_remove)")


def retried_effect(sources: Sources) -> Iterator[Mutant]:
    """The wrapper changes something before the SEAMCALL."""
    for site in wrappers(sources):
        for name, declared, statement in CHANGES:
            changed = site.replaced(f"\n\t{statement}{site.matched}")
            edits = (Edit(WRAPPERS, site.text, declared + changed.new),)
            yield Mutant(RETRIED, name, edits, ((WRAPPERS, site.function),))


def retried_helper(sources: Sources) -> Iterator[Mutant]:
    """The change is two helpers away, or undone on success only."""
    helpers = (
        "static LIST_HEAD(tdx_pages);\nstatic struct list_head *tdx_pop(void)\n{\n"
        "\tstruct list_head *p = tdx_pages.next;\n\n"
        "\tlist_del(p);\n\treturn p;\n}\nstatic void tdx_prepare(void)\n{\n\ttdx_pop();\n}\n\n"
    )
    for site in wrappers(sources):
        edits = (Edit(WRAPPERS, site.text, helpers + site.replaced(f"\n\ttdx_prepare();{site.matched}").new),)
        yield Mutant(RETRIED, "two helpers away", edits, ((WRAPPERS, site.function),))
        counted = "static atomic_t tdx_refs;\n"
        ret = site.matched.replace("return ", "u64 r = ")
        word = "r" if "return" in site.matched else "ret"
        undo = f"\n\tatomic_inc(&tdx_refs);{ret}\n\tif (!{word})\n\t\tatomic_dec(&tdx_refs);"
        undo += "\n\treturn r;" if word == "r" else ""
        edits = (Edit(WRAPPERS, site.text, counted + site.replaced(undo).new),)
        yield Mutant(RETRIED, "undone on success only", edits, ((WRAPPERS, site.function),))
        freed = "static LIST_HEAD(tdx_pages);\n"
        free = f"\n\tstruct list_head *p = tdx_pages.next;\n\n\tlist_del(p);{ret}\n\tif ({word})\n\t\tkfree(p);"
        free += "\n\treturn r;" if word == "r" else ""
        edits = (Edit(WRAPPERS, site.text, freed + site.replaced(free).new),)
        yield Mutant(RETRIED, "freed, not put back", edits, ((WRAPPERS, site.function),))


def retried_loop(sources: Sources) -> Iterator[Mutant]:
    """A loop on busy around a wrapper that changes something."""
    for site in sources.sites(TDX, r"\n\terr = (tdh_\w+)\(([^;]*)\);", r"tdx_\w+|__tdx_\w+"):
        wrapper = next(iter(sources.sites(WRAPPERS, SEAM, site.groups[0])), None)
        if wrapper is None:
            continue
        loop = f"\n\tdo {{\n\t\terr = {site.groups[0]}({site.groups[1]});\n\t}} while (tdx_operand_busy(err));"
        counted = Edit(
            WRAPPERS, wrapper.text, "static u64 tdx_ops;\n" + wrapper.replaced(f"\n\ttdx_ops++;{wrapper.matched}").new
        )
        yield Mutant(RETRIED, "in a loop on busy", (site.replaced(loop), counted), ((WRAPPERS, site.groups[0]),))
        pair = f"{site.matched}\n\tif (tdx_operand_busy(err))\n\t\terr = {site.groups[0]}({site.groups[1]});"
        yield Mutant(RETRIED, "called twice on busy", (site.replaced(pair), counted), ((WRAPPERS, site.groups[0]),))
        body = loop.replace("do {", "do {\n\t\tlist_del(tdx_spare.next);")
        edits = (Edit(TDX, site.text, "static LIST_HEAD(tdx_spare);\n" + site.replaced(body).new),)
        yield Mutant(RETRIED, "a change in the loop itself", edits, ((TDX, site.function),))
