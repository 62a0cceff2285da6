"""Zaps of private memory that cut huge mappings, derived from clean code in which they become possible."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import GMEM, MMU, TDX
from tests.mutants.sources import Mutant, Site, Sources

ZAP = "kvm-private-zap-imprecise"
HUGE = Edit(TDX, "return PG_LEVEL_4K;", "return PG_LEVEL_2M;", "tdx_gmem_max_mapping_level")
SPLIT = "kvm_split_cross_boundary_leafs"
HELPER = """
static int kvm_gmem_split_private(struct inode *inode, pgoff_t start, pgoff_t end)
{{
	struct kvm_gfn_range range = {{ .start = start, .end = end }};
	int r;

	{body}
}}

"""
SOUND = f"r = {SPLIT}(NULL, &range, false);\n\treturn r;"
UNSOUND = (
    f"{SPLIT}(NULL, &range, false);\n\treturn 0;",
    f'r = {SPLIT}(NULL, &range, false);\n\tif (r)\n\t\tpr_warn("no split\\n");\n\treturn 0;',
)
USES: tuple[tuple[str, str, str], ...] = (  # name, before the zap, behind it
    ("result thrown away", "\tkvm_gmem_split_private({i}, start, end);\n", ""),
    ("result only logged", '\tif (kvm_gmem_split_private({i}, start, end))\n\t\tpr_warn("no split\\n");\n', ""),
    ("on one branch", "\tif (end - start > 1 && kvm_gmem_split_private({i}, start, end))\n\t\tgoto out;\n", ""),
    ("at the start only", "\tif (kvm_gmem_split_private({i}, start, start + 1))\n\t\tgoto out;\n", ""),
    ("at the end only", "\tif (kvm_gmem_split_private({i}, end - 1, end))\n\t\tgoto out;\n", ""),
    ("behind the zap", "", "\tif (kvm_gmem_split_private({i}, start, end))\n\t\tgoto out;\n"),
    ("rounded to pages", "\tstart = round_down(start, 1);\n\tend = round_up(end, 1);\n", ""),
    ("one end rounded", "\tstart = round_down(start, PTRS_PER_PMD);\n", ""),
    ("only the folio split", "\tif (split_folio(NULL))\n\t\tgoto out;\n", ""),
)
ZAPPING = r"\tkvm_gmem_invalidate_start\(([^,]+), start, end\);\n"
OUT = re.compile(r"\n(\t(?:kvm_gmem_invalidate_end|filemap_invalidate_unlock)\w*\()")


def zaps(sources: Sources) -> Iterator[Site]:
    yield from sources.sites(GMEM, ZAPPING, "kvm_gmem_punch_hole|kvm_gmem_error_folio")


def harmless(sources: Sources, site: Site, name: str) -> bool:
    """Whether a zap of a whole folio meets mappings that are no larger than their folio, and no folio is split."""
    bound = "*max_order = 0;" not in sources.text(GMEM) and "folio_nr_pages" in site.text
    return bound and name != "only the folio split"


def _with(site: Site, before_it: str, behind: str, body: str) -> Edit:
    first = before_it.replace("{i}", site.groups[0])
    text = site.replaced(first + site.matched + behind.replace("{i}", site.groups[0])).new
    if "goto out" in text:
        last = list(OUT.finditer(text))[-1]
        text = text[: last.start()] + "\nout:" + text[last.start() :]
    return Edit(GMEM, site.text, HELPER.format(body=body).lstrip("\n") + text)


def zap_unsplit(sources: Sources) -> Iterator[Mutant]:
    """Private memory may be huge, and nobody splits."""
    for site in zaps(sources):
        if not harmless(sources, site, ""):
            yield Mutant(ZAP, "no split", (HUGE,), ((GMEM, site.function),))
        for name, first, behind in [u for u in USES if not harmless(sources, site, u[0])]:
            yield Mutant(ZAP, f"split {name}", (HUGE, _with(site, first, behind, SOUND)), ((GMEM, site.function),))
        for body in () if harmless(sources, site, "") else UNSOUND:
            use = "\tif (kvm_gmem_split_private({i}, start, end))\n\t\tgoto out;\n"
            yield Mutant(
                ZAP, "the helper hides the failure", (HUGE, _with(site, use, "", body)), ((GMEM, site.function),)
            )


def zap_attributes(sources: Sources) -> Iterator[Mutant]:
    """The conversion by attributes."""
    name = "kvm_arch_pre_set_memory_attributes"
    due = ((MMU, name),)
    if name in sources.functions(MMU):
        yield Mutant(ZAP, "no split", (HUGE,), due)
    for site in sources.sites(MMU, r"\t\trange->attr_filter = KVM_FILTER_PRIVATE;\n", name):
        thrown = f"{site.matched}\n\t{SPLIT}(kvm, range, false);\n"
        yield Mutant(ZAP, "split, result thrown away", (HUGE, site.replaced(thrown)), due)
    for site in sources.sites(MMU, r"\t\trange->attr_filter = KVM_FILTER_SHARED;\n", name):
        wrong = f" {{\n{site.matched}\t\tif ({SPLIT}(kvm, range, false))\n\t\t\treturn false;\n\t}} "
        text = site.text.replace("\n\t\trange->attr_filter = KVM_FILTER_SHARED;\n\telse", wrong + "else")
        yield Mutant(ZAP, "split in the branch of shared memory", (HUGE, Edit(MMU, site.text, text)), due)
    for site in sources.sites(MMU, r"\n\treturn kvm_unmap_gfn_range\(kvm, range\);", name):
        split = f"{SPLIT}(kvm, range, false)"
        zap = "kvm_unmap_gfn_range(kvm, range);"
        late = f"\n\tbool flush = {zap}\n\n\tif ({split})\n\t\treturn false;\n\treturn flush;"
        yield Mutant(ZAP, "split behind the zap", (HUGE, site.replaced(late)), due)
        negative = f"\n\tint r = {split};\n\n\tif (r > 0)\n\t\treturn false;\n\treturn {zap}"
        yield Mutant(ZAP, "split with the wrong test", (HUGE, site.replaced(negative)), due)
        if_zap = f"\n\tif ({split})\n\t\treturn {zap}\n\treturn false;"
        yield Mutant(ZAP, "zap where the split failed", (HUGE, site.replaced(if_zap)), due)
