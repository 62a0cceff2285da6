"""Mails sorted into series: by thread, then by author, revision, total and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from analyzer.core.problem import Problem, ProblemKind
from analyzer.mail.headers import address_of
from analyzer.mail.types import Message
from analyzer.series.subject import Subject, label_key, revision_key
from analyzer.series.thread import Threads
from analyzer.series.types import Patch

_CLOSE = timedelta(hours=24)
_START = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is a member (``patch`` set) or may be a cover letter; ``order`` is its place in the input."""

    message: Message
    subject: Subject
    thread: str
    order: int
    patch: Patch | None
    problems: tuple[Problem, ...] = ()

    @property
    def sender(self) -> str:
        """The address it was sent from."""
        return address_of(self.message.sender)

    @property
    def age(self) -> tuple[datetime, tuple[int, ...], int]:
        """Sorts by date, then the member's own revision, then place in the input."""
        return self.message.date or _START, revision_key(self.subject.reroll), self.order

    @property
    def place(self) -> tuple[int, int, str]:
        """The place in the series; equal for two versions of one member."""
        return label_key(self.subject.label)


@dataclass(slots=True)
class Group:
    """The members of one revision while they are being gathered; ``lead`` is the member that named it."""

    lead: Mail
    mails: list[Mail]
    cover: Mail | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        """The subject that speaks for all: revision, total, project."""
        return self.lead.subject

    @property
    def places(self) -> set[tuple[int, int, str]]:
        """The places that are taken."""
        return {mail.place for mail in self.mails}

    @property
    def ids(self) -> frozenset[str]:
        """The message-ids of the members."""
        return frozenset(mail.message.id for mail in self.mails if mail.message.id)

    def lacks_members(self) -> bool:
        """Whether fewer members are there than announced."""
        total = self.subject.total
        return total is not None and len({place[0] for place in self.places}) < total

    def lose(self, kind: ProblemKind, detail: str, where: str = "") -> None:
        """Records what is odd about the series."""
        self.problems.append(Problem(kind, where or self.lead.message.id or self.lead.message.origin, detail))


def group_members(members: Iterable[Mail]) -> list[Group]:
    """Members by thread and subject; fragments that fit together are joined across threads."""
    groups: dict[tuple[object, ...], Group] = {}
    for mail in members:
        key = _key(mail)
        if key in groups:
            groups[key].mails.append(mail)
        else:
            groups[key] = Group(mail, [mail])
    found = sorted(groups.values(), key=lambda group: group.lead.age)
    found = _join(found, lambda lead: lead.thread, lambda one, other: True)
    found = _join(found, lambda lead: (lead.sender, lead.subject.rfc), _is_close)
    for group in found:
        _settle(group)
    return found


def apply_rerolls(groups: list[Group], threads: Threads) -> list[Group]:
    """New versions of single members, answered into the thread of their series, replace the old ones."""
    kept: list[Group] = []
    in_thread: dict[str, list[Group]] = {}
    for group in sorted(groups, key=lambda g: (revision_key(g.subject.revision), g.lead.age)):
        olds = in_thread.setdefault(group.lead.thread, [])
        host = next((old for old in reversed(olds) if _is_reroll(group, old, threads)), None)
        if host is None:
            olds.append(group)
            kept.append(group)
            continue
        for mail in group.mails:
            _replace(host, mail)
        host.problems += group.problems
    return kept


def attach_covers(groups: list[Group], covers: Iterable[Mail]) -> list[Problem]:
    """Gives each series its newest cover letter; returns a Problem for every numbered one that is left over."""
    index: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        for name in (group.lead.thread, group.lead.sender):
            index.setdefault((name, group.subject.revision), []).append(group)
            index.setdefault((name,), []).append(group)
    lone: list[Problem] = []
    for mail in sorted(covers, key=lambda cover: cover.age, reverse=True):
        if mail.subject.index is None:
            near = index.get((mail.thread,), [])
        else:
            near = [g for name in (mail.thread, mail.sender) for g in index.get((name, mail.subject.revision), [])]
        scores = [_cover_score(mail, group) for group in near]
        best = max(scores, default=0)
        if best:
            lone += _set_cover(near[scores.index(best)], mail)
            continue
        lone += mail.problems
        if mail.subject.index == 0:
            where = mail.message.id or mail.message.origin
            lone.append(Problem(ProblemKind.MISSING_PATCH, where, "cover letter without its patches"))
    return lone


def _key(mail: Mail) -> tuple[object, ...]:
    subject = mail.subject
    marks = (subject.revision, subject.total, subject.rfc, subject.resend, subject.project)
    if subject.index is not None:
        return mail.thread, mail.sender, *marks
    # Files of `git format-patch -N` have neither numbers nor ids: one series in the order given.
    return ("numberless", *marks) if not mail.message.id else ("single", mail.order)


def _join(groups: list[Group], shared: Callable[[Mail], object], fit: Callable[[Group, Group], bool]) -> list[Group]:
    """Incomplete groups of one revision and total whose places do not meet become one, nearest in time first."""
    out: list[Group] = []
    open_groups: dict[tuple[object, ...], list[Group]] = {}
    for group in groups:
        subject = group.subject
        if subject.index is None or not group.lacks_members():
            out.append(group)
            continue
        run = (shared(group.lead), subject.revision, subject.total, subject.project, subject.resend)
        olds = open_groups.setdefault(run, [])
        hosts = [old for old in olds if fit(old, group) and not old.places & group.places]
        if hosts:
            min(hosts, key=lambda old: _gap(old, group)).mails.extend(group.mails)
        else:
            olds.append(group)
            out.append(group)
    return out


def _is_close(one: Group, other: Group) -> bool:
    """Posted within a day; files that were never sent carry the dates of commits, which say nothing."""
    return not (one.lead.message.id and other.lead.message.id) or _gap(one, other) <= _CLOSE


def _gap(one: Group, other: Group) -> timedelta:
    """The time between the nearest ends of two groups; none where a date is missing."""
    ends = [sorted(m.message.date for m in g.mails if m.message.date) for g in (one, other)]
    if not (ends[0] and ends[1]):
        return timedelta(0)
    return max(ends[0][0] - ends[1][-1], ends[1][0] - ends[0][-1], timedelta(0))


def _settle(group: Group) -> None:
    """One mail for each place, in order."""
    mails, group.mails = sorted(group.mails, key=lambda mail: mail.age), []
    numbered = mails[0].subject.index is not None
    for mail in mails if numbered else sorted(mails, key=lambda mail: mail.order):
        if numbered:
            _replace(group, mail)
        else:
            group.mails.append(mail)
    if numbered:
        group.mails.sort(key=lambda mail: mail.place)


def _replace(group: Group, mail: Mail) -> None:
    """Puts the mail in its place; another version there gives way, with a Problem unless the two are equal."""
    old = next((m for m in group.mails if _same_place(m, mail)), None)
    if old is None:
        group.mails.append(mail)
        group.mails.sort(key=lambda m: m.place)
        return
    at = group.mails.index(old)
    if not _same_content(old, mail):
        name = old.subject.label or str(at + 1)
        version, was = (m.subject.reroll or m.subject.revision for m in (mail, old))
        said = f"v{version} of it is used instead of v{was}" if version != was else "sent twice; the newer one is used"
        group.lose(ProblemKind.DUPLICATE, f"patch {name}: {said}", mail.message.id or mail.message.origin)
    group.mails[at] = mail if mail.subject.index is not None else _renumbered(mail, old)


def _renumbered(mail: Mail, old: Mail) -> Mail:
    """A re-roll posted without a number, in the place of the member it replaces."""
    subject = replace(mail.subject, index=old.subject.index, label=old.subject.label, total=old.subject.total)
    patch = (
        replace(mail.patch, index=old.patch.index, label=old.patch.label) if mail.patch and old.patch else mail.patch
    )
    return replace(mail, subject=subject, patch=patch)


def _same_place(old: Mail, mail: Mail) -> bool:
    if mail.subject.index is None:
        return old.subject.title == mail.subject.title
    return old.place == mail.place


def _same_content(one: Mail, other: Mail) -> bool:
    if one.patch is None or other.patch is None:
        return False
    return (one.patch.files, one.patch.log) == (other.patch.files, other.patch.log)


def _is_reroll(group: Group, old: Group, threads: Threads) -> bool:
    """Whether the group is a new version of a part of the older one: answered there, without a cover of its own."""
    mine, theirs = revision_key(group.subject.revision), revision_key(old.subject.revision)
    total = old.subject.total
    if mine <= theirs or total is None or total < 2 or group.cover:
        return False
    ids = old.ids | ({old.cover.message.id} if old.cover else set())
    if not all(threads.leads_to(m.message, ids) or old.ids & set(m.message.parents) for m in group.mails):
        return False
    if group.subject.index is None:
        return any(_same_place(m, group.lead) for m in old.mails)
    if group.subject.total != total or not group.lacks_members():
        return False
    # Half a series and more is a new revision with holes, unless only the part behind the dot grew.
    return 2 * len(group.mails) <= total or mine[:1] == theirs[:1]


def _cover_score(mail: Mail, group: Group) -> int:
    """How well the mail fits as cover letter of the group; 0 for not at all."""
    lead, subject = group.lead, mail.subject
    if group.subject.index is None:
        return 0
    same_sender, in_thread = mail.sender == lead.sender, mail.thread == lead.thread
    if subject.index is None:
        # A naked cover: no number, no diff, and the patches answer it.
        right = not subject.is_patch or subject.revision == group.subject.revision
        return int(right and same_sender and any(mail.message.id in m.message.parents[:1] for m in group.mails))
    if subject.index or subject.project != group.subject.project:
        return 0
    same_total = subject.total == group.subject.total
    if in_thread:
        return 8 + 4 * same_total + 2 * (subject.rfc == group.subject.rfc) + same_sender
    return int(same_total and same_sender and _is_close(Group(mail, [mail]), group))


def _set_cover(group: Group, mail: Mail) -> list[Problem]:
    if group.cover:
        if mail.subject.index is not None and mail.message.body != group.cover.message.body:
            group.lose(ProblemKind.DUPLICATE, "cover letter sent twice; the newer one is used", mail.message.id)
        return list(mail.problems)
    group.cover = mail
    said, total = mail.subject.total, group.subject.total
    if said is not None and total is not None and said != total:
        group.lose(ProblemKind.MALFORMED, f"the cover letter says {said} patches, the patches say {total}")
    return []
