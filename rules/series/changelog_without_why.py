"""A changelog says what a patch does and nowhere why.

A log that repeats the diff in words leaves the reviewer to find out which problem there was, and the reader in five
years as well. Maintainers send such patches back before they look at the code.

Begin with what is wrong or missing today and who runs into it; what the patch does comes after that.

Advice, told as information: only a log of three sentences or more is looked at, that begins with what the patch does,
goes on like that, and has no word that gives a reason (because, since, otherwise, cannot, needed, prepares, ...).
May be false: where the reason is told without any such word, or where the title is reason enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Change,
    Finding,
    Location,
    Provenance,
    Rule,
    SeriesFacts,
    SeriesStep,
    Severity,
    Step,
    sentences,
    trailers,
)

ENOUGH = 3  # sentences; a shorter log belongs to a change that may speak for itself
_DOES = re.compile(
    r"^(?:(?:to|while|by|when|for|with|in|on|from)\b[^,]*, |also,? |then,? |finally,? |opportunistically,? |next,? )?"
    r"(?:add|adjust|alloc|allocate|allow|annotate|apply|call|change|check|clear|convert|copy|create|declare|define|delete"
    r"|disallow|do|don't|drop|enable|enhance|expose|export|extend|extract|factor|fold|free|get|handle|have|hoist|hook"
    r"|implement|init|initialize|install|introduce|invoke|keep|let|make|mark|merge|modify|move|open-code|pass|plumb"
    r"|populate|propagate|provide|pull|put|refactor|register|reject|remove|rename|reorder|replace|restrict|return|rework"
    r"|save|set|skip|split|store|support|switch|teach|track|turn|update|use|warn|wire|wrap|write)\b",
    re.I,
)
# Words that give a reason, or say what is wrong without the patch.
_WHY = re.compile(
    r"\b(?:because|since|otherwise|therefore|thus|hence|due to|so that|so as|in order|in preparation|prepar(?:e|es|ing)"
    r"|without|instead|rather than|cannot|can't|could|couldn't|doesn't|does not|do not|isn't|is not|aren't|are not"
    r"|won't|will not|would|should|shouldn't|unable|impossible|fails?|failed|failing|failures?|broken|breaks?|bugs?"
    r"|wrong|wrongly|incorrect(?:ly)?|problems?|problematic|issues?|errors?|crash(?:es)?|oops|deadlocks?|races?|racy|leaks?"
    r"|corrupts?|regress\w*|unnecessary|redundant|useless|unused|dead|stale|missing|lacks?|no longer|no need|not needed"
    r"|(?<!when )(?<!if )(?<!as )(?<!where )(?:necessary|needed)|needs?|requires?|(?<!as )(?<!when )required|wants?"
    r"|expects?|essential|crucial|critical|important|unfortunately|however|but|although|though|only because|reason"
    r"|motivation|goal|purpose|benefits?|advantages?|improves?|optimi[sz]\w*|faster|slow(?:er|ly)?|performance|overhead"
    r"|costs?|costly|expensive|cheap(?:er)?|reduces|saves|simplif\w+|clean(?:er|s|ing|up)|readab\w+|confus\w+|safe(?:ly)?"
    r"|unsafe|secure|security|vulnerab\w+|used (?:by|to)|will be used"
    r"|later (?:patch|change|commit)\w*|(?:for|by|in) (?:a )?later|follow-?up|future|eventually"
    r"|no functional change\w*|reported|noticed|found|observed|spec(?:ification)?|mandate\w*|violat\w+|guarantee\w*)\b",
    re.I,
)
_PLAIN = re.compile(
    r"\b(?:typos?|spelling|comments?|whitespace|indentation|documentation|maintainers|kernel-doc)\b", re.I
)
_REASONS = frozenset(("Fixes", "Reported-by", "Closes", "Reverts"))


def how_only(log: str) -> tuple[str, ...]:
    """The sentences of a log that tells how and not why; empty where it tells why, or too little to judge."""
    told = sentences(log)
    if len(told) < ENOUGH or not _DOES.match(told[0]) or not _REASONS.isdisjoint(trailers(log)):
        return ()
    doing = sum(bool(_DOES.match(s)) for s in told)
    reasons = [s for s in told if _WHY.search(s)]
    return () if reasons or 2 * doing < len(told) else told


def _finding(step: SeriesStep, told: tuple[str, ...]) -> Finding | None:
    path = next((p for p in step.touched if step.added.get(p)), None)
    if path is None:
        return None
    where = Location(path, min(step.added[path]))
    message = f'the log of "{step.title}" says what the patch does, in {len(told)} sentences, and nowhere why'
    trace = tuple(Step(where, "", f"the log: {s if len(s) < 90 else s[:86].rstrip() + ' ...'}") for s in told)
    return Finding(
        where, "", "changelog", message, trace=trace, patch=step.index, change=Change.INTRODUCED, severity=Severity.INFO
    )


def series_check(facts: SeriesFacts) -> Iterator[Finding]:
    """One finding for each log without a reason."""
    for step in facts.steps:
        told = () if _PLAIN.search(step.title) else how_only(step.log)
        finding = _finding(step, told) if told else None
        if finding is not None:
            yield finding


RULE = Rule(
    id="series-changelog-without-why",
    catalog=34,
    severity=Severity.INFO,
    scope=("*",),
    series_check=series_check,
    provenance=(
        Provenance("mail", "c79e4667-6312-486e-9d55-0894b5e7dc68@intel.com", "Dave Hansen", "2026-01-06"),
        Provenance("mail", "aWlvF2rld0Nz3nRz@google.com", "Sean Christopherson", "2026-01-15"),
    ),
    bad=(
        """
        // patch: 1 Add a limit to the walk
        // log: Add a parameter "limit" to the walk. Pass it from the callers to the iterator.
        // log: Check it in the loop and return early when it is reached.
        // path: virt/kvm/a.c
        int walk(int limit);  // expect
        """,
    ),
    good=(
        """
        // patch: 1 Add a limit to the walk
        // log: A walk over a large slot keeps the lock for seconds, and vCPUs stall.
        // log: Add a parameter "limit" to the walk. Pass it from the callers to the iterator.
        // log: Check it in the loop and return early when it is reached.
        // path: virt/kvm/a.c
        int walk(int limit);
        """,
    ),
)
