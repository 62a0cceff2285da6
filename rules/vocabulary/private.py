"""Private memory: how it is zapped, how its huge mappings are split, and what no huge mapping crosses (rules.md, 4)."""

import re
from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Call,
    Const,
    Expr,
    Facts,
    Function,
    Name,
    RangeOrigin,
    Return,
    Severity,
    Shape,
    Unit,
    Vocabulary,
)
from rules.vocabulary.seamcall import DEMOTE, is_tdx

# what zaps a range -> the slot of the struct kvm_gfn_range
ZAPS = {"kvm_unmap_gfn_range": 1, "kvm_mmu_unmap_gfn_range": 1, "kvm_tdp_mmu_unmap_gfn_range": 1}
# the same with scalar bounds, where the function is not visible -> the slots of the bounds
SCALAR_ZAPS = {"kvm_gmem_zap": (1, 2), "kvm_gmem_invalidate_start": (1, 2), "__kvm_gmem_zap": (1, 2)}
# the same of all roots: in the code for TDs what is meant is private
TD_ZAPS = {"kvm_zap_gfn_range": (1, 2), "kvm_tdp_mmu_zap_leafs": (1, 2)}
RANGE = Shape(start="start", end="end", filter="attr_filter", wanted=lambda text: "KVM_FILTER_PRIVATE" in text)
# the ends of a slot and of a file: no huge mapping crosses them (lpage_info, arch/x86/kvm/x86.c)
UNIT = Unit(
    large=re.compile(r"HPAGE|hpage|HUGE|huge|PMD|PUD|SZ_2M|SZ_1G|PTRS_PER|gfn_round_for_level\([^)]*(?<!_4K)\)$"
                     r"|PG_LEVEL_(?:2M|1G)|\blevel\b"),
    bounds=frozenset("base_gfn npages i_size i_size_read ULONG_MAX KVM_MAX_GFN".split()),
)  # fmt: skip
LEVEL_HOOK = re.compile(r"(?:^|_)max_mapping_level$")
SMALL = frozenset(("0", "1", "PG_LEVEL_4K", "PG_LEVEL_NONE"))
_LEAST = re.compile(r"^u?min(?:_t|3)?$")
_VALUE = r"\(*[ \t]*(\w+)[ \t]*\)*"
_SPLIT = re.compile(r"(?:^|_)split(?:_|$)")
_OF = re.compile(
    r"leaf|leafs|leaves|boundary|huge|private|mirror|external|spte|mapping|head|tail|gmem|sept|level|range"
)


def splits_mappings(name: str) -> bool:
    """Whether a name says that huge mappings are split (folios and locks are split too)."""
    return bool(_SPLIT.search(name)) and bool(_OF.search(name)) and "folio" not in name


def levels(facts: Facts, function: Function, value: Expr, depth: int = 4) -> Iterator[str]:
    """The words for what a level may be: through variables, helpers, ``min()``, and names that a file gives to one."""
    sets: list[Expr | Call] = []
    if isinstance(value, Name) and depth:
        for instr in (i for b in function.blocks for i in b.instrs):
            if isinstance(instr, Assign) and instr.target is value:
                sets.append(instr.value)
            elif isinstance(instr, Call) and instr.result is value:
                sets.append(instr)
    for one in sets:
        yield from (
            levels(facts, function, one, depth - 1) if isinstance(one, Expr) else _made(facts, one, depth, function)
        )
    if not sets:
        yield from _named(facts, function.path, value.text) if isinstance(value, Name) else (value.text,)


def _made(facts: Facts, call: Call, depth: int, function: Function) -> Iterator[str]:
    """What a call may give."""
    if _LEAST.match(call.callee):
        parts = [set(levels(facts, function, a, depth - 1)) for a in call.args]
        least = next((p for p in parts if p and p <= SMALL), None)
        yield from least if least is not None else frozenset().union(*parts)
        return
    helpers = [f for f in facts.program.functions(facts.program.resolve(call.callee, function.path)) if depth]
    for helper in helpers:
        for instr in (i for b in helper.blocks for i in b.instrs):
            if isinstance(instr, Return) and instr.value is not None:
                yield from levels(facts, helper, instr.value, depth - 1)
    if not helpers:
        yield call.shown


def _named(facts: Facts, path: str, word: str, depth: int = 3) -> Iterator[str]:
    """What a macro, an enumerator or a constant stands for; the word itself where nothing says so."""
    files = [path, *(f for f in facts.program.files if is_tdx(f) and f.endswith(".h"))] if depth else []
    define = rf"^[ \t]*#[ \t]*define[ \t]+{re.escape(word)}[ \t]+{_VALUE}[ \t]*$"
    const = rf"\bconst\b[^;={{}}()]*\b{re.escape(word)}\b[^;={{}}]*=\s*{_VALUE}\s*;"
    enumerator = rf"\benum\b[^;{{}}]*\{{[^}}]*\b{re.escape(word)}\s*=\s*{_VALUE}\s*[,}}]"
    found = [m for f in files for r in (define, const, enumerator) for m in re.findall(r, facts.program.code(f), re.M)]
    for one in found:
        yield from _named(facts, path, one, depth - 1)
    if not found:
        yield word


def _hook(facts: Facts) -> tuple[str, Function | None]:
    """Whether the hook of TDX that limits the level lets it be huge: ``huge``, ``small`` or ``unseen``."""
    seen: Function | None = None
    for key in sorted(k for k in facts.program.definitions if is_tdx(k[0]) and LEVEL_HOOK.search(k[1])):
        function = facts.program.lower(key)
        for block in function.blocks if function is not None else ():
            for instr in block.instrs:
                if isinstance(instr, Return) and instr.value is not None and function is not None:
                    seen = function
                    if any(v not in SMALL and not v.startswith("-E") for v in levels(facts, function, instr.value)):
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


def whole_folio(facts: Facts, origin: RangeOrigin, function: Function) -> bool:
    """Whether the range is a whole folio, in a tree in which mappings are made no larger and folios stay whole."""
    made = {c.callee for c in function.calls()}
    if made.isdisjoint(("folio_nr_pages", "folio_size")) or origin.bounds is None:
        return False
    files = facts.mentioning(frozenset(("max_order",)), lambda path: path.startswith("virt/kvm/guest_memfd"))
    orders = [
        i
        for f in files
        for b in f.blocks
        for i in b.instrs
        if isinstance(i, Assign | Call)
        and (t := i.target if isinstance(i, Assign) else i.result) is not None
        and t.text == "*max_order"
        and not (isinstance(i, Assign) and isinstance(i.value, Const))
    ]
    split = any(
        "folio" in m and "split" in m
        for d in facts.program.definitions.values()
        if d.path.startswith("virt/kvm/guest_memfd")
        for m in d.mentions
    )
    return bool(orders) and not split


VOCABULARY = Vocabulary()
