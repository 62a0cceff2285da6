"""What becomes of the result of a call: used on every path, or lost on one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.analyses.typestate import BUSY_TESTS
from analyzer.ir.cfg import reverse_postorder
from analyzer.ir.types import (
    Assign,
    Assume,
    Binary,
    Call,
    Const,
    Expr,
    Field,
    Function,
    Hole,
    Index,
    Instr,
    Name,
    Return,
)

LOGGING = re.compile(
    r"^(?:pr_\w+|printk\w*|vcpu_unimpl\w*|kvm_pr_\w+|kvm_err|kvm_info|kvm_debug|trace_\w+|dev_\w+|_printk|dump_stack)$"
)
WARNING = re.compile(r"^(?:KVM_MMU_)?WARN(?:_ON)?(?:_ONCE|_RATELIMIT)?$")


@dataclass(frozen=True, slots=True)
class Loss:
    """A result that is lost: where, and how (``thrown away``, ``never looked at``, ``only logged``)."""

    instr: Instr
    how: str


@dataclass(frozen=True, slots=True)
class Use:
    """What a function does with the result of a call.

    ``loss``: a path on which it is lost, if any. ``returned``: it is returned (so the caller must look at it).
    ``handled``: some path acts on it beyond returning it.
    """

    loss: Loss | None
    returned: bool
    handled: bool


def use_of(function: Function, call: Call) -> Use:
    """Follow the result of a call forward over all paths."""
    if call.result is None:
        return Use(Loss(call, "thrown away"), False, False)
    return _Forward(function, call).run()


class _Forward:
    def __init__(self, function: Function, call: Call) -> None:
        self.function = function
        self.call = call
        self.loss: Loss | None = None
        self.returned = False
        self.handled = False
        self.seen: set[tuple[int, frozenset[str]]] = set()
        self.order = reverse_postorder(function)
        self.joins: dict[str, frozenset[int]] = {}  # marks of failing sides: where the other side goes, too

    def run(self) -> Use:
        """Walk from the call with the set of variables that carry its result."""
        home, at = next(
            (i, n) for i, b in enumerate(self.function.blocks) for n, x in enumerate(b.instrs) if x is self.call
        )
        result = self.call.result
        assert result is not None
        if isinstance(result, Field | Index) or not isinstance(result, Name):
            return Use(None, False, True)  # stored where others can look at it
        self.walk(home, at + 1, frozenset((result.text,)))
        return Use(self.loss, self.returned, self.handled)

    def walk(self, block: int, at: int, carriers: frozenset[str]) -> None:
        """One path; stops where the result is used."""
        stack = [(block, at, carriers)]
        while stack:
            current, start, held = stack.pop()
            after = self.block(current, start, held)
            if after is None:
                continue
            successors = self.function.blocks[current].successors
            if not successors:
                continue
            for nxt in successors:
                if (nxt, after) not in self.seen:
                    self.seen.add((nxt, after))
                    stack.append((nxt, 0, after))

    def block(self, index: int, start: int, held: frozenset[str]) -> frozenset[str] | None:
        """The carriers at the end of a block; None when the result is used or lost in it."""
        held = frozenset(w for w in held if w[0] != "!" or w == "!" or index not in self.joins[w])
        for instr in self.function.blocks[index].instrs[start:]:
            marked = any(w[0] == "!" and w != "!" for w in held)
            if marked and _acts(instr):
                self.acted(instr, held)
                return None
            kept = self.instr(instr, held, index)
            if kept is None:
                return None
            if all(word[0] in "?!" for word in kept):
                self.loss = self.loss or Loss(instr, "overwritten before it is looked at")
                return None
            held = kept
        return held

    def acted(self, instr: Instr, held: frozenset[str]) -> None:
        """A failing side that does something, before it meets the other one."""
        if isinstance(instr, Return) and instr.value is not None and not held.isdisjoint(instr.value.names):
            self.returned = True
        elif isinstance(instr, Assign) and _is_zero(instr.value) and instr.target.text in held:
            self.loss = self.loss or Loss(instr, "turned into success")
        else:
            self.handled = True

    def instr(self, instr: Instr, held: frozenset[str], block: int) -> frozenset[str] | None:
        """The carriers after an instruction; None when it uses the result."""
        match instr:
            case Assume():
                if f"?{instr.cond.text}" in held:
                    return None if instr.truth else held  # busy is acted on, any other error is still to be looked at
                return held if held.isdisjoint(instr.cond.names) else self.branch(instr, held, block)
            case Return():
                if instr.value is not None and not held.isdisjoint(instr.value.names):
                    self.returned = True
                elif "!" not in held or instr.value is None or _is_zero(instr.value):
                    self.loss = self.loss or Loss(instr, "never looked at")
                return None
            case Call():
                return self.passed(instr, held)
            case Assign():
                return self.assigned(instr.target, instr.value, held)
            case Hole():
                return None
            case _:
                return held

    def passed(self, call: Call, held: frozenset[str]) -> frozenset[str] | None:
        """As an argument it is used, unless by a function that only logs."""
        used = any(not held.isdisjoint(a.names) for a in call.args)
        if used and call.callee in BUSY_TESTS and isinstance(call.result, Name):
            return held | {f"?{call.result.id}"}
        if used and WARNING.match(call.callee):
            return held | ({call.result.id} if isinstance(call.result, Name) else set())
        if used and not LOGGING.match(call.callee):
            self.handled = True
            return None
        if call is self.call:
            return frozenset()
        return held - ({call.result.text} if isinstance(call.result, Name) else set())

    def assigned(self, target: Expr, value: Expr, held: frozenset[str]) -> frozenset[str] | None:
        """A copy carries it on; stored elsewhere it is used; overwriting a carrier loses it."""
        carries = not held.isdisjoint(value.names)
        if isinstance(target, Name):
            return held | {target.id} if carries else held - {target.id}
        if carries:
            self.handled = True
            return None
        return held

    def branch(self, assume: Assume, held: frozenset[str], block: int) -> frozenset[str] | None:
        """A test uses it, unless its failing side only logs and goes on as if nothing was."""
        if _failing(assume) and self.only_logs(block):
            return held
        if _failing(assume) and not _word_of(assume) and (others := self.ignored(block)):
            self.joins[f"!{block}"] = others
            return held | {f"!{block}", "!"}
        if _failing(assume) and not _word_of(assume):
            for instr in self.function.blocks[block].instrs:
                if isinstance(instr, Assign) and instr.target.text in held and _is_zero(instr.value):
                    self.loss = self.loss or Loss(instr, "turned into success")
                    return None
        if _failing(assume) and (success := self.swallowed(block)) is not None:
            self.loss = self.loss or Loss(success, "turned into success")
            return None
        if _failing(assume) and not self.only_returns(block, held):
            self.handled = True
        if _failing(assume):
            self.follow_returns(block, held)
        elif _sibling_only_logs(self, block):
            return held
        return None

    def only_logs(self, block: int) -> bool:
        """The block has nothing but logging and falls through to where its sibling goes."""
        body = self.function.blocks[block]
        calls = [i for i in body.instrs if isinstance(i, Call)]
        others = [i for i in body.instrs if not isinstance(i, Call | Assume)]
        return bool(calls) and not others and len(body.successors) == 1 and all(LOGGING.match(c.callee) for c in calls)

    def ignored(self, block: int) -> frozenset[int]:
        """Where the other side goes, if a way on which nothing is done leads from this side to there."""
        blocks = self.function.blocks
        beside = {n for b in blocks if block in b.successors for n in b.successors if n != block}
        others = self.forward(beside)
        seen, work = {block}, [block]
        meets = False
        while work:
            at = work.pop()
            if at in others:
                meets = True
                continue
            if any(map(_acts, blocks[at].instrs)):
                continue
            if any(self.order[n] <= self.order[at] for n in blocks[at].successors):
                return frozenset()  # another try
            work += [n for n in blocks[at].successors if n not in seen]
            seen.update(blocks[at].successors)
        return others if meets and block not in others else frozenset()

    def forward(self, starts: set[int]) -> frozenset[int]:
        """The blocks that are reached without going round a loop."""
        seen, work = set(starts), list(starts)
        while work:
            at = work.pop()
            new = [n for n in self.function.blocks[at].successors if self.order[n] > self.order[at] and n not in seen]
            seen.update(new)
            work += new
        return frozenset(seen)

    def swallowed(self, block: int) -> Return | None:
        """The failing side does nothing but return 0 where 0 means success."""
        if self.function.returns != "int":
            return None
        seen: set[int] = set()
        while block not in seen:
            seen.add(block)
            for instr in self.function.blocks[block].instrs:
                if isinstance(instr, Return):
                    return instr if isinstance(instr.value, Const) and instr.value.value == 0 else None
                if not isinstance(instr, Assume) and not (isinstance(instr, Call) and LOGGING.match(instr.callee)):
                    return None
            if len(self.function.blocks[block].successors) != 1:
                return None
            block = self.function.blocks[block].successors[0]
        return None

    def only_returns(self, block: int, held: frozenset[str]) -> bool:
        """The failing side does nothing but hand the result on."""
        seen = set()
        current = block
        while current not in seen:
            seen.add(current)
            for instr in self.function.blocks[current].instrs:
                if isinstance(instr, Call) and not LOGGING.match(instr.callee) and "unlock" not in instr.callee:
                    return False
                if isinstance(instr, Assign) and not isinstance(instr.target, Name):
                    return False
                if isinstance(instr, Return):
                    return True
            if len(self.function.blocks[current].successors) != 1:
                return False
            current = self.function.blocks[current].successors[0]
        return False

    def follow_returns(self, block: int, held: frozenset[str]) -> None:
        """Whether the failing side returns the result itself."""
        stack, seen = [block], set()
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            for instr in self.function.blocks[current].instrs:
                if isinstance(instr, Return) and instr.value is not None and not held.isdisjoint(instr.value.names):
                    self.returned = True
            stack += self.function.blocks[current].successors


def _is_zero(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.value == 0


def _word_of(assume: Assume) -> bool:
    """Whether a test is for one value, not for any failure."""
    cond = assume.cond
    return isinstance(cond, Binary) and cond.op in ("==", "!=") and not _is_zero(cond.right)


def _acts(instr: Instr) -> bool:
    """Whether an instruction does something about a failure, or says that there was one."""
    match instr:
        case Call():
            return not LOGGING.match(instr.callee) and not WARNING.match(instr.callee)
        case Assign(target=Name(), value=Name() | Field()):
            return False
        case Assume():
            return False
    return True


def _failing(assume: Assume) -> bool:
    """The side on which the call failed: the value is not zero, or negative."""
    text = assume.cond.text
    if "== 0" in text or text.startswith("!"):
        return not assume.truth
    return assume.truth


def _sibling_only_logs(walk: _Forward, block: int) -> bool:
    """The other side of this test is the failing one, and it only logs."""
    for body in walk.function.blocks:
        if block in body.successors:
            for other in body.successors:
                first = walk.function.blocks[other].instrs[:1]
                if (
                    other != block
                    and first
                    and isinstance(first[0], Assume)
                    and _failing(first[0])
                    and walk.only_logs(other)
                ):
                    return True
    return False
