"""The one door for rule authors: names only, no code."""

from __future__ import annotations

from analyzer.analyses.alignment import Alignment, Unit, callers
from analyzer.analyses.carried import Carriers, parts, root, struct_of
from analyzer.analyses.custody import STORE, Keeper, Move, index_value, solve_custody
from analyzer.analyses.dead import Behind, Refuted, behind, refuted
from analyzer.analyses.defs import reaching
from analyzer.analyses.depends import constant, depending, ordered, parts, texts
from analyzer.analyses.effects import CHANGE, Delta, EffectProperty, Remainder, last_name, remainders, stored
from analyzer.analyses.escape import Escape, Kept, derives
from analyzer.analyses.coarser import CoarserProperty, Install, Walk, WalkSpec
from analyzer.analyses.commit import CommitProperty, CommitSpec, Entry, Slip, Writer, stored_params
from analyzer.analyses.decided import PartSpec, decided_by, handles_of
from analyzer.analyses.derived import Derived, derived
from analyzer.analyses.facts import Facts, guarded_by, has_hole, shown, step, words
from analyzer.analyses.guards import (
    MAX_LEVELS,
    branches,
    deciding,
    entered_by,
    made_by,
    one_sided,
    plain,
    reach,
    surely,
    taken,
)
from analyzer.analyses.held import HeldResult, Sighting, solve_held
from analyzer.analyses.hiding import hides_failure
from analyzer.analyses.lifetime import calls_of, homes, inward
from analyzer.analyses.lockpath import lock_path
from analyzer.analyses.locks import Held, operations
from analyzer.analyses.locks import mode_of as held_mode
from analyzer.analyses.loops import leads_to, loop_of, predecessors, ways_out
from analyzer.analyses.marks import marked, marker
from analyzer.analyses.outputs import Read, unset_reads, writes_outputs
from analyzer.analyses.pairing import Ledger, Left, Seen, Token
from analyzer.analyses.pairs import calls_to, closes_always, opening_steps, solve_pairs, value_in
from analyzer.analyses.prior import ARM, DISARM, EXEMPT, LEFT, Arriving, PriorProperty, before, skipped_loop
from analyzer.analyses.ranges import RangeOrigin, Ranges, Shape
from analyzer.analyses.reach import Reach, Verdict
from analyzer.analyses.retried import Retry, retries
from analyzer.analyses.roots import mirror as mirror_of
from analyzer.analyses.sections import calls_between, lock_calls
from analyzer.analyses.seqcheck import (
    ACQUIRED,
    PUBLISH,
    SNAPSHOT,
    Breach,
    Sequence,
    SequenceResult,
    Stand,
    lock_helpers,
    snapshot_of,
    solve_sequence,
)
from analyzer.analyses.sized import Site, Sizes, Work
from analyzer.analyses.spans import Odd, Span, Spans, solve_spans
from analyzer.analyses.ops import CallSite, Op, callers_of, hub, nearest_callers, op_calls, ops_of
from analyzer.analyses.rootkind import DIRECT, MIRROR, ROOT_TYPES, Root, roots_in, settled, types_of, values_of
from analyzer.analyses.roots import TYPES, WALKS
from analyzer.analyses.roots import mirror as mirror_of
from analyzer.analyses.rootuse import MemorySpec, filter_says, memory_evidence, misplaced_addresses, said, uses_of
from analyzer.analyses.rootwalk import constant_walks, ends_vm, invalidates, refusal, refuses
from analyzer.analyses.spec import Spec
from analyzer.analyses.taint import Arrival, solve_taint
from analyzer.analyses.typestate import Event, Protocol, explore, in_loop
from analyzer.analyses.uses import Loss, Use, use_of
from analyzer.core.finding import Certainty, Change, Finding, Provenance, Severity, Stage, Step
from analyzer.core.source import Location, covers
from analyzer.dataflow.context import Context
from analyzer.core.source import Location
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.dataflow.values import canonical
from analyzer.engine.churn import Api, ApiChange, churn
from analyzer.engine.prose import sentences, trailers
from analyzer.engine.rule import Rule
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.engine.unused import Unused, unused
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from analyzer.ir.program import Definition, Program, Prototype
from analyzer.ir.types import (
    Addr,
from analyzer.ir.program import Definition, Key, Prototype
from analyzer.ir.types import (
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
)

__all__ = [
    "ACQUIRED",
    "ARM",
    "CHANGE",
    "DISARM",
    "EXEMPT",
    "LEFT",
    "PUBLISH",
    "RESULT",
    "SNAPSHOT",
    "STORE",
    "Addr",
    "Alignment",
    Param,
    Return,
    Unary,
)

__all__ = [
    "DIRECT",
    "MAX_LEVELS",
    "MIRROR",
    "RESULT",
    "ROOT_TYPES",
    "TYPES",
    "WALKS",
    "Api",
    "ApiChange",
    "Arrival",
    "Arriving",
    "Assign",
    "Assume",
    "Behind",
    "Binary",
    "Breach",
    "Call",
    "Carriers",
    "CallSite",
    "Certainty",
    "Change",
    "CoarserProperty",
    "CommitProperty",
    "CommitSpec",
    "Const",
    "Context",
    "Definition",
    "Delta",
    "Deref",
    "Effect",
    "EffectProperty",
    "Escape",
    "Derived",
    "Effect",
    "Entry",
    "Event",
    "Explorer",
    "Expr",
    "Facts",
    "Field",
    "Finding",
    "Function",
    "Held",
    "HeldResult",
    "Init",
    "Install",
    "Instr",
    "Keeper",
    "Kept",
    "Ledger",
    "Left",
    "Location",
    "Loss",
    "Move",
    "Name",
    "Odd",
    "PriorProperty",
    "Program",
    "Key",
    "Location",
    "Loss",
    "MemorySpec",
    "Name",
    "Op",
    "Param",
    "PartSpec",
    "Protocol",
    "Prototype",
    "Provenance",
    "RangeOrigin",
    "Ranges",
    "Reach",
    "Read",
    "Refuted",
    "Remainder",
    "Retry",
    "Return",
    "Root",
    "Rule",
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
    "Span",
    "Spans",
    "Slip",
    "Spec",
    "Stage",
    "Stand",
    "Step",
    "Token",
    "Unit",
    "Unused",
    "Unary",
    "Use",
    "Verb",
    "Verdict",
    "Vocabulary",
    "Work",
    "before",
    "behind",
    "callers",
    "calls_between",
    "calls_of",
    "calls_to",
    "canonical",
    "churn",
    "closes_always",
    "constant",
    "covers",
    "depending",
    "derives",
    "Walk",
    "WalkSpec",
    "Writer",
    "branches",
    "callers_of",
    "canonical",
    "churn",
    "constant_walks",
    "decided_by",
    "deciding",
    "derived",
    "ends_vm",
    "entered_by",
    "explore",
    "filter_says",
    "guarded_by",
    "handles_of",
    "has_hole",
    "held_mode",
    "hides_failure",
    "homes",
    "in_loop",
    "index_value",
    "inward",
    "last_name",
    "leads_to",
    "lock_calls",
    "lock_helpers",
    "lock_path",
    "loop_of",
    "marked",
    "marker",
    "mirror_of",
    "opening_steps",
    "operations",
    "ordered",
    "parts",
    "predecessors",
    "reaching",
    "refuted",
    "remainders",
    "retries",
    "root",
    "sentences",
    "hub",
    "in_loop",
    "invalidates",
    "lock_path",
    "made_by",
    "memory_evidence",
    "mirror_of",
    "misplaced_addresses",
    "nearest_callers",
    "one_sided",
    "op_calls",
    "operations",
    "ops_of",
    "plain",
    "reach",
    "refusal",
    "refuses",
    "roots_in",
    "said",
    "settled",
    "shown",
    "skipped_loop",
    "snapshot_of",
    "solve_custody",
    "solve_held",
    "solve_pairs",
    "solve_sequence",
    "solve_spans",
    "solve_taint",
    "step",
    "stored",
    "struct_of",
    "texts",
    "trailers",
    "unset_reads",
    "unused",
    "use_of",
    "value_in",
    "ways_out",
    "stored_params",
    "surely",
    "taken",
    "types_of",
    "use_of",
    "uses_of",
    "values_of",
    "words",
    "writes_outputs",
]
