"""The one door for rule authors: names only, no code."""

from __future__ import annotations

from analyzer.analyses.custody import STORE, Keeper, Move, index_value, solve_custody
from analyzer.analyses.defs import reaching
from analyzer.analyses.escape import Escape, Kept, derives
from analyzer.analyses.facts import Facts, guarded_by, has_hole, shown, step, words
from analyzer.analyses.held import HeldResult, Sighting, solve_held
from analyzer.analyses.lockpath import lock_path
from analyzer.analyses.locks import Held, operations
from analyzer.analyses.locks import mode_of as held_mode
from analyzer.analyses.loops import leads_to, loop_of, predecessors, ways_out
from analyzer.analyses.pairing import Ledger, Left, Seen, Token
from analyzer.analyses.pairs import calls_to, closes_always, opening_steps, solve_pairs, value_in
from analyzer.analyses.roots import mirror as mirror_of
from analyzer.analyses.spans import Odd, Span, Spans, solve_spans
from analyzer.analyses.spec import Spec
from analyzer.analyses.taint import Arrival, solve_taint
from analyzer.analyses.typestate import Event, Protocol, explore, in_loop
from analyzer.analyses.uses import Loss, Use, use_of
from analyzer.core.finding import Certainty, Change, Finding, Provenance, Severity, Stage, Step
from analyzer.core.source import Location, covers
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import canonical
from analyzer.engine.churn import Api, ApiChange, churn
from analyzer.engine.rule import Rule
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from analyzer.ir.program import Prototype
from analyzer.ir.types import Assign, Assume, Binary, Call, Const, Expr, Field, Function, Init, Instr, Name, Return

__all__ = [
    "RESULT",
    "STORE",
    "Api",
    "ApiChange",
    "Arrival",
    "Assign",
    "Assume",
    "Binary",
    "Call",
    "Certainty",
    "Change",
    "Const",
    "Context",
    "Effect",
    "Escape",
    "Event",
    "Expr",
    "Facts",
    "Field",
    "Finding",
    "Function",
    "Held",
    "HeldResult",
    "Init",
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
    "Protocol",
    "Prototype",
    "Provenance",
    "Return",
    "Rule",
    "Seen",
    "SeriesFacts",
    "SeriesStep",
    "Severity",
    "Sighting",
    "Span",
    "Spans",
    "Spec",
    "Stage",
    "Step",
    "Token",
    "Use",
    "Verb",
    "Vocabulary",
    "calls_to",
    "canonical",
    "churn",
    "closes_always",
    "covers",
    "derives",
    "explore",
    "guarded_by",
    "has_hole",
    "held_mode",
    "in_loop",
    "index_value",
    "leads_to",
    "lock_path",
    "loop_of",
    "mirror_of",
    "opening_steps",
    "operations",
    "predecessors",
    "reaching",
    "shown",
    "solve_custody",
    "solve_held",
    "solve_pairs",
    "solve_spans",
    "solve_taint",
    "step",
    "use_of",
    "value_in",
    "ways_out",
    "words",
]
