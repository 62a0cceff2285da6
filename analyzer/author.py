"""The one door for rule authors: names only, no code."""

from __future__ import annotations

from analyzer.analyses.facts import Facts, guarded_by, has_hole, shown, step, words
from analyzer.analyses.held import HeldResult, Sighting, solve_held
from analyzer.analyses.lockpath import lock_path
from analyzer.analyses.locks import Held, operations
from analyzer.analyses.locks import mode_of as held_mode
from analyzer.analyses.roots import mirror as mirror_of
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
    "Location",
    "Loss",
    "Name",
    "Protocol",
    "Prototype",
    "Provenance",
    "Return",
    "Rule",
    "SeriesFacts",
    "SeriesStep",
    "Severity",
    "Sighting",
    "Spec",
    "Stage",
    "Step",
    "Use",
    "Verb",
    "Vocabulary",
    "canonical",
    "churn",
    "covers",
    "explore",
    "guarded_by",
    "has_hole",
    "held_mode",
    "in_loop",
    "lock_path",
    "mirror_of",
    "operations",
    "shown",
    "solve_held",
    "solve_taint",
    "step",
    "use_of",
    "words",
]
