"""Guest memory: PFNs of guest_memfd, and the pages and folios that must not be made of them (rules.md, 1 and 3)."""

from analyzer.author import RESULT, Effect, Function, Spec, Verb, Vocabulary
from rules.vocabulary.seamcall import is_tdx

GMEM = "gmem-pfn"
_MM = "include/linux/mm.h"


def _sinks(words: str, slot: int = 0) -> dict[str, tuple[Effect, ...]]:
    """Calls that make or use a page or folio of their argument; what they return is tainted as well."""
    return {
        w: (Effect(Verb.SINK, GMEM, slot, source=_MM), Effect(Verb.PASS, GMEM, slot, source=_MM)) for w in words.split()
    }


def _clean(words: str) -> dict[str, tuple[Effect, ...]]:
    """An SPTE is no PFN, and shadow pages are KVM's own (rules.md, 1: legitimate)."""
    return {w: (Effect(Verb.SANITIZE, GMEM, RESULT, source="arch/x86/kvm/mmu/spte.h"),) for w in words.split()}


def _passes(words: str) -> dict[str, tuple[Effect, ...]]:
    return {w: (Effect(Verb.PASS, GMEM, 0),) for w in words.split()}


_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "kvm_gmem_get_pfn": (Effect(Verb.SOURCE, GMEM, 3, source="include/linux/kvm_host.h"),),
    "spte_to_pfn": (Effect(Verb.SOURCE, GMEM, RESULT, source="arch/x86/kvm/mmu/spte.h"),),
    **_sinks(
        """pfn_to_page phys_to_page pfn_folio virt_to_page virt_to_folio virt_to_head_page page_folio folio_page
        folio_page_idx folio_nr_pages folio_order folio_size folio_shift folio_pfn folio_file_page folio_mapping
        folio_get folio_put folio_try_get folio_test_large folio_test_hugetlb folio_mark_dirty folio_mark_accessed
        folio_test_pmd_mappable
        folio_ref_count folio_lock folio_unlock page_mapping page_mapped page_count page_ref_count page_size
        compound_head compound_order compound_nr nth_page get_page put_page get_page_unless_zero try_get_page
        set_page_dirty set_page_dirty_lock lock_page unlock_page PageReserved PageCompound PageHead PageTail PageHuge
        PageTransHuge PageLocked PageDirty PageLRU PageAnon PageSwapCache PageHWPoison PageUptodate PageOffline
        PageSlab pfn_to_online_page unpin_user_page kmap_local_page kmap_local_folio kvm_release_page_clean
        kvm_release_page_dirty"""
    ),
    **_passes(
        """PFN_PHYS pfn_to_hpa pfn_to_kaddr phys_to_virt __va page_to_pfn page_to_phys page_to_virt page_address
        folio_address PHYS_PFN __pfn_to_phys __phys_to_pfn ALIGN ALIGN_DOWN round_down round_up READ_ONCE
        array_index_nospec"""
    ),
    "folio_page_idx": (Effect(Verb.SINK, GMEM, 0), Effect(Verb.SINK, GMEM, 1), Effect(Verb.PASS, GMEM, 1)),
    "min": (Effect(Verb.PASS, GMEM, 0), Effect(Verb.PASS, GMEM, 1)),
    "max": (Effect(Verb.PASS, GMEM, 0), Effect(Verb.PASS, GMEM, 1)),
    **_clean(
        """make_spte make_small_spte make_huge_spte make_nonleaf_spte make_mmio_spte to_shadow_page spte_to_child_sp
        spte_to_child_pt sptep_to_sp root_to_sp"""
    ),
    "pfn_valid": (Effect(Verb.SANITIZE, GMEM, 0, source="arch/x86/kvm/mmu/spte.c:__kvm_is_mmio_pfn"),),
}

# Lookups by how many arguments they have without a place for the page: then the reference comes with the PFN.
LOOKUPS_WITH_PAGE = {"kvm_gmem_get_pfn": 5}
RELEASES = frozenset("put_page folio_put kvm_release_page_clean kvm_release_page_dirty".split())

FOLIO_SIZE = "folio-size"
_SIZES = """folio_nr_pages folio_order folio_size folio_shift compound_order compound_nr page_size page_shift
thp_nr_pages thp_order thp_size folio_large_nr_pages"""
for _word in _SIZES.split():
    _EFFECTS[_word] = (*_EFFECTS.get(_word, ()), Effect(Verb.SOURCE, FOLIO_SIZE, RESULT, source=_MM))
for _word in (
    "kvm_max_level_for_order order_to_level min max min_t max_t clamp get_order ilog2 BIT round_down ALIGN_DOWN".split()
):
    _EFFECTS[_word] = (*_EFFECTS.get(_word, ()), *(Effect(Verb.PASS, FOLIO_SIZE, i) for i in range(3)))

POPULATE = frozenset(("kvm_gmem_populate",))  # runs its callback on each PFN (virt/kvm/guest_memfd.c)

# What these say of a folio is its size, in one bit.
SIZE_TESTS = frozenset(
    """folio_test_large folio_test_pmd_mappable folio_test_hugetlb PageTransHuge PageHuge
    PageCompound PageHead PageTail""".split()
)


def _mapping_code(path: str) -> bool:
    return is_tdx(path) or path.startswith("arch/x86/kvm/mmu/") or path.startswith("arch/x86/kvm/svm/sev")


def _typed(function: Function, index: int) -> bool:
    """In TDX code a kvm_pfn_t is guest memory, and so it is in a callback that populates guest_memfd."""
    return function.params[index].type == "kvm_pfn_t" and _typed_scope(function.path, function.name)


def _typed_scope(path: str, name: str) -> bool:
    return is_tdx(path) or "gmem" in name


GMEM_SPEC = Spec(
    label=GMEM,
    typed=_typed,
    typed_scope=_typed_scope,
    fields=frozenset((("kvm_page_fault", "pfn"),)),
    sanitized=lambda path: not is_tdx(path),
    origin_scope=_mapping_code,
    populate=POPULATE,
    sink_scope=lambda path: not path.endswith("virt/kvm/guest_memfd.c"),
)


VOCABULARY = Vocabulary(effects=_EFFECTS, synchronous=POPULATE)
