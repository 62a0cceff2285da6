"""A vCPU in guest mode: entry, exit, accesses, ACCEPTs, and the violations that lead to a fault."""

from __future__ import annotations

from analyzer.model.expr import TRUE, Effect, Expr, all_of, any_of, when
from analyzer.model.kvm_tdx.world import BLKD, CUR, FREE, MAPD, NL, OUT, PBLK, PEND, PREV, Vcpu, World


def leave(v: Vcpu) -> tuple[Effect, ...]:
    """A TD exit: the count of the epoch drops; who ran in the previous epoch flushes on the next entry."""
    return (when(v.mode == PREV, *(t.to(0) for t in v.tlb)), v.mode.to(OUT))


def add_guest(w: World, v: Vcpu) -> None:
    """All that happens between VM entry and the exit to the fault handler."""
    move = v.actor.move
    _entry(w, v)
    move("exit", "guest", "outside", *leave(v), source="tdx_handle_exit")
    for i in w.pages:
        huge = all_of(w.sept == MAPD, v.tlb[i] == 0)
        move(f"access_2m[{i}]", "guest", None, *(t.to(1) for t in v.tlb), when=huge, source="tdx_vcpu_enter_exit")
        small = all_of(w.sept == NL, w.entry[i] == MAPD, v.tlb[i] == 0)
        move(f"access_4k[{i}]", "guest", None, v.tlb[i].to(1), when=small, source="tdx_vcpu_enter_exit")
        pending = all_of(w.sept == NL, w.entry[i] == PEND)
        move(f"accept_4k[{i}]", "guest", None, w.entry[i].to(MAPD), when=pending, source="accept")
        _violations(w, v, i)
    if not w.scope.small_accepts:
        move("accept_2m", "guest", None, w.sept.to(MAPD), when=w.sept == PEND, source="accept")
    if w.scope.guest_errors:
        move("accept_2m_over_table", "guest", None, when=w.sept == NL, source="accept", status="PAGE_SIZE_MISMATCH")
        move("accept_again", "guest", None, when=w.sept == MAPD, source="accept", status="PAGE_ALREADY_ACCEPTED")


def _entry(w: World, v: Vcpu) -> None:
    move = v.actor.move
    alive = all_of(~w.is_dead, w.stays)
    let_in = w.window == 0
    if "absent" in v.actor.places:
        move("create", "absent", "created", when=w.stays, source="kvm_vm_ioctl_create_vcpu")
        first = TRUE if w.protocol.no_vcpu_window == "not-for-new" else let_in
        move("first_enter", "created", "guest", v.mode.to(CUR), when=all_of(first, alive), source="tdx_vcpu_run")
    if w.protocol.busy_entry == "spins":
        source = "tdx_exit_handlers_fastpath"
        move("enter_busy", "outside", "spinning", v.mode.to(CUR), when=all_of(~let_in, alive), source=source)
        move("enter_at_last", "spinning", "guest", when=let_in, source=source)
    move("enter", "outside", "guest", v.mode.to(CUR), when=all_of(let_in, alive), source="tdx_vcpu_run")


def _violations(w: World, v: Vcpu, i: int) -> None:
    move = v.actor.move
    gone = w.entry[i].among((FREE, PBLK, BLKD))
    invalid: Expr = any_of(w.sept.among((FREE, PBLK, BLKD)), all_of(w.sept == NL, gone))
    plain = all_of(invalid, v.tlb[i] == 0)
    move(
        f"ept_violation[{i}]",
        "guest",
        "fault",
        *leave(v),
        v.page.to(i),
        v.small.to(0),
        when=plain,
        source="tdx_handle_ept_violation",
    )
    if w.scope.accept:
        # A 4K ACCEPT of a pending 2M leaf is a violation too: that is how KVM learns the level the guest wants.
        asks = any_of(invalid, w.sept == PEND)
        move(
            f"accept_4k_violation[{i}]",
            "guest",
            "fault",
            *leave(v),
            v.page.to(i),
            v.small.to(1),
            when=asks,
            source="tdx_handle_ept_violation",
        )
