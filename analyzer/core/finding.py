"""Finding and the words it is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from analyzer.core.source import Location


class Severity(StrEnum):
    """How much it matters; few levels, tied to consequence."""

    ERROR = "error"  # a maintainer objects: memory safety, protocol, locking
    WARNING = "warning"  # a maintainer asks for a change
    INFO = "info"  # true and explained, no change needed (guarded, optional)


class Certainty(StrEnum):
    """Read off the lattice, never typed by a rule's author."""

    MUST = "must"
    MAY = "may"


class Tier(StrEnum):
    """The knowledge a finding rests on (DESIGN D1)."""

    SYNTAX = "syntax"
    EXACT = "exact"


class Stage(StrEnum):
    """A rule is on trial until its measured figures are good."""

    TRIAL = "trial"
    STABLE = "stable"


class Change(StrEnum):
    """What the series did to the finding."""

    INTRODUCED = "introduced"
    EXISTING = "existing"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace: a place, the function it is in, and what happens there."""

    location: Location
    function: str
    note: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a rule was stated: kind is ``mail``, ``doc`` or ``commit``; ref a message-id, path or hash."""

    kind: str
    ref: str
    who: str = ""
    date: str = ""
    note: str = ""

    @property
    def url(self) -> str:
        """The page to read: lore.kernel.org for a mail, otherwise the reference itself."""
        return f"https://lore.kernel.org/r/{self.ref}" if self.kind == "mail" else self.ref


@dataclass(frozen=True, slots=True)
class Finding:
    """What a maintainer would object to, with the path that shows it.

    A check fills the fields up to ``trace``; the engine and the review stamp the rest.
    ``subject`` is what the finding is about in normalised source words (no line numbers); together
    with rule, path and function it makes the fingerprint.
    """

    location: Location
    function: str
    subject: str
    message: str
    certainty: Certainty = Certainty.MUST
    trace: tuple[Step, ...] = ()
    rule: str = ""
    severity: Severity = Severity.ERROR
    stage: Stage = Stage.STABLE
    tier: Tier = Tier.SYNTAX
    change: Change = Change.EXISTING
    patch: int | None = None
    fixed_by: int | None = None
    provenance: tuple[Provenance, ...] = ()
    verdict: str | None = None

    @property
    def fingerprint(self) -> str:
        """16 hex digits over rule, path, function and subject; stable when lines move."""
        words = "\0".join((self.rule, self.location.path, self.function, self.subject))
        return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def stamped(self, **changes: object) -> Finding:
        """A copy with some fields set."""
        return replace(self, **changes)  # type: ignore[arg-type]
