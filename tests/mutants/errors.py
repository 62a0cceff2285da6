"""Mutants of the rules about errors and their channels: cut, retried, ignored, brought into zaps, compared stale."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from tests.kernel.edits import Edit, before
from tests.mutants.errors_same import GMEM, LAPIC, MAIN, MMU, PI, SAME, SEV, TDP, TDX, X86, dangling
from tests.mutants.sources import Mutant, Operator, Site, Sources

RETRY, CUT, ZAP = "kvm-retry-on-permanent-error", "kvm-errno-truncated", "kvm-zap-can-fail"
BUG, STALE = "kvm-bug-on-result-ignored", "kvm-cmpxchg-not-refreshed"
FILES = (TDX, TDP, MMU, SEV, X86, GMEM, MAIN, LAPIC, "arch/x86/kvm/vmx/vmx.c", "arch/x86/kvm/cpuid.c")
LASTING = re.compile(r"return -E(?:INVAL|IO|NOMEM|OPNOTSUPP|PERM|FAULT|ACCES|NOTTY|NXIO)\b")
EVERY = 3  # of the many sites of one pattern, each third


def able(sources: Sources) -> frozenset[str]:
    """The functions of the files that return an errno which stays."""
    names = set()
    for path in FILES:
        for name, text in sources.functions(path).items():
            if LASTING.search(text) and re.match(r"(?:static |inline |__always_inline )*int\b", text):
                names.add(name)
    return frozenset(names)


def thin(mutants: Iterator[Mutant], most: int = 12) -> Iterator[Mutant]:
    """Some of many sites of one pattern, spread over the files."""
    made = list(mutants)
    yield from islice(made, 0, None, max(1, len(made) // most))


def whole(site: Site, new: str) -> Edit:
    """A function in other words."""
    return Edit(site.path, site.text, new)


# -- an errno that is cut --------------------------------------------------------------------------------------------

GIVEN = r"\n\t+(r|ret|err|rc) = (\w+)\((?:[^;]*)\);"


def results(sources: Sources) -> Iterator[Site]:
    """Variables of their own declaration that get an errno and are returned as int."""
    names = able(sources)
    for path in FILES:
        for site in sources.sites(path, GIVEN):
            name, callee = site.groups
            plain = len(re.findall(rf"\n\tint {name};", site.text)) == 1
            returned = re.search(rf"\n\treturn {name};", site.text[site.end :]) is not None
            number = re.match(r"(?:static )?int\b", site.text) and not re.search(rf"\b{name} = 1;", site.text)
            if callee in names and plain and returned and number:
                yield site


def narrow_local(sources: Sources) -> Iterator[Mutant]:
    """The variable itself is narrow."""
    for kind in ("bool", "u8"):

        def made(kind: str = kind) -> Iterator[Mutant]:
            for site in results(sources):
                name = site.groups[0]
                text = site.text.replace(f"\n\tint {name};", f"\n\t{kind} {name};")
                yield Mutant(CUT, f"{kind} local", (whole(site, text),), ((site.path, site.function),))

        yield from thin(made(), 10)


def narrow_copy(sources: Sources) -> Iterator[Mutant]:
    """The result goes through a flag and comes back."""

    def made() -> Iterator[Mutant]:
        for site in results(sources):
            name = site.groups[0]
            tail = f"\n\t{{\n\t\tbool nak_failed = {name};\n\n\t\t{name} = nak_failed;\n\t}}"
            first = site.text[: site.end]
            if first.endswith(";") and not dangling(site):
                yield Mutant(
                    CUT,
                    "through a flag",
                    (whole(site, first + tail + site.text[site.end :]),),
                    ((site.path, site.function),),
                )

    yield from thin(made())


def narrow_wrapper(sources: Sources) -> Iterator[Mutant]:
    """A fresh helper of type bool stands between."""

    def made() -> Iterator[Mutant]:
        for site in results(sources):
            name = site.groups[0]
            helper = f"nak_flag_{site.function}"
            text = f"static bool {helper}(int err)\n{{\n\treturn err;\n}}\n"
            call = site.matched.strip()[:-1].split(" = ", 1)[1]
            indent = site.matched[: site.matched.index(name)]
            new = site.text[: site.start] + f"{indent}{name} = {helper}({call});" + site.text[site.end :]
            yield Mutant(CUT, "bool helper", (Edit(site.path, site.text, text + "\n" + new),),
                         ((site.path, site.function), (site.path, helper)))  # fmt: skip

    yield from thin(made())


def two_bangs(sources: Sources) -> Iterator[Mutant]:
    def made() -> Iterator[Mutant]:
        for site in results(sources):
            name = site.groups[0]
            if len(re.findall(rf"\n\treturn {name};", site.text)) == 1 and LASTING.search(site.text):
                new = site.text.replace(f"\n\treturn {name};", f"\n\treturn !!{name};")
                if re.match(rf"\s*(?:if \({name}\)\s*\n\t+goto|return {name};)", site.text[site.end :]):
                    yield Mutant(CUT, "two bangs", (whole(site, new),), ((site.path, site.function),))

    yield from thin(made())


def ored(sources: Sources) -> Iterator[Mutant]:
    """A fresh call that can fail is ORed into a flush flag."""
    for path in (TDP, MMU, GMEM, MAIN):
        for site in sources.sites(path, r"\n(\t)(?=return flush;)|\n(\t)(?=if \(flush)"):
            if not re.search(r"struct kvm \*kvm\b", site.text) or not re.search(
                r"\bbool \w*flush|bool flush", site.text
            ):
                continue
            helper = "static int nak_more(struct kvm *kvm)\n{\n\treturn kvm->mm ? 0 : -ENOMEM;\n}\n\n"
            tab = site.groups[0] or site.groups[1]
            new = site.text[: site.start] + f"\n{tab}flush |= nak_more(kvm);" + site.text[site.start :]
            yield Mutant(CUT, "ORed into flush", (Edit(path, site.text, helper + new),), ((path, site.function),))


# -- a retry that never ends -----------------------------------------------------------------------------------------

CHECKED = r"\n(\t+)(r|ret|err) = (\w+)\(([^;]*)\);\n\t+if \(\2\)\n\t+(?:return \2|goto \w+);"


def endless(sources: Sources) -> Iterator[Mutant]:
    """What was called once is called until it works."""
    shapes = (
        ("do while", "{t}do {{\n{t}\t{r} = {f}({a});\n{t}}} while ({r});"),
        ("goto", "{n}:\n{t}{r} = {f}({a});\n{t}if ({r})\n{t}\tgoto {n};"),
        ("while negative", "{t}while (1) {{\n{t}\t{r} = {f}({a});\n{t}\tif ({r} >= 0)\n"
         "{t}\t\tbreak;\n{t}\tcond_resched();\n{t}}}"),
        ("busy beside others", "{t}do {{\n{t}\t{r} = {f}({a});\n{t}}} while ({r} && {r} != -EINTR);"),
    )  # fmt: skip
    names = able(sources)
    for shape, form in shapes:

        def made(form: str = form, shape: str = shape) -> Iterator[Mutant]:
            for path in FILES:
                for site in sources.sites(path, CHECKED):
                    tab, result, callee, args = site.groups
                    if callee in names and "++" not in args and not dangling(site):
                        new = form.format(t=tab, r=result, f=callee, a=args, n="nak_retry")
                        yield Mutant(RETRY, shape, (site.replaced("\n" + new),), ((path, site.function),))

        yield from thin(made(), 8)


def dead_untested(sources: Sources) -> Iterator[Mutant]:
    """The loop no longer asks whether the VM is dead."""
    for path in (TDX, MMU):
        pattern = r"\n\t+if \(kvm_test_request\(KVM_REQ_VM_DEAD, vcpu\)\)(?: \{[^}]*\}|\n\t+return -EIO;)\n"
        for site in sources.sites(path, pattern):
            yield Mutant(RETRY, "VM_DEAD dropped", (site.replaced("\n"),), ((path, site.function),))


def retried_too(sources: Sources) -> Iterator[Mutant]:
    """Errors are retried beside RET_PF_RETRY; what retries on any error gets one that stays."""
    for path in (MMU, TDX):
        for site in sources.sites(path, r"while \((r|ret) == RET_PF_RETRY\);", "kvm_tdp_map_page"):
            new = f"while ({site.groups[0]} == RET_PF_RETRY || {site.groups[0]} < 0);"
            yield Mutant(RETRY, "negative too", (site.replaced(new),), ((path, site.function),))
    for site in sources.sites(TDP, r"if \(r == -EAGAIN\)\n\t+goto retry;"):
        yield Mutant(RETRY, "any for -EAGAIN", (site.replaced("if (r)\n\t\t\tgoto retry;"),), ((TDP, site.function),))
    for site in sources.sites(MMU, r"if \(!r \|\| r == -EAGAIN\)"):
        yield Mutant(RETRY, "any for -EAGAIN", (site.replaced("if (!r || r < 0)"),), ((MMU, site.function),))
    for site in sources.sites(TDP, r"return -EBUSY;", "__tdp_mmu_set_spte_atomic"):
        due = ("__tdp_mmu_zap_root", "wrprot_gfn_range", "clear_dirty_gfn_range", "recover_huge_pages_range",
               "tdp_mmu_split_huge_pages_root", "kvm_tdp_mmu_map", "tdp_mmu_map_handle_target_level")  # fmt: skip
        for errno in ("EINVAL", "EIO", "EPERM"):
            yield Mutant(
                RETRY, "lasting for -EBUSY", (site.replaced(f"return -{errno};"),), tuple((TDP, d) for d in due)
            )
    for site in sources.sites(PI, r"return -EBUSY;", "pi_try_set_control"):
        both = tuple((PI, d) for d in ("vmx_vcpu_pi_load", "pi_enable_wakeup_handler"))
        yield Mutant(RETRY, "lasting for -EBUSY", (site.replaced("return -EIO;"),), both)


# -- zaps that fail --------------------------------------------------------------------------------------------------

HANDLER = r"\A(static )?(bool|void)( \w+\(struct kvm \*kvm,\s+struct kvm_gfn_range \*range\)\n\{)"


def int_handler(sources: Sources) -> Iterator[Mutant]:
    """A handler becomes int; or also returns an errno."""
    for path in (MMU, MAIN, X86, SEV):
        names = r"(?!.*rmap)\w*(?:unmap_gfn_range|age_gfn|set_memory_attributes|invalidate_range)"
        for site in sources.sites(path, HANDLER, names):
            static, _, rest = site.groups
            yield Mutant(ZAP, "int handler", (site.replaced(f"{static}int{rest}"),), ((path, site.function),))
            early = f"{static}int{rest}\n\tif (!range->slot)\n\t\treturn -ENOMEM;\n"
            yield Mutant(ZAP, "errno of a handler", (site.replaced(early),), ((path, site.function),))
    typedef = Edit(MAIN, "typedef bool (*gfn_handler_t)(", "typedef int (*gfn_handler_t)(")
    yield Mutant(ZAP, "int type", (typedef,), ((MAIN, "gfn_handler_t"),))
    member = Edit("arch/x86/include/asm/kvm_host.h", "void (*gmem_invalidate_range)(", "int (*gmem_invalidate_range)(")
    yield Mutant(ZAP, "int op", (member,), (("arch/x86/include/asm/kvm_host.h", "gmem_invalidate_range"),))


ZAPPING = r"\n(\t+)(\w+) \|= (range->handler\(kvm, &gfn_range\)|kvm_(?:mmu_)?unmap_gfn_range\([^;]*\));"


def only_warned(sources: Sources) -> Iterator[Mutant]:
    for path in (MAIN, GMEM, MMU):
        for site in sources.sites(path, ZAPPING + r"|\n(\t+)(r\.ret) \|= (range->handler\(kvm, &gfn_range\));"):
            tab, target, call = (g for g in site.groups if g)
            for warn in ("WARN_ON_ONCE(nak < 0);", 'if (nak < 0)\n{t}\t\tpr_err("zap failed\\n");'.replace("{t}", tab)):
                new = f"\n{tab}{{\n{tab}\tint nak = {call};\n\n{tab}\t{warn}\n{tab}\t{target} |= nak > 0;\n{tab}}}"
                yield Mutant(ZAP, "only warned", (site.replaced(new),), ((path, site.function),))


def halfway(sources: Sources) -> Iterator[Mutant]:
    """A fresh call that can fail before each zap of a loop, and ends the loop."""
    inner = "static int nak_split(struct kvm *kvm)\n{\n\treturn kvm->mm ? 0 : -ENOMEM;\n}\n\n"
    outer = "static int nak_prepare(struct kvm *kvm)\n{\n\tint err = nak_split(kvm);\n\n\treturn err;\n}\n\n"
    for path in (MAIN, GMEM, MMU):
        for site in sources.sites(
            path, r"\n(\t\t+)(?:flush|ret|r\.ret) \|?= (?:range->handler|\w*(?:unmap|zap)\w*(?:gfn|range|leafs)\w*)\("
        ):
            if not re.search(r"struct kvm \*kvm\b", site.text) or not _in_loop(site):
                continue
            for leave in ("break;", "goto nak_out;"):
                text = (
                    site.text[: site.start]
                    + f"\n{site.groups[0]}if (nak_prepare(kvm))\n{site.groups[0]}\t{leave}"
                    + site.text[site.start :]
                )
                if leave.startswith("goto"):
                    text = _labelled(text)
                yield Mutant(
                    ZAP, "between zaps", (Edit(path, site.text, inner + outer + text),), ((path, site.function),)
                )


def _in_loop(site: Site) -> bool:
    """Whether a loop that is indented less stands open above."""
    depth = len(site.groups[0])
    for line in reversed(site.text[: site.start].split("\n")):
        own = len(line) - len(line.lstrip("\t"))
        if line.strip() and own < depth:
            depth = own
            if re.match(r"\s*(?:\w*for\w*|while|do)\b", line) and line.rstrip().endswith(("{", ",")):
                return True
            if re.match(r"\s*\w*for_each\w*\(", line):
                return True
    return False


def _labelled(text: str) -> str:
    """A label before the last return, or before the end."""
    at = text.rfind("\n\treturn")
    return text[:at] + "\nnak_out:" + text[at:] if at > 0 else text[: text.rfind("\n}")] + "\nnak_out:\n\treturn;\n}"


# -- KVM_BUG_ON without consequence ----------------------------------------------------------------------------------


def ignored(sources: Sources) -> Iterator[Mutant]:
    """A test of the result is dropped where the pointer, the level or the index is used afterwards."""
    for path in (TDX, MMU, TDP, X86, "arch/x86/kvm/vmx/vmx.c"):
        for site in sources.sites(
            path, r"if \((KVM_BUG_ON\((?:!(\w+)|level != PG_LEVEL_4K), [\w>-]+\))\)\n\t+return[^;]*;"
        ):
            name = site.groups[1] or "level"
            if re.search(rf"\b{name}(?:->|\[)|\W{name},", site.text[site.end :]):
                yield Mutant(BUG, "test dropped", (site.replaced(site.groups[0] + ";"),), ((path, site.function),))


PARAMS = r"\A[^{}]*\(struct kvm(_vcpu)? \*(kvm|vcpu), [^{}]*?struct (\w+) \*(\w+)[^{}]*\)\n\{\n"


def asserted(sources: Sources) -> Iterator[Mutant]:
    """A fresh assertion on a pointer that the function follows."""
    helper = "static void nak_check(struct kvm *kvm, const void *p)\n{\n\tKVM_BUG_ON(!p, kvm);\n}\n\n"
    forms = (("", "\tKVM_BUG_ON(!%s, %s);\n"), ("logs", '\tif (KVM_BUG_ON(!%s, %s))\n\t\tpr_warn_once("none\\n");\n'),
             ("two facts", "\tKVM_BUG_ON(!%s || !enable_apicv, %s);\n"), 
             ("helper", "\tnak_check(%s, %s);\n"))  # fmt: skip
    for what, form in forms:

        def made(what: str = what, form: str = form) -> Iterator[Mutant]:
            for path in FILES:
                for site in sources.sites(path, PARAMS):
                    name, kvm = site.groups[3], site.groups[1] if site.groups[1] == "kvm" else "vcpu->kvm"
                    rest = site.text[site.end :]
                    used = re.search(rf"\b{name}->\w", rest)
                    first = re.search(rf"\b{name}\b", rest)
                    if used is None or first is None or first.start() != used.start() or _untouched(rest, used.start()):
                        continue
                    check = form % ((kvm, name) if what == "helper" else (name, kvm))
                    text = site.text[: site.end] + check + rest
                    text = helper + text if what == "helper" else text
                    due = ((path, site.function),)
                    yield Mutant(BUG, f"assertion {what}".strip(), (Edit(path, site.text, text),), due)

        yield from thin(made(), 8)


def _untouched(text: str, at: int) -> bool:
    """Whether the word stands behind an address operator or in a macro that does not follow it."""
    return text[max(0, at - 1) : at] == "&" or "offsetof" in text[max(0, at - 30) : at]


# -- stale compare-exchanges -----------------------------------------------------------------------------------------


def stale(sources: Sources) -> Iterator[Mutant]:
    """The old value is a copy, or is not read again."""
    loops = ("__tdp_mmu_set_spte_atomic", "__tdp_mmu_zap_root", "wrprot_gfn_range", "clear_dirty_gfn_range",
             "recover_huge_pages_range", "tdp_mmu_split_huge_pages_root")  # fmt: skip
    for site in sources.sites(TDP, r"if \(!try_cmpxchg64\((.*), &iter->old_spte, new_spte\)\)"):
        place = site.groups[0]
        for old in ("u64 nak_old = iter->old_spte;", "u64 nak_old;\n\n\tnak_old = iter->old_spte;"):
            new = f"{old}\n\tif (!try_cmpxchg64({place}, &nak_old, new_spte))"
            yield Mutant(STALE, "copy", (site.replaced(new),), tuple((TDP, d) for d in loops))
        new = f"if (cmpxchg64({place}, iter->old_spte, new_spte) != iter->old_spte)"
        yield Mutant(STALE, "cmpxchg64", (site.replaced(new),), tuple((TDP, d) for d in loops))
    for site in sources.sites(PI, r"if \(!try_cmpxchg64\(&pi_desc->control, pold, new\)\)"):
        due = tuple((PI, d) for d in ("vmx_vcpu_pi_load", "pi_enable_wakeup_handler"))
        copy = "u64 nak_old = *pold;\n\n\tif (!try_cmpxchg64(&pi_desc->control, &nak_old, new))"
        yield Mutant(STALE, "copy", (site.replaced(copy),), due)
        plain = "if (cmpxchg64(&pi_desc->control, *pold, new) != *pold)"
        yield Mutant(STALE, "cmpxchg64", (site.replaced(plain),), due)
    for path in (MMU, LAPIC):
        for site in sources.sites(path, r"!(atomic_long_)?try_cmpxchg(_acquire)?\(([^;]*?), &(\w+), (\w+)\)\)"):
            prefix, suffix, place, old, new = site.groups
            if "while" in site.text[max(0, site.start - 60) : site.start]:
                text = f"{prefix}cmpxchg{suffix}({place}, {old}, {new}) != {old})"
                yield Mutant(STALE, "cmpxchg", (site.replaced(text),), ((path, site.function),))


CARRIERS = (
    ("while (cmpxchg64(p, old, old | bit) != old)\n\t\tcpu_relax();", ""),
    ("do {\n\t\tseen = cmpxchg64(p, old, old | bit);\n\t} while (seen != old);", ""),
    ("again:\n\tif (nak_once(p, old, old | bit))\n\t\tgoto again;", "u64 old"),
    ("while (!nak_once(p, old, old | bit))\n\t\tcpu_relax();", "bool"),
    ("seen = old | bit;\n\twhile (!try_cmpxchg64(p, &old, seen))\n\t\tcpu_relax();", ""),
    ("for (;;) {\n\t\tif (cmpxchg64(p, old, old & ~bit) == old)\n\t\t\tbreak;\n\t}", ""),
)


def carried(sources: Sources) -> Iterator[Mutant]:
    """A fresh loop in a function that an existing one calls."""
    anchors = ((MMU, "kvm_mmu_zap_all"), (TDP, "kvm_tdp_mmu_zap_all"), (LAPIC, "kvm_free_lapic"))
    for path, anchor in anchors:
        for body, helper in CARRIERS:
            once = ""
            if helper == "bool":
                once = "static bool nak_once(u64 *p, u64 old, u64 new)\n{\n\treturn try_cmpxchg64(p, &old, new);\n}\n\n"
            elif helper:
                once = (
                    "static int nak_once(u64 *p, u64 old, u64 new)\n{\n\tif (!try_cmpxchg64(p, &old, new))\n"
                    "\t\treturn -EBUSY;\n\treturn 0;\n}\n\n"
                )
            heading = "static void nak_mark(u64 *p, u64 bit)\n{\n\tu64 seen, old = READ_ONCE(*p);\n\n"
            text = f"{heading}\t{body}\n\t(void)seen;\n}}\n"
            yield Mutant(STALE, "fresh loop", (before(path, anchor, once + text),), ((path, "nak_mark"),))


OPERATORS: tuple[Operator, ...] = (
    narrow_local, narrow_copy, narrow_wrapper, two_bangs, ored, endless, dead_untested, retried_too, int_handler,
    only_warned, halfway, ignored, asserted, stale, carried,
)  # fmt: skip

__all__ = ["OPERATORS", "SAME"]
