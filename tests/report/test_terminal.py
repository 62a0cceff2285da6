from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.finding import Certainty, Change, Provenance, Severity, Stage, Step
from analyzer.core.problem import Problem, ProblemKind
from analyzer.core.result import Review
from analyzer.core.source import Location
from analyzer.report import terminal
from analyzer.report.tables import _SAID
from tests.report.reviews import finding, full, review, series

PAINT = re.compile(r"\x1b\[[0-9;]*m")
GOLDEN = """\
[PATCH v3 0/4] KVM: huge pages
  base: no base-commit in the mails

[PATCH v3 01/4] KVM: step 1

mmu/mmu.c:20: warning: page taken of a guest_memfd pfn [tdx-level-ignored]
    fixed by patch 4
    in tdx_split()
    stated by A. Maintainer, 2026-01-16: a gmem pfn is no page
      https://lore.kernel.org/r/rule-1@example.org

[PATCH v3 03/4] KVM: step 3

vmx/tdx.c:1898: error: page taken of a guest_memfd pfn [tdx-gmem-pfn-to-page]
    in tdx_split(); may: code that is not shown here could rule it out
      1. virt/gmem.c:88 gmem_get_pfn(): the pfn comes from guest_memfd
      2. vmx/tdx.c:1898 tdx_split(): and reaches pfn_to_page()
    also at lines 1900, 1902
    stated by A. Maintainer, 2026-01-16: a gmem pfn is no page
      https://lore.kernel.org/r/rule-1@example.org

There before the series, and fixed by it:
virt/gmem.c:10: error: page taken of a guest_memfd pfn [tdx-gmem-pfn-to-page]

For information:

[PATCH v3 02/4] KVM: step 2

mmu/mmu.c:30: info: page taken of a guest_memfd pfn [kvm-dead-code]
    in guarded()
    stated by A. Maintainer, 2026-01-16: a gmem pfn is no page
      https://lore.kernel.org/r/rule-1@example.org

Not seen (6 problems):
  1 no-base: the base commit is not known here
      series: no base-commit
  5 not-applied: did not apply, the file was rebuilt from the mails
      mmu/f1.c: hunk 1 of 2
      mmu/f2.c: hunk 1 of 2
      mmu/f3.c: hunk 1 of 2
      and 2 more of this kind

3 errors, 1 warning, 1 note in 2 of 4 patches; 6 problems: not everything was seen
  patch 1: 1 warning; patch 2: 1 note; patch 3: 3 errors
  1 fixed later in the series; 1 older fixed by the series; 1 older left as they are, not shown
"""


def shown(
    outcome: Review, *, color: bool = False, width: int = 120, show_existing: bool = False, verbose: bool = False
) -> str:
    return terminal.render(outcome, color=color, width=width, show_existing=show_existing, verbose=verbose)


def test_golden() -> None:
    assert shown(full()) == GOLDEN


def test_colour_adds_nothing_but_colour() -> None:
    painted = shown(full(), color=True)
    assert painted != GOLDEN
    assert PAINT.sub("", painted) == GOLDEN
    assert "\x1b[1;31mvmx/tdx.c:1898: error:\x1b[0m page taken" in painted


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_lines_are_no_wider_than_asked_where_words_allow_it(width: int) -> None:
    tables = {"Figures:", "locks:"}
    text = shown(full(), width=width).split("Figures:", maxsplit=1)[0]
    assert tables.isdisjoint(text.split("\n"))
    assert all(len(line) <= width or " " not in line.strip() for line in text.split("\n"))


def test_width_zero_never_wraps() -> None:
    text = shown(review(finding(message="word " * 100)), width=0)
    assert max(len(line) for line in text.split("\n")) > 500


def test_existing_findings_only_when_asked() -> None:
    assert "There before the series:" not in shown(full())
    text = shown(full(), show_existing=True)
    assert "There before the series:\n\nvirt/gmem.c:9: error:" in text
    assert "1 older left as they are\n" in text


def test_a_checked_tree_has_no_patches() -> None:
    there = finding(change=Change.EXISTING, patch=None)
    text = shown(review(there, series=None))
    assert text.startswith("vmx/tdx.c:1898: error: page taken")
    assert text.endswith("\n\n1 error in 1 file\n")
    assert "PATCH" not in text


def test_nothing_found_is_said() -> None:
    assert shown(review(series=None)) == "nothing to object to\n"
    assert shown(review()).endswith("\nnothing to object to in 4 patches\n")


def test_notes_alone_are_counted_by_patch() -> None:
    text = shown(review(finding(severity=Severity.INFO, patch=2)))
    assert "\n1 note in 1 of 4 patches\n" in text


def test_silence_with_problems_is_no_praise() -> None:
    text = shown(review(series=None, problems=(Problem(ProblemKind.CRASHED, "rule x", "boom"),)))
    assert "1 crashed: a fault in nak itself\n      rule x: boom\n" in text
    assert text.endswith("nothing to object to; 1 problem: not everything was seen\n")


def test_figures_come_with_verbose() -> None:
    assert "locks:" not in shown(full())
    assert "locks:\n            proved  open\n  mmu_lock       1     2\n" in shown(full(), verbose=True)


def test_the_same_objection_in_another_file_is_folded_with_its_place() -> None:
    text = shown(review(finding(), finding("z.h", 5)))
    assert "    also at z.h:5: " in text


def test_every_kind_of_problem_has_words() -> None:
    assert set(_SAID) == set(ProblemKind)


def test_verbose_tells_every_problem_and_every_source() -> None:
    text = shown(full(), verbose=True)
    assert "mmu/f5.c: hunk 1 of 2" in text
    assert "more of this kind" not in text


def test_a_rule_is_cited_once() -> None:
    twice = review(finding(), finding("other.c", 5, function="g"))
    assert shown(twice).count("stated by A. Maintainer") == 1
    assert shown(twice, verbose=True).count("stated by A. Maintainer") == 2


def test_further_sources_are_counted() -> None:
    sources = tuple(Provenance("commit", f"{n:012x}") for n in range(4))
    text = shown(review(finding(provenance=sources)))
    assert "stated in a commit\n      000000000000\n" in text
    assert "and 2 more: nak explain tdx-gmem-pfn-to-page" in text
    assert "000000000003" in shown(review(finding(provenance=sources)), verbose=True)


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "kvm-x"},
        {"function": "g"},
        {"patch": 4},
        {"severity": Severity.WARNING},
        {"fixed_by": 4},
    ],
)
def test_only_likes_are_folded(other: dict[str, object]) -> None:
    assert "also at" not in shown(review(finding(), finding(line=1900, **other)))  # type: ignore[arg-type]


def test_a_folded_finding_keeps_words_of_its_own() -> None:
    text = shown(review(finding(), finding(line=1900, message="and its folio too")))
    assert "    also at line 1900: and its folio too\n" in text


def test_the_surest_finding_speaks_for_its_group() -> None:
    text = shown(review(finding(certainty=Certainty.MAY), finding(line=1900)))
    assert "vmx/tdx.c:1900: error:" in text
    assert "also at line 1898\n" in text
    assert "may happen" not in text


def test_a_rule_on_trial_is_marked() -> None:
    assert "[tdx-gmem-pfn-to-page] (on trial)" in shown(review(finding(stage=Stage.TRIAL)))


def test_findings_of_the_series_as_a_whole() -> None:
    text = shown(review(finding("cover letter", 0, patch=None, function="")))
    assert "\nThe series as a whole\n\ncover letter: error: page taken" in text
    assert "series: 1 error" in text


def test_first_revisions_and_odd_numbers_are_named_as_written() -> None:
    info = series(revision="1")
    info = replace(info, patches=(*info.patches[:2], replace(info.patches[2], label="2.5"), info.patches[3]))
    assert "[PATCH 2.5/4] KVM: step 3" in shown(review(finding(), series=info))


def test_equal_reviews_read_equal_whatever_the_order() -> None:
    turned = review(*reversed(full().findings), problems=tuple(reversed(full().problems)), stats=full().stats)
    assert shown(turned) == GOLDEN


def test_hostile_text_is_made_visible() -> None:
    text = shown(review(finding("a\x1b[2J.c", message="b\u202ec\r\nd", function="f\x07")))
    assert "a\\x1b[2J.c:1898: error: b\\u202ec\\r\\nd [tdx" in text
    assert "in f\\x07()" in text


@given(st.text(st.characters(exclude_categories=()), max_size=30), st.booleans())
def test_no_text_brings_raw_control_characters(text: str, color: bool) -> None:
    info = series(1)
    info = replace(info, title=text, base_reason=text, patches=(replace(info.patches[0], title=text, label=text),))
    outcome = review(
        finding(text, function=text, message=text, rule=text, trace=(Step(Location(text, 1), text, text),), patch=1),
        finding(text, 2, message=text + text, rule=text, function=text, patch=1),
        series=info,
        problems=(Problem(ProblemKind.MALFORMED, text, text),),
        stats={text: text, "t": {text: {text: text}}},
    )
    rendered = PAINT.sub("", shown(outcome, color=color, width=60)) if color else shown(outcome, width=60)
    rendered.encode("utf-8")
    assert all(line.isprintable() for line in rendered.split("\n"))


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_use_color() -> None:
    assert terminal.use_color(Tty(), {})
    assert terminal.use_color(Tty(), {"NO_COLOR": ""})
    assert not terminal.use_color(Tty(), {"NO_COLOR": "1"})
    assert not terminal.use_color(Tty(), {"TERM": "dumb"})
    assert not terminal.use_color(io.StringIO(), {})
    closed = io.StringIO()
    closed.close()
    assert not terminal.use_color(closed, {})
