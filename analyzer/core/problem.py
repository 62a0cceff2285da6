"""What nak could not see (Problem), and what the user can mend (AnalyzerError)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """Why something was not seen; the words are part of the JSON contract."""

    UNPARSED = "unparsed"  # source text that the front end could not read
    UNRESOLVED = "unresolved"  # an indirect call or a name without a target
    TOO_LARGE = "too-large"  # a limit was hit; the rest was left out
    CRASHED = "crashed"  # our bug, contained to one check or file
    MISSING_PATCH = "missing-patch"  # a hole in the series
    DUPLICATE = "duplicate"  # a member sent twice; one was chosen
    MALFORMED = "malformed"  # mail, header or diff that breaks its format
    NOT_A_PATCH = "not-a-patch"  # input without a diff, or another project's
    NO_BASE = "no-base"  # the base commit is unknown or not in this clone
    NOT_APPLIED = "not-applied"  # a patch did not apply; the rebuilt image is used for the file
    PARTIAL = "partial"  # a file known only in parts (rebuilt from hunks)
    UNREADABLE = "unreadable"  # a file or object that could not be read


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that was not seen; ``where`` is a path, mail or function, ``detail`` one line."""

    kind: ProblemKind
    where: str
    detail: str


class AnalyzerError(Exception):
    """Something the user can mend: one line, no traceback.

    ``exit_code`` is 2 (usage or configuration) or 3 (input could not be analysed), see DESIGN D11.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
