"""A walk of TDP MMU roots is left early with a reference to the current root that nobody drops.

The yield-safe iterators hold a reference to the root that they stand on, so that mmu_lock may be dropped in the body;
the next step gives it back. Leaving the loop before that keeps the reference for ever: the root never reaches zero
users, its page tables are never freed, and tearing down the VM finds the root still in the list.

Drop the reference with kvm_tdp_mmu_put_root() before the loop is left, or keep it on purpose: return the root, or store
it (or the address of its table) where its owner is.

May be false: where a function that is not visible drops the reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    Facts,
    Finding,
    Instr,
    Ledger,
    Left,
    Provenance,
    Rule,
    Severity,
    Stage,
    covers,
    halves,
    opening_steps,
    solve_pairs,
    step,
    ways_out,
)
from rules.vocabulary.pairs import ROOT

SCOPE = ("arch/x86/kvm/*",)
WALKS = frozenset(("tdp_mmu_next_root",))
PUTS = frozenset(("kvm_tdp_mmu_put_root",))


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def check(facts: Facts) -> Iterator[Finding]:
    """Every reference that is open where a function returns or where its variable is overwritten."""
    ledger = solve_pairs(facts.program, facts.names, facts.vocabulary, ROOT, _covers)
    facts.count(
        "steps of walks and other calls on references to TDP MMU roots", len({id(s.call) for s in ledger.sightings})
    )
    told: set[tuple[str, int, int]] = set()
    for left in ledger.lefts.values():
        if not left.token.name.startswith("#"):
            for finding in _findings(facts, ledger, left):
                place = (finding.location.path, finding.location.line, left.token.site)
                if place not in told:
                    told.add(place)
                    yield finding
    yield from _halves(facts, ledger)


def _halves(facts: Facts, ledger: Ledger) -> Iterator[Finding]:
    """Ways out of walks whose body gives back a reference of its own, and that give back one of the two."""
    for key in sorted({s.context.key for s in ledger.sightings}):
        function = ledger.program.lower(key)
        for half in halves(function, WALKS, PUTS, 1) if function is not None else ():
            assert function is not None
            message = f"leaves the walk of roots with one of two references to {half.name} held"
            trace = (
                step(
                    function, half.turn, f"a full turn gives back one reference to {half.name}, the next step the other"
                ),
                step(function, half.put, message),
            )
            yield facts.finding(function, half.put, f"second reference to {half.name} leaked", message, trace=trace)


def _findings(facts: Facts, ledger: Ledger, left: Left) -> Iterator[Finding]:
    """One finding for each way out of the loop."""
    function = ledger.program.lower(left.context.key)
    if function is None:
        return
    opening = next((c for k, c in ledger.sites[left.token.site] if k == function.key), left.instr)
    live = ledger.live.get((left.context.key, left.token), set())
    places: list[Instr] = [left.instr] if left.lost else ways_out(function, opening, live, left.instr)
    name = left.token.name or "a root"
    what = f"the reference to {name} is lost" if left.lost else f"returns with the reference to {name} held"
    for place in places:
        early = place is not left.instr
        message = f"leaves the walk of roots with the reference to {name} held" if early else what
        steps = [*opening_steps(ledger, left.token), step(function, place, message)]
        if early:
            steps.append(step(function, left.instr, "returns, and nothing has dropped it"))
        yield facts.finding(function, place, f"reference to {name} leaked", message, trace=tuple(steps))


RULE = Rule(
    id="kvm-root-reference-leaked",
    catalog=20,
    severity=Severity.ERROR,
    stage=Stage.STABLE,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "doc",
            "arch/x86/kvm/mmu/tdp_mmu.c:__for_each_tdp_mmu_root_yield_safe",
            "KVM",
            "",
            "who leaves the loop early drops the reference to the most recent root",
        ),
    ),
    bad=(
        """
        int age_roots(struct kvm *kvm, int as_id)
        {
                struct kvm_mmu_page *root;
                int r;

                for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
                        r = age_one(kvm, root);
                        if (r)
                                return r;  // expect "reference to root"
                }
                return 0;
        }
        """,
    ),
    good=(
        """
        int age_roots(struct kvm *kvm, int as_id)
        {
                struct kvm_mmu_page *root;
                int r;

                for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
                        r = age_one(kvm, root);
                        if (r) {
                                kvm_tdp_mmu_put_root(kvm, root);
                                return r;
                        }
                }
                return 0;
        }
        """,
        """
        struct kvm_mmu_page *find_root(struct kvm *kvm, int as_id, u64 word)
        {
                struct kvm_mmu_page *root;

                for_each_valid_tdp_mmu_root_yield_safe(kvm, root, as_id) {
                        if (root->role.word == word)
                                return root;
                }
                return NULL;
        }
        """,
    ),
)
