"""The law of rebuilt images: what is known of a body is lowered, at its line, in the function it stands in."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.frontend.load import load
from analyzer.frontend.partial import complete
from analyzer.ir.program import Program
from analyzer.ir.types import Hole
from analyzer.tree.snapshot import Snapshot, SourceFile
from tests.frontend.cuts import Fact, cut, placed, unread

HERE = Path(__file__).parent
SOURCES = [*sorted((HERE / "sources").glob("*.c")), HERE / "golden" / "guards.c", HERE / "golden" / "switch.c"]


def program(source: SourceFile) -> Program:
    return load(Snapshot("tree", None, {source.path: source}), [source.path])


@cache
def whole(path: Path) -> tuple[list[bytes], dict[Fact, set[str]]]:
    text = path.read_bytes()
    lines = text.split(b"\n")
    return lines, placed(program(SourceFile(path.name, text)), path.name, lines)


def check(path: Path, changed: list[int]) -> None:
    lines, expected = whole(path)
    source, known = cut(path.name, path.read_bytes(), changed)
    made = complete(source)
    assert made.count(b"\n") == source.text.count(b"\n")
    for number, line in enumerate(made.split(b"\n"), 1):
        assert number not in known or line == lines[number - 1]
    parts = program(source)
    assert unread(parts) == []
    found = placed(parts, path.name, lines, results=True)
    lost = {fact: names for fact, names in expected.items() if fact[0] in known and not names & found.get(fact, set())}
    # A guard that is set up in a hole cannot be seen to be released.
    assert {fact: names for fact, names in lost.items() if lines[fact[0] - 1].strip() != b"}"} == {}
    for definition in parts.definitions.values():
        assert definition.line in known
        assert definition.end_line in known


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_single_hunk(path: Path) -> None:
    for number in range(1, len(whole(path)[0])):
        check(path, [number])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_hunks(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(SOURCES))
    size = len(whole(path)[0]) - 1
    check(path, data.draw(st.lists(st.integers(1, size), min_size=1, max_size=8)))


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(-2, 30), st.integers(-2, 40))), st.text(max_size=90))
@settings(max_examples=200, deadline=None)
def test_nothing_raises(text: bytes, holes: list[tuple[int, int]], section: str) -> None:
    source = SourceFile("a.c", text, tuple(holes), ((3, section), (9, section)))
    made = complete(source)
    assert made.count(b"\n") == text.count(b"\n")
    hidden = {n for a, b in holes for n in range(a, b + 1)}
    for number, (before, after) in enumerate(zip(text.split(b"\n"), made.split(b"\n"), strict=True), 1):
        assert after == before or number in hidden
    parts = program(source)
    assert all(parts.lower(key) or parts.problems for key in parts.definitions)


WORDS = """{ } ( ) [ ] ; : , . ? else if for while do switch case default return goto break x y f = == && -> * "s" 'c'
/* */ // # #if #else #endif #define \\ ## struct enum static int void \n \n\t \n\n\t\t \n} \n{ ~ __init""".split(" ")


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.integers(1, 9), st.integers(0, 9), st.sampled_from(WORDS))
@settings(max_examples=300, deadline=None)
def test_nothing_raises_on_words_of_c(words: list[str], first: int, size: int, section: str) -> None:
    text = " ".join(words).encode()
    holes = ((first, first + size), (first + size + 4, 10**9))
    source = SourceFile("a.c", text, holes, ((first + size + 1, f"static int f({section}"),))
    parts = program(source)
    assert all(parts.lower(key) or parts.problems for key in parts.definitions)


def test_holes_are_holes_in_the_ir() -> None:
    path = HERE / "sources" / "pages.c"
    changed = [60, 90]
    source, known = cut(path.name, path.read_bytes(), changed)
    parts = program(source)
    for name in ("slot_lookup", "slot_grow"):
        function = parts.lower((path.name, name))
        assert function is not None
        assert function.partial
        hidden = [i.line for b in function.blocks for i in b.instrs if isinstance(i, Hole)]
        assert len(hidden) >= 2
        assert not known & set(hidden)


def test_the_kernel_in_parts(kernel: Path) -> None:
    """Hunks of 7 lines, one in 60 lines, of every file: almost nothing is lost, nothing is misplaced."""
    files = [p for d in ("arch/x86/kvm", "virt/kvm", "arch/x86/virt/vmx/tdx") for p in (kernel / d).rglob("*.[ch]")]
    sources = {str(p.relative_to(kernel)): p.read_bytes() for p in sorted(files)}
    snapshot = Snapshot("tree", None, {name: SourceFile(name, text) for name, text in sources.items()})
    full = load(snapshot, sources)
    facts = lost = misplaced = functions = errors = 0
    for name, text in sources.items():
        lines = text.split(b"\n")
        size = len(lines) - 1
        chosen = random.Random(name).sample(range(1, size + 1), max(1, size // 60)) if size else []
        if not chosen:
            continue
        source, known = cut(name, text, chosen)
        parts = program(source)
        found = placed(parts, name, lines, results=True)
        functions += sum(d.kind == "function" for d in parts.definitions.values())
        errors += len(unread(parts))
        for fact, names in placed(full, name, lines).items():
            if fact[0] in known:
                facts += 1
                lost += fact not in found
                misplaced += fact in found and not names & found[fact]
    assert functions > 1000
    assert facts > 3000
    assert errors <= functions / 300
    assert lost <= facts / 200
    assert misplaced <= facts / 1000
