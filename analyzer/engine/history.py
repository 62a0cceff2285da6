"""The findings of every state of a series, attributed to the patch that introduced each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.core.finding import Change, Finding, Severity
from analyzer.engine.subtract import LineMap, subtract


@dataclass(frozen=True, slots=True)
class State:
    """The findings around one patch: ``index`` is its number, ``label`` the position that later patches name."""

    index: int
    before: tuple[Finding, ...]
    after: tuple[Finding, ...]
    renames: Mapping[str, str]
    lines: Mapping[str, LineMap]


@dataclass(slots=True)
class _Story:
    """One defect along the series: how it looked first and last, who brought it, who took it away."""

    first: Finding
    last: Finding
    patch: int | None
    fixed_by: int | None = None


@dataclass(slots=True)
class History:
    """All defects seen while walking the states in order."""

    stories: list[_Story] = field(default_factory=list)

    def walk(self, states: Iterable[State]) -> None:
        """Follow the findings over the states of a series."""
        for state in states:
            living = [s for s in self.stories if s.fixed_by is None]
            known = subtract((s.last for s in living), state.before, {}, {})
            owner = {id(now): next(s for s in living if s.last is then) for then, now in known.pairs}
            for finding in state.before:
                if id(finding) not in owner:
                    story = _Story(finding, finding, None)
                    self.stories.append(story)
                    owner[id(finding)] = story
            change = subtract(state.before, state.after, state.renames, state.lines)
            for then, now in change.pairs:
                self._goes_on(owner[id(then)], now, state.index)
            for gone in change.fixed:
                owner[id(gone)].fixed_by = state.index
            self.stories += [_Story(f, f, state.index) for f in change.introduced]

    def _goes_on(self, story: _Story, now: Finding, index: int) -> None:
        """The defect is still there; a guard that came or went with the patch makes it another one."""
        guarded, was_guarded = now.severity is Severity.INFO, story.last.severity is Severity.INFO
        if guarded == was_guarded:
            story.last = now
            return
        if guarded:
            story.fixed_by = index
        else:
            self.stories = [s for s in self.stories if s is not story]
        self.stories.append(_Story(now, now, index))

    def findings(self) -> list[Finding]:
        """One finding a defect: as its patch introduced it, or as it stood before the series."""
        out = []
        for story in self.stories:
            if story.patch is not None:
                made = story.first.stamped(change=Change.INTRODUCED, patch=story.patch, fixed_by=story.fixed_by)
            elif story.fixed_by is not None:
                made = story.first.stamped(change=Change.FIXED, fixed_by=story.fixed_by)
            else:
                made = story.last.stamped(change=Change.EXISTING)
            out.append(made)
        return out
