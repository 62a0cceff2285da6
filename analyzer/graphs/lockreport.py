"""The lock report: what the held analysis proves of each lock assertion, as a table."""

from __future__ import annotations

from collections import Counter

from analyzer.analyses.held import HeldResult
from analyzer.analyses.locks import Assertion

ORDER = ("contradicted", "open", "proven")


def render(result: HeldResult) -> str:
    """One line an assertion, the doubtful ones first with a reason and a path; then the counts."""
    assertions = sorted(result.tracked.assertions.values(), key=lambda a: (ORDER.index(a.status), a.path, a.line))
    lines = [f"{'status':13} {'callers':>7}  assertion"]
    for found in assertions:
        seen = (
            len(found.proven)
            + len(found.unknown)
            + len(found.absent)
            + len(found.conditional)
            + len(found.contradicted)
        )
        lines.append(f"{found.status:13} {seen:7}  {found.path}:{found.line}: {found.words}")
        if found.status != "proven":
            lines += [f"{'':23}  {found.reason}: {_path(found)}"]
    counts = Counter(a.status for a in assertions)
    told = ", ".join(f"{counts[s]} {s}" for s in reversed(ORDER))
    lines += ["", f"{len(assertions)} lock assertions on {' and '.join(sorted(result.tracked.labels))}: {told}"]
    return "\n".join(lines) + "\n"


def _path(found: Assertion) -> str:
    doubtful = [c for c, _ in found.contradicted] or found.unknown or found.absent or found.conditional
    if not doubtful:
        return found.function
    names = [f"{context.key[1]}()" for context, _ in doubtful[0].path()]
    return " > ".join(names if len(names) <= 6 else [names[0], "...", *names[-4:]])
