"""The size of a private mapping is taken from a folio.

How large private memory may be mapped comes from guest_memfd (the order it gives with a PFN), from lpage_info and from
the gmem_max_mapping_level hook. A folio says nothing of it: guest_memfd may back a guest without folios, and
may split a folio to 4K while the huge mapping stays, so that a check against the folio fails exactly when the mapping
has to be zapped. host_pfn_mapping_level() reads the page tables of user space, which do not map private memory.

Use fault->max_level, lpage_info or the hook; check at most the alignment of the PFN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzer.author import (
    Arrival,
    Assume,
    Binary,
    Call,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Location,
    Name,
    Provenance,
    Rule,
    Severity,
    Spec,
    Step,
    Verb,
    covers,
    depending,
    guarded_by,
    parts,
    shown,
    solve_taint,
    step,
    texts,
    words,
)
from rules.vocabulary.guest import FOLIO_SIZE, GMEM, GMEM_SPEC, SIZE_TESTS
from rules.vocabulary.seamcall import is_tdx

SCOPE = (
    "arch/x86/kvm/vmx/*",
    "arch/x86/kvm/mmu/*",
    "arch/x86/kvm/svm/sev*",
    "arch/x86/virt/vmx/tdx/*",
    "arch/x86/include/asm/tdx.h",
)
_SOURCE = re.compile(r"(?:^|_)(?:src|source|user)(?:_|$)")
ORDERS = frozenset(("compound_order", "folio_order"))
LEVELS = frozenset("max_level goal_level req_level level pg_level map_level host_level".split())


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _level(function: Function, target: Expr) -> bool:
    """A mapping level: by its type, or by the names KVM gives them."""
    if isinstance(target, Field):
        return target.name in LEVELS
    return isinstance(target, Name) and (
        target.id in LEVELS or function.locals.get(target.id, "").startswith("enum pg_level")
    )


SPEC = Spec(
    label=FOLIO_SIZE,
    typed=lambda function, index: False,
    typed_scope=lambda path, name: False,
    fields=frozenset(),
    sanitized=lambda path: False,
    origin_scope=lambda path: not path.endswith("virt/kvm/guest_memfd.c"),
    sink_scope=_covers,
    compares=True,
    levels=_level,
)


def _folio_sizes(facts: Facts) -> Iterator[Finding]:
    result = facts.solve(("taint", FOLIO_SIZE), lambda: solve_taint(facts.program, facts.names, facts.vocabulary, SPEC))
    facts.count("folio sizes followed", result.sources)
    facts.count("comparisons looked at", result.sinks)
    places: set[tuple[str, int]] = set()
    for arrival in _nearest(facts, result.arrivals):
        function, instr = arrival.function, arrival.instr
        if (function.path, instr.line) in places or _of_user(facts, arrival):
            continue
        places.add((function.path, instr.line))
        compared = isinstance(arrival.expr, Binary)
        text = words(function, arrival.expr)
        what = f"{text} {'compares with' if compared else 'is set from'} the size of a folio"
        last = Step(Location(function.path, instr.line, instr.column), function.name, what)
        yield facts.finding(function, instr, text, what, trace=(*_renamed(arrival.path), last))


def _of_user(facts: Facts, arrival: Arrival) -> bool:
    """The folio is one that userspace gave, the source of what is copied into guest memory."""
    first = arrival.path[0] if arrival.path else None
    function = facts.program.lower((first.location.path, first.function)) if first is not None else None
    if function is None or first is None:
        return False
    given = {
        p.name for p in function.params if _SOURCE.search(p.name) and p.type in ("struct page *", "struct folio *")
    }
    given |= {p.text for c in function.calls() for a in c.args for p in parts(a) if p.text.endswith("page_add_src")}
    of_user = depending(function, given)
    here = [c for c in function.calls() if c.line == first.location.line and facts.vocabulary.of(c.callee, Verb.SOURCE)]
    return bool(here) and all(not texts(*c.args).isdisjoint(of_user) for c in here)


def _size_tests(facts: Facts) -> Iterator[Finding]:
    """One bit of size: whether a folio made of a guest PFN is large. The source page of PAGE_ADD may be asked."""
    result = facts.solve(("taint", GMEM), lambda: solve_taint(facts.program, facts.names, facts.vocabulary, GMEM_SPEC))
    for arrival in result.arrivals:
        call = arrival.instr
        if not isinstance(call, Call) or call.result is None:
            continue
        if call.callee in SIZE_TESTS or (call.callee in ORDERS and _as_truth(arrival.function, call.result)):
            what = f"{shown(call)} asks the folio of a guest PFN whether it is large"
            last = step(arrival.function, call, what)
            yield facts.finding(arrival.function, call, call.callee, what, trace=(*arrival.path, last))


def _as_truth(function: Function, order: Expr) -> bool:
    """Whether an order is only asked whether it is zero: a branch without a comparison."""
    return any(isinstance(i, Assume) and i.cond.text == order.text for b in function.blocks for i in b.instrs)


def _nearest(facts: Facts, arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The arrivals nearest to each source: what a level does that came of a folio is no second defect.

    Functions that only convert a size to a level are passed through.
    """
    best: dict[Location, list[Arrival]] = {}
    for arrival in arrivals:
        if not arrival.path or facts.vocabulary.of(arrival.function.name, Verb.PASS):
            continue
        known = best.setdefault(arrival.path[0].location, [])
        if known and len(arrival.path) < len(known[0].path):
            known.clear()
        if not known or len(arrival.path) == len(known[0].path):
            known.append(arrival)
    return [a for found in best.values() for a in (found if isinstance(found[0].expr, Binary) else found[:1])]


def _renamed(path: tuple[Step, ...]) -> tuple[Step, ...]:
    """The source step in this rule's words."""
    first = path[:1]
    return (
        *(
            Step(s.location, s.function, s.note.replace("gives a guest memory PFN", "is the size of a folio"))
            for s in first
        ),
        *path[1:],
    )


def _private(assume: Assume) -> bool:
    return assume.truth and "private" in assume.cond.text and not isinstance(assume.cond, Binary)


def _host_levels(facts: Facts) -> Iterator[Finding]:
    for function in facts.mentioning(frozenset(("host_pfn_mapping_level",)), _covers):
        for call in function.calls():
            if call.callee != "host_pfn_mapping_level":
                continue
            facts.count("uses of host_pfn_mapping_level()")
            trace = _why_private(facts, function, call)
            if trace:
                message = "host_pfn_mapping_level() is asked for the level of private memory"
                yield facts.finding(function, call, "host_pfn_mapping_level", message, trace=trace)


def _open_to_private(function: Function, call: Call) -> bool:
    """Whether a way on which the memory is private leads to a call."""
    if guarded_by(function, call, _private):
        return True
    blocks = function.blocks
    work = [n for n, b in enumerate(blocks) if any(isinstance(i, Assume) and _private(i) for i in b.instrs)]
    seen = set(work)
    while work:
        at = work.pop()
        if any(i is call for i in blocks[at].instrs):
            return True
        new = [n for n in blocks[at].successors if n not in seen]
        seen.update(new)
        work += new
    return False


def _why_private(facts: Facts, function: Function, call: Call) -> tuple[Step, ...]:
    here = step(function, call, "host_pfn_mapping_level() for private memory")
    if is_tdx(function.path) or "gmem" in function.name or _open_to_private(function, call):
        return (here,)
    callers = [
        (caller, site)
        for key in facts.names.callers.get(function.key, ())
        if (caller := facts.program.lower(key)) is not None
        for site in caller.calls()
        if site.callee == function.name
    ]
    if callers and all(guarded_by(caller, site, _private) for caller, site in callers):
        caller, site = callers[0]
        return (step(caller, site, f"calls {function.name}() for private memory"), here)
    return ()


def check(facts: Facts) -> Iterator[Finding]:
    """Folio sizes that reach a comparison or a level, and host levels asked for private memory."""
    yield from _folio_sizes(facts)
    yield from _size_tests(facts)
    yield from _host_levels(facts)


RULE = Rule(
    id="tdx-mapping-size-from-folio",
    catalog=3,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="taint",
    provenance=(
        Provenance("mail", "aWe1tKpFw-As6VKg@google.com", "Sean Christopherson", "2026-01-14"),
        Provenance("mail", "aWkVLViKBgiVGgaI@google.com", "Sean Christopherson", "2026-01-15"),
        Provenance(
            "mail",
            "CAEvNRgHSm0k2hthxLPg8oXO_Y9juA9cxOBp2YdFFYOnDkxpv5g@mail.gmail.com",
            "Ackerley Tng",
            "2026-01-12",
            "the check at zap time is harmful",
        ),
    ),
    bad=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        static bool fits(struct folio *folio, unsigned long start, unsigned long npages)
        {
                return start + npages <= folio_nr_pages(folio);  // expect
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        static bool fits(kvm_pfn_t pfn, unsigned long npages)
        {
                return IS_ALIGNED(pfn, npages);
        }
        """,
    ),
)
