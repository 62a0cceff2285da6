"""Reviews made by hand, for the report tests."""

from __future__ import annotations

from typing import Any

from analyzer.core.finding import Certainty, Change, Finding, Provenance, Severity, Step
from analyzer.core.problem import Problem, ProblemKind
from analyzer.core.result import PatchInfo, Review, SeriesInfo
from analyzer.core.source import Location

SOURCE = Provenance("mail", "rule-1@example.org", "A. Maintainer", "2026-01-16", "a gmem pfn is no page")
TRACE = (
    Step(Location("virt/gmem.c", 88), "gmem_get_pfn", "the pfn comes from guest_memfd"),
    Step(Location("vmx/tdx.c", 1898), "tdx_split", "and reaches pfn_to_page()"),
)


def finding(path: str = "vmx/tdx.c", line: int = 1898, **fields: Any) -> Finding:
    """An introduced error of patch 3, unless ``fields`` say otherwise."""
    values: dict[str, Any] = {
        "function": "tdx_split",
        "subject": "pfn",
        "message": "page taken of a guest_memfd pfn",
        "rule": "tdx-gmem-pfn-to-page",
        "change": Change.INTRODUCED,
        "patch": 3,
        "provenance": (SOURCE,),
    }
    return Finding(location=Location(path, line), **(values | fields))


def series(patches: int = 4, revision: str = "3") -> SeriesInfo:
    """A series of that many patches."""
    members = tuple(PatchInfo(n, f"KVM: step {n}", f"m{n}@example.org", f"{n:02d}") for n in range(1, patches + 1))
    return SeriesInfo("KVM: huge pages", revision, "", "no base-commit in the mails", members)


def review(*findings: Finding, **fields: Any) -> Review:
    """A review of `series`, unless ``fields`` say otherwise."""
    values: dict[str, Any] = {"version": "1.2.3", "series": series(), "problems": (), "stats": {}}
    return Review(findings=findings, **(values | fields))


def full() -> Review:
    """One of everything that a report can say."""
    return review(
        finding(trace=TRACE, certainty=Certainty.MAY),
        finding(line=1900, certainty=Certainty.MAY),
        finding(line=1902, certainty=Certainty.MAY),
        finding("mmu/mmu.c", 20, patch=1, fixed_by=4, severity=Severity.WARNING, rule="tdx-level-ignored"),
        finding("mmu/mmu.c", 30, patch=2, severity=Severity.INFO, rule="kvm-dead-code", function="guarded"),
        finding("virt/gmem.c", 9, patch=None, change=Change.EXISTING, function="old"),
        finding("virt/gmem.c", 10, patch=None, change=Change.FIXED, fixed_by=2, function="older"),
        problems=(
            *(Problem(ProblemKind.NOT_APPLIED, f"mmu/f{n}.c", "hunk 1 of 2") for n in range(1, 6)),
            Problem(ProblemKind.NO_BASE, "series", "no base-commit"),
        ),
        stats={"functions": 12, "seconds": 1.5, "locks": {"mmu_lock": {"proved": 1, "open": 2}}},
    )
