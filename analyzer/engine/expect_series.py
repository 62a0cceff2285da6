"""Examples of rules about a series: the states of some files after each patch, with marks where findings are due.

::

    // patch: 0 what was there before the series (may be left out)
    // path: include/linux/a.h
    int old(void);
    // patch: 1 title of the first patch
    // log: a line of its log (may be left out)
    // path: include/linux/a.h
    int old(void);
    int added(int a);  // expect
    // path: gone.c

A section ``// path:`` holds the whole file after that patch; an empty one removes the file; files without a section
stay as they are. A mark means that a finding with this number of patch is due on this line; lines count from the start
of the section.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from analyzer.core.finding import Finding
from analyzer.engine.expect import Mark, Miss, compare, marks
from analyzer.engine.rule import Rule
from analyzer.engine.run import run_series_rules
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.frontend.load import UnitCache, load
from analyzer.ir.effect import Vocabulary
from analyzer.ir.program import Program
from analyzer.tree.snapshot import Snapshot, SourceFile

_PATCH = re.compile(r"//\s*patch:\s*(\d+)\s*(.*?)\s*")
_LOG = re.compile(r"//\s*log:\s?(.*)")
_PATH = re.compile(r"//\s*path:\s*(\S+)\s*")
_MARK_AT_END = re.compile(r"[ \t]*//\s*(?:todo:\s*)?(?:expect|ok)\b[^\n]*")


@dataclass(frozen=True, slots=True)
class ExamplePatch:
    """One patch of an example: the text of the files it changes (``""`` for one it removes), and the marks in it."""

    index: int
    title: str
    log: str
    files: Mapping[str, str]
    marks: tuple[Mark, ...]


def split_series(text: str) -> list[ExamplePatch]:
    """The patches of an example. Raises ValueError for text before the first heading."""
    out: list[tuple[int, str, list[str], dict[str, list[str]]]] = []
    lines: list[str] | None = None
    for line in textwrap.dedent(text).strip("\n").split("\n"):
        patch, path, log = _PATCH.fullmatch(line), _PATH.fullmatch(line), _LOG.fullmatch(line)
        if patch:
            out.append((int(patch.group(1)), patch.group(2), [], {}))
            lines = None
        elif log and out and lines is None:
            out[-1][2].append(log.group(1))
        elif path and out:
            lines = out[-1][3].setdefault(path.group(1), [])
        elif lines is not None:
            lines.append(line)
        elif line.strip():
            raise ValueError(f"no `// patch:` and `// path:` before {line!r}")
    return [
        _patch(index, title, "\n".join(log), {p: _text(ls) for p, ls in files.items()})
        for index, title, log, files in out
    ]


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n" if any(line.strip() for line in lines) else ""


def _patch(index: int, title: str, log: str, marked: dict[str, str]) -> ExamplePatch:
    """Marks are taken out of the text: they would make lines look changed."""
    return ExamplePatch(
        index, title, log, {p: _MARK_AT_END.sub("", t) for p, t in marked.items()}, tuple(marks(marked))
    )


def example_facts(patches: Iterable[ExamplePatch], vocabulary: Vocabulary) -> SeriesFacts:
    """What a check sees of an example; the patch with the number 0 is the state before the series."""
    files: dict[str, str] = {}
    cache = UnitCache()
    before = _program(files, cache)
    steps = []
    for patch in patches:
        old, files = files, {p: t for p, t in {**files, **patch.files}.items() if t}
        after = _program(files, cache)
        if patch.index:
            added = {p: _added(old.get(p, ""), t) for p, t in patch.files.items() if t}
            steps.append(SeriesStep(patch.index, patch.title, patch.log, before, after, added, tuple(patch.files)))
        before = after
    return SeriesFacts(tuple(steps), vocabulary)


def _program(files: Mapping[str, str], cache: UnitCache) -> Program:
    return load(
        Snapshot("example", None, {p: SourceFile(p, t.encode()) for p, t in files.items()}), sorted(files), cache
    )


def _added(old: str, new: str) -> frozenset[int]:
    """The numbers of the lines of ``new`` that a diff adds."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    changed = (op for op in matcher.get_opcodes() if op[0] in ("insert", "replace"))
    return frozenset(number + 1 for _, _, _, first, last in changed for number in range(first, last))


def compare_series(rule: Rule, text: str, vocabulary: Vocabulary) -> list[Miss]:
    """What differs between the marks of an example and the findings of a rule; a crash of the check is a miss."""
    patches = split_series(text)
    outcome = run_series_rules([rule], example_facts(patches, vocabulary))
    found: list[Miss] = [Miss("missed", problem.where, 0, problem.detail) for problem in outcome.problems]
    for patch in patches:
        here: list[Finding] = [f for f in outcome.findings if f.patch == patch.index]
        found += [replace(m, path=f"patch {patch.index}: {m.path}") for m in compare(list(patch.marks), here)]
    numbers = {patch.index for patch in patches}
    found += [
        Miss("unexpected", f.location.path, f.location.line, f.message)
        for f in outcome.findings
        if f.patch not in numbers
    ]
    return found
