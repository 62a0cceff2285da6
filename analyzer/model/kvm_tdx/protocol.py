"""The Protocol record: what KVM does at each point where a patch could do something else.

The correct protocol, a mutated one and one extracted from code differ in this record only. The first value of each
field is what the rules demand.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class Protocol:
    """One value for each decision; see ``values()`` for the choices."""

    split_lock: Literal["write", "read", "read-then-write"] = "write"  # mmu_lock around the split, then the inhibit
    split_order: Literal["sept-first", "folio-first"] = "sept-first"
    block: Literal["block", "none"] = "block"  # RANGE.BLOCK before REMOVE and DEMOTE
    track: Literal["track", "none"] = "track"  # MEM.TRACK between BLOCK and REMOVE or DEMOTE
    kick: Literal["kick", "none"] = "kick"  # vCPUs out of the guest after each TRACK
    seamcall_level: Literal["of-entry", "4k"] = "of-entry"  # level handed to BLOCK of a 2M leaf
    demote_error: Literal["propagated", "dropped"] = "propagated"
    split_errno: Literal["int", "bool"] = "int"  # what the split's caller gets to see
    restartable: Literal["refuse-huge", "retry", "retry-once", "error"] = "refuse-huge"  # DEMOTE can be interrupted
    retry_unit: Literal["call", "sequence"] = "call"  # what the second attempt after BUSY repeats
    no_vcpu_window: Literal["flag", "kick-only", "flag-left", "not-for-new"] = "flag"
    busy_entry: Literal["leaves", "spins"] = "leaves"  # a vCPU that may not enter now, in the fast path
    stale_check: Literal["under-lock", "none"] = "under-lock"
    invalidate_begin: Literal["with-zap", "end-of-section", "after-zap"] = "with-zap"
    invalidate_end: Literal["every-path", "not-on-error"] = "every-path"
    zap_crossing: Literal["split", "whole-leaf"] = "split"  # a 2M leaf that crosses the range
    attribute_store: Literal["after-zap", "before-zap"] = "after-zap"
    truncate: Literal["after-zap", "before-zap"] = "after-zap"
    poison: Literal["split-zap", "folio-only"] = "split-zap"  # memory failure on a page of a 2M mapping
    promotion: Literal["never", "allowed"] = "never"
    accept_level: Literal["honoured", "ignored"] = "honoured"
    inhibit: Literal["kept", "unread", "cleared"] = "kept"  # the guest's wish for small pages
    freeze: Literal["frozen", "none", "leaf-only"] = "frozen"  # mirror entry while the external one is written
    freeze_rollback: Literal["on-error", "none", "always", "never"] = "on-error"  # the old value; none: nor the new one
    unlock: Literal["every-path", "not-on-error"] = "every-path"  # mmu_lock of a fault
    pamt_levels: Literal["4k", "4k-and-2m"] = "4k"
    pamt_on_error: Literal["put", "kept"] = "put"
    pamt_after_demote: Literal["set", "untouched"] = "set"
    pamt_not_free: Literal["lost-race", "error"] = "lost-race"  # PAMT.ADD finds the pages already there
    pamt_recheck: Literal["under-lock", "none"] = "under-lock"  # the count, before PAMT.REMOVE
    split_cache: Literal["pair-kept", "three-pairs", "two-pairs", "pair-leaked"] = "pair-kept"
    after_topup: Literal["rewalk", "continue"] = "rewalk"  # mmu_lock was dropped to allocate
    sept_page_free: Literal["after-hkid", "with-last-leaf", "before-hkid"] = "after-hkid"
    pfnmap_retry: Literal["under-lock", "none"] = "under-lock"  # stale check of a VM_PFNMAP fault
    pfnmap_notifier: Literal["tied", "untied"] = "tied"
    pfn_use: Literal["pfn", "page"] = "pfn"  # pfn_to_page() on a PFN that may have no struct page
    cmpxchg: Literal["refreshed", "stale"] = "refreshed"  # the old value of a compare-exchange that lost
    zap_root: Literal["mirror", "direct"] = "mirror"  # walked to split and zap private memory
    root_put: Literal["every-path", "not-on-error"] = "every-path"  # of a walk of roots
    rcu: Literal["around-use", "left-early"] = "around-use"  # the read section of a lockless walk
    cache_of: Literal["vm", "running-vcpu"] = "vm"  # whose pages a split takes


CORRECT = Protocol()


def values() -> dict[str, tuple[str, ...]]:
    """The choices of every field."""
    return {name: get_args(hint) for name, hint in get_type_hints(Protocol).items()}


def differing(protocol: Protocol) -> dict[str, str]:
    """The fields in which a protocol leaves the correct one."""
    return {f.name: getattr(protocol, f.name) for f in fields(Protocol) if getattr(protocol, f.name) != f.default}


def possible(undecided: Mapping[str, tuple[str, ...]], base: Protocol = CORRECT) -> Iterator[Protocol]:
    """Every protocol that a record with undecided fields may stand for."""
    known = values()
    for name, chosen in undecided.items():
        if name not in known or not set(chosen) <= set(known[name]):
            raise ValueError(f"no such choice: {name} = {', '.join(chosen)}")
    for combination in itertools.product(*undecided.values()):
        changes: dict[str, Any] = dict(zip(undecided, combination, strict=True))
        yield replace(base, **changes)
