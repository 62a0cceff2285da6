"""Source mutant -> field of the model's Protocol -> claim: whether violations in the source reach the record.

Asked for by ``ci/quality --model``. A mutant is followed where a field that its rule's mutations break is decided
as broken, as open where such a field is left undecided. Edits that keep the meaning must leave the record as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analyzer.model.extract.extract import extract
from analyzer.model.extract.record import BOTH, DECIDED, Layers, Record
from analyzer.model.extract.verdict import answer
from analyzer.model.kvm_tdx.mutations import MUTATIONS, Mutation
from analyzer.model.kvm_tdx.protocol import differing
from tests.kernel.edits import Edit, Kernel
from tests.mutants.fields_kernel import KERNEL
from tests.mutants.fields_mini import MINIKVM
from tests.mutants.judge import mutants, on_all_cores, sames
from tests.mutants.sources import Sources

DUE: dict[str, set[str]] = defaultdict(set)  # rule -> fields that its mutations break
for _mutation in MUTATIONS:
    for _rule in _mutation.rules:
        DUE[_rule] |= set(differing(_mutation.protocol))


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the record: fields that are now broken, with values and claims, and fields that are now open."""

    broken: tuple[tuple[str, str, str], ...] = ()
    open: tuple[str, ...] = ()
    unread: str = ""


@dataclass(slots=True)
class Row:
    """One field and value, or one rule: how many mutants were followed, left open, not seen; what else they changed."""

    due: int = 0
    followed: int = 0
    open: int = 0
    others: Counter[str] = field(default_factory=Counter)
    fields: Counter[tuple[str, str, str]] = field(default_factory=Counter)


_AT_WORK: list[tuple[Kernel, Record]] = []  # what forked processes inherit


def _extracted(kernel: Kernel, edits: Sequence[Edit]) -> Record:
    with kernel.facts(kernel.overlay(edits)) as facts:
        return extract(facts)


def fate(edits: Sequence[Edit]) -> Fate:
    """One mutant."""
    kernel, clean = _AT_WORK[-1]
    try:
        now = _extracted(kernel, edits)
    except (AssertionError, OSError) as error:
        return Fate(unread=str(error).split("\n", 1)[0][:100])
    new = [d for d in now.decisions if (d.how, d.values) != (clean[d.field].how, clean[d.field].values)]
    wrong = (d for d in new if d.how == DECIDED and d.broken)
    broken = tuple((d.field, d.values[0], _claim(d.field, d.values[0], now.layers)) for d in wrong)
    return Fate(broken, tuple(d.field for d in new if d.how == BOTH))


def fates(root: Path, all_of: Sequence[Sequence[Edit]], progress: Callable[[int], None]) -> list[Fate]:
    """All mutants of a tree, on all cores."""
    kernel = Kernel(root)
    _AT_WORK.append((kernel, _extracted(kernel, ())))
    try:
        return on_all_cores(fate, all_of, progress)
    finally:
        _AT_WORK.pop()


def by_rule(root: Path, every: int, progress: Callable[[int], None], rules: Container[str] = DUE) -> Iterator[str]:
    """The mutants of rules that the model has."""
    chosen = [m for m in mutants(Sources(root)) if m.rule in rules][::every]
    rows: dict[str, Row] = defaultdict(Row)
    for mutant, what in zip(chosen, fates(root, [m.edits for m in chosen], progress), strict=True):
        if what.unread:
            continue
        row, due = rows[mutant.rule], DUE[mutant.rule]
        row.due += 1
        hit = [one for one in what.broken if one[0] in due]
        row.followed += bool(hit)
        row.open += not hit and not due.isdisjoint(what.open)
        row.fields.update(hit)
        row.others.update(f for f, *_ in what.broken if f not in due)
    for rule, row in sorted(rows.items()):
        fields = ", ".join(f"{f}={v} {n} ({claim})" for (f, v, claim), n in row.fields.most_common())
        others = f"; besides: {', '.join(f'{f} {n}' for f, n in row.others.items())}" if row.others else ""
        yield f"{rule:34}{row.followed:>5} of {row.due:<5}{row.open:>5} open  {fields or '-'}{others}"


def by_field(root: Path, progress: Callable[[int], None]) -> Iterator[str]:
    """The edits that are made for one field each."""
    chosen = MINIKVM if root.name == "minikvm" else KERNEL
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    claims: dict[tuple[str, str], str] = {}
    for edit, what in zip(chosen, fates(root, [e.edits for e in chosen], progress), strict=True):
        row = rows[edit.field, edit.value]
        row.due += 1
        found = {(f, v): claim for f, v, claim in what.broken}
        row.followed += (edit.field, edit.value) in found
        claims |= found
    for (name, value), row in rows.items():
        yield f"{name + '=' + value:34}{row.followed:>5} of {row.due:<5} {claims.get((name, value), '-')}"


def unchanged(root: Path, every: int, progress: Callable[[int], None]) -> Iterator[str]:
    """Edits that keep the meaning."""
    chosen = sames(Sources(root))[::every]
    found = [(s, f) for s, f in zip(chosen, fates(root, [s.edits for s in chosen], progress), strict=True)]
    tried = [(s, f) for s, f in found if not f.unread]
    for same, what in tried:
        if what.broken or what.open:
            said = ", ".join(f"{f}={v}" for f, v, _ in what.broken)
            yield f"changed by {same.operator}: {said or '-'} open: {', '.join(what.open) or '-'}"
    broken, opened = sum(bool(f.broken) for _, f in tried), sum(bool(f.open) and not f.broken for _, f in tried)
    yield f"{len(tried)} edits that keep the meaning: {broken} break a field, {opened} leave one open"


def _claim(name: str, value: str, there: Layers) -> str:
    """The claim that breaks with a field."""
    ours: list[Mutation] = [m for m in MUTATIONS if differing(m.protocol) == {name: value}]
    claims = [c for m in ours if (c := answer(m, there)[0])]
    return claims[0] if claims else "nothing breaks" if ours else "no mutation"
