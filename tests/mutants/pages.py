"""A struct page or folio made of the PFN of guest memory, on every way a number can take (tdx-gmem-pfn-to-page)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

from tests.kernel.edits import Edit
from tests.kernel.places import PAGES, TDX_H, WRAPPERS
from tests.mutants.shapes import WAYS, elsewhere, frames, sent
from tests.mutants.sources import Mutant, Operator, Same, Sources

USES = (
    "get_page(pfn_to_page(frame));",
    "folio_put(pfn_folio(frame));",
    "set_page_dirty(virt_to_page(__va(PFN_PHYS(frame))));",
    "WARN_ON_ONCE(PageReserved(pfn_to_page(frame)));",
    "WARN_ON_ONCE(folio_ref_count(page_folio(pfn_to_page(frame))) == 0);",
    "put_page(phys_to_page((u64)frame << PAGE_SHIFT));",
)
# Uses of the number that make no page of it.
NUMBERS = (
    "WARN_ON_ONCE(!IS_ALIGNED(frame, 2));",
    'pr_debug("frame %lx\\n", frame);',
    "WARN_ON_ONCE(PFN_PHYS(frame) >> boot_cpu_data.x86_phys_bits);",
)


def derived(sources: Sources) -> Iterator[Mutant]:
    """Each way, from two places."""
    places, uses = cycle(frames(sources)), cycle(USES)
    for way in WAYS:
        for _ in range(2):
            made = sent(next(places), way, next(uses))
            yield Mutant(PAGES, f"page by {way}", made.edits, made.functions)


def derived_elsewhere(sources: Sources) -> Iterator[Mutant]:
    """A helper of another file makes the page."""
    for place, use in zip(frames(sources), USES, strict=False):
        if place.path != WRAPPERS or "static" not in place.text.split("(")[0]:
            made = elsewhere(place, use)
            yield Mutant(PAGES, "page in another file", made.edits, made.functions)


def prototypes(sources: Sources) -> Iterator[Mutant]:
    """A wrapper takes the page or the folio of guest memory."""
    for name in ("tdh_mem_page_add", "tdh_mem_page_aug", "tdh_phymem_page_wbinvd_hkid"):
        for kind in ("struct page *pfn", "struct folio *pfn"):
            declared = next(s for s in sources.text(TDX_H).split(";") if f"{name}(" in s)
            text = sources.functions(WRAPPERS)[name]
            edits = (
                Edit(TDX_H, declared, declared.replace("kvm_pfn_t pfn", kind)),
                Edit(WRAPPERS, text, text.replace("kvm_pfn_t pfn", kind)),
            )
            yield Mutant(PAGES, "wrapper takes a page", edits, ((TDX_H, name), (WRAPPERS, name)))


OPERATORS: tuple[Operator, ...] = (derived, derived_elsewhere, prototypes)


def numbers(sources: Sources) -> Iterator[Same]:
    """The number goes the same ways and stays a number."""
    places, uses = cycle(frames(sources)), cycle(NUMBERS)
    for way in WAYS:
        made = sent(next(places), way, next(uses))
        yield Same(f"number by {way}", made.edits)


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (numbers,)
