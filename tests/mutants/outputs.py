"""Wrappers that leave an output unset on some return, with the callers that print it (tdx-seamcall-output-unset)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import TDX, WRAPPERS
from tests.mutants.sources import Mutant, Operator, Same, Site, Sources

RULE = "tdx-seamcall-output-unset"
CALL = r"^\tret = seamcall_ret\([^;]*;"
# What can go wrong before a SEAMCALL, in words of no particular wrapper.
CHECKS = (
    "if (WARN_ON_ONCE(!td))\n\t\treturn TDX_SW_ERROR;",
    "if (WARN_ON_ONCE(!IS_ALIGNED(gpa, PAGE_SIZE)))\n\t\treturn TDX_SW_ERROR;",
    "if (unlikely(!tdx_module_state.initialized)) {\n\t\tWARN_ON_ONCE(1);\n\t\treturn TDX_SW_ERROR;\n\t}",
)


def _wrappers(sources: Sources) -> Iterator[Site]:
    """The SEAMCALL of each wrapper whose outputs a caller prints."""
    callers = sources.text(TDX)
    for site in sources.sites(WRAPPERS, CALL):
        call = re.search(rf"\b{site.function}\b[^;]*&\w+\);[^}}]*?TDX_BUG_ON_[23]\(", callers)
        if call is not None and re.search(r"^\t\*\w+ = ", site.text, re.M):
            yield site


def _fits(check: str, site: Site) -> bool:
    heading = site.text[: site.text.index("{")]
    return all(re.search(rf"\b{word}\b", heading) for word in ("td", "gpa") if re.search(rf"\b{word}\b", check))


def early_return(sources: Sources) -> Iterator[Mutant]:
    """A check before the SEAMCALL returns before the stores."""
    for site in _wrappers(sources):
        for check in CHECKS:
            if _fits(check, site):
                edit = site.replaced(f"\t{check}\n\n{site.matched}")
                yield Mutant(RULE, "early return", (edit,), ((WRAPPERS, site.function),))


def early_goto(sources: Sources) -> Iterator[Mutant]:
    """A check jumps over the stores to the return."""
    for site in _wrappers(sources):
        edit = site.replaced(
            f"\tret = TDX_SW_ERROR;\n\tif (WARN_ON_ONCE(!boot_cpu_data.x86))\n\t\tgoto out;\n\n{site.matched}"
        )
        new = edit.new.replace("\n\treturn ret;", "\nout:\n\treturn ret;")
        yield Mutant(RULE, "goto over the stores", (Edit(WRAPPERS, edit.old, new),), ((WRAPPERS, site.function),))


def stores_on_success(sources: Sources) -> Iterator[Mutant]:
    """The outputs are stored when the SEAMCALL succeeded, where nobody prints them."""
    for site in _wrappers(sources):
        stores = re.search(r"(?:^\t\*\w+ = args\.\w+;\n)+", site.text, re.M)
        assert stores is not None
        inner = stores.group().replace("\t*", "\t\t*")
        new = site.text.replace(stores.group(), f"\tif (!ret) {{\n{inner}\t}}\n")
        yield Mutant(RULE, "stores on success only", (Edit(WRAPPERS, site.text, new),), ((WRAPPERS, site.function),))


def one_store_dropped(sources: Sources) -> Iterator[Mutant]:
    """One of the stores is gone."""
    for site in _wrappers(sources):
        for store in re.finditer(r"^\t\*\w+ = args\.\w+;\n", site.text, re.M):
            new = site.text[: store.start()] + site.text[store.end() :]
            yield Mutant(RULE, "a store dropped", (Edit(WRAPPERS, site.text, new),), ((WRAPPERS, site.function),))


def through_helper(sources: Sources) -> Iterator[Mutant]:
    """The early return sits in a new helper of KVM between the wrapper and its caller."""
    for site in sources.sites(TDX, r"err = (tdh_mem_\w+|tdh_mr_extend)\((&\w+(?:\(kvm\))?->td), gpa([^;]*)\);"):
        wrapper, td, rest = site.groups
        names = [a.strip() for a in rest.lstrip(",").replace("\n", " ").split(",") if a.strip()]
        if "+" in rest:
            continue
        heading = re.search(rf"^u64 {wrapper}\(([^)]*)\)", sources.text(WRAPPERS), re.M)
        assert heading is not None
        params = " ".join(heading.group(1).split())
        passed = ", ".join(p.split()[-1].lstrip("*") for p in params.split(", "))
        helper = (
            f"static u64 tdx_try_{wrapper[4:]}({params})\n{{\n"
            "\tif (unlikely(!gpa))\n\t\treturn TDX_OPERAND_INVALID;\n\n"
            f"\treturn {wrapper}({passed});\n}}\n\n"
        )
        call = site.replaced(f"err = tdx_try_{wrapper[4:]}({', '.join((td, 'gpa', *names))});")
        edit = Edit(TDX, call.old, helper + call.new)
        yield Mutant(RULE, "helper gives up", (edit,), ((TDX, f"tdx_try_{wrapper[4:]}"),))


OPERATORS: tuple[Operator, ...] = (early_return, early_goto, stores_on_success, one_store_dropped, through_helper)


def _same(operator: str, change: Callable[[Site], str | None]) -> Callable[[Sources], Iterator[Same]]:
    def made(sources: Sources) -> Iterator[Same]:
        for site in _wrappers(sources):
            new = change(site)
            if new is not None and new != site.text:
                yield Same(operator, (Edit(WRAPPERS, site.text, new),))

    return made


def _zeroed_first(site: Site) -> str:
    stores = re.findall(r"^\t(\*\w+) = args", site.text, re.M)
    zero = "".join(f"\t{s} = 0;\n" for s in stores)
    check = "\tif (WARN_ON_ONCE(!boot_cpu_data.x86))\n\t\treturn TDX_SW_ERROR;\n\n"
    return site.text[: site.start] + zero + check + site.text[site.start :]


def _goto_before_stores(site: Site) -> str:
    check = "\tret = TDX_SW_ERROR;\n\tif (WARN_ON_ONCE(!boot_cpu_data.x86))\n\t\tgoto out;\n\n"
    text = site.text[: site.start] + check + site.text[site.start :]
    return re.sub(r"^(\t\*\w+ = args)", r"out:\n\1", text, count=1, flags=re.M)


def _swapped_stores(site: Site) -> str:
    return re.sub(r"(^\t\*\w+ = args\.\w+;\n)(\t\*\w+ = args\.\w+;\n)", r"\2\1", site.text, count=1, flags=re.M)


def _indexed(site: Site) -> str:
    return re.sub(r"^\t\*(\w+) = args", r"\t\1[0] = args", site.text, flags=re.M)


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (
    _same("outputs zeroed first", _zeroed_first),
    _same("goto to the stores", _goto_before_stores),
    _same("stores swapped", _swapped_stores),
    _same("stored by index", _indexed),
)
