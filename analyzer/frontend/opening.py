"""Where a region of known lines begins: at file scope, in a function, in its parameters, in an aggregate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyzer.frontend.fragment import STATEMENT, Scanner
from analyzer.frontend.heading import NO_TYPE, NOTHING, Kind, Section
from analyzer.frontend.leading import PARENS, Closer, Lead
from analyzer.frontend.openers import opening
from analyzer.frontend.semantics import HOLE, UNKNOWN

_AGGREGATE_KINDS = {Kind.STRUCT: "struct", Kind.ENUM: "enum", Kind.INIT: "init"}
_STATEMENT_BLOCKS = frozenset("block switch do".split())
_IN_SWITCH = frozenset("case default break".split())  # behind the brace of a case's block, not of the switch
_LABEL_GAP = 30  # lines in which a label is taken for one of the open function
_SMALLEST_GAP = 4  # lines that hold the end of a function and the heading of another


class Place(StrEnum):
    """Where the first word of a region stands."""

    NOWHERE = "nowhere"  # it has no words
    FILE = "file"
    MACRO = "macro"  # in the last line of a #define
    BODY = "body"
    BRACE = "brace"  # behind the heading, before the brace
    PARAMS = "params"
    AGGREGATE = "aggregate"
    INVOCATION = "invocation"


@dataclass(frozen=True, slots=True)
class Start:
    """How a region begins, what its hunk header says, how many lines are hidden before it.

    ``since`` is the first line of the region before: a function that ended behind it is not the one of the header.
    """

    lead: Lead
    section: Section
    gap: int
    since: int = 0


def place(start: Start, scanner: Scanner) -> Place:
    """Decide by the first word in column 0, then by the header."""
    lead, section = start.lead, start.section
    if lead.declares and section.begun and lead.closers and lead.closers[0].role in PARENS:
        return Place.PARAMS
    if lead.anchor == "":
        return Place.NOWHERE if not lead.count else _indented(start, scanner)
    if lead.anchor == "{":
        return Place.PARAMS if lead.closers else Place.BRACE  # attributes may stand before the brace
    if lead.anchor == "}":
        return Place.AGGREGATE if lead.closers[-1].role == "over" else Place.BODY
    if lead.anchor == ")":
        return Place.PARAMS if section.kind is Kind.FUNCTION and section.begun else Place.INVOCATION
    if not lead.count or lead.last == "}":
        return Place.FILE
    if lead.last != ";":
        return Place.MACRO
    begun = section.begun or bool(scanner.pending())
    return Place.PARAMS if begun and lead.closers and lead.closers[0].role in PARENS else Place.FILE


def _indented(start: Start, scanner: Scanner) -> Place:
    """Nothing stands in column 0."""
    lead, section = start.lead, start.section
    if section.kind is Kind.LABEL:
        return Place.BODY
    if section.kind in _AGGREGATE_KINDS:
        return Place.AGGREGATE
    if section.kind is Kind.INVOCATION:
        return Place.INVOCATION
    if section.kind is Kind.FUNCTION:
        return Place.PARAMS if section.begun and _only_parameters(lead) else Place.BODY
    if scanner.open is not None and scanner.open.role in _AGGREGATE_KINDS.values():
        return Place.AGGREGATE
    return Place.FILE if section is NOTHING and scanner.open is None else Place.BODY


def _only_parameters(lead: Lead) -> bool:
    """No statement ends in the region, and the list of parameters does."""
    return not lead.ends and len(lead.closers) == 1 and lead.last == ")"


class Weaver:
    """Makes the texts that go into the holes; follows all text, so it knows what is open."""

    def __init__(self) -> None:
        """At the top of a file."""
        self.opened: list[Closer] = []
        self.scanner = Scanner()
        self.unknown = 0

    def begin(self, start: Start, where: Place) -> tuple[str, str]:
        """What ends the region before, and what opens the one that begins."""
        scanner = self.scanner
        self.opened = []
        maker = {Place.BODY: self._body, Place.BRACE: self._brace, Place.PARAMS: self._params}.get(where)
        maker = maker or {Place.AGGREGATE: self._aggregate, Place.INVOCATION: self._invocation}.get(where)
        closing, opened = maker(start) if maker else self._file(start)
        scanner.text(opened)
        if self.opened:
            for level, closer in zip(scanner.levels[-len(self.opened) :], reversed(self.opened), strict=False):
                level.indent = closer.indent
        return closing, opened

    def _file(self, start: Start) -> tuple[str, str]:
        closing = self.scanner.finish(1)
        if not start.lead.heading:
            return closing, ""
        return closing, start.section.text if start.section.kind is Kind.TYPE else NO_TYPE

    def _unknown(self, section: Section) -> Section:
        self.unknown += 1
        return Section(Kind.FUNCTION, f"{UNKNOWN}{self.unknown}", f"void {UNKNOWN}{self.unknown}(", section.begun)

    def _function(self, section: Section) -> Section:
        return section if section.kind is Kind.FUNCTION else self._unknown(section)

    # -- functions -------------------------------------------------------------------------------------------------

    def _body(self, start: Start) -> tuple[str, str]:
        scanner = self.scanner
        if self._same(start):
            return self._joined(start.lead)
        if scanner.pending() and scanner.pending() == start.section.name:
            closing, within = self._heading_end(), ""
        else:
            closing, within = scanner.finish(1), self._function(start.section).text + ")"
        self.opened = start.lead.hidden
        return closing, f"{within} {{ {STATEMENT} " + opening(self.opened, start.lead)

    def _same(self, start: Start) -> bool:
        """Whether the region goes on with the function that is open."""
        level, section = self.scanner.open, start.section
        if level is None or level.role != "body":
            return False
        if level.owner == section.name or start.gap < _SMALLEST_GAP:
            return True
        if section.kind is Kind.LABEL:
            return start.gap < _LABEL_GAP
        return section.kind is Kind.NONE or self.scanner.ended.get(section.name, 0) >= max(start.since, 1)

    def _joined(self, lead: Lead) -> tuple[str, str]:
        """Levels that the layout shows to be the same stay open, the others are closed and opened."""
        scanner = self.scanner
        keep, self.opened = self._kept(lead)
        closing = scanner.finish(keep)
        within = scanner.levels[-1].role
        hidden = f"case {HOLE}: " if within == "switch" else ""
        return f"{closing} {hidden}{STATEMENT}", opening(self.opened, lead)

    def _kept(self, lead: Lead) -> tuple[int, list[Closer]]:
        """How many levels stay open, and the closers (innermost first) that need new ones."""
        ended = lead.anchor == "}"
        closers = lead.hidden
        outer = next((n for n in range(len(closers), 0, -1) if closers[n - 1].role not in _STATEMENT_ROLES), 0)
        wanted, keep, matched = list(closers[outer:]), 2, False
        limit = min([c.indent for c in wanted] or [lead.indent])
        for level in self.scanner.levels[2:]:
            if level.role not in _STATEMENT_BLOCKS or (level.left and level.role != "switch"):
                break
            if wanted and wanted[-1].indent == level.indent and _agree(wanted[-1], level.role, level.owner):
                if level.role != "switch" or wanted[-1].then not in _IN_SWITCH:
                    wanted.pop()
                    matched = True
            elif (ended and not wanted) or matched or level.indent >= limit:
                break
            keep += 1
        return keep, [*closers[:outer], *wanted]

    def _heading_end(self) -> str:
        """End a heading that breaks off in its parameters."""
        scanner = self.scanner
        if scanner.levels[-1].role != "params":
            return ""
        ending = " ...)" if scanner.levels[-1].words[-1:] == [","] else ")"
        scanner.text(ending)
        return ending

    def _brace(self, start: Start) -> tuple[str, str]:
        if self.scanner.pending() and self.scanner.pending() == start.section.name:
            return self._heading_end(), ""
        return self.scanner.finish(1), self._function(start.section).text + ")"

    def _params(self, start: Start) -> tuple[str, str]:
        scanner, section = self.scanner, start.section
        nested = f"int (*{HOLE})(" * (sum(c.role in PARENS for c in start.lead.closers) - 1)
        if scanner.levels[-1].role == "params" and scanner.pending() in (section.name, ""):
            comma = "" if scanner.levels[-1].words[-1:] == [","] or start.lead.first in (",", ")") else ", "
            return "", comma + nested
        closing = scanner.finish(1)
        section = section if section.kind is Kind.FUNCTION and section.begun else self._unknown(section)
        comma = "" if section.text.endswith("(") or start.lead.first in (",", ")") else ", "
        return closing, section.text + comma + nested

    # -- aggregates and invocations --------------------------------------------------------------------------------

    def _aggregate(self, start: Start) -> tuple[str, str]:
        scanner, section = self.scanner, start.section
        kind = _AGGREGATE_KINDS.get(section.kind, "")
        if kind == "struct" and any(f.designators for f in start.lead.facts):
            kind, section = "init", NOTHING  # struct { ... } name = { ... }: the header shows the first line only
        level = scanner.open
        joined = level is not None and level.role in _AGGREGATE_KINDS.values()
        same = level is not None and kind == level.role and section.name in ("", *level.owner.split())
        if level is not None and joined and (not kind or same):
            closing, kind, opened = scanner.finish(2), level.role, ""
            if kind != "struct" and level.words and level.words[-1] != ",":
                closing += ","
        else:
            closing = scanner.finish(1)
            kind = kind or _guess(start.lead)
            opened = section.text if section.kind in _AGGREGATE_KINDS else _ANONYMOUS[kind]
        opened += f" {HOLE} = {HOLE}, " if kind == "enum" else " "
        inner = [c for c in start.lead.closers if c.role not in ("over", "end")]
        return closing, opened + "".join(_bracket(c, kind) for c in reversed(inner))

    def _invocation(self, start: Start) -> tuple[str, str]:
        name = start.section.name if start.section.kind is Kind.INVOCATION else HOLE
        closing = self.scanner.finish(1)
        return closing, f"{name}(" + "".join(_bracket(c, "call") for c in reversed(start.lead.closers))


_STATEMENT_ROLES = frozenset("if block switch do".split())
_ANONYMOUS = {"struct": "struct {", "enum": "enum {", "init": f"int {HOLE}[] = {{"}


def _agree(closer: Closer, role: str, owner: str) -> bool:
    """Whether a closer can be that of an open level."""
    if closer.role == "if":
        return role == "block" and owner == "if"
    if closer.role == "block":
        return role != "do"
    return closer.role == role


def _guess(lead: Lead) -> str:
    """What an aggregate without a heading is, by its looks."""
    if any(f.designators for f in lead.facts):
        return "init"
    return "struct" if any(f.semicolons for f in lead.facts) else "enum"


def _bracket(closer: Closer, kind: str) -> str:
    if closer.role in PARENS:
        return f"{HOLE}[" if closer.role == "index" else f"{HOLE}("
    return "struct { " if kind == "struct" else "{ "
