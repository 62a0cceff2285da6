"""The order in which every report says things: by patch, then path and line."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.core.finding import Finding

_LAST = 1 << 62  # findings that belong to no patch come after those that do


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in reading order; equal reviews give equal reports, whatever order they were found in."""
    return sorted(findings, key=_key)


def _key(finding: Finding) -> tuple[int, str, int, int, str, str, str, str]:
    patch = _LAST if finding.patch is None else finding.patch
    place = finding.location
    return (
        patch,
        place.path,
        place.line,
        place.column,
        finding.rule,
        finding.function,
        finding.subject,
        finding.message,
    )
