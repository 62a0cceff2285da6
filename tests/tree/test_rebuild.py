"""Files rebuilt from hunks: every known line stands at its real line number."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.core.limits import Limits
from analyzer.core.problem import ProblemKind
from analyzer.series.types import FileDiff, FileStatus
from analyzer.tree.rebuild import Rebuilt
from analyzer.tree.snapshot import SourceFile
from tests.tree.made import diff_of

WORDS = st.sampled_from(["a", "b", "{", "}", "", "if (x)"])
FOREVER = 10**9


def known_lines(source: SourceFile) -> dict[int, bytes]:
    """Line number -> text of the lines that are no hole."""
    rows = source.text.split(b"\n")
    if rows and not rows[-1]:
        rows.pop()
    unknown = {n for first, last in source.holes for n in range(first, min(last, len(rows)) + 1)}
    return {n: row for n, row in enumerate(rows, 1) if n not in unknown}


def agrees(source: SourceFile, text: str) -> bool:
    """Whether every known line is the line of the text with that number."""
    rows = text.encode().split(b"\n")
    return all(n <= len(rows) and rows[n - 1] == row for n, row in known_lines(source).items())


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """A text and its next versions, by random splices; lines are numbered now and then."""
    rows = [f"{n} {draw(WORDS)}" if draw(st.booleans()) else draw(WORDS) for n in range(draw(st.integers(0, 60)))]
    out = ["\n".join(rows) + ("\n" if rows else "")]
    for _ in range(draw(st.integers(1, 6))):
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(rows)))
            rows[at : at + draw(st.integers(0, 4))] = draw(st.lists(WORDS, max_size=5))
        ends = "\n" if draw(st.booleans()) else ""
        out.append("\n".join(rows) + (ends if rows and rows[-1] else "\n" if rows else ""))
    return out


@settings(max_examples=200, deadline=None)
@given(histories(), st.integers(0, 3))
def test_known_lines_are_the_real_lines(versions: list[str], context: int) -> None:
    rebuilt = Rebuilt()
    held: dict[int, bytes] = {}
    for old, new in pairwise(versions):
        diff = diff_of(old, new, context=context)
        before, after = rebuilt.before(diff), rebuilt.after(diff)
        assert before is not None
        assert after is not None
        assert agrees(before, old)
        assert agrees(after, new)
        assert held.items() <= known_lines(before).items()  # nothing is forgotten
        for hunk in diff.hunks:
            assert dict(after_lines(hunk.new_lines())).items() <= known_lines(after).items()
        held = known_lines(after)
    assert rebuilt.problems == []


@settings(max_examples=200, deadline=None)
@given(histories(), st.integers(0, 3))
def test_what_is_coming_is_known_in_every_state(versions: list[str], context: int) -> None:
    diffs = [diff_of(old, new, context=context) for old, new in pairwise(versions)]
    rebuilt, alone = Rebuilt(coming=diffs), Rebuilt()
    last: SourceFile | None = None
    for diff, (old, new) in zip(diffs, pairwise(versions), strict=True):
        images = rebuilt.before(diff), rebuilt.after(diff)
        for image, less, text in zip(images, (alone.before(diff), alone.after(diff)), (old, new), strict=True):
            assert image is not None
            assert less is not None
            assert agrees(image, text)
            assert known_lines(less).items() <= known_lines(image).items()
        assert last is None or last == images[0]  # a patch is all that differs between two states
        last = images[1]
    assert rebuilt.problems == []


def test_a_later_patch_that_contradicts_teaches_nothing_of_earlier_states() -> None:
    first = diff_of("a\nb\nc\n", "a\nB\nc\n")
    other = diff_of("x\ny\nz\nlast\n", "x\nY\nz\nlast\n")
    rebuilt = Rebuilt(coming=[first, other])
    before, after = rebuilt.before(first), rebuilt.after(first)
    assert before is not None
    assert after is not None
    assert known_lines(before) == {1: b"a", 2: b"b", 3: b"c"}
    assert known_lines(after) == {1: b"a", 2: b"B", 3: b"c"}
    assert rebuilt.before(other) is not None
    assert [p.kind for p in rebuilt.problems] == [ProblemKind.PARTIAL]


@settings(max_examples=100, deadline=None)
@given(histories(), histories())
def test_foreign_diffs_never_raise_and_the_newest_wins(one: list[str], two: list[str]) -> None:
    rebuilt = Rebuilt()
    mixed = chain.from_iterable(zip(pairwise(one), pairwise(two), strict=False))
    for old, new in mixed:
        diff = diff_of(old, new)
        before, after = rebuilt.before(diff), rebuilt.after(diff)
        assert before is not None
        assert after is not None
        for hunk in diff.hunks:
            assert dict(after_lines(hunk.old_lines())).items() <= known_lines(before).items()
            assert dict(after_lines(hunk.new_lines())).items() <= known_lines(after).items()


def after_lines(pairs: list[tuple[int, str]]) -> list[tuple[int, bytes]]:
    return [(n, text.encode("utf-8", "surrogateescape")) for n, text in pairs]


TEXT = "".join(f"line {n}\n" for n in range(1, 101))


def test_holes_stand_between_and_after_the_known_regions() -> None:
    diff = diff_of(TEXT, TEXT.replace("line 10\n", "ten\nand more\n").replace("line 60\n", ""))
    rebuilt = Rebuilt()
    before, after = rebuilt.before(diff), rebuilt.after(diff)
    assert before is not None
    assert after is not None
    assert before.holes == ((1, 6), (14, 56), (64, FOREVER))
    assert after.holes == ((1, 6), (15, 57), (64, FOREVER))
    assert after.text.split(b"\n")[10:12] == [b"and more", b"line 11"]


def test_no_hole_before_line_one_and_none_in_a_new_file() -> None:
    rebuilt = Rebuilt()
    first = rebuilt.after(diff_of(TEXT, "new\n" + TEXT))
    assert first is not None
    assert first.holes == ((5, FOREVER),)
    made = rebuilt.after(diff_of(None, "a\nb", path="new.c"))
    assert made == SourceFile("new.c", b"a\nb")
    grown = rebuilt.after(diff_of("a\nb", "a\nc\nb\n", path="new.c"))
    assert grown == SourceFile("new.c", b"a\nc\nb\n")
    empty = rebuilt.after(FileDiff(None, "empty.c", FileStatus.ADDED))
    assert empty == SourceFile("empty.c", b"")


def test_sections_move_with_their_lines() -> None:
    rebuilt = Rebuilt()
    first = diff_of(TEXT, TEXT.replace("line 50\n", "fifty\n"))
    first = replace(first, hunks=(replace(first.hunks[0], section="int f(void)"),))
    shown = rebuilt.after(first)
    assert shown is not None
    assert shown.sections == ((47, "int f(void)"),)
    above = TEXT.replace("line 50\n", "fifty\n")
    second = diff_of(above, above.replace("line 10\n", "line 10\nx\ny\n"))
    moved = rebuilt.after(second)
    assert moved is not None
    assert moved.sections == ((49, "int f(void)"),)
    third_old = above.replace("line 10\n", "line 10\nx\ny\n")
    third = rebuilt.after(diff_of(third_old, third_old.replace("line 46\n", "").replace("line 47\n", "")))
    assert third is not None
    assert third.sections == ((48, "int f(void)"),)


def test_a_section_has_the_heading_that_the_patch_gives_it() -> None:
    old = TEXT.replace("line 10\n", "static void f(int a,\n")
    new = old.replace("static void f(int a,\n", "static int __f(int a,\n").replace("line 50\n", "fifty\n")
    diff = diff_of(old, new)
    hunks = (diff.hunks[0], replace(diff.hunks[1], section="static void f(int a,"))
    rebuilt = Rebuilt()
    before = rebuilt.before(replace(diff, hunks=hunks))
    after = rebuilt.after(replace(diff, hunks=hunks))
    assert before is not None
    assert after is not None
    assert [text for _, text in before.sections] == ["static void f(int a,"]
    assert [text for _, text in after.sections] == ["static int __f(int a,"]


def test_contradicted_knowledge_is_dropped_and_told() -> None:
    rebuilt = Rebuilt()
    rebuilt.absorb(diff_of(TEXT, TEXT.replace("line 10\n", "ten\n").replace("line 80\n", "eighty\n")))
    other = TEXT.replace("line 9\n", "nine\n")  # says line 9 is another, and line 10 is not "ten"
    diff = diff_of(other, other.replace("line 11\n", "eleven\n"))
    before = rebuilt.before(diff)
    assert before is not None
    assert before.holes[0] == (1, 7)
    assert known_lines(before)[9] == b"nine"
    assert 7 not in known_lines(before)  # the whole earlier region is gone
    assert known_lines(before)[80] == b"eighty"  # another region stays
    assert [problem.kind for problem in rebuilt.problems] == [ProblemKind.PARTIAL]


def test_renames_copies_and_deletions_carry_knowledge() -> None:
    rebuilt = Rebuilt()
    rebuilt.absorb(diff_of(TEXT, TEXT.replace("line 10\n", "ten\n"), path="a.c"))
    copied = rebuilt.after(FileDiff("a.c", "c.c", FileStatus.COPIED))
    renamed = rebuilt.after(FileDiff("a.c", "b.c", FileStatus.RENAMED))
    assert copied is not None
    assert renamed is not None
    assert copied.text == renamed.text
    assert known_lines(renamed)[10] == b"ten"
    gone = FileDiff("b.c", None, FileStatus.DELETED)
    before = rebuilt.before(gone)
    assert before is not None
    assert known_lines(before)[10] == b"ten"
    assert rebuilt.after(gone) is None
    fresh = rebuilt.before(FileDiff("b.c", "b.c", FileStatus.MODIFIED))
    assert fresh is not None
    assert fresh.holes == ((1, FOREVER),)


def test_line_numbers_and_sizes_are_bounded() -> None:
    rebuilt = Rebuilt()
    diff = diff_of(TEXT, TEXT.replace("line 10\n", "ten\n"))
    far = replace(diff, hunks=(replace(diff.hunks[0], old_start=10**9, new_start=10**9),))
    image = rebuilt.after(far)
    assert image is not None
    assert image.text == b""
    assert [problem.kind for problem in rebuilt.problems] == [ProblemKind.TOO_LARGE]
    small = Rebuilt(Limits(input_bytes=10))
    left_out = small.after(diff)
    assert left_out is not None
    assert left_out.holes == ((1, FOREVER),)
    assert [problem.kind for problem in small.problems] == [ProblemKind.TOO_LARGE]


def test_hunks_that_overlap_or_do_not_add_up_are_told() -> None:
    rebuilt = Rebuilt()
    hunk = diff_of(TEXT, TEXT.replace("line 10\n", "ten\n")).hunks[0]
    twice = FileDiff("a.c", "a.c", FileStatus.MODIFIED, (hunk, hunk))
    assert rebuilt.after(twice) is not None
    moved = FileDiff("b.c", "b.c", FileStatus.MODIFIED, (replace(hunk, new_start=40),))
    shown = rebuilt.after(moved)
    assert shown is not None
    assert known_lines(shown)[43] == b"ten"
    assert [problem.kind for problem in rebuilt.problems] == [ProblemKind.MALFORMED] * 2


def test_what_a_later_patch_shows_of_a_renamed_function_is_of_the_old_name_before() -> None:
    body = "".join(f"\tx{n}();\n" for n in range(30))
    texts = [
        f"int {name}(void)\n{{\n{body.replace('x25', last)}}}\n" for name, last in (("a", "x"), ("b", "x"), ("b", "y"))
    ]
    first, second = (diff_of(old, new) for old, new in pairwise(texts))
    second = replace(second, hunks=tuple(replace(h, section="int b(void)") for h in second.hunks))
    rebuilt = Rebuilt(coming=[first, second])
    before, after = rebuilt.before(first), rebuilt.after(first)
    assert before is not None
    assert after is not None
    assert [text for _, text in before.sections] == ["int a(void)"]
    assert [text for _, text in after.sections] == ["int b(void)"]
