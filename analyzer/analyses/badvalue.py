"""A value that a check found bad, and what the code that runs on does with it.

The walk starts where a check said so (or at the entry of a function that is handed the value), goes along every path on
which no later test of the value says otherwise, and ends at the first use that the bad value breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from analyzer.analyses.facts import Facts
from analyzer.analyses.facts import step as at_step
from analyzer.analyses.reception import Test, truth_of
from analyzer.core.finding import Step
from analyzer.ir.program import Key
from analyzer.ir.types import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Deref,
    Expr,
    Field,
    Function,
    Hole,
    Index,
    Instr,
    Name,
    Return,
    children,
)

QUIET = re.compile(
    r"^(?:pr_\w+|printk\w*|trace_\w+|kvm_pr_\w+|kvm_err|kvm_debug|WARN\w*|KVM_BUG\w*|TDX_BUG\w*|__TDX_BUG\w*|lockdep_\w+"
    r"|kfree|kvfree|vfree|free_page|put_page|IS_ERR\w*|PTR_ERR\w*|likely|unlikely|sizeof|typeof|kvm_vm_\w+|min|max|min_t)$"
)
FOLLOWS = re.compile(
    r"^(?:mem(?:cpy|set|move|cmp)|copy_page|clear_page|virt_to_page|page_to_pfn|page_to_phys|page_address|list_add\w*"
    r"|list_del\w*|str(?:len|cpy)|__va|__(?:sme_|psp_)?pa|(?:slow_)?virt_to_phys|virt_to_folio|set_page_private|folio_\w+"
    r"|copy_(?:to|from)_user|kmap_local_page)$"
)
SAME = re.compile(r"^(?:rcu_dereference\w*|READ_ONCE|smp_load_acquire)$")  # what is given is looked at as it is
MAX_DEPTH = 4
MAX_STATES = 2_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad value by the words that name it.

    ``kind``: ``null``, ``level``, ``index``, or ``unset`` (an output that a failed call never wrote). ``result``: the
    variable that says that the call failed.
    """

    words: frozenset[str]
    kind: str
    result: str = ""
    flags: frozenset[tuple[str, bool]] = frozenset()  # variables that are known on the path

    def named(self, expr: Expr) -> bool:
        """Whether an expression is the value."""
        return expr.text in self.words


@dataclass(slots=True)
class Outcome:
    """How the walk of one function ended: the first use with the steps to it, and the ways out that were reached."""

    use: tuple[Step, ...] = ()
    at: Instr | None = None
    returned: bool = False  # the value itself is returned
    left: bool = False  # the function is left with the value as it was


@dataclass(slots=True)
class BadWalker:
    """Walks with memory; ``acts`` says which calls act on a level or an index."""

    facts: Facts
    acts: re.Pattern[str]
    entered: dict[tuple[Key, int, str], Outcome] = field(default_factory=dict)

    def after(self, function: Function, block: int, at: int, bad: Bad, depth: int = 0) -> Outcome:
        """Follow a value that is bad from an instruction on."""
        out = Outcome()
        stack, seen = [(block, at, bad)], {(block, bad)}
        while stack and not out.use:
            current, start, known = stack.pop()
            kept = self.block(function, current, start, known, depth, out)
            if kept is None:
                continue
            for nxt in function.blocks[current].successors:
                if (nxt, kept) not in seen and len(seen) < MAX_STATES:
                    seen.add((nxt, kept))
                    stack.append((nxt, 0, kept))
        return out

    def block(self, function: Function, block: int, start: int, bad: Bad, depth: int, out: Outcome) -> Bad | None:
        """The value at the end of a block; None where the path ends for it."""
        for instr in function.blocks[block].instrs[start:]:
            if isinstance(instr, Hole):
                return None
            if isinstance(instr, Assume):
                if self.refuted(instr, bad):
                    return None
                if self.used(function, (instr.cond,), instr, bad, out):
                    return None
                continue
            exprs = _exprs(instr)
            if not (isinstance(instr, Call) and QUIET.match(instr.callee)) and self.used(
                function, exprs, instr, bad, out
            ):
                return None
            if isinstance(instr, Call) and self.handed(function, instr, bad, depth, out):
                return None
            if isinstance(instr, Return):
                out.left = True
                out.returned = out.returned or (instr.value is not None and bad.named(instr.value))
                return None
            after = _moved(instr, bad)
            if after is None:
                return None
            bad = after
        return bad

    def refuted(self, assume: Assume, bad: Bad) -> bool:
        """A test that says the value is good cannot pass; one that finds it bad looks after it."""
        test = truth_of(assume.cond, assume.truth, {})
        if test is None:
            return False
        if test.kind == "true" and (test.subject, not test.holds) in bad.flags:
            return True
        if test.subject == bad.result and test.kind in ("true", "negative"):
            return not test.holds
        if bad.kind == "null" and test.subject in bad.words and test.kind in ("true", "equal"):
            return _not_null(test)
        return bad.kind != "null" and not assume.wraps and bool(bad.words & assume.cond.names)

    def used(self, function: Function, exprs: tuple[Expr, ...], instr: Instr, bad: Bad, out: Outcome) -> bool:
        """Whether an instruction breaks on the value: a pointer followed, an element taken, an output read."""
        for expr in exprs:
            for part in _parts(expr):
                note = _broken(part, bad)
                if note:
                    out.use, out.at = (at_step(function, instr, note),), instr
                    return True
        return False

    def handed(self, function: Function, call: Call, bad: Bad, depth: int, out: Outcome) -> bool:
        """Whether a callee breaks on the value, or acts on it."""
        for index, arg in enumerate(call.args):
            if not bad.named(arg):
                continue
            if bad.kind == "null" and FOLLOWS.match(call.callee):
                out.use, out.at = (at_step(function, call, f"{call.name}() follows {arg.text}"),), call
                return True
            if bad.kind in ("level", "unset") and not QUIET.match(call.callee or "x") and self.acting(call):
                out.use, out.at = (at_step(function, call, f"{call.name}() acts on {arg.text}"),), call
                return True
            inner = self.inside(function, call, index, bad.kind, depth)
            if inner is not None and inner.use:
                out.use = (at_step(function, call, f"hands {arg.text} to {call.name}()"), *inner.use)
                out.at = call
                return True
        return False

    def acting(self, call: Call) -> bool:
        """Whether a call does something with a level."""
        return bool(call.table) or self.acts.match(call.callee) is not None

    def inside(self, function: Function, call: Call, index: int, kind: str, depth: int) -> Outcome | None:
        """What a callee does with a parameter that is bad on entry."""
        if depth >= MAX_DEPTH or not call.callee or QUIET.match(call.callee):
            return None
        for key in self.facts.program.resolve(call.callee, function.path):
            known = (key, index, kind)
            if known not in self.entered:
                self.entered[known] = Outcome()
                callee = self.facts.program.lower(key)
                if callee is not None and callee.kind == "function" and index < len(callee.params):
                    name = callee.params[index].name
                    self.entered[known] = self.after(callee, 0, 0, Bad(frozenset((name,)), kind), depth + 1)
            if self.entered[known].use:
                return self.entered[known]
        return None


def _not_null(test: Test) -> bool:
    """Whether a test of a pointer says that it points to something."""
    if test.kind == "true":
        return test.holds
    return not test.holds if test.word in ("NULL", "0") else False


def _exprs(instr: Instr) -> tuple[Expr, ...]:
    """What an instruction evaluates."""
    match instr:
        case Assign():
            return (instr.target, instr.value)
        case Call():
            return (*instr.args, *((instr.result,) if instr.result is not None else ()))
        case Return() if instr.value is not None:
            return (instr.value,)
    return ()


def _parts(expr: Expr) -> Iterator[Expr]:
    """An expression and everything inside that is evaluated; an address follows nothing."""
    yield expr
    match expr:
        case Addr(base=Field(base=Deref(base=base))):
            yield from _parts(base)
        case Addr(base=Index(base=base, index=index)):
            yield from _parts(base)
            yield from _parts(index)
        case _:
            for child in children(expr):
                yield from _parts(child)


def _broken(part: Expr, bad: Bad) -> str:
    """What a bad value breaks in an expression."""
    if bad.kind in ("null", "unset", "index"):
        if isinstance(part, Deref) and bad.named(part.base):
            return f"follows {part.base.text}"
        if isinstance(part, Index) and bad.named(part.base):
            return f"takes an element of {part.base.text}"
    if bad.kind in ("index", "level") and isinstance(part, Index) and bad.named(part.index):
        return f"takes {part.text}"
    return ""


def _hands_on(value: Expr, bad: Bad) -> bool:
    """Whether what is stored is the value, or the address of an element that is out of range."""
    inner = value.base if isinstance(value, Addr) and bad.kind == "index" else None
    return bad.named(value) or (isinstance(inner, Index) and bad.named(inner.index))


def _further(instr: Assign) -> bool:
    """Whether a number only grows: past the end it stays past the end."""
    value = instr.value
    grows = isinstance(value, Binary) and value.op == "+" and isinstance(value.right, Const)
    return grows and isinstance(value, Binary) and value.left is instr.target


def _moved(instr: Instr, bad: Bad) -> Bad | None:
    """The value after a store: a copy is bad as well, what is overwritten is bad no more."""
    target = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
    words = bad.words
    if bad.kind == "index" and isinstance(instr, Assign) and _further(instr) and bad.named(instr.target):
        return bad
    if isinstance(target, Name):
        words = frozenset(w for w in words if not re.search(rf"\b{re.escape(target.id)}\b", w))
    elif target is not None:
        words = words - {target.text}
    same = isinstance(instr, Call) and SAME.match(instr.callee) is not None and any(map(bad.named, instr.args))
    if isinstance(target, Name) and (same or (isinstance(instr, Assign) and _hands_on(instr.value, bad))):
        words = words | {target.id}
    if isinstance(instr, Call):
        given = {a.base.text for a in instr.args if isinstance(a, Addr)}
        words = frozenset(w for w in words if w not in given)
    flags = bad.flags
    if isinstance(target, Name):
        flags = frozenset(f for f in flags if f[0] != target.id)
        if isinstance(instr, Assign) and isinstance(instr.value, Const) and instr.value.value is not None:
            flags |= {(target.id, instr.value.value != 0)}
        elif isinstance(instr, Assign):
            flags |= {(target.id, truth) for name, truth in bad.flags if name == instr.value.text}
    return replace(bad, words=words, flags=flags) if words else None
