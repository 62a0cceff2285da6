"""Mails seen once, and the threads they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.core.problem import Problem, ProblemKind
from analyzer.mail.types import Message

_MAX_DEPTH = 1_000


def unique(messages: Iterable[Message]) -> tuple[list[Message], list[Problem]]:
    """Each mail once, in order. Of copies the one without a list's footer is kept; others give a Problem."""
    kept: dict[tuple[str, ...], Message] = {}
    problems: list[Problem] = []
    for message in messages:
        key = (message.id,) if message.id else ("", message.sender, message.subject, message.body)
        old = kept.setdefault(key, message)
        if old is message or old.body == message.body:
            continue
        mine, other = message.body.rstrip(), old.body.rstrip()
        if other.startswith(mine):
            kept[key] = message
        elif not mine.startswith(other):
            problems.append(Problem(ProblemKind.DUPLICATE, message.id, "two bodies under one id; the first is used"))
    return list(kept.values()), problems


class Threads:
    """Who answers whom; mails that name the same absent mail are in one thread, too."""

    def __init__(self, messages: Sequence[Message]) -> None:
        """Links the mails by their parents; loops do no harm."""
        self._root: dict[str, str] = {}
        self._by_id = {m.id: m for m in messages if m.id}
        for message in messages:
            if message.id:
                for parent in message.parents:
                    self._join(message.id, parent)

    def of(self, message: Message) -> str:
        """A name of the mail's thread; mails without id and parents stand alone."""
        anchor = message.id or next(iter(message.parents), "")
        return self._find(anchor) if anchor else f"{message.origin}\0{message.subject}"

    def leads_to(self, message: Message, ids: frozenset[str]) -> bool:
        """Whether the mail answers one of the mails, directly or through mails that are there."""
        seen: set[str] = set()
        here: Message | None = message
        while here and here.parents and len(seen) < _MAX_DEPTH:
            parent = here.parents[0]
            if parent in ids:
                return True
            if parent in seen:
                return False
            seen.add(parent)
            here = self._by_id.get(parent)
        return False

    def _find(self, name: str) -> str:
        root = name
        while (up := self._root.get(root, root)) != root:
            root = up
        while (up := self._root.get(name, root)) != root:
            self._root[name], name = root, up
        return root

    def _join(self, one: str, other: str) -> None:
        self._root[self._find(one)] = self._find(other)
