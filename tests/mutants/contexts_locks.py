"""Mutants of kvm-softirq-lock-unsafe and kvm-lock-uninitialised."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.kernel.places import MAIN, MMU, TDP
from tests.mutants.contexts_common import (
    ASYNC,
    AVIC,
    BARE,
    COALESCED,
    EVENTFD,
    FILES,
    HYPERV,
    IOAPIC,
    IRQ_C,
    PFN,
    PIC,
    POSTED,
    SOFTIRQ,
    X86,
    XEN,
    everywhere,
    whole,
)
from tests.mutants.sources import Mutant, Operator, Sources

PLAIN = (
    (TDP, "tdp_mmu_pages_lock", "kvm->arch.tdp_mmu_pages_lock"),
    (MAIN, "mn_invalidate_lock", "kvm->mn_invalidate_lock"),
    (PFN, "gpc_lock", "kvm->gpc_lock"),
    (COALESCED, "ring_lock", "kvm->ring_lock"),
    (MMU, "mmu_unsync_pages_lock", "kvm->arch.mmu_unsync_pages_lock"),
)
# What a handler gets, and how it is registered; each makes a struct kvm of what it gets.
CONTEXTS = (
    ("static void nak_handler(struct rcu_head *got)", "call_rcu((struct rcu_head *)kvm, nak_handler);"),
    ("static void nak_handler(struct timer_list *got)", "timer_setup((struct timer_list *)kvm, nak_handler, 0);"),
    ("static void nak_handler(struct tasklet_struct *got)", "tasklet_setup((void *)kvm, nak_handler);"),
    ("static void nak_handler(void *got)", "smp_call_function_single(0, nak_handler, kvm, 1);"),
    ("static void nak_handler(struct irq_work *got)", "init_irq_work((struct irq_work *)kvm, nak_handler);"),
    (
        "static enum hrtimer_restart nak_handler(struct hrtimer *got)",
        "hrtimer_setup((struct hrtimer *)kvm, nak_handler, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);",
    ),
)


def handler(heading: str, register: str, work: str) -> tuple[str, str]:
    """A handler that does some work, and the function that registers it."""
    ends = "\treturn HRTIMER_NORESTART;\n" if "enum" in heading else ""
    body = f"{heading}\n{{\n\tstruct kvm *kvm = (struct kvm *)got;\n\n\t{work}\n{ends}}}\n"
    return body, f"void nak_setup(struct kvm *kvm)\n{{\n\t{register}\n}}\n"


def counting(take: str, give: str) -> str:
    """A helper of the handler that takes a lock."""
    return f"static void nak_count(struct kvm *kvm)\n{{\n\t{take};\n\tcpu_relax();\n\t{give};\n}}\n"


def a_handler_takes_it(sources: Sources) -> Iterator[Mutant]:
    """A handler that takes a lock which others take with plain spin_lock(), directly or by a helper."""
    for number, (path, label, words) in enumerate(PLAIN):
        plain = re.compile(rf"spin_lock\(&[\w>.-]*{label}\)")
        due = tuple((p, n) for p in FILES for n, t in sources.functions(p).items() if plain.search(t))
        for offset in range(4):
            heading, register = CONTEXTS[(number + offset) % len(CONTEXTS)]
            old = next(t for t in sources.functions(path).values() if plain.search(t))
            new = (counting(f"spin_lock(&{words})", f"spin_unlock(&{words})"),
                   *handler(heading, register, "nak_count(kvm);"))  # fmt: skip
            yield Mutant(SOFTIRQ, "a handler takes it", whole(path, old, old, *new), due)


def interrupts_stay_on(sources: Sources) -> Iterator[Mutant]:
    """Locks of handlers that others no longer take with interrupts off."""
    for path in (EVENTFD, IRQ_C):
        for name, text in sources.functions(path).items():
            if "spin_lock_irq(&kvm->irqfds.lock);" in text:
                new = re.sub(r"spin_(un)?lock_irq\(&kvm->irqfds", r"spin_\1lock(&kvm->irqfds", text)
                yield Mutant(SOFTIRQ, "interrupts stay on", whole(path, text, new), ((path, name),))
    for name, text in sources.functions(PFN).items():
        first = re.search(r"(?:read|write)_(un)?lock_irq\(&gpc->lock\)", text)
        if first and not first.group(1):  # one that gives it first was entered with interrupts off, and leaves them so
            new = re.sub(r"(read|write)_(un)?lock_irq\(&gpc", r"\1_\2lock(&gpc", text)
            yield Mutant(SOFTIRQ, "interrupts stay on", whole(PFN, text, new), ((PFN, name),))
    for name, text in sources.functions(AVIC).items():
        if "spin_lock_irqsave(&svm_vm_data_hash_lock, flags);" in text and "notifier" not in name:
            new = text.replace("spin_lock_irqsave(&svm_vm_data_hash_lock, flags)", "spin_lock(&svm_vm_data_hash_lock)")
            new = new.replace(
                "spin_unlock_irqrestore(&svm_vm_data_hash_lock, flags)", "spin_unlock(&svm_vm_data_hash_lock)"
            )
            yield Mutant(SOFTIRQ, "interrupts stay on", whole(AVIC, text, new), ((AVIC, name),))
    for name, text in sources.functions(POSTED).items():
        if "local_irq_save(flags);" in text and "spin_lock" in text:
            new = re.sub(r"^\t+local_irq_(?:save|restore)\(flags\);\n", "", text, flags=re.M)
            yield Mutant(SOFTIRQ, "interrupts stay on", whole(POSTED, text, new), ((POSTED, name),))


def a_mutex_in_a_handler(sources: Sources) -> Iterator[Mutant]:
    """A handler takes a mutex."""
    old = sources.functions(MMU)["kvm_zap_gfn_range"]
    for number, (heading, register) in enumerate(CONTEXTS):
        inner = counting("mutex_lock(&kvm->slots_lock)", "mutex_unlock(&kvm->slots_lock)")
        call = "nak_count(kvm);" if number % 2 else "guard(mutex)(&kvm->slots_lock);"
        edits = whole(MMU, old, old, inner, *handler(heading, register, call))
        yield Mutant(SOFTIRQ, "a mutex in a handler", edits, ((MMU, "nak_count"), (MMU, "nak_handler")))


INIT = r"^\t+(?:raw_spin_lock_init|spin_lock_init|mutex_init|rwlock_init|init_rwsem)\(&([^;]*?)\);\n"
WITH_INITS = (
    MMU, TDP, MAIN, PFN, EVENTFD, ASYNC, COALESCED, IOAPIC, PIC, X86, XEN, AVIC, HYPERV, POSTED,
    "arch/x86/kvm/i8254.c", "arch/x86/kvm/svm/sev.c", "virt/kvm/vfio.c", "arch/x86/virt/vmx/tdx/seamldr.c",
)  # fmt: skip


def _takers(sources: Sources, words: str) -> tuple[tuple[str, str], ...]:
    field = re.split(r"->|\.", words.split(",")[0].replace("per_cpu(", ""))[-1].split("[")[0]
    found = []
    for path in everywhere(sources):
        found += [(path, n) for n, t in sources.functions(path).items() if re.search(rf"\b{field}\b", t)]
    return tuple(dict.fromkeys(found))


def init_dropped(sources: Sources) -> Iterator[Mutant]:
    """An initialisation is taken out."""
    for path in WITH_INITS:
        for site in sources.sites(path, INIT):
            yield Mutant(BARE, "init dropped", (site.replaced(""),), _takers(sources, site.groups[0]))


def taken_before_init(sources: Sources) -> Iterator[Mutant]:
    """A lock is taken in front of its initialisation."""
    for path in WITH_INITS:
        for number, site in enumerate(sources.sites(path, INIT)):
            kind = re.match(r"\t+(\w+?)_?init", site.matched)
            take = {
                "raw_spin_lock": "raw_spin_lock",
                "spin_lock": "spin_lock",
                "mutex": "mutex_lock",
                "rwlock": "write_lock",
            }
            word = take.get(kind.group(1) if kind else "")
            if word is None or "per_cpu" in site.matched or number % 2:
                continue
            give = word.replace("lock", "unlock") if word != "mutex_lock" else "mutex_unlock"
            give = {"raw_spin_lock": "raw_spin_unlock", "spin_lock": "spin_unlock", "write_lock": "write_unlock"}.get(
                word, give
            )
            use = f"\t{word}(&{site.groups[0]});\n\t{give}(&{site.groups[0]});\n"
            edits = (site.replaced(use + site.matched),)
            yield Mutant(BARE, "taken before init", edits, ((path, site.function),))


KINDS = (
    ("spinlock_t", "spin_lock(&{0});\n\tspin_unlock(&{0});"),
    ("struct mutex", "mutex_lock(&{0});\n\tmutex_unlock(&{0});"),
    ("rwlock_t", "read_lock(&{0});\n\tread_unlock(&{0});"),
    ("struct mutex", "guard(mutex)(&{0});"),
    ("struct rw_semaphore", "down_read(&{0});\n\tup_read(&{0});"),
    ("raw_spinlock_t", "raw_spin_lock_irq(&{0});\n\traw_spin_unlock_irq(&{0});"),
)
PLACES = (
    ("nak_state.nak_lock", "static struct nak_state {{\n\tint refs;\n\t{} nak_lock;\n}} nak_state;\n"),
    ("nak_lock", "static {} nak_lock;\n"),
)


def a_new_bare_lock(sources: Sources) -> Iterator[Mutant]:
    """A new lock, in a struct of its own or a variable, that nothing initialises, taken by a call or a guard."""
    old = sources.functions(MMU)["kvm_zap_gfn_range"]
    new = old.replace("\n{\n", "\n{\n\tnak_carrier();\n", 1)
    for kind, use in KINDS:
        for words, declared in PLACES:
            carrier = "static void nak_carrier(void)\n{\n\t" + use.format(words) + "\n}\n"
            edits = whole(MMU, old, new, declared.format(kind), carrier)
            yield Mutant(BARE, "a new bare lock", edits, ((MMU, "nak_carrier"),))


OPERATORS: tuple[Operator, ...] = (
    a_handler_takes_it,
    interrupts_stay_on,
    a_mutex_in_a_handler,
    init_dropped,
    taken_before_init,
    a_new_bare_lock,
)
