"""Statuses of SEAMCALLs, and the reasons for which the VM counts as broken."""

from __future__ import annotations

from dataclasses import dataclass

# Linux 7.3.4 arch/x86/include/asm/shared/tdx_errno.h; the last three classes go to the guest or to PAMT calls.
STATUSES = (
    "OPERAND_BUSY",
    "PREVIOUS_TLB_EPOCH_BUSY",
    "TLB_TRACKING_NOT_DONE",
    "GPA_RANGE_NOT_BLOCKED",
    "GPA_RANGE_ALREADY_BLOCKED",
    "EPT_WALK_FAILED",
    "EPT_ENTRY_STATE_INCORRECT",
    "PAGE_METADATA_INCORRECT",
    "HPA_RANGE_NOT_FREE",
    "INTERRUPTED_RESTARTABLE",
    "PAGE_SIZE_MISMATCH",
    "PAGE_ALREADY_ACCEPTED",
)


@dataclass(frozen=True, slots=True)
class Bug:
    """An answer KVM does not expect, or a step it must not take; ``claim`` is what that breaks."""

    word: str
    text: str
    status: str = ""
    claim: str = "I6"


BUGS = (
    Bug("none", "none"),
    Bug("AUG_STATE", "PAGE.AUG of an entry that is not free", "EPT_ENTRY_STATE_INCORRECT"),
    Bug("SEPT_ADD_STATE", "SEPT.ADD over an entry that is not free", "EPT_ENTRY_STATE_INCORRECT"),
    Bug("BLOCK_TWICE", "RANGE.BLOCK of a blocked entry", "GPA_RANGE_ALREADY_BLOCKED"),
    Bug("BLOCK_WALK", "RANGE.BLOCK at a level the S-EPT does not have there", "EPT_WALK_FAILED"),
    Bug("BLOCK_STATE", "RANGE.BLOCK of an entry that is not mapped", "EPT_ENTRY_STATE_INCORRECT"),
    Bug("TRACK_BUSY", "MEM.TRACK while a vCPU runs in the previous epoch", "PREVIOUS_TLB_EPOCH_BUSY"),
    Bug("DEMOTE_UNBLOCKED", "PAGE.DEMOTE of an entry that is not blocked", "GPA_RANGE_NOT_BLOCKED"),
    Bug("DEMOTE_UNTRACKED", "PAGE.DEMOTE before tracking completed", "TLB_TRACKING_NOT_DONE"),
    Bug("REMOVE_UNBLOCKED", "PAGE.REMOVE of an entry that is not blocked", "GPA_RANGE_NOT_BLOCKED"),
    Bug("REMOVE_UNTRACKED", "PAGE.REMOVE before tracking completed", "TLB_TRACKING_NOT_DONE"),
    Bug("REMOVE_WALK", "PAGE.REMOVE at a level the S-EPT does not have there", "EPT_WALK_FAILED"),
    Bug("AUG_OWNED", "PAGE.AUG at 2M over a range with 4K PAMT entries in use", "PAGE_METADATA_INCORRECT"),
    Bug("RETRY_BUSY", "the retry without vCPUs met a vCPU", "OPERAND_BUSY"),
    Bug("DEMOTE_RESTART", "PAGE.DEMOTE was interrupted and nobody starts it over", "INTERRUPTED_RESTARTABLE"),
    Bug("PAMT_NOT_FREE", "PAMT.ADD that lost a race taken for an error", "HPA_RANGE_NOT_FREE"),
    Bug("AUG_NO_PAMT", "PAGE.AUG at 4K without PAMT pages", "PAGE_METADATA_INCORRECT"),
    Bug("SPLIT_UNDER_READ", "a huge mirror leaf in the way of a fault: KVM_BUG_ON()"),
    Bug("PAMT_UNDERFLOW", "PAMT count below zero"),
    Bug("NO_STRUCT_PAGE", "pfn_to_page() of a PFN without a struct page"),
    Bug("OVERZAP", "pages outside the range were removed", "", "I11"),
    Bug("CACHE_EMPTY", "the split cache is empty when DEMOTE needs a pair", "", "I15"),
    Bug("NO_VCPU", "the cache of the running vCPU in a thread that runs none"),
    Bug("RECLAIM_EARLY", "an S-EPT page reclaimed while the HKID is in use", "", "I16"),
)
CODES = {bug.word: number for number, bug in enumerate(BUGS)}


def bugs_of(claim: str) -> tuple[int, ...]:
    """The codes that break a claim."""
    return tuple(n for n, bug in enumerate(BUGS) if n and bug.claim == claim)
