"""Mutants of kvm-sleep-under-mmu-lock."""

from __future__ import annotations

from collections.abc import Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import MAIN, MMU, TDP
from tests.mutants.contexts_common import FILES, LOCKED, SLEEP, rewritten, thinned, whole
from tests.mutants.sources import Mutant, Operator, Site, Sources

SLEEPERS = (
    "nak_scratch = kzalloc(64, GFP_KERNEL_ACCOUNT);",
    "mutex_lock(&nak_mutex);",
    "cond_resched();",
    "nak_scratch = (void *)__get_free_page(GFP_KERNEL | __GFP_ZERO);",
    "synchronize_rcu();",
    "usleep_range(10, 20);",
)
OBJECTS = "static void *nak_scratch;\nstatic DEFINE_MUTEX(nak_mutex);\n"


def _locked(sources: Sources, each: int) -> Iterator[Site]:
    for path in FILES:
        yield from thinned(sources.sites(path, LOCKED), each)


def sleeps_in_the_region(sources: Sources) -> Iterator[Mutant]:
    """A sleeping call right behind the taking of a lock."""
    for number, site in enumerate(_locked(sources, 4)):
        call = SLEEPERS[number % len(SLEEPERS)]
        edits = rewritten(site, f"{site.matched}{site.groups[0]}{call}\n", OBJECTS)
        yield Mutant(SLEEP, "sleeps in the region", edits, ((site.path, site.function),))


def sleeps_two_helpers_away(sources: Sources) -> Iterator[Mutant]:
    """The same at the end of a chain of fresh helpers, the flags passed on as a parameter."""
    helpers = """static void *nak_scratch;
static void *nak_alloc(size_t size, gfp_t gfp)
{
	return kzalloc(size, gfp | __GFP_ZERO);
}

static void nak_inner(bool now)
{
	if (now)
		nak_scratch = nak_alloc(64, GFP_KERNEL_ACCOUNT);
}

static noinline void nak_outer(void)
{
	nak_inner(true);
}
"""
    for number, site in enumerate(_locked(sources, 5)):
        if number % 2 == 0:
            edits = rewritten(site, f"{site.matched}{site.groups[0]}nak_outer();\n", helpers)
            due = ((site.path, site.function), (site.path, "nak_inner"), (site.path, "nak_outer"))
            yield Mutant(SLEEP, "sleeps two helpers away", edits, due)


def sleeps_behind_a_macro_or_table(sources: Sources) -> Iterator[Mutant]:
    """The same behind a function-like macro, and behind a field of a table."""
    macro = """#define NAK_REFILL(cache) do {\
	if (!(cache))\
		(cache) = vmalloc(4096);\
} while (0)
static void *nak_cache;
"""
    table = """struct nak_ops { void (*refill)(int nr); };
static void nak_refill(int nr)
{
	mutex_lock(&nak_mutex);
	mutex_unlock(&nak_mutex);
}
static struct nak_ops nak_ops = { .refill = nak_refill };
"""
    for number, site in enumerate(_locked(sources, 6)):
        if number % 2:
            edits = rewritten(site, f"{site.matched}{site.groups[0]}NAK_REFILL(nak_cache);\n", macro)
            yield Mutant(SLEEP, "sleeps in a macro", edits, ((site.path, site.function),))
        else:
            edits = rewritten(site, f"{site.matched}{site.groups[0]}nak_ops.refill(1);\n", OBJECTS, table)
            yield Mutant(SLEEP, "sleeps in a table", edits, ((site.path, site.function), (site.path, "nak_refill")))


def sleeps_under_a_lock_taken_by_a_helper(sources: Sources) -> Iterator[Mutant]:
    """A carrier that locks through a pair of helpers, one of which may fail, and sleeps in between."""
    carriers = """static bool nak_lock(struct kvm *kvm, bool shared)
{
	if (shared)
		return read_trylock(&kvm->mmu_lock);
	write_lock(&kvm->mmu_lock);
	return true;
}

static void nak_carrier(struct kvm *kvm, bool shared)
{
	if (!nak_lock(kvm, shared))
		return;
	%s
	if (shared)
		read_unlock(&kvm->mmu_lock);
	else
		write_unlock(&kvm->mmu_lock);
}
"""
    for call in ("might_sleep();", "cond_resched();", "synchronize_srcu(&kvm->srcu);", "mutex_lock(&kvm->slots_lock);"):
        old = sources.functions(MMU)["kvm_zap_gfn_range"]
        new = old.replace("\tkvm_mmu_invalidate_begin", "\tnak_carrier(kvm, false);\n\tkvm_mmu_invalidate_begin", 1)
        new = new if new != old else old.replace("\n{\n", "\n{\n\tnak_carrier(kvm, false);\n", 1)
        yield Mutant(SLEEP, "a helper locks", whole(MMU, old, new, carriers % call), ((MMU, "nak_carrier"),))
    for call in ("msleep(1);", "kvm->buses[0] = kmalloc(8, GFP_KERNEL);", "put_user(1, (int __user *)kvm);"):
        guard = f"static void nak_carrier(struct kvm *kvm)\n{{\n\tguard(rcu)();\n\t{call}\n}}\n"
        block = f"scoped_guard(read_lock, &kvm->mmu_lock) {{\n\t\t{call}\n\t}}"
        scoped = f"static void nak_carrier(struct kvm *kvm)\n{{\n\t{block}\n}}\n"
        for text in (guard, scoped):
            old = sources.functions(MMU)["kvm_zap_gfn_range"]
            new = old.replace("\n{\n", "\n{\n\tnak_carrier(kvm);\n", 1)
            yield Mutant(SLEEP, "a guard holds", whole(MMU, old, new, text), ((MMU, "nak_carrier"),))


def flags_that_may_block(sources: Sources) -> Iterator[Mutant]:
    """Allocations under a lock whose flags lose what keeps them from sleeping."""
    for path in FILES:
        for site in sources.sites(
            path, r"GFP_(?:ATOMIC|NOWAIT)", "kvm_mmu_memory_cache_alloc|kvm_gmem\\w*|kvm_mmu_\\w+"
        ):
            edits = (site.replaced("GFP_KERNEL"),)
            due = ((path, site.function), (path, "mmu_memory_cache_alloc_obj"))
            yield Mutant(SLEEP, "flags that may block", edits, due)


def not_left_before_sleeping(sources: Sources) -> Iterator[Mutant]:
    """Code that drops what it holds in order to sleep does not."""
    dropped = r"^\t+rcu_read_unlock\(\);\n(?=\n?(?:.*\n){0,8}?.*(?:cond_resched_rwlock|alloc_sp_for_split))"
    for path in (TDP, MMU):
        for site in sources.sites(path, dropped):
            due = ((path, site.function), (TDP, "tdp_mmu_alloc_sp_for_split"))
            yield Mutant(SLEEP, "not left before sleeping", (site.replaced(""),), due)
    mode = r"\t+if \(shared\)\n\t+read_unlock\(&kvm->mmu_lock\);\n\t+else\n\t+write_unlock\(&kvm->mmu_lock\);\n"
    for site in sources.sites(TDP, mode + r"(?=\n\t+sp = )"):
        due = ((TDP, site.function), (TDP, "tdp_mmu_alloc_sp_for_split"))
        yield Mutant(SLEEP, "not dropped before sleeping", (site.replaced(""),), due)
    for site in sources.sites(
        MMU, r"cond_resched_rwlock_write\(&(\w+)->kvm->mmu_lock\)|cond_resched_rwlock_write\(&kvm->mmu_lock\)"
    ):
        yield Mutant(SLEEP, "resched keeps the lock", (site.replaced("cond_resched()"),), ((MMU, site.function),))


def topped_up_under_the_lock(sources: Sources) -> Iterator[Mutant]:
    """The caches of a vCPU are filled behind the lock."""
    due = (
        (MMU, "mmu_topup_memory_caches"),
        (MAIN, "kvm_mmu_topup_memory_cache"),
        (MAIN, "__kvm_mmu_topup_memory_cache"),
    )
    pattern = r"^(\t+)((?:read|write)_lock\(&vcpu->kvm->mmu_lock\)|guard\(read_lock\)\(&vcpu->kvm->mmu_lock\));\n"
    for site in sources.sites(MMU, pattern, r"(?!.*topup)\w+"):
        if "topup" in site.function or site.path != MMU or not _after(sources, site, "mmu_topup_memory_caches"):
            continue
        edits = rewritten(site, f"{site.matched}{site.groups[0]}mmu_topup_memory_caches(vcpu, false);\n")
        yield Mutant(SLEEP, "topped up under the lock", edits, (*due, (MMU, site.function)))


def _after(sources: Sources, site: Site, name: str) -> bool:
    """Whether a function is defined before the function of a site."""
    text = sources.text(site.path)
    return 0 <= text.find(f"{name}(struct") < text.find(site.text)


def stale_after_a_yield(sources: Sources) -> Iterator[Mutant]:
    """A walk that yielded is not restarted, or what it read before is used."""
    resched = r"^(\t+)if \((?:iter\.level[^\n]*&&\s*)?tdp_mmu_iter_cond_resched\(([^;]*)\)\)\n\t+continue;\n"
    for site in sources.sites(TDP, resched):
        tabs, args = site.groups
        ignored = f"{tabs}if (tdp_mmu_iter_cond_resched({args}))\n{tabs}\tcpu_relax();\n"
        yield Mutant(SLEEP, "a yield is ignored", (site.replaced(ignored),), ((TDP, site.function),))
        cached = (
            f"{tabs}nak_old = iter.old_spte;\n{tabs}if (tdp_mmu_iter_cond_resched({args})) {{\n"
            f"{tabs}\tif (is_shadow_present_pte(nak_old))\n{tabs}\t\tcpu_relax();\n{tabs}\tcontinue;\n{tabs}}}\n"
        )
        text = site.text[: site.start] + cached + site.text[site.end :]
        text = text.replace("\n{\n", "\n{\n\tu64 nak_old;\n", 1)
        yield Mutant(SLEEP, "a copy outlives a yield", (Edit(TDP, site.text, text),), ((TDP, site.function),))
    for site in sources.sites(TDP, r"^\t+iter(?:\.|->)yielded = true;\n"):
        due = tuple((TDP, name) for name, text in sources.functions(TDP).items() if "cond_resched" in text)
        yield Mutant(SLEEP, "a yield is not marked", (site.replaced(""),), ((TDP, site.function), *due))


OPERATORS: tuple[Operator, ...] = (
    sleeps_in_the_region,
    sleeps_two_helpers_away,
    sleeps_behind_a_macro_or_table,
    sleeps_under_a_lock_taken_by_a_helper,
    flags_that_may_block,
    not_left_before_sleeping,
    topped_up_under_the_lock,
    stale_after_a_yield,
)
