"""What the mutants of execution contexts share: rule ids, files, edits of whole functions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import GMEM, MAIN, MMU, TDP, TDX
from tests.mutants.sources import Site, Sources

SLEEP, RCU, SOFTIRQ = "kvm-sleep-under-mmu-lock", "kvm-rcu-scope-left", "kvm-softirq-lock-unsafe"
BARE, RUNNING = "kvm-lock-uninitialised", "tdx-running-vcpu-null"
PFN, EVENTFD, ASYNC, COALESCED = (
    "virt/kvm/pfncache.c",
    "virt/kvm/eventfd.c",
    "virt/kvm/async_pf.c",
    "virt/kvm/coalesced_mmio.c",
)
IOAPIC, PIC, LAPIC, X86 = "arch/x86/kvm/ioapic.c", "arch/x86/kvm/i8259.c", "arch/x86/kvm/lapic.c", "arch/x86/kvm/x86.c"
IRQ_C, AVIC, POSTED, HYPERV = (
    "arch/x86/kvm/irq.c",
    "arch/x86/kvm/svm/avic.c",
    "arch/x86/kvm/vmx/posted_intr.c",
    "arch/x86/kvm/hyperv.c",
)
VMX, TRACK, XEN, PMU = (
    "arch/x86/kvm/vmx/vmx.c",
    "arch/x86/kvm/mmu/page_track.c",
    "arch/x86/kvm/xen.c",
    "arch/x86/kvm/pmu.c",
)
FILES = (MMU, TDP, MAIN, PFN, ASYNC, COALESCED, IOAPIC, IRQ_C, HYPERV, VMX, TDX, GMEM, EVENTFD, AVIC, X86, XEN, TRACK)
LOCKED = (
    r"^(\t+)((?:raw_)?(?:spin|read|write)_lock(?:_irq|_irqsave)?\([^;]*\)|KVM_MMU_LOCK\(\w+\)|rcu_read_lock\(\));\n"
)


def rewritten(site: Site, new: str, *defined: str) -> tuple[Edit, ...]:
    """The function of a site with other text in it, behind new definitions."""
    text = site.text[: site.start] + new + site.text[site.end :]
    return (Edit(site.path, site.text, "\n".join((*defined, text))),)


def whole(path: str, old: str, new: str, *defined: str) -> tuple[Edit, ...]:
    """A function with another text, behind new definitions."""
    return (Edit(path, old, "\n".join((*defined, new))),)


def everywhere(sources: Sources) -> list[str]:
    """All C files of KVM and the TDX core."""
    folders = ("arch/x86/kvm", "virt/kvm", "arch/x86/virt/vmx")
    found = [p for f in folders for kind in ("*.c", "*.h") for p in (sources.root / f).rglob(kind)]
    return sorted(str(p.relative_to(sources.root)) for p in found)


def thinned(sites: Iterator[Site], each: int) -> Iterator[Site]:
    """Every n-th place: enough of each file."""
    for number, site in enumerate(sites):
        if number % each == 0:
            yield site
