"""A struct page or folio is made of a guest_memfd PFN.

KVM's MMUs deal in PFNs on purpose: that a PFN has a struct page says nothing of whether it is refcounted or owned
by core MM, and guest_memfd may back a guest with memory that has none. Code that looks one up dereferences
garbage there, and brings back assumptions about folios that took KVM years to remove: a mapping may be larger
than the folio, which can be split while the mapping stays.

Pass the PFN, or the SPTE, to where it is used; the SEAMCALL wrappers take kvm_pfn_t. Control pages, S-EPT pages that
KVM allocates, the source page of PAGE_ADD and everything in guest_memfd.c own their struct page and are not meant.

May be false: where a value is a guest PFN on some calls only, the path names the call that makes it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Call,
    Certainty,
    Facts,
    Finding,
    Function,
    Location,
    Prototype,
    Provenance,
    Rule,
    Severity,
    Step,
    has_hole,
    shown,
    solve_taint,
    words,
)
from rules.vocabulary.guest import GMEM, GMEM_SPEC, LOOKUPS_WITH_PAGE, RELEASES
from rules.vocabulary.seamcall import GUEST_MEMORY, is_tdx

OWN_PAGE = re.compile(r"source|src|sept|spt|table")
SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/tdx.h")


def _derivations(facts: Facts) -> Iterator[Finding]:
    result = facts.solve(("taint", GMEM), lambda: solve_taint(facts.program, facts.names, facts.vocabulary, GMEM_SPEC))
    facts.count("gmem-pfn sources", result.sources)
    facts.count("page and folio uses looked at", result.sinks)
    for arrival in result.arrivals:
        call = arrival.instr
        if not isinstance(call, Call) or _given_back(arrival.function, call):
            continue
        trace = (
            *arrival.path,
            Step(
                Location(arrival.function.path, call.line, call.column), arrival.function.name, f"reaches {shown(call)}"
            ),
        )
        certainty = Certainty.MAY if has_hole(arrival.function) else Certainty.MUST
        yield Finding(
            Location(arrival.function.path, call.line, call.column),
            arrival.function.name,
            f"{call.callee}({words(arrival.function, arrival.expr)})",
            f"{shown(call)} {_deed(call.callee)} a guest_memfd PFN",
            certainty,
            trace,
        )


def _given_back(function: Function, call: Call) -> bool:
    """Whether the page is only made to drop the reference that came with a PFN, by a lookup that gives no page."""
    lookups = [c for c in function.calls() if c.callee in LOOKUPS_WITH_PAGE]
    if not lookups or any(len(c.args) > LOOKUPS_WITH_PAGE[c.callee] for c in lookups):
        return False
    if call.callee in RELEASES:
        return True
    users = [c for c in function.calls() if call.result is not None and call.result in c.args]
    return call.callee == "pfn_to_page" and bool(users) and all(c.callee in RELEASES for c in users)


def _deed(callee: str) -> str:
    """What a sink does with the PFN behind its argument."""
    if callee.endswith("_to_page"):
        return "makes a struct page of"
    return "makes a folio of" if callee in ("page_folio", "pfn_folio", "virt_to_folio") else "relies on the page behind"


def _prototypes(facts: Facts) -> Iterator[Finding]:
    for prototype in facts.program.prototypes():
        allowed = GUEST_MEMORY.get(prototype.name)
        if allowed is None or not is_tdx(prototype.path):
            continue
        facts.count("prototypes of SEAMCALLs on guest memory")
        pages = [p for p in prototype.params if "struct page" in p.type]
        guests = [p for p in pages if not OWN_PAGE.search(p.name)]  # the host's own: a source to copy, a table
        allowed -= len(pages) - len(guests)
        folios = [p for p in prototype.params if "struct folio" in p.type]
        for param in folios + (guests if len(guests) > allowed else []):
            yield _prototype(prototype, param.type, param.name)


def _prototype(prototype: Prototype, kind: str, name: str) -> Finding:
    where = Location(prototype.path, prototype.line)
    message = f"{prototype.name}() takes guest memory as {kind}{name}, not as a PFN"
    note = "the prototype" if not prototype.defined else "the definition"
    return Finding(
        where, prototype.name, f"{kind} {name}", message, Certainty.MUST, (Step(where, prototype.name, note),)
    )


def check(facts: Facts) -> Iterator[Finding]:
    """Derivations along any call path, and prototypes that ask for them."""
    yield from _derivations(facts)
    yield from _prototypes(facts)


RULE = Rule(
    id="tdx-gmem-pfn-to-page",
    catalog=1,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="taint",
    provenance=(
        Provenance("mail", "aWe1tKpFw-As6VKg@google.com", "Sean Christopherson", "2026-01-14", "the NAK"),
        Provenance("mail", "aWkVLViKBgiVGgaI@google.com", "Sean Christopherson", "2026-01-15", "three ways it fails"),
        Provenance("mail", "d119c824-4770-41d2-a926-4ab5268ea3a6@intel.com", "Dave Hansen", "2026-01-16", "agrees"),
    ),
    bad=(
        """
        static int map(struct kvm *kvm, u64 new_spte)
        {
                kvm_pfn_t pfn = spte_to_pfn(new_spte);
                struct page *page = pfn_to_page(pfn);  // expect

                return tdx_map_page(kvm, page);
        }
        """,
    ),
    good=(
        """
        static int map(struct kvm *kvm, u64 new_spte)
        {
                kvm_pfn_t pfn = spte_to_pfn(new_spte);

                return tdx_map_pfn(kvm, pfn);
        }
        """,
        """
        static struct page *table(struct kvm_mmu_page *sp)
        {
                return virt_to_page(sp->external_spt);
        }
        """,
    ),
)
