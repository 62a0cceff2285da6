"""Locks as they are declared: fields of structs and variables of files, and which of them an expression means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from analyzer.analyses.locks import lock_label
from analyzer.dataflow.settings import pointees
from analyzer.ir.program import Program
from analyzer.ir.types import Addr, Deref, Expr, Field, Function, Index, Name

_TOP = re.compile(
    r"^(?:(?:typedef|static|const)\s+)*(?:struct|union)\s+(\w+)[^;={}()]*\{|^\}|^[a-z_][^;={}]*\)\s*\{", re.M
)
_CLOSING = re.compile(r"\s*(\w*)")
_MEMBER = r"\bstruct\s+(\w+)\s*\**\s*(?:__\w+\s+)?{}\s*[;\[]"
_NAME = re.compile(r"\s+(?:__\w+\s+)*([a-z]\w*)\s*(?:\[[^\]]*\]\s*)?(?:__\w+(?:\([^)]*\))?\s*)*([;,=])")
_DEFINE = re.compile(
    r"DEFINE_(\w+)\(\s*(?:([\w ]+?)\s*,\s*)?(\w+)\s*\)"
)  # DEFINE_MUTEX(x), DEFINE_PER_CPU(spinlock_t, x)
_DEFINED = {
    "SPINLOCK": "spinlock_t",
    "RAW_SPINLOCK": "raw_spinlock_t",
    "RWLOCK": "rwlock_t",
    "MUTEX": "struct mutex",
    "RWSEM": "struct rw_semaphore",
}
BARE = "lock"  # a name that does not tell which lock it is
PER_CPU = frozenset("per_cpu per_cpu_ptr this_cpu_ptr get_cpu_ptr raw_cpu_ptr get_cpu_var".split())


@dataclass(frozen=True, slots=True)
class LockField:
    """A declared lock. ``owner`` is the struct (``""``: a variable), ``inner`` the anonymous structs in it on the way.

    ``type`` is the C type; ``ready``: the declaration initialises it.
    """

    name: str
    owner: str
    inner: tuple[str, ...]
    type: str
    path: str
    line: int
    ready: bool = False

    @property
    def words(self) -> str:
        """What a reader calls it."""
        return ".".join((f"struct {self.owner}", *self.inner, self.name)) if self.owner else self.name


class LockFields:
    """All locks that a program declares with the given types."""

    def __init__(self, program: Program, types: Mapping[str, str]) -> None:
        self.program = program
        self.types = types
        self._members: dict[tuple[str, str], str] = {}

    @cached_property
    def declared(self) -> Mapping[str, tuple[LockField, ...]]:
        """Name -> the locks of that name."""
        found: dict[str, list[LockField]] = {}
        for path in self.program.files:
            for lock in _in_file(path, self.program.code(path), tuple(self.types)):
                found.setdefault(lock.name, []).append(lock)
        return {name: tuple(dict.fromkeys(locks)) for name, locks in found.items()}

    def spins(self, name: str) -> bool | None:
        """Whether all locks of a name are spinning ones; None when none is declared."""
        known = {self.types[lock.type] for lock in self.declared.get(name, ())}
        if name == BARE and not self.program.whole:
            return None  # structs that are not shown have locks of that name, too
        return None if not known else known == {"spin"}

    def meant(self, expr: Expr, function: Function) -> tuple[LockField, ...]:
        """The declared locks that an expression can be; one if the types are known."""
        expr = _through(expr, function)
        found = self.declared.get(lock_label(expr), ())
        if len(found) < 2 and (self.program.whole or not found):
            return found
        chain, root = _chain(expr)
        if not chain:
            own = tuple(lock for lock in found if not lock.owner and lock.path == function.path)
            return own or tuple(lock for lock in found if not lock.owner)
        owner, inner = self._owner(_type(function, root), chain[:-1])
        if owner:
            exact = tuple(lock for lock in found if lock.owner == owner and lock.inner == inner)
            return exact or tuple(lock for lock in found if lock.owner == owner and lock.inner[-1:] == inner[-1:])
        near = tuple(lock for lock in found if lock.owner and lock.inner == tuple(chain[:-1])[-len(lock.inner) :] != ())
        if chain[-1] == BARE and not self.program.whole:
            return near
        return near or tuple(lock for lock in found if lock.owner)

    def _owner(self, struct: str, fields: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The struct that the last of some fields is in, and the anonymous structs of it that were gone through."""
        inner: tuple[str, ...] = ()
        for name in fields:
            following = self._member(struct, name)
            struct, inner = (following, ()) if following else (struct, (*inner, name))
        return struct, inner

    def _member(self, struct: str, name: str) -> str:
        """The struct that a member of a struct is, or points to; ``""`` for an anonymous one."""
        known = self._members.get((struct, name))
        if known is None:
            text = self._bodies.get(struct, "")
            match = re.search(_MEMBER.format(re.escape(name)), text) if text else None
            known = self._members[struct, name] = match[1] if match else ""
        return known

    @cached_property
    def _bodies(self) -> dict[str, str]:
        """Struct -> the text between its braces."""
        found: dict[str, str] = {}
        for path in self.program.files:
            for struct, body in _structs(self.program.code(path)):
                found.setdefault(struct, body)
        return found


@lru_cache(maxsize=1 << 10)
def _structs(code: str) -> tuple[tuple[str, str], ...]:
    """The structs of a text, each with what is between its braces."""
    found: list[tuple[str, str]] = []
    opened: re.Match[str] | None = None
    for match in _TOP.finditer(code):
        if opened is not None and opened[1] and match[0] == "}":
            found.append((opened[1], code[opened.end() : match.start()]))
        opened = match
    return tuple(found)


@lru_cache(maxsize=2048)
def _in_file(path: str, code: str, types: tuple[str, ...]) -> tuple[LockField, ...]:
    """The locks that a file declares."""
    return (*_members_in(path, code, types), *_defined_in(path, code, types))


def _members_in(path: str, code: str, types: tuple[str, ...]) -> Iterator[LockField]:
    for words in types:
        for at in _places(code, words):
            match = _NAME.match(code, at + len(words))
            start = code.rfind("\n", 0, at) + 1
            place = _around(code, at) if match and not code[at - 1 : at].isalnum() else None
            if match is None or place is None or "extern" in code[start:at] or code[at - 1 : at] == "_":
                continue
            yield LockField(match[1], *place, words, path, code.count("\n", 0, at) + 1, match[2] == "=")


def _defined_in(path: str, code: str, types: tuple[str, ...]) -> Iterator[LockField]:
    for at in _places(code, "DEFINE_"):
        match = _DEFINE.match(code, at)
        if match is not None:
            words = _DEFINED.get(match[1], match[2] or "")
            if words in types:
                yield LockField(match[3], "", (), words, path, code.count("\n", 0, at) + 1, not match[2])


def _places(code: str, words: str) -> Iterator[int]:
    """Where some words are in a text."""
    at = code.find(words)
    while at >= 0:
        yield at
        at = code.find(words, at + 1)


def _around(code: str, at: int) -> tuple[str, tuple[str, ...]] | None:
    """The struct around a declaration and the anonymous ones on the way; None in the body of a function."""
    if (
        code[code.rfind("\n", 0, at) + 1 : at].strip() in ("", "static")
        and code[code.rfind("\n", 0, at) + 1] not in " \t"
    ):
        return ("", ())  # begins in the first column: a variable of the file
    inner: list[str] = []
    depth = 0
    for brace in re.finditer(r"[{}]", code[at:]):
        depth += 1 if brace[0] == "{" else -1
        if depth < 0:
            depth = 0
            place = at + brace.start()
            if code[place - 1] == "\n":
                break
            named = _CLOSING.match(code, place + 1)
            inner += [named[1]] if named and named[1] else []
    heading = _heading(code, at)
    return None if heading is None else (heading, tuple(reversed(inner)))


def _heading(code: str, at: int) -> str | None:
    """The name of the struct whose heading is the last line in the first column; None if that is no struct."""
    place = at
    while place > 0:
        place = code.rfind("\n", 0, place - 1) + 1 if place > 1 else 0
        first = code[place : place + 1]
        if first.isalpha() or first in "_}":
            match = _TOP.match(code, place)
            return match[1] if match and match[1] else None
        if place == 0:
            return None
    return None


def _through(expr: Expr, function: Function) -> Expr:
    """The expression a local pointer, or the result of a per-CPU accessor, stands for."""
    if isinstance(expr, Name):
        expr = pointees(function).get(expr.id, expr)
    inner = expr.base if isinstance(expr, Addr | Deref) else expr
    if isinstance(inner, Name) and inner.temporary:
        for call in function.calls():
            if call.result == inner and call.callee in PER_CPU and call.args:
                return call.args[0]
    return expr


def _chain(expr: Expr) -> tuple[tuple[str, ...], str]:
    """The fields on the way to the last, and the variable they start from."""
    fields: list[str] = []
    while True:
        match expr:
            case Addr() | Deref() | Index():
                expr = expr.base
            case Field():
                fields.append(expr.name)
                expr = expr.base
            case Name():
                return tuple(reversed(fields)), expr.id
            case _:
                return tuple(reversed(fields)), ""


def _type(function: Function, name: str) -> str:
    """The struct that a variable of a function is, or points to."""
    words = function.locals.get(name) or next((p.type for p in function.params if p.name == name), "")
    match = re.search(r"\bstruct\s+(\w+)", words)
    if match is None and name.startswith("%"):
        for call in function.calls():
            if isinstance(call.result, Name) and call.result.id == name and call.callee.startswith("to_"):
                return _CASTS.get(call.callee, call.callee[3:])
    return match[1] if match else ""


_CASTS = {"to_svm": "vcpu_svm", "to_vmx": "vcpu_vmx", "to_tdx": "vcpu_tdx", "to_hv_vcpu": "kvm_vcpu_hv"}
