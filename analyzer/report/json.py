"""Review to JSON: the contract of the README, checked by ``schema/nak-review.schema.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import cast

import msgspec

from analyzer.core.finding import Finding, Provenance, Step
from analyzer.core.problem import Problem
from analyzer.core.result import Review, SeriesInfo
from analyzer.core.visible import encodable
from analyzer.report.order import in_order

SCHEMA = "nak-review.schema.json"

# DEL and everything outside ASCII can only stand inside a JSON string, where its escape means the same.
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7e]")


def render(review: Review) -> str:
    """The review as JSON text that ends in a newline; equal reviews give equal bytes.

    Lone surrogates (bytes that did not decode) are spelled out as text, as in ``\\xff``; characters that
    are not printable are written as JSON escapes.
    """
    document = {
        "nak": {"version": review.version},
        "series": None if review.series is None else _series(review.series),
        "findings": [_finding(finding) for finding in in_order(review.findings)],
        "problems": [_problem(problem) for problem in sorted(review.problems)],
        "stats": review.stats,
    }
    text = msgspec.json.format(msgspec.json.encode(_plain(document)), indent=2).decode()
    return _OUTSIDE_ASCII.sub(_escaped, text) + "\n"


def schema() -> dict[str, object]:
    """The JSON schema (draft 2020-12) of what `render` returns, as shipped with the package."""
    source = resources.files("analyzer.report").joinpath("schema", SCHEMA)
    return cast("dict[str, object]", msgspec.json.decode(source.read_bytes()))


def _series(series: SeriesInfo) -> dict[str, object]:
    return {
        "title": series.title,
        "revision": series.revision,
        "base": {"commit": series.base_commit, "reason": series.base_reason},
        "patches": [
            {"index": patch.index, "title": patch.title, "message_id": patch.message_id} for patch in series.patches
        ],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "certainty": finding.certainty.value,
        "tier": finding.tier.value,
        "stage": finding.stage.value,
        "change": finding.change.value,
        "patch": finding.patch,
        "fixed_by": finding.fixed_by,
        "path": finding.location.path,
        "line": finding.location.line,
        "function": finding.function,
        "subject": finding.subject,
        "message": finding.message,
        "trace": [_step(step) for step in finding.trace],
        "provenance": [_provenance(source) for source in finding.provenance],
        "verdict": finding.verdict,
        "fingerprint": finding.fingerprint,
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "path": step.location.path,
        "line": step.location.line,
        "function": step.function,
        "note": step.note,
    }


def _provenance(source: Provenance) -> dict[str, object]:
    return {
        "kind": source.kind,
        "ref": source.ref,
        "who": source.who,
        "date": source.date,
        "note": source.note,
        "url": source.url,
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {"kind": problem.kind.value, "where": problem.where, "detail": problem.detail}


def _plain(value: object) -> object:
    """Text made encodable at any depth; what JSON has no word for becomes its text."""
    match value:
        case str():
            return encodable(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {encodable(str(key)): _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case _:
            return encodable(str(value))


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
