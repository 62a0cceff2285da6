"""Findings and line maps for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from analyzer.core.finding import Finding
from analyzer.core.source import Location
from analyzer.engine.subtract import LineMap

PATHS = ("virt/kvm/a.c", "arch/x86/kvm/b.c")


def finding(
    line: int = 10,
    *,
    rule: str = "tdx-one",
    path: str = PATHS[0],
    function: str = "map_leaf",
    subject: str = "pfn_to_page(pfn)",
    message: str = "m",
) -> Finding:
    return Finding(Location(path, line), function, subject, message, rule=rule)


def shifted(by: int, start: int = 0) -> LineMap:
    """``by`` lines are added before line ``start``."""
    return lambda line: line + by if line >= start else line


def gone(*lines: int) -> LineMap:
    """These lines are removed, the others stay (as if blank lines took their place)."""
    return lambda line: None if line in lines else line


def at(found: Iterable[Finding]) -> list[tuple[str, int]]:
    return sorted((f.location.path, f.location.line) for f in found)


any_finding = st.builds(
    finding,
    st.integers(1, 5),
    rule=st.sampled_from(("tdx-one", "tdx-two")),
    path=st.sampled_from(PATHS),
    function=st.sampled_from(("map_leaf", "zap_leaf")),
    subject=st.sampled_from(("pfn_to_page(pfn)", "pfn_folio(pfn)")),
    message=st.sampled_from(("m", "other words")),
)
any_findings = st.lists(any_finding, max_size=8)
