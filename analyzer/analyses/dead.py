"""Code that no path reaches: behind a jump, behind a literal test, or behind a test that values let out one way only.

What stands behind a jump or a literal test never gets into the IR: these two are read off the layout of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzer.analyses.facts import has_hole
from analyzer.analyses.walk import Walk
from analyzer.dataflow.values import Constants, Facts, Value, evaluate, truth
from analyzer.ir.program import Program
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Expr,
    Function,
    Instr,
    Name,
    Return,
    Unary,
    parts,
)


@dataclass(frozen=True, slots=True)
class Refuted:
    """An instruction that is never reached, and the branch to it that is never taken."""

    instr: Instr
    test: Assume


@dataclass(frozen=True, slots=True)
class Behind:
    """A line that is never reached, and the line that keeps control from it."""

    line: int
    text: str
    cause: int
    why: str


class _Plain:
    """Calls return anything; nothing else is followed."""

    def observe(self, instr: Instr, state: int, facts: Facts) -> None:
        """Nothing to note."""

    def assign(self, instr: Assign, state: int) -> int:
        """Stores do not matter."""
        return state

    def call(self, call: Call, state: int, facts: Facts) -> list[tuple[int, Value | None, Facts]]:
        """A result may be anything."""
        return [(state, None, {})]

    def hole(self, state: int) -> int:
        """Unknown statements do not matter."""
        return state


def _linked(function: Function) -> frozenset[int]:
    """The blocks that edges lead to from the entry."""
    seen, work = {0}, [0]
    while work:
        for successor in function.blocks[work.pop()].successors:
            if successor not in seen:
                seen.add(successor)
                work.append(successor)
    return frozenset(seen)


def refuted(function: Function, program: Program, constants: Constants) -> Iterator[Refuted]:
    """Branches on local variables that their values rule out, in a function that is known in full."""
    if has_hole(function) or function.partial or not function.blocks:
        return
    walk = Walk(function, program, constants, _Plain())
    walk.run(0, {})
    if not walk.complete:
        return
    own = _own(function)
    for index in sorted(_linked(function) - walk.reached | _stopped(function, walk, constants)):
        first = next(iter(function.blocks[index].instrs), None)
        if isinstance(first, Assume) and not first.frames and not first.wraps and _simple(first.cond, own):
            rest = [i for i in function.blocks[index].instrs[1:] if _does(i)]
            if rest:
                yield Refuted(rest[0], first)


def _does(instr: Instr) -> bool:
    """A statement; what a macro or a ?: leaves is none."""
    if instr.frames:
        return False
    return isinstance(instr, Call | Return) or (isinstance(instr, Assign) and not instr.target.text.startswith("%"))


def _stopped(function: Function, walk: Walk[int], constants: Constants) -> set[int]:
    """Reached blocks whose own test fails on all paths to them."""
    found = set()
    for index in walk.reached:
        first = next(iter(function.blocks[index].instrs), None)
        if isinstance(first, Assume):
            answers = [truth(evaluate(first.cond, dict(f), constants)) for f in walk.entries(index)]
            if answers and all(a is not None and a is not first.truth for a in answers):
                found.add(index)
    return found


def _own(function: Function) -> frozenset[str]:
    """Local variables and parameters whose address is never taken and that nothing else can change."""
    taken = {
        e.base.id
        for b in function.blocks
        for i in b.instrs
        for x in (i.args if isinstance(i, Call) else (i.value,) if isinstance(i, Assign) else ())
        for e in parts(x)
        if isinstance(e, Addr) and isinstance(e.base, Name)
    }
    plain = {n for n, t in function.locals.items() if "static" not in t and "volatile" not in t and "[" not in t}
    return frozenset((plain | {p.name for p in function.params}) - taken)


def _simple(cond: Expr, names: frozenset[str]) -> bool:
    """Made of such variables, and of literals; an enumerator may depend on the configuration."""
    for part in parts(cond):
        if isinstance(part, Name) and part.id not in names:
            return False
        if not isinstance(part, Name | Const | Unary | Binary):
            return False
    return True


_JUMP = re.compile(r"^(?:return\b[^;]*;|goto \w+;|break;|continue;)$")
_LABEL = re.compile(r"^(?:case\b.*|default\s*|\w+\s*):")
_LITERAL = re.compile(r"^(?:(?:\} )?(?:else )?if|while) \((?:0|false)\)|^#if 0\b")
_NEXT = re.compile(r"^(?:break;|fallthrough;|[#}])")


def behind(lines: Sequence[str], first: int, last: int, whole: bool = True) -> Iterator[Behind]:
    """The dead lines of a function by its layout; lines count from 1, and ``last`` is the closing brace.

    Where the file is not known as a ``whole``, an empty line may stand for one that is not shown: a label, say.
    """
    for number in range(first, last):
        text = lines[number - 1].strip() if number <= len(lines) else ""
        if _LITERAL.match(text):
            yield Behind(number, text, number, text)
        elif _JUMP.match(text) and not _governed(lines, number):
            follows = _following(lines, number, last if whole else min(last, number + 2))
            if follows is not None:
                yield Behind(follows, lines[follows - 1].strip(), number, text)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def _governed(lines: Sequence[str], number: int) -> bool:
    """Whether an if, an else or a loop without braces governs the line."""
    above = next((x for x in reversed(lines[max(0, number - 4) : number - 1]) if x.strip()), "")
    return not above.strip().endswith((";", "{", "}", ":")) and not above.strip().startswith("#")


def _following(lines: Sequence[str], number: int, last: int) -> int | None:
    """The next line of the same block that a jump keeps control from; blank lines in number may hide something."""
    for after in range(number + 1, min(number + 3, last, len(lines) + 1)):
        text = lines[after - 1].strip()
        if text:
            same = _depth(lines[after - 1]) == _depth(lines[number - 1])
            return after if same and not _NEXT.match(text) and not _LABEL.match(text) else None
    return None
