"""Program: what is known of one snapshot's C; functions are lowered when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.core.problem import Problem
from analyzer.ir.types import Function, Param

Key = tuple[str, str]  # (path, name)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or a function-like macro that is defined; ``mentions`` are the identifiers in its body."""

    name: str
    path: str
    line: int
    end_line: int
    static: bool
    kind: str  # "function", "macro"
    mentions: frozenset[str]
    digest: int  # hash of its text
    weak: bool = False  # __weak: gives way to a definition of the same name

    @property
    def key(self) -> Key:
        """(path, name)."""
        return (self.path, self.name)


@dataclass(frozen=True, slots=True)
class Prototype:
    """A declaration or definition of a function: its types as written, normalised to single blanks.

    ``cut``: a hole of a rebuilt image may run through it, so that the types are not to be relied on.
    """

    name: str
    path: str
    line: int
    returns: str
    params: tuple[Param, ...]
    defined: bool
    static: bool
    cut: bool = False

    @property
    def shape(self) -> tuple[str, tuple[str, ...]]:
        """Return and parameter types; names do not count."""
        return (self.returns, tuple(p.type for p in self.params))


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A function stored in a field: a designated initialiser or a run-time assignment."""

    field: str
    function: str
    path: str
    line: int
    how: str  # "initialiser", "assignment"


def _none() -> tuple[Prototype, ...]:
    return ()


def _nothing(_path: str) -> str:
    return ""


@dataclass(slots=True)
class Program:
    """The C of one snapshot.

    ``whole`` is False when a file is known only in parts, or nothing but what mails show (``alone``). ``lower`` gives
    the IR of a definition, or None with a Problem noted in ``problems``. ``tables`` maps a field to what is stored in
    it; ``constants`` maps enumerators and object-like macros to ints where they have one. ``fields`` gives the members
    of structs that point to functions, and, marked as defined and returning the macro, the lines that list them
    (``KVM_X86_OP_OPTIONAL(name)``). ``code`` gives the text of a file without comments, line by line as in the source;
    ``""`` for one that is not known. ``left`` is what analyses of one program leave to those of the next in the same
    run.
    """

    definitions: Mapping[Key, Definition]
    by_name: Mapping[str, tuple[Key, ...]]
    tables: Mapping[str, tuple[TableEntry, ...]]
    prototypes: Callable[[], tuple[Prototype, ...]]
    constants: Mapping[str, int]
    lower: Callable[[Key], Function | None]
    problems: list[Problem] = field(default_factory=list)
    partial_files: frozenset[str] = frozenset()
    alone: bool = False
    files: tuple[str, ...] = ()
    lines: int = 0
    exported: frozenset[str] = frozenset()
    fields: Callable[[], tuple[Prototype, ...]] = _none
    code: Callable[[str], str] = _nothing
    left: dict[object, object] = field(default_factory=dict)
    _resolved: dict[tuple[str, str], tuple[Key, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def whole(self) -> bool:
        """Whether every file is known in full, and those that may call them."""
        return not self.partial_files and not self.alone

    def resolve(self, name: str, path: str) -> tuple[Key, ...]:
        """The definitions that ``name`` can mean when used in ``path``.

        A static one of the file itself hides all others; one of another architecture is never meant. A strong one hides
        weak ones, one of an architecture hides generic ones (which are weak, or stubs of headers), a function with
        linkage hides the stub that a header has for the configuration without it, and a near header hides a far one.
        """
        known = self._resolved.get((name, path))
        if known is None:
            known = self._resolved[name, path] = self._resolve(name, path)
        return known

    def _resolve(self, name: str, path: str) -> tuple[Key, ...]:
        keys = self.by_name.get(name)
        if not keys:
            return ()
        if len(keys) == 1 and keys[0][0] == path:
            return keys
        own = (path, name)
        if own in keys and not path.endswith(".h") and self.definitions[own].static:
            return (own,)
        arch = _arch(path)
        visible = tuple(k for k in keys if self._visible(k) and (not arch or _arch(k[0]) in ("", arch)))
        return visible if len(visible) < 2 else _preferred(visible, path, self.definitions)

    def _visible(self, key: Key) -> bool:
        """Whether other files can see a definition."""
        definition = self.definitions[key]
        return key[0].endswith(".h") or (not definition.static and definition.kind == "function")

    def functions(self, keys: Iterable[Key]) -> Iterable[Function]:
        """The lowered functions of ``keys`` that could be lowered."""
        for key in keys:
            function = self.lower(key)
            if function is not None:
                yield function


def _preferred(keys: tuple[Key, ...], path: str, definitions: Mapping[Key, Definition]) -> tuple[Key, ...]:
    """What is left of several visible definitions of one name."""
    strong = tuple(k for k in keys if not definitions[k].weak) or keys
    special = tuple(k for k in strong if _arch(k[0])) or strong
    linked = tuple(k for k in special if not k[0].endswith(".h"))
    if linked or len(special) < 2:
        return linked or special
    closeness = {k: _common(k[0], path) for k in special}
    return tuple(k for k in special if closeness[k] == max(closeness.values()))


def _common(left: str, right: str) -> int:
    """How many leading folders two paths share."""
    count = 0
    for a, b in zip(left.split("/")[:-1], right.split("/")[:-1], strict=False):
        if a != b:
            break
        count += 1
    return count


def _arch(path: str) -> str:
    parts = path.split("/", 2)
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else ""
