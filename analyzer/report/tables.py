"""The tail of the terminal report: what was not seen, and the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.core.problem import Problem, ProblemKind
from analyzer.core.visible import visible
from analyzer.report.paper import BOLD, DIM, Paper

DETAILS = 3  # problems of one kind told in full unless all are asked for

_SAID = {
    ProblemKind.UNPARSED: "source text that could not be read",
    ProblemKind.UNRESOLVED: "calls or names without a known target",
    ProblemKind.TOO_LARGE: "a limit was hit, the rest was left out",
    ProblemKind.CRASHED: "a fault in nak itself",
    ProblemKind.MISSING_PATCH: "patches missing from the series",
    ProblemKind.DUPLICATE: "sent twice, one was chosen",
    ProblemKind.MALFORMED: "mail, header or diff that breaks its format",
    ProblemKind.NOT_A_PATCH: "input that is no patch",
    ProblemKind.NO_BASE: "the base commit is not known here",
    ProblemKind.NOT_APPLIED: "did not apply, the file was rebuilt from the mails",
    ProblemKind.PARTIAL: "known only in parts, rebuilt from the mails",
    ProblemKind.UNREADABLE: "could not be read",
}


def problems(paper: Paper, found: Iterable[Problem], verbose: bool) -> list[str]:
    """What was not seen: a count for each kind, the first few in detail, all of them when ``verbose``."""
    by_kind: dict[ProblemKind, list[Problem]] = {}
    for problem in sorted(found):
        by_kind.setdefault(problem.kind, []).append(problem)
    if not by_kind:
        return []
    total = sum(len(group) for group in by_kind.values())
    out = ["", *paper.text(f"Not seen ({counted(total, 'problem')}):", style=BOLD)]
    for kind, group in by_kind.items():
        out += paper.text(f"{len(group)} {kind.value}: {_SAID[kind]}", indent=2, hang=4)
        shown = group if verbose else group[:DETAILS]
        for problem in shown:
            out += paper.text(f"{problem.where}: {problem.detail}", indent=6, hang=2, style=DIM)
        if len(group) > len(shown):
            out += paper.text(f"and {len(group) - len(shown)} more of this kind", indent=6, style=DIM)
    return out


def stats(paper: Paper, values: Mapping[str, object]) -> list[str]:
    """The figures: single values first, then each nested mapping as a table of its own."""
    single = [(str(name), value) for name, value in values.items() if not isinstance(value, Mapping)]
    nested = [(str(name), value) for name, value in values.items() if isinstance(value, Mapping)]
    out: list[str] = []
    if single:
        out += ["", *paper.text("Figures:", style=BOLD), *_aligned([(name, _cell(value)) for name, value in single])]
    for name, table in nested:
        out += ["", *paper.text(f"{name}:", style=BOLD), *_table(table)]
    return out


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 error``, ``2 errors``."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def _table(table: Mapping[object, object]) -> list[str]:
    columns: list[str] = []
    for row in table.values():
        if isinstance(row, Mapping):
            columns += [str(name) for name in row if str(name) not in columns]
    if not columns:
        return _aligned([(str(name), _cell(value)) for name, value in table.items()])
    rows: list[tuple[str, ...]] = [("", *columns)]
    for name, row in table.items():
        cells = {str(key): _cell(value) for key, value in row.items()} if isinstance(row, Mapping) else {}
        first = "" if isinstance(row, Mapping) else " " + _cell(row)
        rows.append((str(name) + first, *(cells.get(column, "-") for column in columns)))
    return _aligned(rows)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    safe = [tuple(visible(cell) for cell in row) for row in rows]
    widths = [max(len(row[at]) for row in safe) for at in range(len(safe[0]))] if safe else []
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in safe
    ]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return str(value)
