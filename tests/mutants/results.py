"""Results of operations on the external table lost in each place and way (tdx-external-op-result-dropped)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import RESULTS, TDP, TDX
from tests.mutants.sources import Mutant, Operator, Same, Site, Sources

# A SEAMCALL with the check of its result: the call, its name, the check.
CHECKED = (
    r"^\terr = ((?:tdh_do_no_vcpus\((\w+),|(tdh_\w+)\()[^;]*;)\n"
    r"(?:\tif \(unlikely\(tdx_operand_busy\(err\)\)\)\n\t\treturn -EBUSY;\n\n)?"
    r"(\tif \(TDX_BUG_ON[^;{]*;\n)"
)
LOST: dict[str, Callable[[str, str], str]] = {
    "thrown away": lambda call, check: f"\t{call}\n",
    "cast to void": lambda call, check: f"\t(void){call}\n",
    "never looked at": lambda call, check: f"\terr = {call}\n",
    "only logged": lambda call, check: f'\terr = {call}\n\tif (err)\n\t\tpr_err("failed: %llx\\n", err);\n',
    "overwritten": lambda call, check: f"\terr = {call}\n\terr = 0;\n{check}",
    "logged once": lambda call, check: f'\tif ({call[:-1]})\n\t\tpr_warn_once("SEAMCALL failed\\n");\n',
    "kept in a variable": lambda call, check: f"\t{{\n\t\tu64 ignored = {call}\n\n\t\t(void)ignored;\n\t}}\n",
}


def lost(sources: Sources) -> Iterator[Mutant]:
    """Each SEAMCALL of KVM whose result is checked, each way to lose it."""
    for site in sources.sites(TDX, CHECKED):
        call, check = site.groups[0], site.groups[3]
        for name, change in LOST.items():
            yield Mutant(RESULTS, f"result {name}", (site.replaced(change(call, check)),), ((TDX, site.function),))


def lost_in_helper(sources: Sources) -> Iterator[Mutant]:
    """A helper returns the result, and its caller loses it."""
    text = sources.functions(TDX)["tdx_sept_remove_leaf_spte"]
    call = "tdh_phymem_page_wbinvd_hkid((u16)kvm_tdx->hkid, pfn)"
    for name, body in {"returned": f"return {call};", "kept": f"u64 ret = {call};\n\n\treturn ret;"}.items():
        helper = f"static u64 tdx_write_back(struct kvm_tdx *kvm_tdx, kvm_pfn_t pfn)\n{{\n\t{body}\n}}\n\n"
        start = text.index("\terr = tdh_phymem")
        end = text.index("\ttdx_quirk_reset_paddr")
        new = helper + text[:start] + "\ttdx_write_back(kvm_tdx, pfn);\n\n" + text[end:]
        due = ((TDX, "tdx_sept_remove_leaf_spte"),)
        yield Mutant(RESULTS, f"helper: {name}", (Edit(TDX, text, new),), due)


def lost_by_mmu(sources: Sources) -> Iterator[Mutant]:
    """The MMU loses the result of the op."""
    text = sources.functions(TDP)["__handle_changed_spte"]
    call = "kvm_x86_call(set_external_spte)(kvm, gfn, old_spte, new_spte, level)"
    start, test = f"r = {call};", "\t\tif (r)\n\t\t\treturn r;\n"
    for name, old, new in (
        ("thrown away", start, f"{call};\n\t\tr = 0;"),
        ("never looked at", test, ""),
        ("only logged", test, '\t\tif (r)\n\t\t\tpr_err("failed: %d\\n", r);\n'),
        ("overwritten", test, f"\t\tr = 0;\n{test}"),
    ):
        due = ((TDP, "__handle_changed_spte"),)
        yield Mutant(RESULTS, f"MMU: {name}", (Edit(TDP, text, text.replace(old, new)),), due)


OPERATORS: tuple[Operator, ...] = (lost, lost_in_helper, lost_by_mmu)
KEPT: dict[str, Callable[[str, str], str]] = {
    "tested at once": lambda call, check: f"\tif (KVM_BUG_ON({call[:-1]}, kvm))\n\t\treturn -EIO;\n",
    "other variable": lambda call, check: f"\tu64 status = {call}\n{check.replace('(err', '(status')}",
    "compared with 0": lambda call, check: f"\terr = {call}\n\tif (KVM_BUG_ON(err != 0, kvm))\n\t\treturn -EIO;\n",
    "success first": lambda call, check: (
        f'\terr = {call}\n\tif (!err)\n\t\tpr_debug("done\\n");\n\telse if (KVM_BUG_ON(1, kvm))\n\t\treturn -EIO;\n'
    ),
}


def _kept(site: Site, change: Callable[[str, str], str]) -> Edit:
    return site.replaced(change(site.groups[0], site.groups[3]))


def kept(sources: Sources) -> Iterator[Same]:
    """Other words for the check."""
    for site in sources.sites(TDX, CHECKED):
        for name, change in KEPT.items():
            yield Same(f"result {name}", (_kept(site, change),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (kept,)
