from __future__ import annotations

from analyzer.core.finding import Change, Severity
from analyzer.report import lines
from tests.report.reviews import finding, full, review


def test_golden() -> None:
    assert lines.render(full()) == (
        "mmu/mmu.c:20: warning: [tdx-level-ignored] page taken of a guest_memfd pfn (fixed by patch 4)\n"
        "mmu/mmu.c:30: note: [kvm-dead-code] page taken of a guest_memfd pfn\n"
        "vmx/tdx.c:1898: error: [tdx-gmem-pfn-to-page] page taken of a guest_memfd pfn\n"
        "vmx/tdx.c:1900: error: [tdx-gmem-pfn-to-page] page taken of a guest_memfd pfn\n"
        "vmx/tdx.c:1902: error: [tdx-gmem-pfn-to-page] page taken of a guest_memfd pfn\n"
    )


def test_a_checked_tree_shows_what_exists() -> None:
    there = finding(change=Change.EXISTING, patch=None, severity=Severity.ERROR)
    assert lines.render(review(there, series=None)).startswith("vmx/tdx.c:1898: error: ")
    assert lines.render(review(there)) == ""


def test_hostile_text_stays_on_its_line() -> None:
    text = lines.render(review(finding("a\nb.c", 0, message="x\x1b]0;title\x07\n/etc/passwd:1: error: y")))
    assert text == "a\\nb.c:1: error: [tdx-gmem-pfn-to-page] x\\x1b]0;title\\x07\\n/etc/passwd:1: error: y\n"
