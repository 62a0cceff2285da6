"""Private memory: how it is zapped, how its huge mappings are split, and what no huge mapping crosses (rules.md, 4)."""

import re
from collections.abc import Iterator

from analyzer.author import Assign, Expr, Facts, Function, Name, Return, Severity, Shape, Unit, Vocabulary
from rules.vocabulary.seamcall import DEMOTE, is_tdx

# what zaps a range -> the slot of the struct kvm_gfn_range
ZAPS = {"kvm_unmap_gfn_range": 1, "kvm_mmu_unmap_gfn_range": 1, "kvm_tdp_mmu_unmap_gfn_range": 1}
# the same with scalar bounds, where the function is not visible -> the slots of the bounds
SCALAR_ZAPS = {"kvm_gmem_zap": (1, 2), "kvm_gmem_invalidate_start": (1, 2), "__kvm_gmem_zap": (1, 2)}
RANGE = Shape(start="start", end="end", filter="attr_filter", wanted=lambda text: "KVM_FILTER_PRIVATE" in text)
# the ends of a slot and of a file: no huge mapping crosses them (lpage_info, arch/x86/kvm/x86.c)
UNIT = Unit(
    large=re.compile(r"HPAGE|hpage|HUGE|huge|PMD|PUD|SZ_2M|SZ_1G|PTRS_PER|gfn_round_for_level\([^)]*(?<!_4K)\)$"
                     r"|PG_LEVEL_(?:2M|1G)|\blevel\b"),
    bounds=frozenset("base_gfn npages i_size i_size_read ULONG_MAX KVM_MAX_GFN".split()),
)  # fmt: skip
LEVEL_HOOK = re.compile(r"(?:^|_)max_mapping_level$")
SMALL = frozenset(("PG_LEVEL_4K", "PG_LEVEL_NONE"))
_SPLIT = re.compile(r"(?:^|_)split(?:_|$)")
_OF = re.compile(
    r"leaf|leafs|leaves|boundary|huge|private|mirror|external|spte|mapping|head|tail|gmem|sept|level|range"
)


def splits_mappings(name: str) -> bool:
    """Whether a name says that huge mappings are split (folios and locks are split too)."""
    return bool(_SPLIT.search(name)) and bool(_OF.search(name)) and "folio" not in name


def _levels(function: Function, value: Expr, depth: int = 0) -> Iterator[str]:
    """The words for what a level may be."""
    made: list[Expr] = []
    if isinstance(value, Name) and depth < 4:
        for block in function.blocks:
            made += [i.value for i in block.instrs if isinstance(i, Assign) and i.target is value]
    if not made:
        yield value.text
    for one in made:
        yield from _levels(function, one, depth + 1)


def _hook(facts: Facts) -> tuple[str, Function | None]:
    """Whether the hook of TDX that limits the level lets it be huge: ``huge``, ``small`` or ``unseen``."""
    seen: Function | None = None
    for key in sorted(facts.program.definitions):
        if not is_tdx(key[0]) or not LEVEL_HOOK.search(key[1]):
            continue
        function = facts.program.lower(key)
        for block in function.blocks if function is not None else ():
            for instr in block.instrs:
                if isinstance(instr, Return) and instr.value is not None and function is not None:
                    seen = function
                    values = set(_levels(function, instr.value)) - SMALL - {"0"}
                    if any(not v.startswith("-E") for v in values):
                        return "huge", function
    return ("small", seen) if seen is not None else ("unseen", None)


def private_huge(facts: Facts) -> tuple[Severity, str] | None:
    """Whether private memory can be mapped huge in this tree, and the guard where it is refused."""
    hook, function = _hook(facts)
    if hook == "huge":
        return Severity.ERROR, ""
    definitions = facts.program.definitions.values()
    splitting = any(not d.mentions.isdisjoint(DEMOTE) and d.path.startswith("arch/x86/kvm/") for d in definitions)
    if hook == "small":
        return (Severity.INFO, f"{function.name}()" if function is not None else "") if splitting else None
    named = any("split" in m and _for_private(m, d.name) for d in definitions for m in d.mentions)
    return (Severity.ERROR, "") if splitting or named else None


def _for_private(word: str, within: str) -> bool:
    """Whether a split that is called is there for private memory."""
    return splits_mappings(word) and ("boundary" in word or "private" in word + within)


VOCABULARY = Vocabulary()
