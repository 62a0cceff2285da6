"""The code that pairs are looked for in, in other words: no rule may say anything new of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.edits import Edit, before
from tests.kernel.places import TDX
from tests.mutants.sources import Same, Sources
from tests.mutants.tables import GMEM, HOST, MMU, REWRITTEN, TDP


def whole(sources: Sources, path: str, function: str) -> str:
    """The text of a function."""
    return sources.functions(path)[function]


def renamed(sources: Sources) -> Iterator[Same]:
    """Locals under other names."""
    for path, function, old, new in (
        (TDP, "kvm_tdp_mmu_try_split_huge_pages", "root", "page"),
        (TDP, "kvm_tdp_mmu_alloc_root", "root", "found"),
        (TDP, "kvm_tdp_mmu_zap_all", "root", "sp"),
        (TDX, "tdx_td_vcpu_init", "page", "new_page"),
        (TDX, "__tdx_td_init", "tdcs_pages", "pages"),
        (TDX, "tdx_reclaim_control_page", "ctrl_page", "p"),
        (GMEM, "__kvm_gmem_invalidate_start", "found_memslot", "locked"),
        (HOST, "kvm_handle_gfn_range", "range", "op"),
    ):
        text = whole(sources, path, function)
        yield Same(f"rename {old} in {function}", (Edit(path, text, re.sub(rf"(?<![\w.>]){old}(?!\w)", new, text)),))


def rewritten(sources: Sources) -> Iterator[Same]:
    """Other words for the same: inverted conditions, goto and return, guards and locks."""
    for path, function, *pairs in REWRITTEN:
        text = new = whole(sources, path, function)
        for old, by in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in new, (function, old)
            new = new.replace(old, by)
        yield Same(f"rewrite {function}", (Edit(path, text, new),))


def extracted(sources: Sources) -> Iterator[Same]:
    """Both halves of a pair moved into functions of their own."""
    put = (
        "static void tdp_mmu_drop_root(struct kvm *kvm, struct kvm_mmu_page *sp)\n{\n"
        "\tkvm_tdp_mmu_put_root(kvm, sp);\n}\n"
    )
    for site in sources.sites(
        TDP, r"kvm_tdp_mmu_put_root\(kvm, root\);", "kvm_tdp_mmu_(?:try_split_huge_pages|zap_invalidated_roots)"
    ):
        yield Same(
            f"put in a helper of {site.function}",
            (site.replaced("tdp_mmu_drop_root(kvm, root);"), before(TDP, site.function, put)),
        )
    end = "static void kvm_zap_done(struct kvm *kvm)\n{\n\tkvm_mmu_invalidate_end(kvm);\n}\n"
    for site in sources.sites(MMU, r"kvm_mmu_invalidate_end\(kvm\);", "kvm_zap_gfn_range"):
        yield Same("end in a helper", (site.replaced("kvm_zap_done(kvm);"), before(MMU, site.function, end)))
    start = (
        "static void kvm_zap_begin(struct kvm *kvm, gfn_t a, gfn_t b)\n{\n"
        "\tkvm_mmu_invalidate_start(kvm);\n\tkvm_mmu_invalidate_range_add(kvm, a, b);\n}\n"
    )
    for site in sources.sites(
        MMU,
        r"kvm_mmu_invalidate_start\(kvm\);\n\n\tkvm_mmu_invalidate_range_add\(kvm, gfn_start, gfn_end\);",
        "kvm_zap_gfn_range",
    ):
        yield Same(
            "start in a helper",
            (site.replaced("kvm_zap_begin(kvm, gfn_start, gfn_end);"), before(MMU, site.function, start)),
        )
    give = "static void tdx_give_back(struct page *page)\n{\n\t__free_page(page);\n}\n\n"
    for site in sources.sites(
        TDX,
        r"__free_page\([^;]*\);",
        "tdx_reclaim_control_page|tdx_td_vcpu_init|__tdx_td_init|tdx_reclaim_td_control_pages",
    ):
        yield Same(
            f"free in a helper of {site.function}",
            (site.replaced(site.matched.replace("__free_page", "tdx_give_back")), before(TDX, site.function, give)),
        )
