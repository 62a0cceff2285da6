"""The vCPU that runs on this CPU is used before anybody asked whether there is one.

kvm_get_running_vcpu() gives NULL where no vCPU is loaded: in a worker, in an ioctl of the VM, on the way to teardown.
to_tdx() of it, or the address of a member, is then a small wrong number that a later check of the vCPU does not catch
any more, for the derived pointer was stored before it.

Check the vCPU first, and derive pointers from it behind the check.

May be false: a function that only ever runs with a vCPU loaded, which nothing in it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Call,
    Checks,
    Facts,
    Finding,
    Function,
    Instr,
    Provenance,
    Rule,
    Severity,
    Unchecked,
    shown,
    sources,
    step,
)

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/*")
GIVES = frozenset(("kvm_get_running_vcpu",))
_CAST = re.compile(r"^(?:to_\w+|container_of|\w+_to_vmx|vcpu_to_\w+)$")


def _cast(name: str) -> bool:
    return _CAST.match(name) is not None


def check(facts: Facts) -> Iterator[Finding]:
    """Each call, over all paths."""
    checks = Checks(facts.program, _cast)
    for function, call, uses in sources(facts.program, checks, GIVES):
        facts.count("results of kvm_get_running_vcpu() followed")
        done: set[int] = set()
        for use in uses:
            place = use.calls[0][1] if use.calls else use.instr
            if id(place) not in done:
                done.add(id(place))
                yield _finding(facts, use, function, place, call)


def _finding(facts: Facts, use: Unchecked, function: Function, place: Instr, call: Call) -> Finding:
    passed = "".join(f" in {c.name}()" for _, c in use.calls[:1])
    return facts.finding(
        function,
        place,
        f"{use.how}{passed} unchecked",
        f"the running vCPU is not checked for NULL before {use.how}{passed}",
        trace=(
            step(function, call, f"{shown(call)} may be NULL"),
            *(step(f, c, f"passed to {c.name}()") for f, c in use.calls),
            step(use.function, use.instr, f"{use.how} without a check"),
        ),
    )


RULE = Rule(
    id="tdx-running-vcpu-null",
    catalog=33,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "doc",
            "virt/kvm/kvm_main.c:kvm_get_running_vcpu",
            "Binbin Wu, Sean Christopherson",
            "2026-07-06",
            "asked for on Dynamic PAMT; the pointer is NULL once the vCPU is put",
        ),
    ),
    bad=(
        """
        static struct page *alloc_pamt(void)
        {
                struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
                struct vcpu_tdx *tdx = to_tdx(vcpu);  // expect "to_tdx() makes a pointer of it"

                if (!vcpu)
                        return alloc_page(GFP_KERNEL_ACCOUNT);
                return take(&tdx->pamt_cache);
        }
        """,
    ),
    good=(
        """
        static struct page *alloc_pamt(void)
        {
                struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
                struct vcpu_tdx *tdx;

                if (!vcpu)
                        return alloc_page(GFP_KERNEL_ACCOUNT);
                tdx = to_tdx(vcpu);
                return take(&tdx->pamt_cache);
        }
        """,
    ),
)
