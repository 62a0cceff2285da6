"""Mutants of tdx-running-vcpu-null."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.places import MAIN, TDX
from tests.mutants.contexts_common import PMU, RUNNING, VMX, X86, whole
from tests.mutants.sources import Mutant, Operator, Sources

UNCHECKED = {
    "to_tdx before the check": "struct vcpu_tdx *tdx = to_tdx(vcpu);\n\n\tif (!vcpu)\n\t\treturn;\n\ttdx->state = 0;",
    "no check": "to_tdx(vcpu)->state = 0;",
    "a member before the check": "struct kvm *kvm = vcpu->kvm;\n\n\tif (!vcpu || !kvm)\n\t\treturn;",
    "an address before the check": "struct kvm_vcpu_arch *arch = &vcpu->arch;\n\n\tif (vcpu)\n\t\tarch->cr0 = 0;",
    "checked on one path": "if (need_resched() && !vcpu)\n\t\treturn;\n\tvcpu->mode = 0;",
    "checked the wrong way": "if (vcpu)\n\t\treturn;\n\tvcpu->mode = 0;",
    "the wrong operand first": "if (vcpu->mode && vcpu)\n\t\tcpu_relax();",
    "only warned of": "WARN_ON_ONCE(!vcpu);\n\tvcpu->mode = 0;",
    "by a helper": "nak_touch(vcpu);\n\tif (!vcpu)\n\t\treturn;",
    "two helpers away": "if (need_resched())\n\t\tnak_relay(vcpu);",
    "a copy": "struct kvm_vcpu *mine = vcpu;\n\n\tif (need_resched())\n\t\tvcpu = NULL;\n\tmine->mode = 0;",
    "container_of": "struct vcpu_tdx *t = container_of(vcpu, struct vcpu_tdx, vcpu);\n\n\tif (t)\n\t\tt->state = 0;",
}  # fmt: skip
TOUCH = """static void nak_touch(struct kvm_vcpu *vcpu)
{
	vcpu->mode = 0;
}

static void nak_relay(struct kvm_vcpu *vcpu)
{
	nak_touch(vcpu);
}

static struct kvm_vcpu *nak_running(void)
{
	return kvm_get_running_vcpu();
}
"""


def used_unchecked(sources: Sources) -> Iterator[Mutant]:
    """Carriers that use the running vCPU without, or before, a check; the vCPU directly or out of a helper."""
    for path, home in ((TDX, "tdx_handle_ept_violation"), (VMX, "vmx_handle_intel_pt_intr")):
        for name, body in UNCHECKED.items():
            if path == VMX and "tdx" in body:
                body = (
                    body.replace("vcpu_tdx", "vcpu_vmx")
                    .replace("to_tdx", "to_vmx")
                    .replace("->state", "->fail")
                    .replace("tdx", "vmx")
                )
            source = "nak_running" if path == VMX else "kvm_get_running_vcpu"
            carrier = f"static void nak_carrier(void)\n{{\n\tstruct kvm_vcpu *vcpu = {source}();\n\t{body}\n}}\n"
            old = sources.functions(path)[home]
            due = ((path, "nak_carrier"), (path, "nak_touch"))
            yield Mutant(RUNNING, f"{name} ({source})", whole(path, old, old, TOUCH, carrier), due)


def check_dropped(sources: Sources) -> Iterator[Mutant]:
    """A check of the real kernel is taken out."""
    for path, name, old, new in (
        (PMU, "kvm_handle_guest_mediated_pmi", "!vcpu || ", ""),
        (VMX, "vmx_handle_intel_pt_intr", "!vcpu || ", ""),
        (MAIN, "mark_page_dirty_in_slot", "vcpu && vcpu->kvm", "vcpu->kvm"),
        (MAIN, "mark_page_dirty_in_slot", "kvm->dirty_ring_size && vcpu", "kvm->dirty_ring_size"),
        (MAIN, "kvm_guest_state", "if (!kvm_arch_pmi_in_guest(vcpu))", "if (!in_nmi())"),
        (MAIN, "kvm_guest_get_ip", "!kvm_arch_pmi_in_guest(vcpu)", "!in_nmi()"),
    ):
        text = sources.functions(path).get(name, "")
        if old in text:
            due = (
                (path, name),
                (X86, "kvm_arch_vcpu_in_kernel"),
                (X86, "kvm_arch_vcpu_get_ip"),
                ("virt/kvm/dirty_ring.c", "kvm_dirty_ring_push"),
            )
            yield Mutant(RUNNING, "check dropped", whole(path, text, text.replace(old, new, 1)), due)


OPERATORS: tuple[Operator, ...] = (
    used_unchecked,
    check_dropped,
)
