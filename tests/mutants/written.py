"""The sets of mutants from the second to the fifth, written from the catalog alone: reads the edits in their folders.

A file a rule, ``<rule-id>.edits``; ``same*.edits`` have what must change nothing. A mutant there::

    = what was done
    due functions of which one must carry the finding ("-": none, the file)
    in path [function]
    -text that goes
    +text that comes (nothing goes: it is put in front of the function)

A path may be a name of ``tests.kernel.places``. A mutant is made where all of its texts are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.kernel import places
from tests.kernel.edits import Edit, edited
from tests.kernel.places import GMEM, HOST_H, MAIN, MMU, MMU_H, OPS_H, SEV, SPTE, TDP, TDP_H, TDX, TDX_H, WRAPPERS
from tests.mutants.sources import Mutant, Operator, Same, Sources

FOLDERS = tuple(Path(__file__).parent / name for name in ("second_set", "third_set", "fourth_set", "fifth_set"))
FILES = (TDX, WRAPPERS, TDP, MMU, GMEM, MAIN, SPTE, SEV, TDP_H, MMU_H, TDX_H, HOST_H, OPS_H, "virt/kvm/pfncache.c")
Entry = tuple[str, tuple[str, ...], tuple[Edit, ...]]


def entries(text: str) -> Iterator[Entry]:
    """What was done, the functions that are due, and the edits."""
    for part in ("\n" + text).split("\n= ")[1:]:
        heading, *lines = part.split("\n")
        due: tuple[str, ...] = ()
        edits: list[list[str]] = []
        for line in lines:
            if line.startswith("due "):
                due = tuple("" if name == "-" else name for name in line.split()[1:])
            elif line.startswith("in "):
                edits.append([line])
            elif line:
                edits[-1].append(line)
        yield heading, due, tuple(map(_edit, edits))


def _edit(lines: Sequence[str]) -> Edit:
    place, _, inside = lines[0].removeprefix("in ").partition(" ")
    old, new = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
    return Edit(getattr(places, place, place), old, new if old else new + "\n\n", inside)


def files(same: bool) -> list[Path]:
    """The files of all sets: those of violations, or those of what must change nothing."""
    return [f for folder in FOLDERS for f in sorted(folder.glob("*.edits")) if f.stem.startswith("same") == same]


@cache
def written(file: Path) -> tuple[Entry, ...]:
    """The entries of a file."""
    return tuple(entries(file.read_text(encoding="utf-8")))


def fits(sources: Sources, edits: Sequence[Edit]) -> bool:
    """Whether a tree has the places that are edited."""
    texts: dict[str, str] = {}
    for edit in edits:
        try:
            texts[edit.path] = edited(texts.get(edit.path) or sources.text(edit.path), edit)
        except (AssertionError, ValueError):
            return False
    return True


def violations(sources: Sources) -> Iterator[Mutant]:
    """The mutants that fit a tree."""
    for file in files(same=False):
        for heading, due, edits in written(file):
            paths = dict.fromkeys([*FILES, *(e.path for e in edits)])
            where = tuple((path, name) for path in paths for name in due)
            if fits(sources, edits):
                yield Mutant(file.stem, f"{_set(file)}: {heading}", edits, where)


def harmless(sources: Sources) -> Iterator[Same]:
    """The edits that change nothing and fit a tree."""
    for file in files(same=True):
        for heading, _, edits in written(file):
            if fits(sources, edits):
                yield Same(f"{_set(file)}: {heading}", edits)


def _set(file: Path) -> str:
    return file.parent.name.replace("_", " ")


OPERATORS: tuple[Operator, ...] = (violations,)
SAME = (harmless,)
