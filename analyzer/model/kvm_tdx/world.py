"""The state of the model: its variables, and words for what is true of them.

Abstractions, each exact for what is claimed: mmu_invalidate_seq is one stale bit per vCPU, set by every invalidate end
and cleared by the snapshot of a fault. The TD epoch is "current or previous" for a vCPU in guest mode and an age of 0,
1 or 2+ for a blocked entry. A TLB is one bit for each vCPU and page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analyzer.model.expr import FALSE, TRUE, Assign, Effect, Expr, all_of, any_of, const
from analyzer.model.kvm_tdx.protocol import Protocol
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.kvm_tdx.status import BUGS, CODES
from analyzer.model.machine import ActorBuilder, Builder

# Mirror entries: the 2M one and the 4K ones.
NONP, FROZEN, HUGE, TABLE = 0, 1, 2, 3
LEAF = 2
# S-EPT entries, arch/x86/kvm/vmx/tdx_arch.h:tdx_sept_entry_state plus the non-leaf one.
FREE, PEND, MAPD, PBLK, BLKD, NL = 0, 1, 2, 3, 4, 5
# Guest mode: outside, in the current TD epoch, in the previous one.
OUT, CUR, PREV = 0, 1, 2
# Who holds mmu_lock for write.
VCPU, CONV, ZAP, DESTROY, HOST = 1, 2, 3, 4, 5

MIRROR_TOP, MIRROR = "NONP FROZEN HUGE TABLE", "NONP FROZEN LEAF"
SEPT = "FREE PENDING MAPPED PENDING_BLOCKED BLOCKED NL"


@dataclass(frozen=True, slots=True)
class Vcpu:
    """One vCPU: its actor and its private variables."""

    number: int
    actor: ActorBuilder
    mode: Expr
    page: Expr  # that the fault is for
    small: Expr  # the fault carries a 4K ACCEPT level
    stale: Expr
    level: Expr
    tlb: tuple[Expr, ...]
    direct_tlb: Expr

    def forget(self) -> tuple[Effect, ...]:
        """The fault is over."""
        return (self.page.to(0), self.small.to(0), self.stale.to(0), self.level.to(0))


class World:
    """All variables of one scope under one protocol. Variables of layers that are off are constants."""

    def __init__(self, scope: Scope, protocol: Protocol, name: str) -> None:
        self.scope, self.protocol = scope, protocol
        self.builder = b = Builder(name)
        self.readers = b.var("readers", 7)
        self.writer = b.var("writer", 7, words="nobody vcpu converter zapper destroyer host")
        self.inode = b.var("inode", 3, words="free converter zapper")
        self.inv = b.var("invalidating", 7)
        self.window = b.var("no_vcpu", 1)
        self.bug = b.var("bug", len(BUGS) - 1, words=" ".join(bug.word for bug in BUGS))
        self.folio = b.var("folio", 1, 1, "split huge")
        self.inhibit = b.var("inhibit", 3 if protocol.inhibit == "cleared" else 1, words="no yes cleared")
        self.pamt, self.pinned = b.var("pamt_count", 15), b.var("pamt_pages", 1)
        self.top = b.var("mirror_2m", 3, words=MIRROR_TOP)
        self.sept, self.age = b.var("sept_2m", 7, words=SEPT), b.var("age_2m", 3)
        self.pages = range(scope.pages)
        self._layers()
        self.leaf = tuple(b.var(f"mirror_{i}", 3, words=MIRROR) for i in self.pages)
        self.entry = tuple(b.var(f"sept_{i}", 7, words=SEPT) for i in self.pages)
        self.ages = tuple(b.var(f"age_{i}", 3) for i in self.pages)
        self.shared = tuple(b.var(f"shared_{i}", 1) for i in self.pages)
        self.backed = tuple(b.var(f"backed_{i}", 1, 1) for i in self.pages)
        self.vcpus = tuple(self._vcpu(k) for k in range(scope.vcpus))

    def _layers(self) -> None:
        b, scope = self.builder, self.scope
        off = const(0)
        self.cache = b.var("cache", 3) if scope.split_cache else off
        self.taken = b.var("pairs_taken", 3) if scope.split_cache else off
        self.stuck = b.var("pamt_stuck", 1) if "pamt-remove" in scope.faults else off
        self.dead = b.var("vm_bugged", 1) if "second-busy" in scope.faults else off
        self.gone = b.var("vm_gone", 1) if scope.teardown else off
        self.hkid = b.var("hkid", 1, 1, "released assigned") if scope.teardown else off
        self.sept_page = b.var("sept_page", 1, 0, "host module") if scope.teardown else off
        self.root = b.var("root_users", 7, 1) if scope.roots else off
        self.reading = b.var("rcu_readers", 1) if scope.lockless else off
        self.pointer = b.var("pointer", 1, words="none held") if scope.lockless else off
        self.table = b.var("table", 3, words="linked unlinked freed") if scope.lockless else off
        self.direct = b.var("direct_0", 1) if scope.pfnmap else off
        self.vma = b.var("vma_pte", 1, 1) if scope.pfnmap else off

    def _vcpu(self, k: int) -> Vcpu:
        b, name = self.builder, f"vcpu{k}"
        late = self.scope.late_vcpu and k == self.scope.vcpus - 1
        actor = b.actor(name, "absent" if late else "outside")
        mode = b.var(f"mode_{k}", 3, words="out current previous", owner=name)
        top = max(1, self.scope.pages - 1)
        locals_ = [b.var(f"{w}_{k}", t, owner=name) for w, t in (("page", top), ("small", 1), ("stale", 1))]
        level = b.var(f"level_{k}", 3, words="none 4K 2M", owner=name)
        tlb = tuple(b.var(f"tlb_{k}{i}", 1, owner=name) for i in self.pages)
        direct = b.var(f"tlb_{k}d", 1, owner=name) if self.scope.pfnmap else const(0)
        return Vcpu(k, actor, mode, locals_[0], locals_[1], locals_[2], level, tlb, direct)

    # -- what is true -------------------------------------------------------------------------------------------------

    @cached_property
    def any_inside(self) -> Expr:
        """Some vCPU is in guest mode."""
        return any_of(*(v.mode != OUT for v in self.vcpus))

    @cached_property
    def none_inside(self) -> Expr:
        """No vCPU is in guest mode."""
        return all_of(*(v.mode == OUT for v in self.vcpus))

    @cached_property
    def none_previous(self) -> Expr:
        """No vCPU runs in the previous TD epoch."""
        return all_of(*(v.mode != PREV for v in self.vcpus))

    @cached_property
    def lock_free(self) -> Expr:
        """Nobody holds mmu_lock."""
        return all_of(self.readers == 0, self.writer == 0)

    @cached_property
    def mixed(self) -> Expr:
        """The region is partly shared."""
        return any_of(*(_differ(s, self.shared[0]) for s in self.shared[1:]))

    @cached_property
    def is_dead(self) -> Expr:
        """The VM was bugged by an injected failure: what it owns is no longer claimed to be consistent."""
        return all_of(self.dead == 1) if self.dead.op == "var" else FALSE

    @cached_property
    def stays(self) -> Expr:
        """The VM is not being destroyed."""
        return all_of(self.gone == 0) if self.gone.op == "var" else TRUE

    def get_root(self) -> tuple[Effect, ...]:
        """A walk holds the root, so that mmu_lock may be dropped in it."""
        return (self.root.to(self.root + 1),) if self.scope.roots else ()

    def put_root(self) -> tuple[Effect, ...]:
        """A user of the root is gone."""
        return (self.root.to(self.root - 1),) if self.scope.roots else ()

    def fails(self, fault: str) -> bool:
        """Whether a failure is injected."""
        return fault in self.scope.faults

    # -- what happens -------------------------------------------------------------------------------------------------

    def broken(self, word: str) -> Assign:
        """KVM got an answer it does not expect, or does what it must not do."""
        return self.bug.to(CODES[word])

    def all_stale(self) -> tuple[Effect, ...]:
        """mmu_invalidate_seq grew."""
        return tuple(v.stale.to(1) for v in self.vcpus)


def _differ(left: Expr, right: Expr) -> Expr:
    return Expr("ne", "bool", (left, right))
