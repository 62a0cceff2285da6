"""A mapping size taken from a folio, on every way a number can take (tdx-mapping-size-from-folio)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

from tests.kernel.edits import Edit
from tests.kernel.places import GMEM, MMU, SIZES, TDX
from tests.mutants.shapes import WAYS, Place, frames, sent
from tests.mutants.sources import Mutant, Operator, Same, Sources

DUE = ((TDX, "tdx_gmem_max_mapping_level"), (MMU, "kvm_gmem_max_mapping_level"))
# What a folio says of its size, and a comparison with it; "frame" is that number.
VALUES = (
    "folio_nr_pages(pfn_folio({pfn}))",
    "folio_order(pfn_folio({pfn}))",
    "folio_size(page_folio(pfn_to_page({pfn})))",
    "compound_nr(pfn_to_page({pfn}))",
)
COMPARED = (
    "WARN_ON_ONCE(frame < 512);",
    'if (frame == 9)\n\t\tpr_warn_once("2M\\n");',
    "WARN_ON_ONCE(512 > frame);",
    'if (frame >= PMD_SIZE)\n\t\tpr_warn_once("2M\\n");',
)
LEVELS = (
    "return folio_test_large(pfn_folio({pfn})) ? PG_LEVEL_2M : PG_LEVEL_4K;",
    "return folio_test_pmd_mappable(pfn_folio({pfn})) ? PG_LEVEL_2M : PG_LEVEL_4K;",
    "return folio_order(pfn_folio({pfn})) >= 9 ? PG_LEVEL_2M : PG_LEVEL_4K;",
    "return kvm_max_level_for_order(folio_order(pfn_folio({pfn})));",
    "if (folio_test_large(pfn_folio({pfn})))\n\t\treturn PG_LEVEL_2M;",
    "if (!folio_test_pmd_mappable(pfn_folio({pfn})))\n\t\treturn PG_LEVEL_4K;",
    "if (compound_order(pfn_to_page({pfn})) < 9)\n\t\treturn PG_LEVEL_4K;",
    "if (PageTransHuge(pfn_to_page({pfn})))\n\t\treturn PG_LEVEL_2M;",
)


def compared(sources: Sources) -> Iterator[Mutant]:
    """The size of a folio is compared, on each way from two places."""
    places = cycle(frames(sources))
    both = cycle(zip(VALUES, COMPARED, strict=True))
    for way in (w for w in WAYS if w != "a loop"):
        for _ in range(2):
            at, (value, use) = next(places), next(both)
            made = sent(Place(at.path, at.function, at.text, value.format(pfn=at.value)), way, use)
            yield Mutant(SIZES, f"compared by {way}", made.edits, made.functions)


def levels(sources: Sources) -> Iterator[Mutant]:
    """The hook for the largest level asks a folio."""
    hook = "tdx_gmem_max_mapping_level"
    text = sources.functions(TDX)[hook]
    for number, body in enumerate(LEVELS):
        statement = body.format(pfn="pfn")
        yield Mutant(SIZES, f"level {number}", (Place(TDX, hook, text, "pfn").edit(statement),), DUE)


def level_of_mapping(sources: Sources) -> Iterator[Mutant]:
    """The level of a private mapping in mmu.c is capped by a folio."""
    name = "kvm_max_private_mapping_level" if "kvm_max_private_mapping_level" in sources.functions(MMU) else ""
    for function in filter(None, (name, "kvm_gmem_max_mapping_level")):
        text = sources.functions(MMU).get(function, "")
        if "pfn" not in text:
            continue
        for body in ("folio_order(pfn_folio(fault->pfn))", "compound_order(pfn_to_page(fault->pfn))"):
            statement = f"max_level = min(max_level, kvm_max_level_for_order({body}));"
            edit = Place(MMU, function, text, "").edit(statement)
            yield Mutant(SIZES, "level of a mapping", (edit,), ((MMU, function),))


OPERATORS: tuple[Operator, ...] = (compared, levels, level_of_mapping)


def sizes_of_ranges(sources: Sources) -> Iterator[Same]:
    """A number of pages that comes of the level goes the same ways."""
    places, uses = cycle(p for p in frames(sources) if "level" in p.text.split("{")[0]), cycle(COMPARED)
    for way in (w for w in WAYS if w != "a loop"):
        at = next(places)
        yield Same(
            f"pages by {way}",
            sent(Place(at.path, at.function, at.text, "KVM_PAGES_PER_HPAGE(level)"), way, next(uses)).edits,
        )


def owner(sources: Sources) -> Iterator[Same]:
    """guest_memfd may look at its own folios."""
    for name, text in sources.functions(GMEM).items():
        if "struct folio *folio" in text.split("{")[0]:
            statement = "WARN_ON_ONCE(folio_nr_pages(folio) > 512 || folio_test_large(folio));"
            yield Same("owner of the folio", (Edit(GMEM, text, Place(GMEM, name, text, "").edit(statement).new),))


def source_page(sources: Sources) -> Iterator[Same]:
    """The page that userspace gave as source is no guest memory."""
    for check in ("folio_test_large(page_folio(src_page))", "folio_nr_pages(page_folio(src_page)) > 1"):
        text = sources.functions(TDX)["tdx_gmem_post_populate"]
        page = "src_page" if "src_page" in text else "page"
        statement = f'if ({check.replace("src_page", page)})\n\t\tpr_debug_once("large source\\n");'
        yield Same("source page", (Place(TDX, "tdx_gmem_post_populate", text, "").edit(statement),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (sizes_of_ranges, owner, source_page)
