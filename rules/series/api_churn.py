"""A series adds an API, uses it, and changes its prototype in a later patch.

What a patch adds is reviewed as it stands there, and so is the patch that calls it. When a later patch of the same
series gives it another parameter or result, or takes it away, both have to be reviewed again, and nobody can
tell which of the states is the one to agree on.

Introduce a function, or a member of kvm_x86_ops, in the form that the end of the series needs, before its first
user. Refactoring what was there before the series, static helpers that grow with their callers, moves to another
file and new names of parameters are fine.

May be false: where two configurations hold functions of one name, and only the patches are there to tell.
May miss: what changes while the types stay (units, locks to be held, order of parameters of one type); macros;
typedefs of callbacks; structs that are passed; an API that is declared and defined by different patches; renames and
moved code mixed with changes of behaviour, for which a diff gives no test that is nearly free of false alarms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.author import (
    Api,
    ApiChange,
    Change,
    Finding,
    Location,
    Prototype,
    Provenance,
    Rule,
    SeriesFacts,
    Severity,
    Step,
    churn,
)


def _types(made: Prototype) -> str:
    return f"{made.returns} ({', '.join(p.type for p in made.params) or 'void'})"


def _difference(change: ApiChange) -> str:
    """What a patch does to a prototype, in words: the types that come and go."""
    if change.after is None:
        return "takes it away"
    (old_returns, old), (new_returns, new) = change.before.shape, change.after.shape
    come, gone = Counter(new) - Counter(old), Counter(old) - Counter(new)
    words = [f"adds {', '.join(come.elements())}"] if come else []
    words += [f"drops {', '.join(gone.elements())}"] if gone else []
    words += [f"makes {old_returns} {new_returns}"] if old_returns != new_returns else []
    return " and ".join(words) or "changes the order of its parameters"


def _patches(numbers: list[int]) -> str:
    words = [str(n) for n in numbers]
    return f"patch {words[0]}" if len(words) == 1 else f"patches {', '.join(words[:-1])} and {words[-1]}"


def _finding(api: Api) -> Finding:
    where = Location(api.declared.path, api.declared.line)
    called = f"op {api.name}()" if api.op else f"{api.name}()"
    changed = [c.patch for c in api.changes if c.after is not None]
    gone = [c.patch for c in api.changes if c.after is None]
    fate = [f"changed by {_patches(changed)}"] if changed else []
    fate += [f"removed by {_patches(gone)}"] if gone else []
    message = (
        f"{called} is introduced by patch {api.patch}, used by patch {api.use.patch} and {' and '.join(fate)}"
        " of the same series: introduce it complete"
    )
    trace = (
        Step(where, api.name, f"patch {api.patch} introduces it: {_types(api.declared)}"),
        Step(api.use.location, api.use.function, f"patch {api.use.patch} uses it"),
        *(Step(c.location, api.name, f"patch {c.patch} {_difference(c)}") for c in api.changes),
    )
    return Finding(where, api.name, called, message, trace=trace, patch=api.patch, change=Change.INTRODUCED)


def series_check(facts: SeriesFacts) -> Iterator[Finding]:
    """One finding for each API, at the patch that introduces it."""
    for api in churn(facts):
        yield _finding(api)


RULE = Rule(
    id="series-api-churn",
    catalog=30,
    severity=Severity.WARNING,
    scope=("*",),
    series_check=series_check,
    provenance=(
        Provenance("mail", "aXqSg2nUSYJMbcXT@google.com", "Sean Christopherson", "2026-01-28", "DEMOTE in three steps"),
    ),
    bad=(
        """
        // patch: 1 Add tdh_mem_split()
        // path: arch/x86/include/asm/tdx.h
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa);  // expect
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa)
        {
                return seamcall(TDH_MEM_SPLIT, gpa);
        }
        // patch: 2 Use it
        // path: arch/x86/kvm/vmx/tdx.c
        static int split(struct kvm *kvm, gfn_t gfn)
        {
                return tdh_mem_split(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn));
        }
        // patch: 3 Give it a page
        // path: arch/x86/include/asm/tdx.h
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa, struct page *sept_page);
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa, struct page *sept_page)
        {
                return seamcall(TDH_MEM_SPLIT, gpa, page_to_phys(sept_page));
        }
        """,
    ),
    good=(
        """
        // patch: 1 Add tdh_mem_split()
        // path: arch/x86/include/asm/tdx.h
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa);
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa)
        {
                return seamcall(TDH_MEM_SPLIT, gpa);
        }
        // patch: 2 Give it a page
        // path: arch/x86/include/asm/tdx.h
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa, struct page *sept_page);
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_split(struct tdx_td *td, u64 gpa, struct page *sept_page)
        {
                return seamcall(TDH_MEM_SPLIT, gpa, page_to_phys(sept_page));
        }
        // patch: 3 Use it
        // path: arch/x86/kvm/vmx/tdx.c
        static int split(struct kvm *kvm, gfn_t gfn, struct page *page)
        {
                return tdh_mem_split(&to_kvm_tdx(kvm)->td, gfn_to_gpa(gfn), page);
        }
        """,
    ),
)
