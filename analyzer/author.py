"""The one door for rule authors: names only, no code."""

from __future__ import annotations

from analyzer.analyses.alignment import Alignment, Unit, callers
from analyzer.analyses.atomic import AtomicWords, Slept, solve_atomic
from analyzer.analyses.badvalue import Bad, BadWalker, Outcome
from analyzer.analyses.bodies import all_bodies, goes_back, heading_type, narrow_fields
from analyzer.analyses.carried import Carriers
from analyzer.analyses.checked import Checks, Unchecked, sources
from analyzer.analyses.coarser import CoarserProperty, Install, Walk, WalkSpec
from analyzer.analyses.commit import CommitProperty, CommitSpec, Entry, Slip, Writer, stored_params
from analyzer.analyses.custody import Keeper, Move, index_value, solve_custody
from analyzer.analyses.cutlook import suspects
from analyzer.analyses.cycles import Loop, advances, instrs_of, loop_exits, loops_of
from analyzer.analyses.dead import Behind, Refuted, behind, refuted
from analyzer.analyses.decided import PartSpec, decided_by, handles_of
from analyzer.analyses.defs import reaching
from analyzer.analyses.depends import constant, depending, ordered, texts
from analyzer.analyses.derived import Derived, derived
from analyzer.analyses.effects import CHANGE, Delta, EffectProperty, Remainder, last_name, remainders, set_again, stored
from analyzer.analyses.errors import Errors
from analyzer.analyses.errorstates import items_at, replay, round_again
from analyzer.analyses.escape import Escape, Kept, derives
from analyzer.analyses.exchange import Exchange, Exchanges, failing_sides, refreshed_by
from analyzer.analyses.facts import Facts, guarded_by, has_hole, nonzero, shown, step, words
from analyzer.analyses.guards import (
    MAX_LEVELS,
    branches,
    deciding,
    implied,
    made_by,
    one_sided,
    plain,
    says_not,
    surely,
    taken,
)
from analyzer.analyses.held import HeldResult, Sighting, solve_held
from analyzer.analyses.hiding import hides_failure
from analyzer.analyses.interrupts import Masking, Reached, RunsIn, handlers, reached
from analyzer.analyses.keptin import keeping_calls, kept_in, narrow_entries, narrows
from analyzer.analyses.lifetime import homes, inward
from analyzer.analyses.lockfields import LockField, LockFields
from analyzer.analyses.lockinit import LockInits
from analyzer.analyses.lockpath import lock_path
from analyzer.analyses.locks import BUGS_VM, Held, held_mode, operations
from analyzer.analyses.loops import leads_to, ways_out
from analyzer.analyses.marks import marked, marker
from analyzer.analyses.needs import Needs, Unmet
from analyzer.analyses.ops import CallSite, Op, callers_of, hub, nearest_callers, op_calls, ops_of
from analyzer.analyses.outputs import Read, unset_reads, writes_outputs
from analyzer.analyses.owned import ended, owners
from analyzer.analyses.pairing import Ledger, Left, Seen, Token
from analyzer.analyses.pairs import calls_to, closes_always, opening_steps, solve_pairs, value_in
from analyzer.analyses.prior import ARM, DISARM, EXEMPT, LEFT, Arriving, PriorProperty, before, skipped_loop
from analyzer.analyses.ranges import RangeOrigin, Ranges, Shape
from analyzer.analyses.reach import Reach, Verdict, called_from
from analyzer.analyses.recall import recalled
from analyzer.analyses.reception import condition_of, narrow_kind, signed, truth_of
from analyzer.analyses.regions import LockChanges, RegionChange, one_sided_helpers, spelled
from analyzer.analyses.retried import Retry, retries
from analyzer.analyses.rootkind import DIRECT, MIRROR, ROOT_TYPES, Root, roots_in, settled, types_of, values_of
from analyzer.analyses.roots import TYPES, WALKS, mirror_of
from analyzer.analyses.rootuse import MemorySpec, memory_evidence, misplaced_addresses, said, uses_of, wide_or_wrong
from analyzer.analyses.rootwalk import constant_walks, ends_vm, invalidates, refusal, refuses
from analyzer.analyses.sections import calls_between, lock_calls
from analyzer.analyses.seqcheck import (
    ACQUIRED,
    PUBLISH,
    SNAPSHOT,
    Breach,
    Sequence,
    SequenceResult,
    lock_helpers,
    snapshot_of,
    solve_sequence,
)
from analyzer.analyses.sized import Site, Sizes, Work
from analyzer.analyses.sleeping import Sleepers
from analyzer.analyses.spans import Odd, Span, Spans, solve_spans
from analyzer.analyses.spec import Spec
from analyzer.analyses.stale import Stale, Staleness, Walks
from analyzer.analyses.starved import Stays, starved
from analyzer.analyses.stored import STORE
from analyzer.analyses.taint import Arrival, solve_taint
from analyzer.analyses.tokens import ANY, SOME, Flow, Item, Known, State, by_place
from analyzer.analyses.twice import halves
from analyzer.analyses.typestate import Event, Protocol, explore
from analyzer.analyses.uses import Use, use_of
from analyzer.core.finding import Certainty, Change, Finding, Provenance, Severity, Stage, Step
from analyzer.core.source import Location, covers
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import canonical
from analyzer.engine.churn import Api, ApiChange, churn
from analyzer.engine.prose import sentences, trailers
from analyzer.engine.rule import Rule
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.engine.unused import Unused, unused
from analyzer.ir.cfg import beyond, home_of, in_loop, loop_of, predecessors, reach, successors
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from analyzer.ir.program import Definition, Key, Program, Prototype
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Init,
    Instr,
    Name,
    Return,
    parts,
)

__all__ = [
    "ACQUIRED",
    "ANY",
    "ARM",
    "BUGS_VM",
    "CHANGE",
    "DIRECT",
    "DISARM",
    "EXEMPT",
    "LEFT",
    "MAX_LEVELS",
    "MIRROR",
    "PUBLISH",
    "RESULT",
    "ROOT_TYPES",
    "SNAPSHOT",
    "SOME",
    "STORE",
    "TYPES",
    "WALKS",
    "Addr",
    "Alignment",
    "Api",
    "ApiChange",
    "Arrival",
    "Arriving",
    "Assign",
    "Assume",
    "AtomicWords",
    "Bad",
    "BadWalker",
    "Behind",
    "Binary",
    "Breach",
    "Call",
    "CallSite",
    "Carriers",
    "Certainty",
    "Change",
    "Checks",
    "CoarserProperty",
    "CommitProperty",
    "CommitSpec",
    "Const",
    "Context",
    "Definition",
    "Delta",
    "Deref",
    "Derived",
    "Effect",
    "EffectProperty",
    "Entry",
    "Errors",
    "Escape",
    "Event",
    "Exchange",
    "Exchanges",
    "Explorer",
    "Expr",
    "Facts",
    "Field",
    "Finding",
    "Flow",
    "Function",
    "Held",
    "HeldResult",
    "Init",
    "Install",
    "Instr",
    "Item",
    "Keeper",
    "Kept",
    "Key",
    "Known",
    "Ledger",
    "Left",
    "Location",
    "LockChanges",
    "LockField",
    "LockFields",
    "LockInits",
    "Loop",
    "Masking",
    "MemorySpec",
    "Move",
    "Name",
    "Needs",
    "Odd",
    "Op",
    "Outcome",
    "PartSpec",
    "PriorProperty",
    "Program",
    "Protocol",
    "Prototype",
    "Provenance",
    "RangeOrigin",
    "Ranges",
    "Reach",
    "Reached",
    "Read",
    "Refuted",
    "RegionChange",
    "Remainder",
    "Retry",
    "Return",
    "Root",
    "Rule",
    "RunsIn",
    "Seen",
    "Sequence",
    "SequenceResult",
    "SeriesFacts",
    "SeriesStep",
    "Severity",
    "Shape",
    "Sighting",
    "Site",
    "Sizes",
    "Sleepers",
    "Slept",
    "Slip",
    "Span",
    "Spans",
    "Spec",
    "Stage",
    "Stale",
    "Staleness",
    "State",
    "Stays",
    "Step",
    "Token",
    "Unchecked",
    "Unit",
    "Unmet",
    "Unused",
    "Use",
    "Verb",
    "Verdict",
    "Vocabulary",
    "Walk",
    "WalkSpec",
    "Walks",
    "Work",
    "Writer",
    "advances",
    "all_bodies",
    "before",
    "behind",
    "beyond",
    "branches",
    "by_place",
    "called_from",
    "callers",
    "callers_of",
    "calls_between",
    "calls_to",
    "canonical",
    "churn",
    "closes_always",
    "condition_of",
    "constant",
    "constant_walks",
    "covers",
    "decided_by",
    "deciding",
    "depending",
    "derived",
    "derives",
    "ended",
    "ends_vm",
    "explore",
    "failing_sides",
    "goes_back",
    "guarded_by",
    "halves",
    "handlers",
    "handles_of",
    "has_hole",
    "heading_type",
    "held_mode",
    "hides_failure",
    "home_of",
    "homes",
    "hub",
    "implied",
    "in_loop",
    "index_value",
    "instrs_of",
    "invalidates",
    "inward",
    "items_at",
    "keeping_calls",
    "kept_in",
    "last_name",
    "leads_to",
    "lock_calls",
    "lock_helpers",
    "lock_path",
    "loop_exits",
    "loop_of",
    "loops_of",
    "made_by",
    "marked",
    "marker",
    "memory_evidence",
    "mirror_of",
    "misplaced_addresses",
    "narrow_entries",
    "narrow_fields",
    "narrow_kind",
    "narrows",
    "nearest_callers",
    "nonzero",
    "one_sided",
    "one_sided_helpers",
    "op_calls",
    "opening_steps",
    "operations",
    "ops_of",
    "ordered",
    "owners",
    "parts",
    "plain",
    "predecessors",
    "reach",
    "reached",
    "reaching",
    "recalled",
    "refreshed_by",
    "refusal",
    "refuses",
    "refuted",
    "remainders",
    "replay",
    "retries",
    "roots_in",
    "round_again",
    "said",
    "says_not",
    "sentences",
    "set_again",
    "settled",
    "shown",
    "signed",
    "skipped_loop",
    "snapshot_of",
    "solve_atomic",
    "solve_custody",
    "solve_held",
    "solve_pairs",
    "solve_sequence",
    "solve_spans",
    "solve_taint",
    "sources",
    "spelled",
    "starved",
    "step",
    "stored",
    "stored_params",
    "successors",
    "surely",
    "suspects",
    "taken",
    "texts",
    "trailers",
    "truth_of",
    "types_of",
    "unset_reads",
    "unused",
    "use_of",
    "uses_of",
    "value_in",
    "values_of",
    "ways_out",
    "wide_or_wrong",
    "words",
    "writes_outputs",
]
