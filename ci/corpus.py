"""Recomputes every finding over corpus/ and compares with corpus/findings.txt; ``--update`` writes it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from analyzer.core.result import Review
from analyzer.core.visible import visible
from analyzer.report.order import in_order

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
TREE = "minikvm"  # the tree that the series of the corpus were made against


def listing(corpus: Path) -> list[str]:
    """Every finding and every loss, one a line: trees, then series from mails alone and on the tree, then litmus."""
    return [line for name, review in _reviews(corpus) for line in told(name, review)]


def told(name: str, review: Review) -> list[str]:
    """The lines of one review, each beginning with ``name``; texts are made visible."""
    lines = []
    for finding in in_order(review.findings):
        words: list[str] = [finding.change, finding.severity, finding.certainty]
        words += [] if finding.patch is None else [f"patch {finding.patch}"]
        words += [] if finding.fixed_by is None else [f"fixed by {finding.fixed_by}"]
        place = f"{finding.location} {finding.function or '-'}"
        lines.append(f"{name}: {place}: [{finding.rule}] {', '.join(words)}: {finding.message}")
    lines += [f"{name}: not seen: {problem.kind}: {problem.where}" for problem in sorted(review.problems)]
    return [visible(line) for line in lines]


def changes(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """``- line`` for what went away, then ``+ line`` for what came; equal lines are counted, not merged."""
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return [f"- {line}" for line in gone.elements()] + [f"+ {line}" for line in come.elements()]


def _reviews(corpus: Path) -> Iterator[tuple[str, Review]]:
    from analyzer.review import Options, check_tree, review_series

    for tree in _folders(corpus / "trees"):
        yield f"trees/{tree.name}", check_tree(tree)
    for series in _folders(corpus / "series"):
        mails = sorted(series.glob("*.patch"))
        yield f"series/{series.name} from mails", review_series(mails, tree=None)
        yield f"series/{series.name} on {TREE}", review_series(mails, tree=corpus / "trees" / TREE)
    for rule in _folders(corpus / "litmus"):
        for source in sorted(rule.glob("*.c")):
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "arch/x86/kvm").mkdir(parents=True)  # what makes a folder a kernel
                paths = _lay_out(source.read_text(encoding="utf-8"), Path(folder))
                yield f"litmus/{rule.name}/{source.name}", check_tree(Path(folder), Options(paths=paths))


def litmus_files(text: str) -> dict[str, str]:
    """The files of a litmus test by path (``// path:`` begins one); lines keep their numbers in the test."""
    files: dict[str, list[str]] = {}
    part: list[str] = []
    for number, line in enumerate(text.splitlines()):
        if line.startswith("// path:"):
            part = files.setdefault(line.removeprefix("// path:").strip(), [])
        elif files:
            part += [""] * (number - len(part)) + [line]
    return {path: "\n".join(lines) + "\n" for path, lines in files.items()}


def _lay_out(text: str, folder: Path) -> tuple[str, ...]:
    files = litmus_files(text)
    for path, source in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(source, encoding="utf-8")
    return tuple(files)


def _folders(place: Path) -> list[Path]:
    return sorted(entry for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else []


def main(arguments: Sequence[str] | None = None, corpus: Path = CORPUS) -> int:
    """Print added and removed lines; 1 when there are any and they were not written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write corpus/findings.txt")
    options = parser.parse_args(arguments)
    golden = corpus / "findings.txt"
    before = golden.read_text(encoding="utf-8").splitlines() if golden.is_file() else []
    after = listing(corpus)
    if not after:
        sys.stderr.write("the corpus gave no finding at all: it was not read\n")
        return 1
    different = changes(before, after)
    sys.stdout.write("".join(f"{line}\n" for line in different))
    if options.update:
        golden.write_text("".join(f"{line}\n" for line in after), encoding="utf-8")
        return 0
    if different or before != after:
        sys.stderr.write(f"{len(different)} lines differ from corpus/findings.txt: explain them, then --update\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
