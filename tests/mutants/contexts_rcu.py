"""Mutants of kvm-rcu-scope-left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.places import MMU, TDP
from tests.mutants.contexts_common import LAPIC, RCU, X86, rewritten, whole
from tests.mutants.sources import Mutant, Operator, Sources


def _readers(sources: Sources) -> Iterator[tuple[str, str, str]]:
    """Functions that read what RCU protects in a section of their own."""
    for path in (TDP, LAPIC, X86, MMU):
        for name, text in sources.functions(path).items():
            uses = re.search(r"rcu_dereference\(|tdp_pte|tdp_mmu_iter|is_mirror_sptep|kvm_tdp_mmu_read_spte", text)
            if uses and "cond_resched" not in name and "rcu_read_lock();" in text and "rcu_read_unlock();" in text:
                yield path, name, text


def without_a_section(sources: Sources) -> Iterator[Mutant]:
    """The read section is taken out."""
    for path, name, text in _readers(sources):
        new = re.sub(r"^\t+rcu_read_(?:un)?lock\(\);\n", "", text, flags=re.M)
        if re.search(r"(?:else|\))\n\n?\t*(?:\}|$)", new) is None:
            yield Mutant(RCU, "without a section", whole(path, text, new), _deep(sources, path, name))


def _deep(sources: Sources, path: str, name: str) -> tuple[tuple[str, str], ...]:
    """The function and what it calls: a use may be deeper."""
    called = set(re.findall(r"\b(\w+)\(", sources.functions(path)[name]))
    inner = {w for c in called for w in re.findall(r"\b(\w+)\(", sources.functions(path).get(c, ""))}
    walks = ("arch/x86/kvm/mmu/tdp_iter.c", "arch/x86/kvm/mmu/tdp_iter.h", "arch/x86/kvm/mmu/spte.h")
    steps = tuple((p, n) for p in walks for n in sources.functions(p))
    return ((path, name), *((path, c) for c in sorted(called | inner)), *steps)


def left_at_once(sources: Sources) -> Iterator[Mutant]:
    """The read section ends where it began."""
    for path, name, text in _readers(sources):
        new = re.sub(r"^\t+rcu_read_unlock\(\);\n", "", text, flags=re.M)
        new = new.replace("rcu_read_lock();\n", "rcu_read_lock();\n\trcu_read_unlock();\n", 1)
        if new.count("rcu_read_lock") == 1 and re.search(r"(?:else|\))\n\n?\t*(?:\}|$)", new) is None:
            yield Mutant(RCU, "left at once", whole(path, text, new), _deep(sources, path, name))


PEEKS = """static bool nak_mirror(struct tdp_iter *iter)
{
	return is_mirror_sptep(iter->sptep);
}

static noinline bool nak_peek(struct tdp_iter *iter)
{
	return nak_mirror(iter);
}
"""


def peeks_after_the_section(sources: Sources) -> Iterator[Mutant]:
    """A helper, two calls away, looks at the last SPTE once the section is left."""
    for number, site in enumerate(sources.sites(TDP, r"^(\t+)rcu_read_unlock\(\);\n")):
        if "struct tdp_iter iter;" not in site.text:
            continue
        tabs = site.groups[0]
        call = ("nak_peek(&iter);", "kvm_tdp_mmu_read_spte(iter.sptep);", 'trace_printk("%d", nak_mirror(&iter));')[
            number % 3
        ]
        edits = rewritten(site, f"{site.matched}{tabs}{call}\n", PEEKS)
        yield Mutant(RCU, "peeks after the section", edits, ((TDP, site.function), (TDP, "nak_mirror")))


def allocates_and_peeks(sources: Sources) -> Iterator[Mutant]:
    """An allocation callee looks at the iterator outside of the section that its caller left for it."""
    callee = sources.functions(TDP)["tdp_mmu_alloc_sp_for_split"]
    caller = sources.functions(TDP)["tdp_mmu_split_huge_pages_root"]
    for use in ("is_mirror_sptep(iter->sptep)", "is_mirror_sp(sptep_to_sp(rcu_dereference(iter->sptep)))",
                "kvm_tdp_mmu_read_spte(iter->sptep)"):  # fmt: skip
        new = callee.replace("(void)", "(struct tdp_iter *iter)", 1)
        new = new.replace("\tif (!sp)", f"\tif ({use})\n\t\tcpu_relax();\n\tif (!sp)", 1)
        if new.count("iter") < 2:
            continue
        called = caller.replace("alloc_sp_for_split()", "alloc_sp_for_split(&iter)", 1)
        edits = (*whole(TDP, callee, new), *whole(TDP, caller, called))
        due = ((TDP, "tdp_mmu_alloc_sp_for_split"), (TDP, "tdp_mmu_split_huge_pages_root"))
        yield Mutant(RCU, "allocates and peeks", edits, due)


def walks_without_begin(sources: Sources) -> Iterator[Mutant]:
    """A lockless walk without its begin and end; the section is in helpers of helpers."""
    for name, text in sources.functions(MMU).items():
        if "walk_shadow_page_lockless_begin(vcpu);" in text and "tdp" in text:
            new = re.sub(r"^\t+walk_shadow_page_lockless_(?:begin|end)\(vcpu\);\n", "", text, flags=re.M)
            due = (*_deep(sources, MMU, name), *_deep(sources, TDP, "kvm_tdp_mmu_fast_pf_get_last_sptep"),
                   *_deep(sources, TDP, "kvm_tdp_mmu_get_walk"))  # fmt: skip
            yield Mutant(RCU, "walks without begin", whole(MMU, text, new), due)
    header = "arch/x86/kvm/mmu/tdp_mmu.h"
    for text in sources.functions(header).values():
        if "rcu_read_lock();" in text:
            due = (
                *_deep(sources, TDP, "kvm_tdp_mmu_fast_pf_get_last_sptep"),
                *_deep(sources, TDP, "kvm_tdp_mmu_get_walk"),
            )
            yield Mutant(RCU, "begins nothing", whole(header, text, text.replace("rcu_read_lock();", "")), due)


OPERATORS: tuple[Operator, ...] = (
    without_a_section,
    left_at_once,
    peeks_after_the_section,
    allocates_and_peeks,
    walks_without_begin,
)
