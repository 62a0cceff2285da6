"""Writes rules/RULES.md from the rules; ``--check`` fails when the page is stale."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from analyzer.core.finding import Provenance

PAGE = Path(__file__).resolve().parent.parent / "rules" / "RULES.md"

_HEAD = """\
# The rules

Generated from the rule files by `ci/rules_md.py`; edit the rules, not this page. A rule on trial is shown only
with `--trial`. `nak explain RULE` prints one rule of this page.
"""


class Described(Protocol):
    """What this page needs of a rule."""

    @property
    def id(self) -> str:
        """Its public name."""
        ...

    @property
    def summary(self) -> str:
        """The defect, in one line."""
        ...

    @property
    def doc(self) -> str:
        """The docstring of the rule's module."""
        ...

    @property
    def severity(self) -> str:
        """``error``, ``warning`` or ``info``."""
        ...

    @property
    def stage(self) -> str:
        """``trial`` or ``stable``."""
        ...

    @property
    def scope(self) -> tuple[str, ...]:
        """Path patterns."""
        ...

    @property
    def provenance(self) -> tuple[Provenance, ...]:
        """Where it was stated."""
        ...

    @property
    def catalog(self) -> int:
        """Its number in the catalog, 0 for an extra."""
        ...

    @property
    def bad(self) -> tuple[str, ...]:
        """C that the rule objects to."""
        ...

    @property
    def good(self) -> tuple[str, ...]:
        """C that it does not."""
        ...


def render(rules: Sequence[Described]) -> str:
    """The page: a table of all rules, then each rule in full, by id."""
    ordered = sorted(rules, key=lambda rule: rule.id)
    parts = [_HEAD, "| rule | severity | stage | what it objects to |\n|---|---|---|---|\n"]
    parts[1] += "".join(
        f"| [{rule.id}](#{rule.id}) | {rule.severity} | {rule.stage} | {_cell(rule.summary)} |\n" for rule in ordered
    )
    return "\n".join([*parts, *(_rule(rule) for rule in ordered)])


def _rule(rule: Described) -> str:
    number = f"number {rule.catalog} of the catalog" if rule.catalog else "not in the catalog"
    parts = [
        f"## {rule.id}",
        f"{rule.severity}, {rule.stage}; {number}.",
        _markdown(rule.doc),
        "Scope: " + (", ".join(f"`{pattern}`" for pattern in rule.scope) or "everywhere"),
        "Stated in:\n\n" + "\n".join(_source(source) for source in rule.provenance),
        *_examples("Bad", rule.bad),
        *_examples("Good", rule.good),
    ]
    return "\n\n".join(parts) + "\n"


def _source(source: Provenance) -> str:
    who = ", ".join(part for part in (source.who, source.date) if part)
    place = f"<{source.url}>" if "://" in source.url else f"`{source.url}`"
    line = f"- {source.kind}: {who + ', ' if who else ''}{place}"
    return f"{line}: {source.note}" if source.note else line


def _examples(word: str, examples: Sequence[str]) -> list[str]:
    many = len(examples) > 1
    return [
        f"{word}{f' {number}' if many else ''}:\n\n```c\n{textwrap.dedent(text).strip()}\n```"
        for number, text in enumerate(examples, start=1)
    ]


def _markdown(doc: str) -> str:
    first, _, rest = doc.strip().partition("\n")
    return re.sub(r"``([^`]+)``", r"`\1`", f"**{first.strip()}**\n{textwrap.dedent(rest).rstrip()}".rstrip())


def _cell(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None, page: Path = PAGE) -> int:
    """Write the page, or with ``--check`` say whether it is what it should be (1 when not)."""
    from analyzer.engine.registry import load_rules

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is stale")
    options = parser.parse_args(arguments)
    text = render(load_rules("rules"))
    if options.check:
        if page.is_file() and page.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{page.name} is stale: run ci/rules_md.py\n")
        return 1
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
