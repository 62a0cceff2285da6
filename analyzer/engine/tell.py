"""Rules as text: ``nak rules list`` and ``nak explain``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from analyzer.engine.rule import Rule


def listing(rules: Iterable[Rule]) -> str:
    """One line a rule: catalog number, id, severity, stage, summary."""
    rows = [(str(r.catalog), r.id, str(r.severity), str(r.stage), r.summary) for r in rules]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "".join("  ".join(w.ljust(n) for w, n in zip(row, widths, strict=False)) + f"  {row[4]}\n" for row in rows)


def explain(rule: Rule) -> str:
    """The text of a rule, its scope, who stated it where, bad and good code."""
    out = [f"{rule.id} ({rule.severity}, {rule.stage}, catalog {rule.catalog})", "", rule.doc.strip(), "", "Scope:"]
    out += [f"  {pattern}" for pattern in rule.scope]
    out += ["", "Stated by:"]
    for source in rule.provenance:
        who = ", ".join(w for w in (source.who, source.date, source.note) if w)
        out.append(f"  {source.url}  ({who})" if who else f"  {source.url}")
    for title, examples in (("Bad:", rule.bad), ("Good:", rule.good)):
        for example in examples:
            out += ["", title, textwrap.indent(textwrap.dedent(example).strip("\n"), "  ")]
    return "\n".join(out) + "\n"
