"""What each mutation breaks, as explored: in its own scope, and where private memory is mapped at 4K only.

A table, because a review has no time to explore; ``tests/model`` holds it against the engines.
"""

from __future__ import annotations

from analyzer.model.kvm_tdx.mutations import MUTATIONS

MOST_NAMED = 3  # mutations in a verdict
DEPENDS = "depends on code that is not shown"

# mutation -> (claim, steps) twice; no claim: nothing breaks.
ANSWERS: dict[str, tuple[tuple[str, int], tuple[str, int]]] = {
    "split_read": (("I14", 14), ("", 0)),
    "folio_first": (("I3", 12), ("", 0)),
    "no_track": (("I6", 15), ("I6", 17)),
    "no_track_lax": (("I1", 18), ("I1", 20)),
    "no_kick": (("I6", 17), ("I6", 19)),
    "no_kick_lax": (("I1", 19), ("I1", 21)),
    "demote_ignored": (("I4", 19), ("", 0)),
    "no_stale_check": (("I12", 12), ("I12", 12)),
    "late_invalidate": (("I3", 16), ("I2", 19)),
    "no_split_zap": (("I11", 18), ("", 0)),
    "attr_first": (("I2", 12), ("I2", 14)),
    "free_first": (("I2", 12), ("I2", 14)),
    "pamt_2m_get": (("I5", 10), ("", 0)),
    "pamt_leak_busy": (("I5", 13), ("I5", 12)),
    "pamt_no_set": (("I5", 19), ("", 0)),
    "no_freeze": (("I6", 18), ("I6", 18)),
    "no_wait_flag": (("I6", 16), ("I6", 18)),
    "inv_leak": (("I7", 13), ("I7", 6)),
    "errno_as_bool": (("I3", 15), ("", 0)),
    "pamt_cache_two": (("I15", 25), ("", 0)),
    "poison_split": (("I3", 10), ("", 0)),
    "merge_ok": (("I6", 42), ("", 0)),
    "accept_ignored": (("P1", 25), ("", 0)),
    "late_begin_same": (("", 0), ("", 0)),
    "split_read_inhibit": (("I8", 15), ("", 0)),
    "frozen_left": (("I9", 10), ("I9", 10)),
    "old_kept": (("I4", 10), ("I6", 11)),
    "new_kept": (("I4", 10), ("I4", 10)),
    "flag_left": (("I10", 21), ("I10", 23)),
    "create_unchecked": (("I6", 16), ("I6", 18)),
    "fastpath_spin": (("P3", 17), ("P3", 19)),
    "lock_left": (("I13", 10), ("I13", 10)),
    "inhibit_unread": (("I14", 11), ("", 0)),
    "inhibit_cleared": (("I14", 16), ("", 0)),
    "pair_leaked": (("I15", 34), ("", 0)),
    "topup_no_rewalk": (("I6", 26), ("", 0)),
    "three_pairs": (("", 0), ("", 0)),
    "no_block": (("I6", 16), ("I6", 18)),
    "reblock": (("I6", 19), ("I6", 21)),
    "level_4k": (("I6", 14), ("", 0)),
    "restart_once": (("I6", 18), ("", 0)),
    "restart_error": (("I6", 17), ("", 0)),
    "restart_forever": (("", 0), ("", 0)),
    "not_free_fatal": (("I6", 31), ("I6", 24)),
    "pamt_no_recheck": (("I6", 33), ("I6", 26)),
    "sept_page_early": (("I16", 21), ("I16", 20)),
    "reclaim_early": (("I16", 26), ("I16", 25)),
    "pfnmap_no_retry": (("I17", 15), ("I17", 15)),
    "pfnmap_untied": (("I17", 14), ("I17", 14)),
    "table_unfrozen": (("I6", 19), ("I6", 18)),
    "wrong_root": (("I3", 15), ("I2", 18)),
    "root_kept": (("I18", 13), ("", 0)),
    "rcu_left": (("I19", 5), ("I19", 5)),
    "stale_compare": (("P1", 21), ("", 0)),
    "running_vcpu": (("I6", 22), ("", 0)),
    "pfn_to_page": (("I6", 10), ("I6", 10)),
}


def in_part(rule: str) -> str | None:
    """The verdict on a finding in code that is shown in parts; None for a rule that the model says nothing of."""
    ways = [(m.name, *ANSWERS[m.name][0]) for m in MUTATIONS if rule in m.rules and ANSWERS[m.name][0][0]]
    if not ways:
        return None
    claims = " or ".join(dict.fromkeys(claim for _, claim, _ in ways))
    steps = f" after {ways[0][2]} steps" if len(ways) == 1 else ""
    names = ", ".join(name for name, _, _ in ways[:MOST_NAMED])
    return f"{DEPENDS}: {claims} breaks{steps} if that is as due (nak model explain {names})"
