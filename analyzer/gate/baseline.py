"""The baseline: findings of a tree that its maintainers accept, each with a reason, in a committed TOML file."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.core.finding import Finding
from analyzer.core.problem import AnalyzerError
from analyzer.core.result import Review
from analyzer.core.visible import visible

HEAD = """# Findings of nak that are accepted in this tree: `nak check --baseline FILE` leaves them out.
# Each needs a reason; one without a reason accepts nothing. Written by `nak check --baseline FILE --write-baseline`.
"""
_WORDS = ("fingerprint", "rule", "path", "function", "subject", "reason")


@dataclass(frozen=True, slots=True)
class Entry:
    """``times`` findings of one fingerprint (rule, path, function, subject; no lines), and why they may stay."""

    fingerprint: str
    rule: str
    path: str
    function: str
    subject: str
    reason: str
    times: int = 1

    @property
    def words(self) -> str:
        """The entry in one line."""
        return visible(f"{self.rule}: {self.path} {self.function}: {self.subject}")


@dataclass(frozen=True, slots=True)
class Applied:
    """A review without what is accepted; ``stale`` entries meet no finding any more, ``bare`` ones lack a reason."""

    review: Review
    stale: tuple[Entry, ...]
    bare: tuple[Entry, ...]


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a file. Raises AnalyzerError where it cannot be read or is no baseline."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AnalyzerError(f"baseline {path}: {error}") from error
    entries = document.get("accepted", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise AnalyzerError(f"baseline {path}: no list of [[accepted]] entries")
    return tuple(_entry(path, number, e) for number, e in enumerate(entries, start=1))


def _entry(path: Path, number: int, told: dict[str, object]) -> Entry:
    texts = [told.get(word, "") for word in _WORDS]
    times = told.get("times", 1)
    if not all(isinstance(text, str) for text in texts) or not texts[0] or not isinstance(times, int):
        raise AnalyzerError(f"baseline {path}: entry {number} is not one: {', '.join(_WORDS)} are texts")
    fingerprint, rule, place, function, subject, reason = map(str, texts)
    return Entry(fingerprint, rule, place, function, subject, reason, times)


def apply(review: Review, entries: Sequence[Entry]) -> Applied:
    """Leave out what is accepted with a reason."""
    left = Counter[str]()
    for entry in entries:
        left[entry.fingerprint] += entry.times if entry.reason.strip() else 0
    kept = []
    for finding in review.findings:
        left[finding.fingerprint] -= 1
        if left[finding.fingerprint] < 0:
            kept.append(finding)
    there = {f.fingerprint for f in review.findings}
    stale = tuple(e for e in entries if e.fingerprint not in there)
    bare = tuple(e for e in entries if e.fingerprint in there and not e.reason.strip())
    accepted = len(review.findings) - len(kept)
    stats = {**review.stats, "baseline": {"accepted": accepted, "stale": len(stale), "without a reason": len(bare)}}
    return Applied(replace(review, findings=tuple(kept), stats=stats), stale, bare)


def write(path: Path, findings: Iterable[Finding], known: Iterable[Entry], reason: str) -> int:
    """Write the findings as entries, with the reasons that are known, and ``reason`` for new ones; how many they are.

    Raises AnalyzerError where the file cannot be written.
    """
    reasons = {entry.fingerprint: entry.reason for entry in known}
    times = Counter(finding.fingerprint for finding in findings if finding.severity != "info")
    first = {finding.fingerprint: finding for finding in findings}
    parts = [HEAD]
    for fingerprint, number in sorted(times.items(), key=lambda item: _place(first[item[0]])):
        finding = first[fingerprint]
        texts = (fingerprint, finding.rule, finding.location.path, finding.function, finding.subject)
        values = (*texts, reasons.get(fingerprint) or reason)
        lines = [
            f"{word} = {json.dumps(visible(value), ensure_ascii=False)}"
            for word, value in zip(_WORDS, values, strict=True)
        ]
        parts.append("\n".join(["[[accepted]]", *lines, *([f"times = {number}"] if number > 1 else [])]) + "\n")
    try:
        path.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise AnalyzerError(f"baseline {path}: {error.strerror}") from error
    return len(times)


def _quoted(text: str) -> str:
    """A TOML string; what is left of escapes in visible text is the same in JSON."""
    return json.dumps(visible(text), ensure_ascii=False)


def _place(finding: Finding) -> tuple[str, str, str, str]:
    return (finding.location.path, finding.function, finding.rule, finding.subject)
