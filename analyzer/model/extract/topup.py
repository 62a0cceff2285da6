"""What a split does with the entry it found once mmu_lock was dropped to allocate."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.analyses.effects import last_name
from analyzer.analyses.facts import Facts
from analyzer.analyses.marks import marker
from analyzer.dataflow.values import NEG
from analyzer.ir.types import Assign, Call, Const, Function, Instr
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Seen, Walk, covered, follow, leading, lock_helpers, places

MMU = "arch/x86/kvm/mmu/"
YIELD = "%yielded"
WORDS = {**w.WALK_AGAIN, **w.WALK_ON, w.SMALL_SPTE: "SPLIT", YIELD: "Y"}


@dataclass(slots=True)
class Retaken:
    """Paths of a walk that splits. d: mmu_lock was dropped since the entry was read; y: a step starts from the root."""

    drops: list[Seen] = field(default_factory=list)
    splits: list[Seen] = field(default_factory=list)

    def rule(self, seen: Seen) -> list[Exit]:
        """What an event does."""
        marks, what = seen.marks, seen.what
        if what == "U":
            self.drops.append(seen)
            return [(marks | {"d"}, None)]
        if what == "Y":
            return [(marks | {"y"}, None)]
        if what == "AGAIN":
            return [(marks - {"d", "y"}, None)]
        if what == "ON":
            return [(marks - {"d", "y"} if "y" in marks else marks, None)]
        if what == "SPLIT":
            self.splits.append(seen)
            return [(marks, 0), (marks, NEG)]
        return [(marks, None)]


def _yields(function: Function, instr: Instr) -> Call | None:
    """Marks where an iterator is told to begin anew."""
    told = isinstance(instr, Assign) and last_name(instr.target) == w.YIELDED
    return marker(instr, YIELD) if told and not _false(instr) else None


def _false(instr: Instr) -> bool:
    return isinstance(instr, Assign) and isinstance(instr.value, Const) and instr.value.value == 0


def decide(facts: Facts) -> Decision:
    """after_topup."""
    name, walked = "after_topup", Retaken()
    walk = Walk(facts, WORDS, walked.rule, mark=_yields, locks=True)
    splitting = leading(facts, (w.SMALL_SPTE,))
    stepping = {
        f.key for f in facts.in_files(lambda p: p.startswith(MMU)) if any(c.callee in w.WALK_ON for c in f.calls())
    }
    dropping = frozenset(k for k in facts.names.reaching(lock_helpers(facts)) if covered(k[0]))
    relevant = splitting | leading(facts, WORDS) | dropping
    follow(facts, walk, sorted(splitting & stepping), frozenset(k for k in relevant if k[0].startswith(MMU)))
    stale = [s for s in walked.splits if "d" in s.marks]
    if stale:
        why = "a leaf is split as it was found before mmu_lock was dropped"
        return decided(name, "continue", why, *places(facts, [*walked.drops, *stale]))
    if walk.lost or not walked.splits:
        return both(name, "no walk that splits was followed" if not walked.splits else "not all paths followed")
    why = "the entry is looked up again once mmu_lock was dropped" if walked.drops else "mmu_lock is never dropped"
    return decided(name, "rewalk", f"{why}, before a leaf is split", *places(facts, [*walked.drops, *walked.splits]))
