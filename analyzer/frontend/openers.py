"""The words that open what a region of known lines closes, and that make its first words whole."""

from __future__ import annotations

from analyzer.frontend.fragment import CALL, HIDDEN_CASE, OPERATORS, STATEMENT
from analyzer.frontend.leading import PARENS, Closer, Lead
from analyzer.frontend.semantics import HOLE

_BINARY = OPERATORS - frozenset("* & - + ! ~ .".split())
_VALUE = "__nak_value__"  # a variable whose initialiser begins in a hole
_OPENERS = {
    "if": f"if ({CALL}) {{ {STATEMENT} ",
    "block": f"if ({CALL}) {{ {STATEMENT} ",
    "do": f"do {{ {STATEMENT} ",
    "switch": f"switch ({CALL}) {{ {HIDDEN_CASE}{STATEMENT} ",
    "value": f"{{ {STATEMENT} ",
    "call": f"{HOLE}(",
    "head": "if (",
    "for0": "for (",
    "for1": "for (; ",
    "index": f"{HOLE}[",
    "struct": "struct { ",
    "asm": 'asm ("" ',
}


def opening(closers: list[Closer], lead: Lead, within: str = "block") -> str:
    """The words that open ``closers`` (innermost first) in a level of role ``within``; makes the first words whole."""
    out: list[str] = []
    for index in range(len(closers) - 1, -1, -1):
        role = closers[index].role
        if index + 1 == lead.brackets and within not in ("init", *PARENS) and lead.controlled:
            out.append(f"if ({CALL}) ")
        if role == "init":
            out.append("(int[]) { " if within in PARENS else "{ " if within == "init" else f"int {_VALUE}[] = {{ ")
        else:
            out.append(_OPENERS[role])
        within = role
    return "".join(out) + _glue(lead, within)


def _glue(lead: Lead, within: str) -> str:
    """What the first words of the region need before them, in a level of role ``within``."""
    if within in ("asm", "struct"):
        return ""
    lacking = _lacking(lead)
    if within in ("head", "for1"):
        return lacking or f"{CALL} + "
    if within == "for0":
        return lacking or f"{CALL}, "
    if within in ("init", "index"):
        return lacking if lead.first != "," else ""
    if within == "call":
        return lacking or (f"{CALL} " if lead.first == "." else "")
    if lacking:
        return f"if ({CALL}) {lacking}" if lead.facts[0].orphan else lacking
    if lead.first == "else":
        return f"if ({CALL}) {STATEMENT} "
    return f"if ({CALL}) " if lead.controlled else ""


def _lacking(lead: Lead) -> str:
    """What an expression lacks whose beginning is hidden."""
    if lead.first == ":":
        return f"{CALL} ? {CALL} "
    if lead.facts[0].ternary:
        return f"{CALL} ? "
    return f"{CALL} " if lead.first in _BINARY else ""
