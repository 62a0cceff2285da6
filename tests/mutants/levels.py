"""Work on caches that ignores the level of the SEAMCALL beside it (tdx-level-ignored)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import TDX, TDX_H, WRAPPERS
from tests.mutants.sources import Mutant, Operator, Same, Sources

RULE = "tdx-level-ignored"
GUARD = r"^(?:\t/\*[^*]*\*/\n)?\tif \(KVM_BUG_ON\(level != PG_LEVEL_4K, kvm\)\)\n\t\treturn -EIO;\n"
# What stands where the guard stood; none of them keeps 2M out of what follows.
WEAK = {
    "gone": "",
    "warns only": "\tWARN_ON_ONCE(level != PG_LEVEL_4K);\n",
    "bugs and goes on": "\tKVM_BUG_ON(level != PG_LEVEL_4K, kvm);\n",
    "only 1G": "\tif (KVM_BUG_ON(level > PG_LEVEL_2M, kvm))\n\t\treturn -EIO;\n",
    "only 512G": "\tif (KVM_BUG_ON(level >= PG_LEVEL_512G, kvm))\n\t\treturn -EIO;\n",
    "only none": "\tif (KVM_BUG_ON(level < PG_LEVEL_4K, kvm))\n\t\treturn -EIO;\n",
    "4K or 2M": "\tif (KVM_BUG_ON(level != PG_LEVEL_4K && level != PG_LEVEL_2M, kvm))\n\t\treturn -EIO;\n",
    "only while built": (
        "\tif (KVM_BUG_ON(level != PG_LEVEL_4K && to_kvm_tdx(kvm)->state != TD_STATE_RUNNABLE, kvm))\n"
        "\t\treturn -EIO;\n"
    ),
    "message": '\tif (level != PG_LEVEL_4K)\n\t\tpr_warn_ratelimited("huge leaf\\n");\n',
    "result unused": "\tbool huge = KVM_BUG_ON(level != PG_LEVEL_4K, kvm);\n\n\tif (huge)\n\t\tkvm_vm_dead(kvm);\n",
}


def _due(function: str) -> tuple[tuple[str, str], ...]:
    return ((TDX, function), (WRAPPERS, "tdh_mem_page_aug"))


def weak_guard(sources: Sources) -> Iterator[Mutant]:
    """The check that keeps huge levels out is gone, or says something else."""
    for site in sources.sites(TDX, GUARD):
        for name, text in WEAK.items():
            yield Mutant(RULE, f"guard: {name}", (site.replaced(text),), _due(site.function))


def late_guard(sources: Sources) -> Iterator[Mutant]:
    """The check comes after the work."""
    for site in sources.sites(TDX, GUARD):
        rest = site.text[: site.start] + site.text[site.end :]
        for last in (r"\treturn 0;\n}$", r"\treturn tdx_mem_page_aug\(kvm, gfn, level, pfn\);\n}$"):
            found = re.search(last, rest)
            if found is None:
                continue
            end = found.group().replace("\treturn tdx", "\tr = tdx").replace("\n}", "")
            tail = f"{end}\n{site.matched}\treturn r;\n}}" if "r = " in end else f"{site.matched}\n\treturn 0;\n}}"
            new = rest[: found.start()] + tail
            if "r = " in end:
                new = new.replace("\n{\n", "\n{\n\tint r;\n\n", 1)
            yield Mutant(RULE, "guard: late", (Edit(TDX, site.text, new),), _due(site.function))


def _wrapper(name: str, flush: str, params: str = "kvm_pfn_t pfn", phys: str = "PFN_PHYS(pfn)") -> str:
    return (
        f"u64 {name}(struct tdx_td *td, u64 gpa, enum pg_level level, {params})\n{{\n"
        "\tstruct tdx_module_args args = {\n\t\t.rcx = gpa | pg_level_to_tdx_sept_level(level),\n"
        f"\t\t.rdx = tdx_tdr_pa(td),\n\t\t.r8 = {phys},\n\t}};\n\n{flush}"
        f"\treturn seamcall_ret(TDH_MEM_PAGE_AUG, &args);\n}}\nEXPORT_SYMBOL_FOR_KVM({name});\n\n"
    )


# Shapes of a flush that ignores the level; each with definitions that it needs.
FLUSHES: dict[str, tuple[str, str]] = {
    "page": ("", "\tclflush_cache_range(__va(PFN_PHYS(pfn)), PAGE_SIZE);\n"),
    "helper": ("", "\ttdx_clflush_pfn(pfn);\n"),
    "helper of a helper": (
        "static void tdx_flush_frame(kvm_pfn_t frame)\n{\n\ttdx_clflush_pfn(frame);\n}\n\n",
        "\ttdx_flush_frame(pfn);\n",
    ),
    "helper drops the level": (
        "static void tdx_flush_leaf(kvm_pfn_t pfn, enum pg_level level)\n{\n"
        "\tWARN_ON_ONCE(level == PG_LEVEL_NONE);\n\ttdx_clflush_pfn(pfn);\n}\n\n",
        "\ttdx_flush_leaf(pfn, level);\n",
    ),
    "constant in a variable": (
        "",
        "\tunsigned long size = PAGE_SIZE;\n\n\tclflush_cache_range(__va(PFN_PHYS(pfn)), size);\n",
    ),
    "size of 4K": ("", "\tclflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(PG_LEVEL_4K));\n"),
    "macro": (
        "#define tdx_flush_one(__pfn) clflush_cache_range(__va(PFN_PHYS(__pfn)), PAGE_SIZE)\n\n",
        "\ttdx_flush_one(pfn);\n",
    ),
    "loop over one page": (
        "",
        "\tfor (unsigned long i = 0; i < KVM_PAGES_PER_HPAGE(level); i++)\n\t\ttdx_clflush_pfn(pfn);\n",
    ),
    "short loop": ("", "\tfor (unsigned long i = 0; i < 1; i++)\n\t\ttdx_clflush_pfn(pfn + i);\n"),
    "reset": ("", "\ttdx_quirk_reset_paddr(PFN_PHYS(pfn), PAGE_SIZE);\n"),
}


def new_wrapper(sources: Sources) -> Iterator[Mutant]:
    """A new SEAMCALL wrapper with a level is reached before the guard."""
    for site in sources.sites(TDX, GUARD, "tdx_sept_map_leaf_spte"):
        for name, (needs, flush) in FLUSHES.items():
            call = site.replaced(
                "\tif (level == PG_LEVEL_2M)\n\t\treturn tdh_mem_page_put(&kvm_tdx->td, gfn_to_gpa(gfn), level, pfn)"
                f" ? -EIO : 0;\n\n{site.matched}"
            )
            edits = (_defined(sources, needs + _wrapper("tdh_mem_page_put", flush)), *_declared(), call)
            yield Mutant(RULE, f"wrapper: {name}", edits, ((WRAPPERS, "tdh_mem_page_put"),))


def _defined(sources: Sources, text: str) -> Edit:
    old = sources.functions(WRAPPERS)["tdh_mem_page_aug"]
    return Edit(WRAPPERS, old, text + old)


def _declared() -> tuple[Edit, ...]:
    line = "u64 tdh_mem_track(struct tdx_td *tdr);"
    new = "u64 tdh_mem_page_put(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn);"
    return (Edit(TDX_H, line, f"{new}\n{line}"),)


OPERATORS: tuple[Operator, ...] = (weak_guard, late_guard, new_wrapper)

# What keeps 4K as well as the guard did: (text in its place, definitions in front of the function).
STRONG: dict[str, tuple[str, str]] = {
    "negated": ("\tif (KVM_BUG_ON(!(level == PG_LEVEL_4K), kvm))\n\t\treturn -EIO;\n", ""),
    "greater": ("\tif (KVM_BUG_ON(level > PG_LEVEL_4K, kvm))\n\t\treturn -EIO;\n", ""),
    "turned round": ("\tif (KVM_BUG_ON(PG_LEVEL_4K != level, kvm))\n\t\treturn -EIO;\n", ""),
    "without a bug": ("\tif (level >= PG_LEVEL_2M)\n\t\treturn -EIO;\n", ""),
    "warning": ("\tif (WARN_ON_ONCE(level != PG_LEVEL_4K))\n\t\treturn -EIO;\n", ""),
    "two tests": (
        "\tif (KVM_BUG_ON(level > PG_LEVEL_2M, kvm))\n\t\treturn -EIO;\n\n"
        "\tif (KVM_BUG_ON(level == PG_LEVEL_2M, kvm))\n\t\treturn -EIO;\n",
        "",
    ),
    "variable": ("\tbool huge = level != PG_LEVEL_4K;\n\n\tif (KVM_BUG_ON(huge, kvm))\n\t\treturn -EIO;\n", ""),
    "switch": (
        "\tswitch (level) {\n\tcase PG_LEVEL_4K:\n\t\tbreak;\n"
        "\tdefault:\n\t\tKVM_BUG_ON(1, kvm);\n\t\treturn -EIO;\n\t}\n",
        "",
    ),
    "predicate": (
        "\tif (KVM_BUG_ON(tdx_is_huge(level), kvm))\n\t\treturn -EIO;\n",
        "static bool tdx_is_huge(enum pg_level level)\n{\n\treturn level != PG_LEVEL_4K;\n}\n\n",
    ),
    "checking helper": (
        "\tif (tdx_check_level(kvm, level))\n\t\treturn -EIO;\n",
        "static int tdx_check_level(struct kvm *kvm, enum pg_level level)\n{\n"
        "\tif (KVM_BUG_ON(level != PG_LEVEL_4K, kvm))\n\t\treturn -EIO;\n\n\treturn 0;\n}\n\n",
    ),
}


def strong_guard(sources: Sources) -> Iterator[Same]:
    """The guard in other words."""
    for site in sources.sites(TDX, GUARD):
        for name, (text, needs) in STRONG.items():
            edit = site.replaced(text)
            # a hook that fails with the VM alive is tried again
            yield Same(
                f"guard: {name}", (Edit(TDX, edit.old, needs + edit.new),), () if "BUG" in text + needs else (RULE,)
            )


def guard_in_callers(sources: Sources) -> Iterator[Same]:
    """Both guards in the op that calls the two functions."""
    edits = [site.replaced("") for site in sources.sites(TDX, GUARD)]
    text = op = sources.functions(TDX)["tdx_sept_set_private_spte"]
    test = "\tif (level != PG_LEVEL_4K)\n\t\treturn -EIO;\n\n"
    text = text.replace("\t\treturn tdx_sept_remove", "\t\treturn level != PG_LEVEL_4K ? -EIO : tdx_sept_remove")
    text = text.replace("\treturn tdx_sept_map_leaf_spte(", f"{test}\treturn tdx_sept_map_leaf_spte(")
    yield Same("guard: in the callers", (*edits, Edit(TDX, op, text)), (RULE,))


SCALED: dict[str, tuple[str, str]] = {
    "size of the level": ("", "\tclflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));\n"),
    "pages": ("", "\tclflush_cache_range(__va(PFN_PHYS(pfn)), KVM_PAGES_PER_HPAGE(level) * PAGE_SIZE);\n"),
    "loop": (
        "",
        "\tfor (unsigned long i = 0; i < KVM_PAGES_PER_HPAGE(level); i++)\n\t\ttdx_clflush_pfn(pfn + i);\n",
    ),
    "loop over frames": (
        "",
        "\tkvm_pfn_t last = pfn + KVM_PAGES_PER_HPAGE(level), at = pfn;\n\n"
        "\twhile (at < last)\n\t\ttdx_clflush_pfn(at++);\n",
    ),
    "helper": (
        "static void tdx_flush_leaf(kvm_pfn_t pfn, enum pg_level level)\n{\n"
        "\tclflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));\n}\n\n",
        "\ttdx_flush_leaf(pfn, level);\n",
    ),
    "choice": (
        "",
        "\tunsigned long size = level == PG_LEVEL_2M ? PMD_SIZE : PAGE_SIZE;\n\n"
        "\tclflush_cache_range(__va(PFN_PHYS(pfn)), size);\n",
    ),
    "if": (
        "",
        "\tunsigned long size = PAGE_SIZE;\n\n\tif (level == PG_LEVEL_2M)\n\t\tsize = PMD_SIZE;\n"
        "\tclflush_cache_range(__va(PFN_PHYS(pfn)), size);\n",
    ),
    "4K only": (
        "",
        "\tif (WARN_ON_ONCE(level != PG_LEVEL_4K))\n\t\treturn TDX_SW_ERROR;\n\n\ttdx_clflush_pfn(pfn);\n",
    ),
}


def scaled(sources: Sources) -> Iterator[Same]:
    """A new wrapper whose flush follows the level."""
    for site in sources.sites(TDX, GUARD, "tdx_sept_map_leaf_spte"):
        for name, (needs, flush) in SCALED.items():
            call = site.replaced(
                "\tif (level == PG_LEVEL_2M)\n\t\treturn tdh_mem_page_put(&kvm_tdx->td, gfn_to_gpa(gfn), level, pfn)"
                f" ? -EIO : 0;\n\n{site.matched}"
            )
            edits = (_defined(sources, needs + _wrapper("tdh_mem_page_put", flush)), *_declared(), call)
            yield Same(f"scaled: {name}", edits, (RULE,))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (strong_guard, guard_in_callers, scaled)
