"""mmu_lock dropped or weakened where a zap takes it for write (tdx-sept-op-without-write-lock)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import GMEM, LOCKS, MAIN, MMU, TDX
from tests.mutants.sources import Mutant, Operator, Same, Sources

DUE = ((TDX, "tdx_sept_remove_leaf_spte"), (TDX, "tdx_track"))
TAKE = re.compile(r"(?:write_lock\(&kvm->mmu_lock\)|KVM_MMU_LOCK\(kvm\));")
GIVE = re.compile(r"(?:write_unlock\(&kvm->mmu_lock\)|KVM_MMU_UNLOCK\(kvm\));")
# A call that comes to the removal of private leafs, where the lock has to be held.
ZAPS = re.compile(r"^\t+[^\n;=(]*(?:= |\|= )?(?:kvm_tdp_mmu_zap_leafs|kvm_unmap_gfn_range|kvm_mmu_unmap_gfn_range"
                  r"|range->handler|kvm_tdp_mmu_zap_all)\([^;]*;", re.M)  # fmt: skip
READ, READ_END = "read_lock(&kvm->mmu_lock);", "read_unlock(&kvm->mmu_lock);"
WRITE, WRITE_END = "write_lock(&kvm->mmu_lock);", "write_unlock(&kvm->mmu_lock);"

# What stands for taking and giving back the lock.
WEAK: dict[str, tuple[str, str]] = {
    "read": (READ, READ_END),
    "dropped": ("", ""),
    "guard for read": ("guard(read_lock)(&kvm->mmu_lock);", ""),
    "slots_lock": ("mutex_lock(&kvm->slots_lock);", "mutex_unlock(&kvm->slots_lock);"),
    "given back at once": (f"{WRITE}\n\t{WRITE_END}", ""),
    "try, result unused": ("write_trylock(&kvm->mmu_lock);", WRITE_END),
    "downgraded": (f"{WRITE}\n\t{WRITE_END}\n\t{READ}", READ_END),
    "read by a helper": ("kvm_note_lock(kvm);", "kvm_note_unlock(kvm);"),
    "read by a flag": ("kvm_lock_mode(kvm, true);", "kvm_unlock_mode(kvm, true);"),
}
HELPERS = (
    f"static void kvm_note_lock(struct kvm *kvm)\n{{\n\t{READ}\n}}\n\n"
    f"static void kvm_note_unlock(struct kvm *kvm)\n{{\n\t{READ_END}\n}}\n\n"
)
MODES = (
    "static void kvm_lock_mode(struct kvm *kvm, bool shared)\n{\n\tif (shared)\n"
    f"\t\t{READ}\n\telse\n\t\t{WRITE}\n}}\n\n"
    "static void kvm_unlock_mode(struct kvm *kvm, bool shared)\n{\n\tif (shared)\n"
    f"\t\t{READ_END}\n\telse\n\t\t{WRITE_END}\n}}\n\n"
)


def _zaps(sources: Sources) -> Iterator[tuple[str, str]]:
    """The functions that take the lock and zap leafs under it."""
    for path in (MMU, MAIN, GMEM):
        for text in sources.functions(path).values():
            take, zap, give = TAKE.search(text), ZAPS.search(text), GIVE.search(text)
            if take and zap and give and take.start() < zap.start() and "zap_all" not in zap.group():
                yield path, text


def _in_words(text: str, take: str, give: str, needs: str = "") -> str:
    return needs + TAKE.sub(lambda m: take or "barrier();", GIVE.sub(lambda m: give or "barrier();", text))


def weakened(sources: Sources) -> Iterator[Mutant]:
    """Other words for the lock, each too weak."""
    for path, text in _zaps(sources):
        for name, (take, give) in WEAK.items():
            needs = HELPERS if "note" in take else MODES if "mode" in take else ""
            yield Mutant(LOCKS, f"lock: {name}", (Edit(path, text, _in_words(text, take, give, needs)),), DUE)


def opened(sources: Sources) -> Iterator[Mutant]:
    """The lock is dropped around the zap, or taken after it."""
    for path, text in _zaps(sources):
        zap = ZAPS.search(text)
        assert zap is not None
        around = f"\t{WRITE_END}\n{zap.group()}\n\t{WRITE}"
        yield Mutant(LOCKS, "opened around the zap", (Edit(path, text, text.replace(zap.group(), around)),), DUE)
        shared = f"\t{WRITE_END}\n\t{READ}\n{zap.group()}\n\t{READ_END}\n\t{WRITE}"
        yield Mutant(LOCKS, "shared around the zap", (Edit(path, text, text.replace(zap.group(), shared)),), DUE)
        scoped = f"\t{WRITE_END}\n\tscoped_guard(read_lock, &kvm->mmu_lock) {{\n\t{zap.group()}\n\t}}\n\t{WRITE}"
        yield Mutant(LOCKS, "scoped guard for read", (Edit(path, text, text.replace(zap.group(), scoped)),), DUE)
        late = TAKE.sub("", text).replace(zap.group(), f"{zap.group()}\n\t{WRITE}")
        if path == MMU:
            yield Mutant(LOCKS, "taken after the zap", (Edit(path, text, late),), DUE)


def new_callers(sources: Sources) -> Iterator[Mutant]:
    """New ways to a zap that hold nothing, or the lock for read."""
    anchor = sources.functions(MMU)["kvm_zap_gfn_range"]
    for name, body in {
        "work item": "struct kvm *kvm = container_of(work, struct kvm, mmu_note_work);",
        "read": f"struct kvm *kvm = container_of(work, struct kvm, mmu_note_work);\n\n\t{READ}",
    }.items():
        text = (
            f"static void kvm_note_work(struct work_struct *work)\n{{\n\t{body}\n"
            "\tkvm_tdp_mmu_zap_leafs(kvm, 0, -1ull, false);\n"
            + (f"\t{READ_END}\n" if READ in body else "")
            + "}\n\nvoid kvm_note_start(struct kvm *kvm)\n{\n\tINIT_WORK(&kvm->mmu_note_work, kvm_note_work);\n}\n\n"
        )
        yield Mutant(LOCKS, f"new caller: {name}", (Edit(MMU, anchor, text + anchor),), DUE)


OPERATORS: tuple[Operator, ...] = (weakened, opened, new_callers)

# Equal to the write lock that stood there.
STRONG: dict[str, tuple[str, str, str]] = {
    "guard for write": ("guard(write_lock)(&kvm->mmu_lock);", "", ""),
    "helper for write": (
        "kvm_note_lock(kvm);",
        "kvm_note_unlock(kvm);",
        HELPERS.replace(READ, WRITE).replace(READ_END, WRITE_END),
    ),
    "helper with the lock": (
        "kvm_note_lock(&kvm->mmu_lock);",
        "kvm_note_unlock(&kvm->mmu_lock);",
        "static void kvm_note_lock(rwlock_t *lock)\n{\n\twrite_lock(lock);\n}\n\n"
        "static void kvm_note_unlock(rwlock_t *lock)\n{\n\twrite_unlock(lock);\n}\n\n",
    ),
    "flag for write": ("kvm_lock_mode(kvm, false);", "kvm_unlock_mode(kvm, false);", MODES),
    "try until taken": ("while (!write_trylock(&kvm->mmu_lock))\n\t\tcpu_relax();", WRITE_END, ""),
    "lock in a variable": ("rwlock_t *lock = &kvm->mmu_lock;\n\n\twrite_lock(lock);", "write_unlock(lock);", ""),
    "macro": (
        "kvm_note_lock(kvm);",
        "kvm_note_unlock(kvm);",
        "#define kvm_note_lock(kvm) write_lock(&(kvm)->mmu_lock)\n"
        "#define kvm_note_unlock(kvm) write_unlock(&(kvm)->mmu_lock)\n\n",
    ),
}


def strong(sources: Sources) -> Iterator[Same]:
    """Other words for the same lock."""
    for path, text in _zaps(sources):
        for name, (take, give, needs) in STRONG.items():
            nested = path != MMU and ("guard" in take or "variable" in name)
            if not nested:  # a block of its own would end the guard
                yield Same(f"lock: {name}", (Edit(path, text, _in_words(text, take, give, needs)),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (strong,)
