"""Violations of the rule about mirror and direct roots, and edits there that mean the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit, before, swap
from tests.kernel.places import MMU, TDP, TDP_H, TDX
from tests.mutants.sources import Mutant, Operator, Same, Sources

ROOT = "kvm-wrong-root-for-private"


def asks_the_vm(sources: Sources) -> Iterator[Mutant]:
    """Whether the VM has mirror roots, where the root is meant."""
    forms: tuple[tuple[str, str], ...] = (
        ("call", "kvm_has_mirrored_tdp({kvm})"),
        ("type", "({kvm}->arch.vm_type == KVM_X86_TDX_VM)"),
        ("helper", "vm_mirrors({kvm})"),
    )
    helper = before(
        TDP,
        "kvm_mmu_init_tdp_mmu",
        ("static bool vm_mirrors(struct kvm *kvm)\n{\n	return kvm_has_mirrored_tdp(kvm);\n}\n"),
    )
    for name, form in forms:
        for site in sources.sites(TDP, r"is_mirror_sp(?:tep)?\((?:sp|iter->sptep|iter\.sptep|root)\)"):
            if not re.search(r"struct kvm(_vcpu)? \*", site.text.split("{")[0]):
                continue
            kvm = "kvm" if re.search(r"struct kvm \*kvm\b", site.text) else "vcpu->kvm"
            edits = (site.replaced(form.format(kvm=kvm)), *([helper] if name == "helper" else []))
            yield Mutant(ROOT, f"{name} for {site.matched} in {site.function}", edits, ((TDP, site.function),))


def adjusts_by_the_vm(sources: Sources) -> Iterator[Mutant]:
    """Further, whether the VM has mirror roots, where the root is meant."""
    adjust = "		if (fault->nx_huge_page_workaround_enabled)\n"
    yield Mutant(
        ROOT,
        "adjusts by VM",
        (
            swap(
                TDP,
                "kvm_tdp_mmu_map",
                adjust,
                "		if (fault->nx_huge_page_workaround_enabled || kvm_has_mirrored_tdp(kvm))\n",
            ),
        ),
        ((TDP, "kvm_tdp_mmu_map"),),
    )
    local = (
        swap(
            TDP,
            "kvm_tdp_mmu_map",
            "	struct tdp_iter iter;\n",
            (
                "	struct tdp_iter iter;\n"
                "	bool adjust = kvm_has_mirrored_tdp(kvm) || fault->nx_huge_page_workaround_enabled;\n"
            ),
        ),
        swap(TDP, "kvm_tdp_mmu_map", adjust, "		if (adjust)\n"),
    )
    yield Mutant(ROOT, "adjusts by a local", local, ((TDP, "kvm_tdp_mmu_map"),))


def other_root(sources: Sources) -> Iterator[Mutant]:
    """The getters give the root of the other kind."""
    for site in sources.sites(TDP_H, r"mmu->mirror_root_hpa"):
        yield Mutant(ROOT, f"direct in {site.function}", (site.replaced("mmu->root.hpa"),), ((TDP_H, site.function),))
    for site in sources.sites(TDP_H, r"mmu->root\.hpa"):
        yield Mutant(
            ROOT, f"mirror in {site.function}", (site.replaced("mmu->mirror_root_hpa"),), ((TDP_H, site.function),)
        )
    name = "kvm_gfn_range_filter_to_root_types"
    for old, new in (
        ("ret |= KVM_MIRROR_ROOTS", "ret |= KVM_DIRECT_ROOTS"),
        ("ret |= KVM_DIRECT_ROOTS", "ret |= KVM_MIRROR_ROOTS"),
    ):
        yield Mutant(ROOT, f"filter: {new}", (swap(TDP_H, name, old, new),), ((TDP_H, name),))
    flip = swap(TDP_H, "tdp_mmu_get_root_for_fault", "!kvm_is_addr_direct", "kvm_is_addr_direct")
    yield Mutant(ROOT, "fault: condition turned", (flip,), ((TDP_H, "tdp_mmu_get_root_for_fault"),))


def fixed_types(sources: Sources) -> Iterator[Mutant]:
    """A range says by its filter which roots are meant, and the walk does not ask."""
    line = "types = kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter)"
    for function in ("kvm_tdp_mmu_unmap_gfn_range", "__kvm_tdp_mmu_age_gfn_range"):
        for types in ("KVM_DIRECT_ROOTS", "KVM_VALID_ROOTS", "KVM_ALL_ROOTS", "KVM_MIRROR_ROOTS"):
            yield Mutant(
                ROOT, f"{types} in {function}", (swap(TDP, function, line, f"types = {types}"),), ((TDP, function),)
            )


def deaf_walks(sources: Sources) -> Iterator[Mutant]:
    """A walk does not ask the fault or the filter which root is meant, here or in what it calls."""
    get = "tdp_mmu_get_root_for_fault(vcpu, fault)"
    for new in ("tdp_mmu_get_root(vcpu, KVM_DIRECT_ROOTS)", "root_to_sp(vcpu->arch.mmu->root.hpa)"):
        yield Mutant(ROOT, f"any fault: {new}", (swap(TDP, "kvm_tdp_mmu_map", get, new),), ((TDP, "kvm_tdp_mmu_map"),))
    name, walk = (
        "kvm_tdp_mmu_unmap_gfn_range",
        "__for_each_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id, types)",
    )
    valid = "for_each_valid_tdp_mmu_root_yield_safe(kvm, root, range->slot->as_id)"
    yield Mutant(ROOT, "any range: valid roots", (swap(TDP, name, walk, valid),), ((TDP, name),))
    more = swap(TDP, name, "| KVM_INVALID_ROOTS", "| KVM_VALID_ROOTS | KVM_INVALID_ROOTS")
    yield Mutant(ROOT, "any range: more roots", (more,), ((TDP, name),))
    away = swap(
        TDP,
        name,
        f"	{walk}\n",
        f"	flush = kvm_tdp_mmu_zap_leafs(kvm, range->start, range->end, flush);\n	{walk}\n",
    )
    yield Mutant(ROOT, "any range: by another function", (away,), ((TDP, name),))
    name = "kvm_gfn_range_filter_to_root_types"
    always = swap(
        TDP_H, name, "	if (process & KVM_FILTER_PRIVATE)\n		ret |= KVM_MIRROR", "	ret |= KVM_MIRROR"
    )
    yield Mutant(ROOT, "any filter: mirror roots", (always,), ((TDP_H, name),))
    name = "kvm_tdp_mmu_fast_pf_get_last_sptep"
    yield Mutant(ROOT, "fast fault: mirror root", (swap(TDP, name, "KVM_DIRECT", "KVM_MIRROR"),), ((TDP, name),))


def too_many_roots(sources: Sources) -> Iterator[Mutant]:
    """What is for shared memory reaches mirror roots."""
    for types in ("KVM_VALID_ROOTS | KVM_INVALID_ROOTS", "KVM_ALL_ROOTS", "KVM_MIRROR_ROOTS | KVM_INVALID_ROOTS"):
        yield Mutant(
            ROOT,
            f"zap all {types}",
            (swap(TDP, "kvm_tdp_mmu_zap_all", "KVM_DIRECT_ROOTS | KVM_INVALID_ROOTS", types),),
            ((TDP, "kvm_tdp_mmu_zap_all"),),
        )
    for types in ("KVM_VALID_ROOTS", "KVM_MIRROR_ROOTS"):
        name = "__kvm_mmu_zap_all_fast_front_half"
        yield Mutant(ROOT, f"fast zap {types}", (swap(MMU, name, "KVM_DIRECT_ROOTS", types),), ((MMU, name),))


_GUARDS = (
    ("if (!fault->is_private)\n		return 0;\n", "fault->gfn"),
    ("if (kvm_is_addr_direct(kvm, fault->addr))\n		return 0;\n", "fault->gfn"),
    ("if (!kvm_mem_is_private(kvm, fault->gfn))\n		return 0;\n", "fault->gfn"),
    (("bool private = kvm_mem_is_private(kvm, fault->gfn);\n\n	if (!private)\n		return 0;\n"), "fault->gfn"),
)


def private_by_direct(sources: Sources) -> Iterator[Mutant]:
    """New code for private memory takes the direct root, itself or by a getter."""
    gets = ("root_to_sp(vcpu->arch.mmu->root.hpa)", "tdp_mmu_get_root(vcpu, KVM_DIRECT_ROOTS)")
    body = (
        "int kvm_tdp_mmu_open_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)\n"
        "{{\n"
        "	struct kvm_mmu_page *root;\n"
        "	struct kvm *kvm = vcpu->kvm;\n"
        "	{guard}\n"
        "	root = {get};\n"
        "	return tdp_mmu_split_huge_pages_root(kvm, root, {gfn}, {gfn} + 1, PG_LEVEL_4K, "
        "false);\n"
        "}}\n"
    )
    for guard, gfn in _GUARDS:
        for get in gets:
            text = body.format(guard=guard, get=get, gfn=gfn)
            edit = Edit(TDP, "", text, "tdp_mmu_need_write_protect")
            yield Mutant(ROOT, f"{get[:20]} after {guard[:25]}", (edit,), ((TDP, "kvm_tdp_mmu_open_private"),))


def private_helper_by_direct(sources: Sources) -> Iterator[Mutant]:
    """Further, new code for private memory takes the direct root, itself or by a getter."""
    helper = (
        "static int split_at(struct kvm_vcpu *vcpu, gfn_t gfn)\n"
        "{\n"
        "	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);\n"
        "\n"
        "	return tdp_mmu_split_huge_pages_root(vcpu->kvm, root, gfn, gfn + 1, PG_LEVEL_4K, "
        "false);\n"
        "}\n"
    )
    caller = (
        "int kvm_tdp_mmu_open_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)\n"
        "{\n"
        "	return fault->is_private ? split_at(vcpu, fault->gfn) : 0;\n"
        "}\n"
    )
    yield Mutant(
        ROOT,
        "a helper away",
        (Edit(TDP, "", helper + "\n" + caller, "tdp_mmu_need_write_protect"),),
        ((TDP, "split_at"),),
    )


def private_exit_by_direct(sources: Sources) -> Iterator[Mutant]:
    """Further: Further: New code for private memory takes the direct root, itself or by a getter."""
    helper = (
        "static int split_at(struct kvm_vcpu *vcpu, gfn_t gfn)\n"
        "{\n"
        "	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);\n"
        "\n"
        "	return tdp_mmu_split_huge_pages_root(vcpu->kvm, root, gfn, gfn + 1, PG_LEVEL_4K, "
        "false);\n"
        "}\n"
    )
    tdx = swap(
        TDX,
        "tdx_handle_ept_violation",
        "	if (vt_is_tdx_private_gpa(vcpu->kvm, gpa)) {\n",
        ("	if (vt_is_tdx_private_gpa(vcpu->kvm, gpa)) {\n		kvm_tdp_mmu_open_gfn(vcpu, gpa_to_gfn(gpa));\n"),
    )
    away = Edit(
        TDP, "", helper.replace("static int split_at", "int kvm_tdp_mmu_open_gfn"), "tdp_mmu_need_write_protect"
    )
    yield Mutant(ROOT, "from the exit handler", (away, tdx), ((TDP, "kvm_tdp_mmu_open_gfn"),))


def private_range_by_direct(sources: Sources) -> Iterator[Mutant]:
    """Further: Further: Further: New code for private memory takes the direct root, itself or by a getter."""
    made = (
        "int kvm_tdp_mmu_drop_private(struct kvm_vcpu *vcpu, gfn_t gfn)\n"
        "{\n"
        "	struct kvm_gfn_range range = {\n"
        "		.start = gfn,\n"
        "		.end = gfn + 1,\n"
        "		.attr_filter = KVM_FILTER_PRIVATE,\n"
        "	};\n"
        "\n"
        "	return drop_range(vcpu, &range);\n"
        "}\n"
    )
    inner = (
        "static int drop_range(struct kvm_vcpu *vcpu, struct kvm_gfn_range *range)\n"
        "{\n"
        "	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);\n"
        "\n"
        "	return tdp_mmu_zap_leafs(vcpu->kvm, root, range->start, range->end, false, false);\n"
        "}\n"
    )
    yield Mutant(
        ROOT,
        "a range made private",
        (Edit(TDP, "", inner + "\n" + made, "tdp_mmu_need_write_protect"),),
        ((TDP, "drop_range"),),
    )


def same_roots(sources: Sources) -> Iterator[Same]:
    """Roots taken and tested in other ways."""
    unmap = "types = kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter) | KVM_INVALID_ROOTS;"
    yield Same(
        "types in two steps",
        (
            swap(
                TDP,
                "kvm_tdp_mmu_unmap_gfn_range",
                unmap,
                (
                    "types = kvm_gfn_range_filter_to_root_types(kvm, range->attr_filter);\n"
                    "	types |= KVM_INVALID_ROOTS;"
                ),
            ),
        ),
    )


def same_getter(sources: Sources) -> Iterator[Same]:
    """The getter for a fault, written in other ways."""
    fault = sources.functions(TDP_H)["tdp_mmu_get_root_for_fault"]
    body = fault[fault.index("	if (") : fault.rindex("}")]
    yield Same(
        "getter inverted",
        (
            Edit(
                TDP_H,
                fault,
                fault.replace(
                    body,
                    (
                        "	if (kvm_is_addr_direct(vcpu->kvm, fault->addr))\n"
                        "		return root_to_sp(vcpu->arch.mmu->root.hpa);\n"
                        "\n"
                        "	return root_to_sp(vcpu->arch.mmu->mirror_root_hpa);\n"
                    ),
                ),
            ),
        ),
    )
    yield Same(
        "getter by a choice",
        (
            Edit(
                TDP_H,
                fault,
                fault.replace(
                    body,
                    (
                        "	hpa_t root = kvm_is_addr_direct(vcpu->kvm, fault->addr) ? vcpu->arch.mmu->root.hpa :\n"
                        "								  vcpu->arch.mmu->mirror_root_hpa;\n"
                        "\n"
                        "	return root_to_sp(root);\n"
                    ),
                ),
            ),
        ),
    )


def same_tests(sources: Sources) -> Iterator[Same]:
    """Roots that are right, and tests of the VM that are meant."""
    yield Same(
        "both asked",
        (
            swap(
                TDP,
                "kvm_tdp_mmu_map",
                "		if (is_mirror_sp(sp))\n",
                "		if (kvm_has_mirrored_tdp(kvm) && is_mirror_sp(sp))\n",
            ),
        ),
    )
    mirror = (
        "int kvm_tdp_mmu_open_private(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)\n"
        "{\n"
        "	struct kvm_mmu_page *root;\n"
        "\n"
        "	if (!fault->is_private)\n"
        "		return 0;\n"
        "	root = root_to_sp(vcpu->arch.mmu->mirror_root_hpa);\n"
        "	return tdp_mmu_split_huge_pages_root(vcpu->kvm, root, fault->gfn, fault->gfn + 1, "
        "PG_LEVEL_4K, false);\n"
        "}\n"
    )
    yield Same("mirror root for a private fault", (Edit(TDP, "", mirror, "tdp_mmu_need_write_protect"),))
    walk = (
        "int kvm_tdp_mmu_open_mirrors(struct kvm *kvm, gfn_t gfn)\n"
        "{\n"
        "	struct kvm_mmu_page *root;\n"
        "	int r = 0;\n"
        "\n"
        "	if (!kvm_has_mirrored_tdp(kvm))\n"
        "		return 0;\n"
        "	__for_each_tdp_mmu_root_yield_safe(kvm, root, -1, KVM_MIRROR_ROOTS)\n"
        "		r = r ?: tdp_mmu_split_huge_pages_root(kvm, root, gfn, gfn + 1, PG_LEVEL_4K, false);\n"
        "	return r;\n"
        "}\n"
    )
    yield Same("VM asked before a walk of mirror roots", (Edit(TDP, "", walk, "tdp_mmu_need_write_protect"),))


OPERATORS: tuple[Operator, ...] = (
    asks_the_vm,
    adjusts_by_the_vm,
    other_root,
    fixed_types,
    deaf_walks,
    too_many_roots,
    private_by_direct,
    private_helper_by_direct,
    private_exit_by_direct,
    private_range_by_direct,
)
SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (same_roots, same_getter, same_tests)
