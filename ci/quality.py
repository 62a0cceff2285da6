"""How good each rule is, measured: litmus files, violations made out of clean code, edits that must change nothing.

    ci/quality [--rule ID]... [--every N | --sample N [--seed S]] [--tree DIR]... [--missed] [--check]
    ci/quality --model [--every N] [--tree DIR]...

The clean code is the real kernel (``$NAK_SHARED`` or ``../shared``) and corpus/trees/minikvm, or the trees given. A
row: sites looked at in the clean code; litmus marks met of all, and findings without a mark; violations found of all,
with the 95 % interval of Wilson; findings of the rule elsewhere. ``--check`` exits 1 where a rule that is not on trial
is below its target, or an edit that changes nothing makes a rule speak. ``--sample`` takes N violations of each rule
and 3N edits, the same for the same seed; a rule, or all of them, is then below its target where its interval is.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analyzer.core.finding import Stage  # noqa: E402
from analyzer.engine.expect import analyse, compare, marks, split  # noqa: E402
from analyzer.engine.registry import load_rules, load_vocabulary  # noqa: E402
from analyzer.engine.rule import Rule  # noqa: E402
from analyzer.review import Options, check_tree  # noqa: E402
from tests.mutants.judge import Verdict, judge_all, mutants, sames, shown  # noqa: E402
from tests.mutants.sources import Mutant, Same, Sources  # noqa: E402

TARGET, OVERALL = 0.90, 0.95
T = TypeVar("T")


@dataclass(slots=True)
class Row:
    """The figures of one rule."""

    rule: Rule
    sites: int = 0
    litmus: list[int] = field(default_factory=lambda: [0, 0, 0])  # met, due, without a mark
    found: int = 0
    due: int = 0
    others: int = 0


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle, spread = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, (middle - spread) / (1 + z * z / of)), min(1.0, (middle + spread) / (1 + z * z / of))


def litmus(rows: dict[str, Row]) -> None:
    """Marks met, marks due and findings without a mark, of the files of each rule."""
    vocabulary = load_vocabulary()
    for source in sorted((ROOT / "corpus" / "litmus").glob("*/*.c")):
        row = rows.get(source.parent.name)
        if row is None:
            continue
        files = split(source.read_text(encoding="utf-8"), source.name)
        expected = [m for m in marks(files) if m.rule in ("", row.rule.id)]
        due = sum(m.expected for m in expected)
        misses = compare(expected, analyse(files, [row.rule], vocabulary), row.rule.id)
        known = sum(m.expected and m.todo for m in expected)
        row.litmus[0] += due - known - sum(m.kind == "missed" for m in misses)
        row.litmus[1] += due
        row.litmus[2] += sum(m.kind == "unexpected" for m in misses)


def trees(given: Sequence[Path], stack: ExitStack) -> Iterator[Path]:
    """The clean trees."""
    if given:
        yield from given
        return
    for place in (os.environ.get("NAK_SHARED"), str(ROOT.parent / "shared")):
        archives = sorted(Path(place, "kernel").glob("linux-*.tar.xz")) if place else []
        if archives:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            with tarfile.open(archives[0]) as archive:
                archive.extractall(folder, filter="data")
            yield from (p for p in sorted(Path(folder).iterdir()) if (p / "arch/x86/kvm").is_dir())
            break
    else:
        told = "no kernel in $NAK_SHARED or ../shared"
        if os.environ.get("NAK_REQUIRE_SHARED") == "1":
            sys.exit(told)
        say(f"skipped: {told}, minikvm alone")
    yield ROOT / "corpus" / "trees" / "minikvm"


def say(text: str) -> None:
    """A line of the answer."""
    sys.stdout.write(text + "\n")


def progress(what: str, total: int) -> None:
    """How far the work is, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what} {total}")


def some(items: list[T], number: int, told: argparse.Namespace) -> list[T]:
    """What is taken of a list: each Nth, or so many by chance, the same for the same seed."""
    if not told.sample or len(items) <= number:
        return items[:: told.every]
    return random.Random(told.seed).sample(items, number)


def mutated(root: Path, rows: dict[str, Row], told: argparse.Namespace) -> list[Verdict]:
    """The violations of one tree; fills the rows."""
    by_rule: dict[str, list[Mutant]] = {}
    for mutant in mutants(Sources(root)):
        by_rule.setdefault(mutant.rule if told.sample else "", []).append(mutant)
    chosen = [m for found in by_rule.values() for m in some([m for m in found if m.rule in rows], told.sample, told)]
    verdicts = judge_all(root, chosen, lambda done: progress(f"{root.name}: violations", done))
    for verdict in verdicts:
        assert isinstance(verdict.what, Mutant)
        row = rows[verdict.what.rule]
        if not verdict.broken:
            row.due += 1
            row.found += verdict.found
            row.others += len(verdict.others)
    for verdict in verdicts:
        if verdict.broken or (told.missed and not verdict.found):
            say(f"{root.name}: {_words(verdict, told.diff)}")
    return verdicts


def _words(verdict: Verdict, diff: bool) -> str:
    what = verdict.what
    fate = f"not judged ({verdict.broken})" if verdict.broken else "missed" if isinstance(what, Mutant) else "alarm"
    rule = f"{what.rule}: " if isinstance(what, Mutant) else ""
    due = (
        ", ".join(dict.fromkeys(f"{f}()" for _, f in what.due))
        if isinstance(what, Mutant)
        else "; ".join(verdict.others)
    )
    why = f" [{what.why}]" if isinstance(what, Mutant) and what.why else ""
    return f"{fate}: {rule}{what.operator}: {due}{why}" + (f"\n{shown(what.edits)}" if diff else "")


def unchanged(root: Path, told: argparse.Namespace) -> tuple[int, int]:
    """How many edits that keep the meaning were tried on a tree, and how many made a rule speak."""
    chosen: list[Same] = some(sames(Sources(root)), 3 * told.sample, told)
    verdicts = judge_all(root, chosen, lambda done: progress(f"{root.name}: edits", done))
    for verdict in verdicts:
        if verdict.found or verdict.broken:
            say(f"{root.name}: {_words(verdict, told.diff)}")
    return sum(not v.broken for v in verdicts), sum(v.found for v in verdicts)


def table(rows: Iterable[Row]) -> Iterator[str]:
    """One line a rule."""
    heads = ("sites", "litmus", "alarms", "found", "recall, 95 %", "others")
    yield _line("rule", "stage", *heads)
    for row in rows:
        low, high = interval(row.found, row.due)
        recall = f"{row.found / row.due:5.0%} ({low:.0%} to {high:.0%})" if row.due else "-"
        met = f"{row.litmus[0]}/{row.litmus[1]}"
        found = f"{row.found}/{row.due}"
        yield _line(row.rule.id, row.rule.stage, row.sites, met, row.litmus[2], found, recall, row.others)


def _line(*cells: object) -> str:
    widths = (-34, -7, 6, 9, 6, 9, 19, 6)
    return " ".join(str(c).ljust(-w) if w < 0 else str(c).rjust(w) for c, w in zip(cells, widths, strict=True))


def below(rows: Sequence[Row], sampled: bool) -> list[str]:
    """The rules that are not on trial and below the target; of a sample those that can hardly reach it."""
    reached = {r.rule.id: interval(r.found, r.due)[1] if sampled else r.found / r.due for r in rows if r.due}
    stable = {r.rule.id for r in rows if r.rule.stage is Stage.STABLE}
    return [name for name, recall in reached.items() if name in stable and recall < TARGET]


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description="How good each rule is, measured.")
    parser.add_argument("--rule", action="append", default=[], help="only this rule; may be repeated")
    parser.add_argument("--tree", action="append", default=[], type=Path, help="a clean tree; may be repeated")
    parser.add_argument("--every", type=int, default=1, help="take each Nth mutant only")
    parser.add_argument("--sample", type=int, default=0, help="take N mutants of each rule by chance")
    parser.add_argument("--seed", type=int, default=0, help="the start of what chance takes")
    parser.add_argument("--missed", action="store_true", help="list the violations that are missed")
    parser.add_argument("--diff", action="store_true", help="with the edits of what is listed")
    parser.add_argument("--no-same", action="store_true", help="leave out the edits that change nothing")
    parser.add_argument("--model", action="store_true", help="whether mutants reach the record that the model is asked")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    return parser.parse_args()


def modelled(told: argparse.Namespace) -> None:
    """Source mutant -> field -> claim, for each tree."""
    from ci import extracted

    with ExitStack() as stack:
        for root in trees(told.tree, stack):
            say(f"{root.name}: mutants of each rule; the field they break, the claim that breaks with it")
            tick = partial(progress, root.name)
            for line in (*extracted.by_rule(root, told.every, tick), *extracted.by_field(root, tick)):
                say(f"  {line}")
            for line in extracted.unchanged(root, told.every, tick):
                say(f"  {line}")


def main() -> int:
    """Measure and tell."""
    told = arguments()
    started = time.monotonic()
    if told.model:
        modelled(told)
        return 0
    rows = {r.id: Row(r) for r in load_rules() if r.check is not None and (not told.rule or r.id in told.rule)}
    litmus(rows)
    tried = alarms = 0
    with ExitStack() as stack:
        for root in trees(told.tree, stack):
            looked = check_tree(root, Options(rules=tuple(rows), trial=True)).stats["sites by rule"]
            assert isinstance(looked, dict)
            for name, number in Counter(looked).items():
                rows[name].sites += number
            mutated(root, rows, told)
            if not told.no_same and not told.rule:
                more, spoke = unchanged(root, told)
                tried, alarms = tried + more, alarms + spoke
    say("\n".join(table(rows.values())))
    found, due = sum(r.found for r in rows.values()), sum(r.due for r in rows.values())
    low, high = interval(found, due)
    reached = high if told.sample else found / due if due else 1.0
    if due:
        say(f"all rules: {found} of {due} violations found, {found / due:.1%} ({low:.1%} to {high:.1%})")
    if tried:
        low, high = interval(alarms, tried)
        say(f"{tried} edits that change nothing: {alarms} made a rule speak ({low:.1%} to {high:.1%})")
    say(f"{time.monotonic() - started:.0f} s")
    weak = below(list(rows.values()), bool(told.sample))
    if told.check and (weak or alarms or reached < OVERALL):
        say(f"below target: {', '.join(weak) or 'all rules together, or an alarm'}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
