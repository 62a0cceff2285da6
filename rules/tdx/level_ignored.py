"""Caches are flushed, written back or reset for 4K whatever level the SEAMCALL is given.

The TDX module maps or removes 2M or 1G in one SEAMCALL, and leaves the cache lines of the memory to the kernel. Where
the level goes into the SEAMCALL and PAGE_SIZE into the flush, dirty lines of the other 511 pages stay behind: they are
written back later, over what the guest put there, or with the wrong KeyID (a machine check on hardware with the partial
write erratum).

Scale the work to the level (page_level_size(), KVM_PAGES_PER_HPAGE()), or refuse every level but PG_LEVEL_4K on all
paths to it. What is kept to 4K that way is told as information, with the guard.

May be false: where a level cannot be larger for a reason that no test on the way states.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.author import (
    Call,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Name,
    Provenance,
    Reach,
    Rule,
    Severity,
    Site,
    Sizes,
    Verb,
    Verdict,
    constant,
    depending,
    ordered,
    parts,
    texts,
    words,
)
from rules.vocabulary.guest import GMEM
from rules.vocabulary.seamcall import GUEST_MEMORY, SEAMCALLS, SIZED_LEAVES, SIZED_WORK, TDX_CODE, is_tdx

_HUGE = re.compile(r"P[MU]D_|HPAGE|_[21]M|_1G|PG_LEVEL_[21]")
_PFN = re.compile(r"^(?:\w+_)?pfn$")
_LEVEL = re.compile(r"^(?:\w+_)?level$")
_COUNT = re.compile(r"^(?:\w+_)?(?:npages|nr_pages|num_pages)$")
_ORDER = re.compile(r"^(?:\w+_)?order$")
_BYTES = re.compile(r"^(?:\w+_)?(?:size|len|nbytes)$")
MAX_CALLS = 4  # between a level and its SEAMCALL
_LARGE = ((_LEVEL, (2, 3)), (_COUNT, (512,)), (_ORDER, (9,)), (_BYTES, (0x200000,)))


def _values(function: Function, source: Expr) -> tuple[int, ...]:
    """What a level or size is for a huge page."""
    if function.locals.get(source.text, "").startswith("enum pg_level"):
        return (2, 3)
    name = source.name if isinstance(source, Field) else source.text
    return next((values for pattern, values in _LARGE if pattern.match(name)), ())


def _sources(function: Function) -> tuple[Expr, ...]:
    """The levels and sizes that a function is given: parameters, and fields of what it is given."""
    found: dict[str, Expr] = {}
    for param in function.params:
        name = Name(param.name or "?")
        if "*" not in param.type and "state" not in param.name and _values(function, name):
            found[name.text] = name
    for call in function.calls():
        for part in (p for a in call.args for p in parts(a)):
            if isinstance(part, Field) and _LEVEL.match(part.name) and "state" not in part.name:
                found.setdefault(part.text, part)
    return tuple(found.values())


def _guest(facts: Facts, function: Function) -> frozenset[str]:
    """The places in a function that name guest memory."""
    seeds = {p for p, t in function.locals.items() if t == "kvm_pfn_t"}
    seeds |= {p.name for p in function.params if _PFN.match(p.name) and "*" not in p.type}
    pages = [p.name for p in function.params if p.type in ("struct page *", "struct folio *")]
    if function.name in GUEST_MEMORY:
        seeds |= set(pages[: len(pages) - GUEST_MEMORY[function.name]])
    for call in function.calls():
        if call.result is not None and any(
            e.label == GMEM and e.slot < 0 for e in facts.vocabulary.of(call.callee, Verb.SOURCE)
        ):
            seeds.add(call.result.text)
        seeds |= {p.text for a in call.args for p in parts(a) if isinstance(p, Field) and _PFN.match(p.name)}
    return depending(function, seeds)


@dataclass(slots=True)
class _Check:
    facts: Facts
    sizes: Sizes
    reach: Reach
    used: dict[tuple[tuple[str, str], int], bool]
    ignored: dict[tuple[str, str], tuple[tuple[Expr, Site], ...]]

    def findings(self, function: Function) -> Iterator[Finding]:
        """Work of one size on guest memory beside a SEAMCALL with a level."""
        for source, site in self._ignored(function):
            self.facts.count("works of one size beside a SEAMCALL with a level")
            yield from self._told(function, source, site)

    def _ignored(self, function: Function) -> tuple[tuple[Expr, Site], ...]:
        """The work of a function that does not follow its level, with the level."""
        if function.key not in self.ignored:
            self.ignored[function.key] = ()  # functions that call themselves end here
            self.ignored[function.key] = tuple(self._looked_for(function))
        return self.ignored[function.key]

    def _looked_for(self, function: Function) -> Iterator[tuple[Expr, Site]]:
        sites = self.sizes.sites(function)
        sources = _sources(function) if sites else ()
        if not sources:
            return
        guest = _guest(self.facts, function)
        levels = {s: depending(function, (s.text,), self._seamcalls(function)) for s in sources}
        scaled = frozenset().union(*levels.values())
        for source, level in levels.items():
            uses = [c for c in function.calls() if self._passes(function, c, level, MAX_CALLS)]
            if uses:
                work = [s for s in sites if self._unscaled(function, s, guest, scaled)]
                others = {s.what for s in sites if s not in work and not texts(*s.operands).isdisjoint(guest)}
                work = [s for s in work if s.what not in others or self._open(function, source, s)]
                yield from ((source, s) for s in work if self._beside(function, s, uses))
                return

    def _unscaled(self, function: Function, site: Site, guest: frozenset[str], scaled: frozenset[str]) -> bool:
        """Work on guest memory whose size is constant."""
        if texts(*site.operands).isdisjoint(guest):
            return False
        self.facts.count("flushes, write-backs and resets in functions with a level")
        if not (texts(*site.sizes).isdisjoint(scaled) and site.loop.isdisjoint(scaled)):
            return False
        return all(constant(function, s) and not _HUGE.search(s.text) for s in site.sizes)

    def _beside(self, function: Function, site: Site, uses: list[Call]) -> bool:
        """Whether a SEAMCALL with the level is on one path with the work, and not only inside the callee that works."""
        if any(use is site.call for use in uses):
            callees = self.facts.program.functions(self.facts.program.resolve(site.call.callee, function.path))
            return not any(self._told_inside(c) for c in callees)
        return any(ordered(function, use, site.call) or ordered(function, site.call, use) for use in uses)

    def _told_inside(self, function: Function, depth: int = MAX_CALLS) -> bool:
        """Whether the work is told of a function or of one that it calls for it."""
        if self._ignored(function):
            return True
        names = {s.call.callee for s in self.sizes.sites(function) if depth and s.call.callee}
        found = (c for n in names for c in self.facts.program.functions(self.facts.program.resolve(n, function.path)))
        return any(self._told_inside(c, depth - 1) for c in found)

    def _open(self, function: Function, source: Expr, site: Site) -> bool:
        """Whether the work of one page is done for huge pages too; else it is the branch for 4K beside another."""
        return self.reach.of(function, source, site.call).kind == "open"

    def _told(self, function: Function, source: Expr, site: Site) -> Iterator[Finding]:
        verdict: Verdict = self.reach.of(function, source, site.call)
        if verdict.kind == "open":
            verdict = self._refused_within(function, source, site) or verdict
        what = f"{site.call.name}() {site.what} one page whatever {words(function, source)} is"
        if verdict.kind == "open":
            yield self.facts.finding(
                function, site.call, f"{site.call.name}: {source.text}", what, trace=(*verdict.steps, *site.steps)
            )
        elif verdict.kind == "guarded":
            yield self.facts.finding(
                function,
                site.call,
                f"{site.call.name}: {source.text}",
                f"{what}: reachable but guarded by {verdict.guard}",
                trace=(*verdict.steps, *site.steps),
                severity=Severity.INFO,
            )

    def _refused_within(self, function: Function, source: Expr, site: Site) -> Verdict | None:
        """What keeps a helper from the work, if it is handed the level and refuses it for itself."""
        level = depending(function, (source.text,), self._seamcalls(function))
        given = next((i for i, a in enumerate(site.call.args) if not texts(a).isdisjoint(level)), None)
        keys = self.facts.program.resolve(site.call.callee, function.path) if site.call.callee else ()
        found: list[Verdict] = []
        for callee in self.facts.program.functions(keys):
            if given is None or given >= len(callee.params):
                return None
            name = Name(callee.params[given].name)
            found += [self.reach.of(callee, name, s.call) for s in self.sizes.sites(callee) if s.what == site.what]
        return found[0] if found and all(v.kind == "guarded" for v in found) else None

    def _seamcalls(self, function: Function) -> frozenset[str]:
        return frozenset(c.callee for c in function.calls() if c.callee in SEAMCALLS or c.callee.startswith("tdh_"))

    def _passes(self, function: Function, call: Call, level: frozenset[str], depth: int) -> bool:
        given = [i for i, a in enumerate(call.args) if not texts(a).isdisjoint(level)]
        if not given or call.callee in SIZED_WORK:
            return False
        if call.callee in SEAMCALLS or call.callee.startswith("tdh_") or any(_wrapper(a) for a in call.args):
            return True
        for key in self.facts.program.resolve(call.callee, function.path) if call.callee and depth else ():
            callee = self.facts.program.lower(key) if is_tdx(key[0]) else None
            for index in given if callee is not None else ():
                assert callee is not None
                if index < len(callee.params) and self._uses(callee, index, depth - 1):
                    return True
        return False

    def _uses(self, function: Function, index: int, depth: int) -> bool:
        key = (function.key, index)
        if key not in self.used:
            self.used[key] = False
            reached = depending(function, (function.params[index].name,), self._seamcalls(function))
            self.used[key] = any(self._passes(function, c, reached, depth) for c in function.calls())
        return self.used[key]


def _wrapper(arg: Expr) -> bool:
    """A wrapper given to a retrying macro."""
    return isinstance(arg, Name) and (arg.id.startswith("tdh_mem_") or arg.id in SEAMCALLS)


def check(facts: Facts) -> Iterator[Finding]:
    """Each function of TDX code that flushes, writes back or resets, or asks a helper to."""
    mentions = frozenset((*SIZED_WORK, *SIZED_LEAVES))
    first = facts.names.where(lambda d: is_tdx(d.path) and not d.mentions.isdisjoint(mentions))
    checker = _Check(facts, Sizes(facts, SIZED_WORK, SIZED_LEAVES, is_tdx), Reach(facts, _sources, _values), {}, {})
    for key in sorted(k for k in facts.names.reaching(first) if is_tdx(k[0])):
        definition = facts.program.definitions[key]
        function = facts.program.lower(key) if definition.kind == "function" else None
        if function is not None:
            yield from checker.findings(function)


RULE = Rule(
    id="tdx-level-ignored",
    catalog=25,
    severity=Severity.ERROR,
    scope=TDX_CODE,
    check=check,
    provenance=(
        Provenance("mail", "20260319005605.8965-1-yan.y.zhao@intel.com", "Kiryl Shutsemau", "2026-03-19"),
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdx_sept_map_leaf_spte", "KVM", note="every level but 4K is refused"),
    ),
    bad=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_page_put(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn)
        {
                struct tdx_module_args args = { .rcx = gpa | pg_level_to_tdx_sept_level(level), .r8 = PFN_PHYS(pfn) };

                clflush_cache_range(__va(PFN_PHYS(pfn)), PAGE_SIZE);  // expect
                return seamcall_ret(TDH_MEM_PAGE_PUT, &args);
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_page_put(struct tdx_td *td, u64 gpa, enum pg_level level, kvm_pfn_t pfn)
        {
                struct tdx_module_args args = { .rcx = gpa | pg_level_to_tdx_sept_level(level), .r8 = PFN_PHYS(pfn) };

                clflush_cache_range(__va(PFN_PHYS(pfn)), page_level_size(level));
                return seamcall_ret(TDH_MEM_PAGE_PUT, &args);
        }
        """,
    ),
)
