"""Deeds: what breaks one rule each, and the words of the verdict."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.model.trace import probes as p
from analyzer.model.trace.write import CONVERTER, VCPU0, VCPU1
from tests.model.trace.synth import (
    BUSY,
    HUGE,
    NOT_TRACKED,
    OPERAND_INVALID,
    PRESENT,
    RESTARTABLE,
    WALK_FAILED,
    Story,
    block_track,
    convert,
    fault,
    remove,
)

G, P = 0x90000, 0x300000  # gfns and PFNs that ordinary() does not use


def unlocked_block(s: Story) -> None:
    s.by(VCPU0).read_lock().call(p.BLOCK, G, 1)


def locked_away(s: Story) -> None:
    s.by(CONVERTER).write_lock()
    s.by(VCPU1).read_lock()
    s.by(CONVERTER).call(p.BLOCK, G, 1)


def aug_under_write(s: Story) -> None:
    s.by(VCPU0).ask(G).write_lock().call(p.AUG, G, 1, pfn=P)


def wide_zap(s: Story) -> None:
    fault(s.by(VCPU0), G, 2, P)
    s.by(CONVERTER).write_lock().begin(G + 1, G + 2)
    remove(s, G, 2, P).end()


def half_zap(s: Story) -> None:
    fault(fault(s.by(VCPU0), G, 1, P), G + 1, 1, P + 1)
    convert(s.by(CONVERTER), G, G + 2, [(G, 1, P)])


def dropped_demote(s: Story) -> None:
    fault(s.by(VCPU0), G, 2, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1)
    block_track(s, G, 2).call(p.DEMOTE, G, 2, RESTARTABLE).spte(G, 2, PRESENT | HUGE, PRESENT).end()


def demote_ignored(s: Story) -> None:
    """The field report: the software table is 4K, the S-EPT still 2M."""
    fault(s.by(VCPU0), G, 2, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1)
    block_track(s, G, 2).call(p.DEMOTE, G, 2, RESTARTABLE).call(p.BLOCK, G, 1, WALK_FAILED)


def no_track(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1).call(p.BLOCK, G, 1).call(p.REMOVE, G, 1, NOT_TRACKED)
    s.call(p.UNBLOCK, G, 1).end()


def track_before_block(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1).track().kick().call(p.BLOCK, G, 1).call(p.REMOVE, G, 1)
    s.do(p.FLUSH, pfn=P, ret=0).end()


def no_kick(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1).call(p.BLOCK, G, 1).track().call(p.REMOVE, G, 1)
    s.do(p.FLUSH, pfn=P, ret=0).end()


def not_blocked(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1).track().kick().call(p.REMOVE, G, 1).do(p.FLUSH, pfn=P, ret=0).end()


def left_blocked(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1)
    block_track(s, G, 1).end()


def not_flushed(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1)
    block_track(s, G, 1).call(p.REMOVE, G, 1).end().do(p.CACHE_DELETE, ino=1, pfn=P, order=0)


def flushed_in_part(s: Story) -> None:
    fault(s.by(VCPU0), G, 2, P)
    s.by(CONVERTER).write_lock().begin(G, G + 512)
    block_track(s, G, 2).call(p.REMOVE, G, 2).do(p.FLUSH, pfn=P, ret=0).end()
    s.do(p.CACHE_DELETE, ino=1, pfn=P, order=9)


def merged(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P, table=True)
    s.spte(G, 2, PRESENT, PRESENT | HUGE)


def promoted(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P, table=True)
    s.ask(G + 512).read_lock().call(p.AUG, G, 2, WALK_FAILED, pfn=P)


def stale_fault(s: Story) -> None:
    s.by(VCPU0).ask(G)
    s.by(CONVERTER).write_lock().begin(G + 7, G + 8).end()
    s.by(VCPU0).read_lock().call(p.AUG, G, 1, pfn=P)


def fault_inside(s: Story) -> None:
    s.by(CONVERTER).write_lock().begin(G, G + 8)
    s.by(VCPU0).ask(G).read_lock().call(p.AUG, G, 1, pfn=P)


def end_twice(s: Story) -> None:
    s.by(CONVERTER).write_lock().begin(G, G + 8).end().end()


def no_range(s: Story) -> None:
    s.by(CONVERTER).write_lock().do(p.INV_BEGIN, kvm=s.kvm).end()


def leaked_begin(s: Story) -> None:
    s.by(VCPU0).write_lock().begin(G, G + 8).enter()


def get_leaked(s: Story) -> None:
    s.by(VCPU0).leave().ask(G).read_lock().do(p.PAMT_GET, pfn=P, ret=0).call(
        p.AUG, G, 1, OPERAND_INVALID, pfn=P
    ).enter()


def huge_get(s: Story) -> None:
    s.by(VCPU0).leave().ask(G).read_lock().do(p.PAMT_GET, pfn=P, ret=0).call(p.AUG, G, 2, pfn=P)


def no_get(s: Story) -> None:
    s.by(VCPU0).leave().ask(G).read_lock().call(p.AUG, G, 1, pfn=P)


def put_twice(s: Story) -> None:
    s.by(VCPU0).do(p.PAMT_GET, pfn=P, ret=0).do(p.PAMT_PUT, pfn=P).do(p.PAMT_PUT, pfn=P)


def second_busy(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).write_lock().begin(G, G + 1).call(p.BLOCK, G, 1, BUSY).kick()
    s.by(VCPU0).enter()
    s.by(CONVERTER).call(p.BLOCK, G, 1, BUSY)


def retry_loop(s: Story) -> None:
    for _ in range(3):
        s.by(VCPU0).ask(G).read_lock().call(p.AUG, G, 1, OPERAND_INVALID, pfn=P)


def get_pfn_loop(s: Story) -> None:
    for _ in range(3):
        s.by(VCPU0).ask(G, -12)


def softirq_lock(s: Story) -> None:
    s.by(VCPU0).do(p.SPIN_LOCK, lock=0x5000)
    s.flags = "..s1."
    s.do(p.SPIN_LOCK, lock=0x5000)
    s.flags = "....."


def freed_first(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P)
    s.by(CONVERTER).do(p.CACHE_DELETE, ino=1, pfn=P, order=0)


def huge_freed_first(s: Story) -> None:
    fault(s.by(VCPU0), G, 1, P + 5)
    s.by(CONVERTER).do(p.CACHE_DELETE, ino=1, pfn=P, order=9)


def given_twice(s: Story) -> None:
    s.by(VCPU0).ask(G).read_lock().call(p.AUG, G, 1, 0xC000_0300_0000_0000, pfn=P)


def no_key(s: Story) -> None:
    s.by(CONVERTER).do(p.KEY_FREE, td=s.td, ret=0).write_lock().call(p.BLOCK, G, 1)


def zero_based(s: Story) -> None:
    s.by(CONVERTER).write_lock().call(p.BLOCK, G, 0)


def misaligned(s: Story) -> None:
    s.by(CONVERTER).write_lock().call(p.BLOCK, G + 1, 2)


def small_in_huge(s: Story) -> None:
    fault(s.by(VCPU0), G, 2, P)
    s.by(CONVERTER).write_lock().call(p.BLOCK, G + 1, 1, OPERAND_INVALID)


def accept_ignored(s: Story) -> None:
    fault(s.by(VCPU0), G, 2, P)
    for _ in range(3):
        s.leave(info2=1).do(p.FAULT, vcpu=0, address=(G + 1) << 12, error_code=0).enter()


CASES: list[tuple[str, Callable[[Story], None], str]] = [
    ("tdx-sept-op-without-write-lock", unlocked_block, "held for read"),
    ("tdx-sept-op-without-write-lock", locked_away, "not held by this task"),
    ("tdx-sept-op-without-write-lock", aug_under_write, "for write"),
    ("kvm-private-zap-imprecise", wide_zap, "was asked for"),
    ("kvm-zap-can-fail", half_zap, "1 pages were zapped, gpa 0x90001000"),
    ("tdx-external-op-result-dropped", dropped_demote, "demote returned INTERRUPTED_RESTARTABLE"),
    ("tdx-external-op-result-dropped", demote_ignored, "EPT_WALK_FAILED"),
    ("tdx-sept-op-misordered", no_track, "TLB_TRACKING_NOT_DONE"),
    ("tdx-sept-op-misordered", no_track, "without a TRACK since the BLOCK"),
    ("tdx-sept-op-misordered", track_before_block, "without a TRACK since the BLOCK"),
    ("tdx-sept-op-misordered", no_kick, "no vCPU kick"),
    ("tdx-sept-op-misordered", not_blocked, "that is owned"),
    ("tdx-sept-op-misordered", left_blocked, "left BLOCKED"),
    ("tdx-sept-op-misordered", not_flushed, "not written back"),
    ("tdx-sept-promotion", merged, "becomes a leaf"),
    ("tdx-sept-promotion", promoted, "where a table is"),
    ("kvm-gmem-fault-without-retry", stale_fault, "has ended"),
    ("kvm-gmem-fault-without-retry", fault_inside, "inside an open invalidation"),
    ("kvm-invalidate-unbalanced", end_twice, "has not begun"),
    ("kvm-invalidate-unbalanced", no_range, "without a range"),
    ("kvm-invalidate-unbalanced", leaked_begin, "has not ended"),
    ("tdx-pamt-unbalanced", get_leaked, "OPERAND_INVALID"),
    ("tdx-pamt-unbalanced", huge_get, "2M mapping"),
    ("tdx-pamt-unbalanced", no_get, "without tdx_pamt_get"),
    ("tdx-pamt-unbalanced", put_twice, "no reference"),
    ("tdx-retried-call-not-idempotent", second_busy, "a vCPU entered in between"),
    ("kvm-retry-on-permanent-error", retry_loop, "OPERAND_INVALID"),
    ("kvm-retry-on-permanent-error", get_pfn_loop, "-12"),
    ("kvm-softirq-lock-unsafe", softirq_lock, "softirq"),
    ("tdx-module-page-freed", freed_first, "owns gpa"),
    ("tdx-module-page-freed", huge_freed_first, "owns gpa"),
    ("tdx-module-page-freed", given_twice, "the module's already: PAGE_METADATA_INCORRECT"),
    ("tdx-module-page-freed", no_key, "HKID"),
    ("tdx-level-units-mixed", zero_based, "level 0"),
    ("tdx-level-units-mixed", misaligned, "not aligned"),
    ("tdx-level-units-mixed", small_in_huge, "inside a 2M leaf"),
    ("tdx-level-ignored", accept_ignored, "is not split"),
    ("tdx-level-ignored", flushed_in_part, "1 of 512"),
]
