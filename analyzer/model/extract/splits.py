"""Splitting a huge private mapping: its lock, its level, what becomes of its failure, who asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.analyses.facts import Facts, guarded_by, shown, step, words
from analyzer.analyses.held import solve_held
from analyzer.analyses.locks import held_mode, operations
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, canonical
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.cfg import in_loop
from analyzer.ir.types import Assign, Assume, Call, Expr, Function, Instr, Name, Return
from analyzer.model.extract import chain, inhibit, ranges
from analyzer.model.extract import words as w
from analyzer.model.extract.byrule import asked
from analyzer.model.extract.record import Decision, absent, both, decided
from analyzer.model.extract.walk import Exit, Left, Marks, Seen, Walk, follow, leading, op_functions, places, way

LEVEL = 2  # the argument of BLOCK and DEMOTE
SMALL = ("0", "1", "PG_LEVEL_4K", "PG_LEVEL_NONE", "TDX_PS_4K")
LARGE = re.compile(r"^PG_LEVEL_|HUGEPAGE_LEVEL$")
PROMOTION = "tdx-sept-promotion"


def decide(facts: Facts) -> Iterator[Decision]:
    """The fields of the layer of huge private mappings that are not about a range."""
    yield _lock(facts)
    yield _level(facts)
    yield _error(facts)
    yield _restart(facts)
    yield _promotion(facts)
    yield _accept(facts)
    yield inhibit.decide(facts)


def _lock(facts: Facts) -> Decision:
    name, watch = "split_lock", frozenset((w.DEMOTE,))
    result = facts.solve(
        "model splits and mmu_lock",
        lambda: solve_held(facts.program, facts.names, facts.vocabulary, frozenset((w.LOCK,)), watch),
    )
    found = [s for s in result.tracked.sightings.values() if w.DEMOTE in operations(s.call)]
    modes = {id(s): held_mode(s.held, w.LOCK) for s in found}
    shared = [s for s in found if modes[id(s)] in ("r", "R", None)]
    if shared:
        steps = way(facts, shared[0].context, shared[0].call, shown(shared[0].call))
        why = "DEMOTE runs while mmu_lock is not held for write"
        kept = inhibit.solve(facts).kept()
        if kept and all("w" in s.marks for s in kept):
            return decided(name, "read-then-write", f"{why}, and the guest's wish is kept under it", *steps)
        return decided(name, "read", why, *steps)
    open_ = [s for s in found if modes[id(s)] not in ("w", "x")]
    steps = tuple(dict.fromkeys(way(facts, s.context, s.call, shown(s.call))[-1] for s in open_ or found))
    if open_ or not found:
        return both(name, "the lock that DEMOTE runs under is not known" if open_ else "DEMOTE was not reached", *steps)
    return decided(name, "write", "mmu_lock is held for write on every path to DEMOTE", *steps)


def _level(facts: Facts) -> Decision:
    name, seen = "seamcall_level", chain.solve(facts)
    constants = {**facts.vocabulary.constants, **facts.program.constants}
    wrong: list[Seen] = []
    other: list[Seen] = []
    good: list[Seen] = []
    for last in (s for s in seen.last if s.what == "DEM"):
        level = _word(last, constants)
        for block in (b for b in seen.blocks if b.context.key == last.context.key):
            mine = _word(block, constants)
            small = mine[1] in (0, 1) or mine[0] in SMALL
            (good if mine == level else wrong if small else other).append(block)
    if wrong:
        return decided(name, "4k", "BLOCK of what DEMOTE splits is given the small level", *places(facts, wrong))
    if not (other or good):
        return absent(name, "no BLOCK of what DEMOTE splits")
    if other:
        return both(name, "the levels of BLOCK and DEMOTE were not compared", *places(facts, other))
    return decided(name, "of-entry", "BLOCK and DEMOTE are given the same level", *places(facts, good))


def _word(seen: Seen, constants: dict[str, int]) -> tuple[str, int | None]:
    args = seen.call.args
    if len(args) <= LEVEL:
        return ("", None)
    return canonical(args[LEVEL], seen.facts, constants)


# -- the failure of DEMOTE -------------------------------------------------------------------------------


def _error(facts: Facts) -> Decision:
    name, seen = "demote_error", chain.solve(facts)
    if not any(s.what == "DEM" for s in seen.last) or seen.walk is None:
        return both(name, "DEMOTE was not reached")
    failed = [x for x in seen.walk.left if "D!" in x.marks]
    quiet = [x for x in failed if x.value == 0 or x.instr.value is None]
    if quiet:
        return decided(name, "dropped", "a path returns success though DEMOTE failed", *ranges.returns(facts, quiet))
    lost, told = _above(facts)
    if lost:
        return decided(name, "dropped", "a split returns success though it failed", *ranges.returns(facts, lost))
    if told is None or seen.walk.lost:
        return both(name, "what becomes of the op's result was not followed to the end")
    return decided(name, "propagated", "a DEMOTE that fails bugs the VM or is returned, on every path", *told)


def _above(facts: Facts) -> tuple[list[Left], tuple[Step, ...] | None]:
    """Whether the split that calls the op hears of its failure."""
    seen: list[Seen] = []

    def rule(event: Seen) -> list[Exit]:
        seen.append(event)
        return [(event.marks - {"X!"}, 0), (event.marks | {"X!"}, NEG)]

    def find(call: Call, known: Known, context: Context[Marks]) -> str:
        return "X" if call.table and call.table in _ops(facts) else ""

    flows = ranges.solve(facts)
    splits = [s for f in flows.values() for s in f.splits]
    entries = sorted({k for s in splits for k in facts.program.resolve(s.call.callee, s.context.key[0])})
    walk = Walk(facts, {}, rule, find)
    follow(facts, walk, entries, leading(facts, _ops(facts)))
    mute = [x for x in walk.inner if "X!" in x.marks - x.context.state and x.instr.value is None]
    lost = [*mute, *(x for x in walk.left if "X!" in x.marks and (x.value == 0 or x.instr.value is None))]
    unsure = [x for x in walk.left if "X!" in x.marks and x.value is None and x.instr.value is not None]
    return lost, None if unsure or not seen or walk.explorer is None or walk.explorer.problems else places(facts, seen)


def _ops(facts: Facts) -> frozenset[str]:
    """The ops whose functions lead to DEMOTE inside the vendor module."""
    reach = chain.within(facts)
    demoting = leading(facts, (w.DEMOTE,))
    return frozenset(
        op
        for op, entries in facts.program.tables.items()
        if op not in ("handle_exit", "vcpu_run", "vcpu_mem_enc_ioctl", "mem_enc_ioctl")
        and any(k in reach and k in demoting for e in entries for k in facts.program.resolve(e.function, e.path))
    )


# -- an interrupted DEMOTE -------------------------------------------------------------------------------


def _restart(facts: Facts) -> Decision:
    name = "restartable"
    huge = [(f, i, _refusing(f, i)) for f, i in huge_levels(facts)]
    open_ = [(f, i) for f, i, guarded in huge if not guarded]
    if not open_:
        if not _limits(facts):
            return both(name, "what limits the level of private memory was not found")
        steps = tuple(step(f, i, "huge, where DEMOTE is not interrupted") for f, i, _ in huge)
        return decided(name, "refuse-huge", "private memory is huge only where DEMOTE is not interrupted", *steps)
    steps = tuple(step(f, i, "huge, whether or not DEMOTE can be interrupted") for f, i in open_)
    tests = [(f, i) for f in facts.mentioning(frozenset((w.DEMOTE,))) for i in _restarting(f)]
    if not tests:
        return decided(name, "error", "an interrupted DEMOTE is a failure", *steps)
    again = "retry" if any(in_loop(f, i) for f, i in tests) else "retry-once"
    return decided(name, again, "an interrupted DEMOTE is started over", *steps, *(step(f, i, "") for f, i in tests))


def huge_levels(facts: Facts) -> list[tuple[Function, Instr]]:
    """Where the vendor's limit for private memory lets it be mapped above 4K."""
    return [(f, i) for f in _limits(facts) for i in _huge(f)]


def _limits(facts: Facts) -> list[Function]:
    program = facts.program
    stored = op_functions(facts, w.LEVEL_OP)
    found = stored | {c for k in stored for c in facts.names.callees.get(k, ())}
    chosen = sorted(k for k in found if k[0].startswith(chain.VMX) and k[1].endswith(w.LEVEL_OP))
    return list(program.functions(chosen))


def _huge(function: Function) -> Iterator[Instr]:
    for instr in (i for b in function.blocks for i in b.instrs):
        value: Expr | None = instr.value if isinstance(instr, Assign | Return) else None
        if isinstance(value, Name) and LARGE.search(value.id) and value.id not in SMALL:
            yield instr


def _refusing(function: Function, instr: Instr) -> bool:
    return guarded_by(function, instr, lambda a: "interrupt" in words(function, a.cond).lower())


def _restarting(function: Function) -> Iterator[Instr]:
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Assume) and "RESTARTABLE" in words(function, instr.cond).upper():
            yield instr


# -- levels that the guest or the fault asks for ---------------------------------------------------------


def _promotion(facts: Facts) -> Decision:
    """Decided by the analysis of the rule that is about it."""
    name = "promotion"
    outcome, counts = asked(facts, PROMOTION)
    found, looked = outcome.findings, counts.get("installs looked at", 0)
    if found:
        return decided(name, "allowed", found[0].message, *found[0].trace)
    if not looked or outcome.problems:
        return both(name, "no leaf that is installed under a mirror root was looked at")
    return decided(name, "never", f"{PROMOTION}: none of {looked} installs of a leaf can hide a table")


def _accept(facts: Facts) -> Decision:
    name = "accept_level"
    asked: list[Seen] = []
    faults: list[Seen] = []

    def rule(seen: Seen) -> list[Exit]:
        if seen.what == "SP":
            asked.append(seen)
            return [(seen.marks | {"S"}, 0), (seen.marks, NEG)]
        if seen.what == "PF":
            faults.append(seen)
        return [(seen.marks, None)]

    def find(call: Call, known: Known, context: Context[Marks]) -> str:
        splitting = ranges.splitters(facts) - inside
        return "SP" if any(k in splitting for k in facts.program.resolve(call.callee, context.key[0])) else ""

    entries = sorted(op_functions(facts, "handle_exit"))
    inside = frozenset(k for k in leading(facts, (*w.FAULTS, w.SMALL_SPTE)) if k[0].startswith(chain.VMX))
    walk = Walk(facts, w.FAULTS, rule, find)
    follow(facts, walk, [k for k in entries if k in inside], inside)
    if any("S" in s.marks for s in faults):
        return decided(name, "honoured", "the exit handler splits before it lets the fault map", *places(facts, asked))
    if not faults or walk.lost:
        return both(name, "no fault was reached from the exit handler")
    return decided(name, "ignored", "the exit handler splits for no ACCEPT", *places(facts, faults))
