"""Edits around execution contexts that keep the meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.places import MAIN, MMU, TDP
from tests.mutants.contexts_common import FILES, LAPIC, LOCKED, PMU, VMX, rewritten, thinned, whole
from tests.mutants.sources import Same, Sources

LOCKS = """static void nak_enter(struct kvm *kvm)
{
	write_lock(&kvm->mmu_lock);
}

static void nak_leave(struct kvm *kvm)
{
	write_unlock(&kvm->mmu_lock);
}
"""


def helpers_lock(sources: Sources) -> Iterator[Same]:
    """The lock is taken and given back by helpers."""
    for path in (MMU, TDP):
        for name, text in sources.functions(path).items():
            if "\twrite_lock(&kvm->mmu_lock);" in text and "struct kvm *kvm" in text:
                new = text.replace("write_lock(&kvm->mmu_lock)", "nak_enter(kvm)")
                new = new.replace("write_unlock(&kvm->mmu_lock)", "nak_leave(kvm)")
                yield Same(f"helpers lock in {name}", whole(path, text, new, LOCKS))


def guards_hold(sources: Sources) -> Iterator[Same]:
    """A section that ends with its function is held by a guard."""
    for path in (TDP, LAPIC, MAIN, MMU):
        for name, text in sources.functions(path).items():
            ends = re.search(r"\n\trcu_read_unlock\(\);\n(?:\n?\treturn \w+;\n)?\}$", text)
            if ends and text.count("rcu_read_unlock();") == text.count("\trcu_read_lock();") == 1:
                new = text.replace("\trcu_read_lock();", "\tguard(rcu)();").replace("\n\trcu_read_unlock();", "")
                yield Same(f"a guard holds RCU in {name}", whole(path, text, new))


def allocates_atomically(sources: Sources) -> Iterator[Same]:
    """An allocation that does not sleep, in a region; an SRCU section around nothing."""
    calls = ("nak_scratch = kzalloc(64, GFP_ATOMIC);", "nak_scratch = kmalloc(8, GFP_NOWAIT | __GFP_ACCOUNT);",
             "nak_scratch = READ_ONCE(nak_scratch);")  # fmt: skip
    for path in FILES:
        for number, site in enumerate(thinned(sources.sites(path, LOCKED), 7)):
            call = calls[number % len(calls)]
            edits = rewritten(site, f"{site.matched}{site.groups[0]}{call}\n", "static void *nak_scratch;\n")
            yield Same(f"allocates atomically in {site.function}", edits)


def renamed(sources: Sources) -> Iterator[Same]:
    """A local is called something else; iterators and vCPUs among them."""
    for path, old, new in (
        (TDP, "iter", "walk"),
        (MAIN, "vcpu", "running"),
        (PMU, "vcpu", "running"),
        (VMX, "vcpu", "cur"),
    ):
        for name, text in sources.functions(path).items():
            local = re.search(rf"\n\tstruct (?:tdp_iter|kvm_vcpu \*){old}\b[^,(]*;", text.replace("* ", "*"))
            if local and (old == "iter" or "kvm_get_running_vcpu" in text) and text.count(f"{new}") == 0:
                changed = re.sub(rf"(?<![\w.>]){old}\b(?!\()", new, text)
                yield Same(f"{old} is called {new} in {name}", whole(path, text, changed))


def checks_inverted(sources: Sources) -> Iterator[Same]:
    """The check of the running vCPU guards a block instead of leaving."""
    for path in (PMU, VMX):
        for name, text in sources.functions(path).items():
            if "kvm_get_running_vcpu();" in text:
                yield Same(f"null spelled in {name}", whole(path, text, text.replace("!vcpu ||", "vcpu == NULL ||")))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (
    helpers_lock,
    guards_hold,
    allocates_atomically,
    renamed,
    checks_inverted,
)
