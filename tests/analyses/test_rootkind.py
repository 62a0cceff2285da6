"""Where a root comes from, and what it is therefore."""

from __future__ import annotations

import pytest

from analyzer.analyses.rootkind import roots_in
from tests.analyses.made import facts

PATH = "arch/x86/kvm/mmu/tdp_mmu.c"
BODY = "void f(struct kvm_vcpu *vcpu, struct kvm *kvm, struct kvm_page_fault *fault, int as, int t)\n{{\n {}\n}}\n"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);", {"direct"}),
        ("struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->mirror_root_hpa);", {"mirror"}),
        ("hpa_t at = vcpu->arch.mmu->mirror_root_hpa;\n struct kvm_mmu_page *root = root_to_sp(at);", {"mirror"}),
        ("struct kvm_mmu_page *root = tdp_mmu_get_root(vcpu, KVM_DIRECT_ROOTS);", {"direct"}),
        ("struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);", {"direct", "mirror"}),
        ("struct kvm_mmu_page *root = tdp_mmu_next_root(kvm, NULL, KVM_MIRROR_ROOTS | KVM_INVALID_ROOTS);", {"mirror"}),
        ("struct kvm_mmu_page *root = tdp_mmu_next_root(kvm, NULL, KVM_VALID_ROOTS);", {"direct", "mirror"}),
        ("struct kvm_mmu_page *root = tdp_mmu_next_root(kvm, NULL, t);", set()),
        (
            "struct kvm_mmu_page *root;\n for_each_valid_tdp_mmu_root(kvm, root, as)\n  note(root);",
            {"direct", "mirror"},
        ),
    ],
)
def test_the_kind_of_a_root(text: str, kinds: set[str]) -> None:
    known = facts(BODY.format(text), PATH)
    made = known.program.lower((PATH, "f"))
    assert made is not None
    assert [set(root.kinds) for root in roots_in(known, made) if root.name == "root"] == [kinds]


def test_a_helper_gives_the_root_that_it_returns() -> None:
    helper = "struct kvm_mmu_page *of(struct kvm_vcpu *v)\n{\n return root_to_sp(v->arch.mmu->mirror_root_hpa);\n}\n"
    known = facts(helper + BODY.format("struct kvm_mmu_page *root = of(vcpu);"), PATH)
    made = known.program.lower((PATH, "f"))
    assert made is not None
    assert [set(root.kinds) for root in roots_in(known, made)] == [{"mirror"}]


@pytest.mark.parametrize(
    ("other", "kinds"),
    [
        ("root_to_sp(v->arch.mmu->mirror_root_hpa)", {"direct", "mirror"}),
        ("elsewhere(v)", set()),
        ("NULL", {"direct"}),
    ],
)
def test_a_helper_gives_no_kind_if_one_of_its_roots_is_not_known(other: str, kinds: set[str]) -> None:
    helper = (
        "struct kvm_mmu_page *of(struct kvm_vcpu *v)\n{\n if (v->a)\n"
        f"  return {other};\n return root_to_sp(v->arch.mmu->root.hpa);\n}}\n"
    )
    known = facts(helper + BODY.format("struct kvm_mmu_page *root = of(vcpu);"), PATH)
    made = known.program.lower((PATH, "f"))
    assert made is not None
    assert [set(root.kinds) for root in roots_in(known, made)] == ([kinds] if kinds else [])
