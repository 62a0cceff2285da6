"""What a SEAMCALL returned, by name (asm/shared/tdx_errno.h; newer codes: the source of the TDX module)."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0
_HIGH: Final = 32  # the status is in bits 63:32, details (an operand) in 31:0

OPERAND_BUSY: Final = 0x80000200
PREVIOUS_TLB_EPOCH_BUSY: Final = 0x80000201
INTERRUPTED_RESTARTABLE: Final = 0x80000004
TLB_TRACKING_NOT_DONE: Final = 0xC0000B08
GPA_RANGE_NOT_BLOCKED: Final = 0xC0000B06
GPA_RANGE_ALREADY_BLOCKED: Final = 0x00000B07
EPT_WALK_FAILED: Final = 0xC0000B00
EPT_ENTRY_STATE_INCORRECT: Final = 0xC0000B0D
PAGE_METADATA_INCORRECT: Final = 0xC0000300
HPA_RANGE_NOT_FREE: Final = 0xC0000304

NAMES: Final[dict[int, str]] = {
    0: "SUCCESS",
    0x40000001: "NON_RECOVERABLE_VCPU",
    0x40000002: "NON_RECOVERABLE_TD",
    0x60000005: "NON_RECOVERABLE_TD_NON_ACCESSIBLE",
    0x60000007: "NON_RECOVERABLE_TD_WRONG_APIC_MODE",
    0x80000003: "INTERRUPTED_RESUMABLE",
    INTERRUPTED_RESTARTABLE: "INTERRUPTED_RESTARTABLE",
    0xC0000100: "OPERAND_INVALID",
    OPERAND_BUSY: "OPERAND_BUSY",
    PREVIOUS_TLB_EPOCH_BUSY: "PREVIOUS_TLB_EPOCH_BUSY",
    0x80000202: "SYS_BUSY",
    0x80000203: "RND_NO_ENTROPY",
    PAGE_METADATA_INCORRECT: "PAGE_METADATA_INCORRECT",
    HPA_RANGE_NOT_FREE: "HPA_RANGE_NOT_FREE",
    0x80000702: "VCPU_NOT_ASSOCIATED",
    0x80000800: "KEY_GENERATION_FAILED",
    0xC0000811: "KEY_STATE_INCORRECT",
    0x00000815: "KEY_CONFIGURED",
    0x00000821: "NO_HKID_READY_TO_WBCACHE",
    0x80000824: "FLUSHVP_NOT_DONE",
    EPT_WALK_FAILED: "EPT_WALK_FAILED",
    GPA_RANGE_NOT_BLOCKED: "GPA_RANGE_NOT_BLOCKED",
    GPA_RANGE_ALREADY_BLOCKED: "GPA_RANGE_ALREADY_BLOCKED",
    TLB_TRACKING_NOT_DONE: "TLB_TRACKING_NOT_DONE",
    0x00000B0A: "PAGE_ALREADY_ACCEPTED",
    0xC0000B0B: "PAGE_SIZE_MISMATCH",
    EPT_ENTRY_STATE_INCORRECT: "EPT_ENTRY_STATE_INCORRECT",
    0xC0000C02: "METADATA_FIELD_NOT_READABLE",
}
_OPERANDS: Final = {0x01: "RCX", 0x80: "TDR", 0x92: "SEPT", 0xA9: "TD_EPOCH"}
# KVM expects these and tries again; every other failure bugs the VM (vmx/tdx.c, __TDX_BUG_ON).
TRANSIENT: Final = frozenset((OPERAND_BUSY, 0x80000203, INTERRUPTED_RESTARTABLE, 0x80000003))
# Only a wrong order of calls brings these about.
ORDER: Final = frozenset(
    (PREVIOUS_TLB_EPOCH_BUSY, TLB_TRACKING_NOT_DONE, GPA_RANGE_NOT_BLOCKED, GPA_RANGE_ALREADY_BLOCKED)
)
# The software's picture of the S-EPT is not the module's.
DIVERGED: Final = frozenset((EPT_WALK_FAILED, EPT_ENTRY_STATE_INCORRECT))


def code(status: int) -> int:
    """Bits 63:32, without the operand that an error is about."""
    return (status >> _HIGH) & 0xFFFFFFFF


def described(status: int) -> str:
    """``OPERAND_BUSY(SEPT)``, or the number where nobody has named it; a success with information keeps its name."""
    if status >> 40 == 0x8000FF:  # TDX_SW_ERROR: no SEAMCALL was made
        return f"SW_ERROR({status:#x})"
    name = NAMES.get(code(status), f"{status:#018x}")
    operand = _OPERANDS.get(status & 0xFFFFFFFF)
    return f"{name}({operand})" if operand and status else name
