"""An S-EPT operation runs out of order.

A private page is taken away by BLOCK, then TRACK with a kick of all vCPUs, then REMOVE, then the cache flush, then the
reset of the page; a huge mapping is demoted by BLOCK, TRACK with the kick, DEMOTE. A vCPU that still runs in the old
epoch uses the translation that was blocked; a page that is not flushed and reset goes back to the host with dirty
lines of the guest's key. A return in between leaves the guest with an entry that is blocked for ever.

Run the chain for one GPA and level in one function, and bug the VM where a step fails.

May be false: before the TD is runnable nothing has to be tracked; chains whose steps are taken in loops are only
followed as far as one entry goes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from analyzer.author import (
    Assume,
    Call,
    Context,
    Event,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Location,
    Protocol,
    Provenance,
    Rule,
    Severity,
    Step,
    canonical,
    covers,
    explore,
    in_loop,
    nonzero,
    says_not,
    shown,
    step,
    words,
)
from rules.vocabulary.seamcall import KEY_FIELD, KEY_TEST, KEYED, SEPT, is_tdx

SCOPE = ("arch/x86/kvm/vmx/*",)
_NAME = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")
_TERM = re.compile(r" [+-] (?!0\b)(?:[A-Z][A-Z0-9_]*|\d\w*)\b")


S = TypeVar("S", bound=Hashable)
Word = tuple[str, int | None]  # a name that copies share, and the value if it is known


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the chain of one entry is; ``at`` is the call that brought it there, ``blocked`` its BLOCK."""

    stage: str = "idle"  # idle, blocked, tracked, kicked, removed, flushed, lost
    blocked: Call | None = None
    removed: Call | None = None
    home: tuple[str, str] = ("", "")  # the function of BLOCK or REMOVE
    gpa: Word = ("", None)
    level: Word = ("", None)


IDLE, LOST = Chain(), Chain("lost")
Report = dict[tuple[object, ...], tuple[Function, Instr, str, str, Context[Chain], Chain]]


class _Check:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.reports: Report = {}
        self.proper: set[int] = set()
        self.loops: set[str] = set()  # steps that are taken in a loop
        self.constants = {**facts.vocabulary.constants, **facts.program.constants}

    def report(self, context: Context[Chain], instr: Instr, subject: str, message: str, chain: Chain) -> None:
        """Note a violation once per place and words."""
        function = self.facts.program.lower(context.key)
        if function is not None:
            self.reports.setdefault(
                (context.key, instr.line, subject), (function, instr, subject, message, context, chain)
            )

    def word(self, event: Event[Chain], index: int) -> Word:
        """A name for an argument that its copies share."""
        if index >= len(event.args):
            return ("", None)
        name, value = canonical(event.args[index], event.facts, self.constants)
        return ("", None) if name.startswith("%") else (name, value)

    def step(self, chain: Chain, event: Event[Chain]) -> list[tuple[Chain, int | str | None]]:
        """The states after an event: where it succeeds, and where it fails and nothing changed."""
        handler = getattr(self, f"on_{event.what.replace('+', '_')}")
        after: Chain = handler(chain, event)
        fallible = event.what in ("block", "track", "remove", "demote", "unblock")
        return [(after, 0), (chain, "nonzero")] if fallible else [(after, None)]

    def on_block(self, chain: Chain, event: Event[Chain]) -> Chain:
        """BLOCK starts a chain; again is the retry."""
        if chain.stage == "blocked":
            return chain
        return Chain("blocked", event.call, None, event.context.key, self.word(event, 1), self.word(event, 2))

    def on_track(self, chain: Chain, event: Event[Chain]) -> Chain:
        """TRACK; what is not blocked yet gains nothing."""
        return replace(chain, stage="tracked") if chain.stage == "blocked" else chain

    def on_kick(self, chain: Chain, event: Event[Chain]) -> Chain:
        """The kick that ends the old epoch."""
        return replace(chain, stage="kicked") if chain.stage == "tracked" else chain

    def on_track_kick(self, chain: Chain, event: Event[Chain]) -> Chain:
        """A helper known to do both."""
        return replace(chain, stage="kicked") if chain.stage in ("blocked", "tracked") else chain

    def on_unblock(self, chain: Chain, event: Event[Chain]) -> Chain:
        """The chain is given up."""
        return IDLE

    def on_remove(self, chain: Chain, event: Event[Chain]) -> Chain:
        """REMOVE wants the whole chain before it, and flush and reset behind it."""
        self.last(chain, event, "REMOVE")
        return Chain("removed", chain.blocked, event.call, event.context.key)

    def on_demote(self, chain: Chain, event: Event[Chain]) -> Chain:
        """DEMOTE wants the whole chain before it."""
        self.last(chain, event, "DEMOTE")
        return IDLE

    def on_flush(self, chain: Chain, event: Event[Chain]) -> Chain:
        """Write back and invalidate."""
        self.note_loop(event)
        return replace(chain, stage="flushed") if chain.stage == "removed" else chain

    def on_reset(self, chain: Chain, event: Event[Chain]) -> Chain:
        """The page is the host's again."""
        self.note_loop(event)
        return IDLE if chain.stage == "flushed" else chain

    def note_loop(self, event: Event[Chain]) -> None:
        """A later step in a loop: the path that runs it no time is no path."""
        function = self.facts.program.lower(event.context.key)
        if function is not None and in_loop(function, event.call):
            self.loops.add("behind" if event.what in ("flush", "reset") else "last")

    def last(self, chain: Chain, event: Event[Chain], what: str) -> None:
        """Check the step that the chain is for."""
        missing = {"idle": "BLOCK", "blocked": "TRACK", "tracked": "the kick of all vCPUs"}.get(chain.stage)
        if chain.stage in ("removed", "flushed"):
            return
        if missing:
            self.report(
                event.context,
                event.call,
                f"{what} before {missing}",
                f"{what} runs on a path without {missing} before it",
                chain,
            )
            return
        self.proper.add(id(event.call))
        self.note_loop(event)
        for name, blocked, now in (
            ("level", chain.level, self.word(event, 2)),
            ("GPA", chain.gpa, self.word(event, 1)),
        ):
            if chain.stage == "kicked" and self.differ(blocked, now, chain, event.context):
                message = f"{what} is for {name} {now[0]}, BLOCK was for {blocked[0]}"
                self.report(event.context, event.call, f"{what} of another {name}", message, chain)

    def differ(self, blocked: Word, now: Word, chain: Chain, context: Context[Chain]) -> bool:
        """Whether two arguments are not the same; of two functions only what one of them, or a caller, can compare."""
        if not blocked[0] or not now[0] or (blocked[1] is None) is not (now[1] is None):
            return False
        if blocked[1] is not None or chain.home == context.key:
            return blocked != now and (blocked[1] is None or blocked[1] != now[1])
        above = [context.caller.key] if context.caller is not None else []
        for key in (context.key, chain.home, *above):
            function = self.facts.program.lower(key)
            if function is not None:
                ours, theirs = (self.said(w, k, function) for w, k in ((now[0], context.key), (blocked[0], chain.home)))
                if ours and theirs:
                    return _apart(ours, theirs, function)
        return False

    def said(self, text: str, key: tuple[str, str], function: Function) -> str:
        """What an argument in one function is in the words of another that calls it in one place."""
        helper = self.facts.program.lower(key)
        if function.key == key or helper is None:
            return text if helper is not None else ""
        calls = [c for c in function.calls() if c.callee == key[1]]
        args = calls[0].args if calls else ()
        given = {p.name: words(function, a) for p, a in zip(helper.params, args, strict=False)}
        locals_ = {n for n in _NAME.findall(text) if n in helper.locals or n in given}
        if len(calls) != 1 or not locals_ or not locals_ <= given.keys() or locals_ & helper.assigned:
            return ""
        return _NAME.sub(lambda found: given.get(found[0], found[0]), text)

    def branch(self, assume: Assume, state: Chain, context: Context[Chain]) -> Chain:
        """Before a TD is runnable no vCPU has run, so nothing has to be tracked.

        Where a patch does not show the BLOCK, the check of its result tells that it succeeded.
        """
        if state.stage == "lost" and "TDH_MEM_RANGE_BLOCK" in assume.wraps and not assume.truth:
            return Chain("blocked", home=context.key)
        if state.stage not in ("blocked", "tracked"):
            return state
        early = says_not(self.facts.program, context.key, assume, "TD_STATE_RUNNABLE")
        return replace(state, stage="kicked") if early else state


def _apart(one: str, other: str, function: Function) -> bool:
    """Whether two places differ by a constant, or are two parameters that keep their values."""
    if (_TERM.search(one) is None) is not (_TERM.search(other) is None):
        return _TERM.sub("", one) == _TERM.sub("", other)
    kept = {p.name for p in function.params} - function.assigned
    return one != other and {one, other} <= kept


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _leavings(check: _Check, protocol: Protocol[Chain]) -> None:
    """Returns that end a chain half-way, and removals without what must follow."""
    open_at_root = {x.state for x in protocol.leavings if x.context.caller is None}
    for leaving in protocol.leavings:
        chain = leaving.state
        if chain not in open_at_root or leaving.context.key != chain.home:
            continue
        if chain.stage in ("blocked", "tracked", "kicked"):
            if "last" in check.loops:
                continue
            message = "returns with the S-EPT entry blocked and the VM not bugged"
            check.report(leaving.context, leaving.instr, "returns while blocked", message, chain)
        elif chain.removed is not None and "behind" not in check.loops:
            missing = "the cache flush" if chain.stage == "removed" else "the reset of the page"
            message = f"REMOVE is not followed by {missing} on a path that returns at line {leaving.instr.line}"
            check.report(leaving.context, chain.removed, f"REMOVE without {missing}", message, chain)


@dataclass(slots=True)
class _Keys:
    """Where REMOVE is reached though nobody asked whether the TD still has its key."""

    unasked: list[tuple[Call, Context[str]]] = field(default_factory=list)

    def step(self, key: str, event: Event[str]) -> list[tuple[str, int | str | None]]:
        """What a test says of the key; REMOVE wants it."""
        if event.what == "test":
            return [("yes", "nonzero"), ("no", 0)]
        if event.what == "remove" and key in ("", "no"):
            self.unasked.append((event.call, event.context))
        return [("no" if event.what == "drop" else key, None)]


def _key_branch(assume: Assume, key: str, context: Context[str]) -> str:
    """A test of the number of the key."""
    tested, there = nonzero(assume)
    return ("yes" if there else "no") if isinstance(tested, Field) and tested.name == KEY_FIELD else key


def _keys(facts: Facts) -> Iterator[Finding]:
    """Without the key the module refuses REMOVE, and KVM takes that for a bug: only where the tree has the test."""
    if not facts.program.whole or KEY_TEST not in facts.program.by_name:
        return
    keys = _Keys()
    explore(
        facts.program,
        facts.names,
        facts.vocabulary,
        Protocol(facts.program, facts.vocabulary, KEYED, keys.step, _key_branch, "", "lost"),
        is_tdx,
    )
    told: set[int] = set()
    for call, context in keys.unasked:
        function = facts.program.lower(context.key)
        if function is not None and id(call) not in told:
            told.add(id(call))
            message = "REMOVE runs on a path that does not know whether the TD still has its HKID"
            trace = (*_way(facts, context), step(function, call, shown(call)))
            yield facts.finding(function, call, "REMOVE without HKID", message, trace=trace)


def check(facts: Facts) -> Iterator[Finding]:
    """Follow each chain on all paths, across helpers, macros and callbacks."""
    yield from _keys(facts)
    made = _Check(facts)
    protocol = Protocol(facts.program, facts.vocabulary, SEPT, made.step, made.branch, IDLE, LOST)
    explore(facts.program, facts.names, facts.vocabulary, protocol, _covers)
    facts.count("events of S-EPT chains followed", protocol.seen)
    _leavings(made, protocol)
    for function, instr, subject, message, context, chain in made.reports.values():
        if (
            subject.endswith("before BLOCK")
            and id(instr) in made.proper
            and isinstance(instr, Call)
            and in_loop(function, instr)
        ):
            continue
        yield facts.finding(function, instr, subject, message, trace=_trace(facts, function, instr, context, chain))


def _way(facts: Facts, context: Context[S]) -> Iterator[Step]:
    """The calls that lead to a context."""
    for seen, leaving in context.path()[:-1]:
        caller = facts.program.lower(seen.key)
        if caller is not None and leaving is not None:
            yield step(caller, leaving, f"calls {leaving.name}()")


def _trace(facts: Facts, function: Function, instr: Instr, context: Context[Chain], chain: Chain) -> tuple[Step, ...]:
    steps = list(_way(facts, context))
    if chain.blocked is not None:
        home = facts.program.lower(chain.home) or function
        steps.append(step(home, chain.blocked, f"BLOCK: {shown(chain.blocked)}"))
    note = shown(instr) if isinstance(instr, Call) else "returns"
    steps.append(Step(Location(function.path, instr.line, instr.column), function.name, note))
    return tuple(steps)


RULE = Rule(
    id="tdx-sept-op-misordered",
    catalog=10,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdx_sept_remove_leaf_spte", "KVM", "", "the chain of a removal"),
        Provenance(
            "mail", "20260106101646.24809-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "cover letter, design 6"
        ),
        Provenance(
            "mail", "20260129011517.3545883-40-seanjc@google.com", "Sean Christopherson", "2026-01-29", "v5 39/45"
        ),
    ),
    bad=(
        """
        int demote(struct kvm *kvm, struct kvm_tdx *tdx, gpa_t gpa, struct page *table)
        {
                u64 err, entry, state;

                guard(write_lock)(&kvm->mmu_lock);
                err = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
                if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
                        return -EIO;
                err = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, table, &entry, &state);  // expect "without TRACK"
                if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
                        return -EIO;
                return 0;
        }
        """,
    ),
    good=(
        """
        int demote(struct kvm *kvm, struct kvm_tdx *tdx, gpa_t gpa, struct page *table)
        {
                u64 err, entry, state;

                guard(write_lock)(&kvm->mmu_lock);
                err = tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_2M, &entry, &state);
                if (TDX_BUG_ON_2(err, TDH_MEM_RANGE_BLOCK, entry, state, kvm))
                        return -EIO;
                tdx_track(kvm);
                err = tdh_mem_page_demote(&tdx->td, gpa, PG_LEVEL_2M, table, &entry, &state);
                if (TDX_BUG_ON_2(err, TDH_MEM_PAGE_DEMOTE, entry, state, kvm))
                        return -EIO;
                return 0;
        }
        """,
    ),
)
