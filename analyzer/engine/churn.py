"""Churn: what a series adds for others to call, and how it changes that again once it is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzer.core.source import Location
from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.ir.program import Program, Prototype

Known = dict[str, list[Prototype]]  # what one program declares, by name; only the names in question

_WORD = re.compile(r"[A-Za-z_]\w*")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_CALL = r"(?:\b(?<![.>])(?=(?:{0})\s*\()|[(,]\s*(?=(?:{0})\s*[,)]))({0})"  # called, or handed to a call
_OP_CALL = r"(?:(?:->|\.)\s*(?=(?:{0})\s*\()|_call(?:_cond)?\(\s*(?:kvm_x86_)?(?=(?:{0})\s*\)))({0})"


@dataclass(frozen=True, slots=True)
class Use:
    """The first call that a series adds: the number of the patch, the place in its after-image, the caller."""

    patch: int
    location: Location
    function: str


@dataclass(frozen=True, slots=True)
class ApiChange:
    """A later patch that changes an API; ``after`` is None when it takes the API away. ``path`` is where that shows."""

    patch: int
    before: Prototype
    after: Prototype | None

    @property
    def location(self) -> Location:
        """In the after-image of the patch; the file as a whole for what is gone."""
        return Location(self.after.path, self.after.line) if self.after else Location(self.before.path, 0)


@dataclass(frozen=True, slots=True)
class Api:
    """A global function, or a member of a table of ops (``op``), that a series adds, uses and then changes.

    ``declared`` is where patch ``patch`` declares it: the prototype in a header, else the definition; the member of
    the struct. ``changes`` are those of patches behind the one that adds the first call, in order, at least one.
    """

    name: str
    op: bool
    patch: int
    declared: Prototype
    use: Use
    changes: tuple[ApiChange, ...]


def churn(facts: SeriesFacts) -> list[Api]:
    """What a series adds, uses and changes afterwards, in order of patches; static functions are no API.

    Rests on declarations that are fully visible. A file that moves or is renamed, parameters that are renamed and
    functions that were there before the series are no churn.
    """
    out: list[Api] = []
    for op in (False, True):
        added = [_added(step, op) for step in facts.steps]
        names = frozenset(name for found in added for name in found)
        if names:
            out += _Table(facts.steps, op, names).changed(added)
    return sorted(out, key=lambda api: (api.patch, api.declared.path, api.declared.line))


def _declared(program: Program, op: bool) -> Iterable[Prototype]:
    return program.fields() if op else program.prototypes()


def _added(step: SeriesStep, op: bool) -> Known:
    """What the added lines of a patch declare by name; a function counts when they define it as well."""
    found: Known = {}
    for made in _declared(step.after, op):
        if made.line in step.added.get(made.path, ()) and not made.static:
            found.setdefault(made.name, []).append(made)
    if op:
        return {n: ps for n, ps in found.items() if any(not p.defined and p.path.endswith(".h") for p in ps)}
    return {n: ps for n, ps in found.items() if any(p.defined for p in ps)}


class _Table:
    """The declarations of some names before and after each patch."""

    def __init__(self, steps: tuple[SeriesStep, ...], op: bool, names: frozenset[str]) -> None:
        self.steps = steps
        self.op = op
        self.before = [self._known(step.before, names) for step in steps]
        self.after = [self._known(step.after, names) for step in steps]
        self.names = names
        self.lines: dict[int, dict[str, list[tuple[str, int, str]]]] = {}
        self.mentioned: dict[int, set[str]] = {}

    def _known(self, program: Program, names: frozenset[str]) -> Known:
        found: Known = {}
        for made in _declared(program, self.op):
            if made.name in names:
                found.setdefault(made.name, []).append(made)
        return found

    def changed(self, added: list[Known]) -> Iterator[Api]:
        """The APIs among what each patch adds."""
        seen: set[str] = set()
        for at, found in enumerate(added):
            for name in sorted(found):
                if name in seen or self._older(name, at):
                    continue
                seen.add(name)
                made = self._follow(name, at, found[name])
                if made is not None:
                    yield made

    def _older(self, name: str, at: int) -> bool:
        """Whether the name may be older than patch ``at``: declared, defined or mentioned before it."""
        if any(name in self.before[i] for i in range(at + 1)):
            return True
        if self.op:  # which may well be called like a function
            return False
        if at not in self.mentioned:
            program = self.steps[at].before
            found = {n for d in program.definitions.values() for n in self.names & d.mentions}
            for path in program.partial_files:  # in which bodies may be cut
                found |= self.names.intersection(_WORD.findall(program.code(path)))
            self.mentioned[at] = found | (self.names & program.by_name.keys())
        return name in self.mentioned[at]

    def _follow(self, name: str, at: int, found: list[Prototype]) -> Api | None:
        """What becomes of an API that patch ``at`` adds; None when nothing does after it is used."""
        used = next(((i, u) for i in range(at, len(self.steps)) if (u := self._use(name, i)) is not None), None)
        if used is None:
            return None
        later = range(used[0] + 1, len(self.steps))
        changes = tuple(change for i in later if (change := self._change(name, i)) is not None)
        if not changes or self._surfaces(name, at):
            return None
        return Api(name, self.op, self.steps[at].index, min(found, key=_rank), used[1], changes)

    def _use(self, name: str, at: int) -> Use | None:
        """The first call on a line that patch ``at`` adds.

        Read off the text: where a rebuilt image breaks off inside a body, what follows cannot be lowered.
        """
        step = self.steps[at]
        call = re.compile((_OP_CALL if self.op else _CALL).format(re.escape(name)))
        for path, line, text in self._lines(at).get(name, ()):
            found = call.search(text)
            if found is None:
                continue
            own = step.after.definitions.get((path, name))
            if self.op or own is None or not own.line <= line <= own.end_line:
                where = Location(path, line, found.start(1) + 1)
                return Use(step.index, where, _caller(step.after, path, line, name))
        return None

    def _lines(self, at: int) -> dict[str, list[tuple[str, int, str]]]:
        """The indented lines that a patch adds, by name; without strings, nor what may be the middle of a comment."""
        if at not in self.lines:
            step, found = self.steps[at], self.lines.setdefault(at, {})
            for path in sorted(step.added):
                text = step.after.code(path).split("\n")
                for number in sorted(n for n in step.added[path] if 0 < n <= len(text)):
                    line = _STRING.sub('""', text[number - 1])
                    if line[:1] in (" ", "\t") and line.lstrip()[:1] != "*":
                        words = {word.removeprefix("kvm_x86_") if self.op else word for word in _WORD.findall(line)}
                        for name in self.names & words:
                            found.setdefault(name, []).append((path, number, line))
        return self.lines[at]

    def _change(self, name: str, at: int) -> ApiChange | None:
        """How patch ``at`` changes a declaration; both sides must show it whole."""
        before, after = self.before[at].get(name, []), self.after[at].get(name, [])
        if any(p.cut for p in (*before, *after)):
            return None
        if not after:
            return self._removal(name, at, before)
        gone = [p for p in before if p.shape not in {q.shape for q in after}]
        come = [p for p in after if p.shape not in {q.shape for q in before}]
        if not gone or not come:
            return None
        return ApiChange(self.steps[at].index, min(gone, key=_rank), min(come, key=_rank))

    def _removal(self, name: str, at: int, before: list[Prototype]) -> ApiChange | None:
        """Gone is what is declared no more and what nobody mentions any longer."""
        if not self.op and _named(self.steps[at], self.steps[at].after, name):
            return None
        return ApiChange(self.steps[at].index, min(before, key=_rank), None)

    def _surfaces(self, name: str, at: int) -> bool:
        """Whether a patch behind ``at`` first shows a declaration that it leaves alone: the API is older then."""
        most: Counter[tuple[str, bool, bool]] = Counter()
        for i in range(at + 1, len(self.steps)):
            most |= Counter((p.path, p.defined, p.static) for p in self.after[i - 1].get(name, ()))
            known = self.steps[i - 1].after.files
            now = Counter((p.path, p.defined, p.static) for p in self.before[i].get(name, ()) if p.path in known)
            if now - most:
                return True
        return False


def _named(step: SeriesStep, program: Program, name: str) -> bool:
    """Whether a program has the name anywhere; files known only in parts are searched as text as well."""
    if name in program.by_name or any(name in d.mentions for d in program.definitions.values()):
        return True
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(word.search(program.code(path)) for path in {*program.partial_files, *step.touched})


def _caller(program: Program, path: str, line: int, name: str) -> str:
    """The function around a call; ``""`` where the lowering does not see the call."""
    around = [d for d in program.definitions.values() if d.path == path and d.line <= line <= d.end_line]
    for function in program.functions(d.key for d in around if d.kind == "function"):
        if any(name in (c.callee, c.table) or any(name in a.names for a in c.args) for c in function.calls()):
            return function.name
    return ""


def _rank(made: Prototype) -> tuple[bool, bool, str, int]:
    """Prototypes in headers first, definitions last."""
    return (made.defined, not made.path.endswith(".h"), made.path, made.line)
