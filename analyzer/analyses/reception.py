"""How a returned value is received: into which type it is stored, and what a test of it tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from analyzer.ir.types import Assign, Assume, Binary, Call, Const, Expr, Field, Function, Name, Unary

_NARROW = re.compile(r"^(?:bool|_Bool|u8|u16|__u8|__u16|uint8_t|uint16_t|unsigned char|unsigned short(?: int)?)$")
_UNSIGNED = re.compile(
    r"^(?:u32|u64|__u32|__u64|uint32_t|uint64_t|size_t|unsigned|unsigned int|unsigned long(?: long)?(?: int)?)$"
)
_SIGNED = re.compile(r"^(?:int|long|long long|long int|s32|s64|ssize_t|signed|signed int|vm_fault_t)$")
_QUALIFIER = re.compile(
    r"\b(?:const|volatile|static|inline|__always_inline|noinline|__must_check|__weak|extern|register"
    r"|__maybe_unused|noinstr|__init|__exit|__cold|asmlinkage)\b"
)
ERRNO = re.compile(r"^E(?!PT_)[A-Z][A-Z0-9]+$")
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
ERROR_POINTER = frozenset(("IS_ERR", "IS_ERR_OR_NULL", "IS_ERR_VALUE"))


def plain_type(words: str) -> str:
    """A type without qualifiers."""
    return " ".join(_QUALIFIER.sub(" ", words).split())


@cache
def narrow_kind(words: str) -> str:
    """``bool`` for a type in which an errno is cut to a flag or a byte, ``unsigned`` where it loses its sign only."""
    plain = plain_type(words)
    return "bool" if _NARROW.match(plain) else "unsigned" if _UNSIGNED.match(plain) else ""


@cache
def signed(words: str) -> bool:
    """Whether a type can hold a negative errno."""
    return _SIGNED.match(plain_type(words)) is not None


@dataclass(frozen=True, slots=True)
class Test:
    """What a condition asks of a variable.

    ``kind``: ``true`` (not zero), ``negative``, ``positive``, ``equal`` to ``word``, ``error`` (IS_ERR), ``busy`` (a
    test that names one transient failure), ``predicate``, ``dead``. ``holds``: on this side it does.
    """

    subject: str
    kind: str
    word: str = ""
    holds: bool = True

    def passes(self, name: str, error: bool) -> bool:
        """Whether a value with that name can be here."""
        if name == "?" and self.kind == "equal":
            return True  # any number but zero
        match self.kind:
            case "true":
                said = error or name != "0"
            case "negative" | "error":
                said = error or name.startswith("-")
            case "positive":
                said = not error and name != "0" and not name.startswith("-")
            case "equal":
                if name[0] == "@":
                    return not self.holds or ERRNO.match(self.word) is not None
                said = name == self.word
            case _:
                return True
        return said is self.holds

    @property
    def failing(self) -> bool:
        """Whether this side is taken because something failed."""
        if self.kind == "equal" and not self.holds:
            return ERRNO.match(self.word) is None
        return self.holds and self.kind in ("true", "negative", "error", "equal")


def tests_of(function: Function, named: frozenset[str], dead: frozenset[str]) -> dict[str, Test]:
    """Variables that hold the answer of a test: of an error pointer, a predicate, a comparison."""
    out: dict[str, Test] = {}
    written: dict[str, int] = {}
    for block in function.blocks:
        for instr in block.instrs:
            target = instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None
            if not isinstance(target, Name):
                continue
            written[target.id] = written.get(target.id, 0) + 1
            test = _asked(instr, named, dead) if isinstance(instr, Call) else None
            if isinstance(instr, Assign) and isinstance(instr.value, Binary | Unary):
                test = condition(instr.value)
            if test is not None:
                out[target.id] = test
    return {name: test for name, test in out.items() if written[name] == 1}


def _asked(call: Call, named: frozenset[str], dead: frozenset[str]) -> Test | None:
    if any(a.names & dead for a in call.args) or call.callee in dead:
        return Test("", "dead")
    if call.callee in ERROR_POINTER and call.args:
        return Test(call.args[0].text, "error")
    if call.callee in named and call.args:
        busy = "busy" in call.callee.lower() or "invalid" in call.callee.lower()
        return Test(call.args[0].text, "busy") if busy else Test("", "predicate", call.callee)
    return None


@cache
def condition(cond: Expr) -> Test | None:
    """A condition as a test of one variable; None for others."""
    match cond:
        case Unary(op="!"):
            inner = condition(cond.operand) or Test(cond.operand.text, "true")
            return replace(inner, holds=not inner.holds)
        case Binary(left=Const() | Unary(), right=Name() | Field()) if cond.op in _MIRRORED:
            return condition(Binary(_MIRRORED[cond.op], cond.right, cond.left))
        case Binary(op="<", right=Const(value=0)):
            return Test(cond.left.text, "negative")
        case Binary(op=">=", right=Const(value=0)):
            return Test(cond.left.text, "negative", holds=False)
        case Binary(op=">", right=Const(value=0)):
            return Test(cond.left.text, "positive")
        case Binary(op="<=", right=Const(value=0)):
            return Test(cond.left.text, "positive", holds=False)
        case Binary(op="==" | "!=", right=Const(value=0)):
            return Test(cond.left.text, "true", holds=cond.op == "!=")
        case Binary(op="==" | "!="):
            word = _word(cond.right)
            return Test(cond.left.text, "equal", word, cond.op == "==") if word else None
    return None


def _word(expr: Expr) -> str:
    match expr:
        case Const():
            return expr.text
        case Name() if expr.id.isupper():
            return expr.id
        case Unary(op="-", operand=Name(id=word)):
            return word
    return ""


def truth_of(cond: Expr, truth: bool, tests: Mapping[str, Test]) -> Test | None:
    """What a side of a branch asks, seen through a variable that keeps the answer."""
    test = condition(cond) or (None if isinstance(cond, Binary | Unary) else Test(cond.text, "true"))
    if test is None:
        return None
    if test.kind == "true" and test.subject in tests:
        kept = tests[test.subject]
        test = kept if test.holds else _otherwise(kept)
    return test if truth else _otherwise(test)


@cache
def _otherwise(test: Test) -> Test:
    """The other side of a test."""
    return replace(test, holds=not test.holds)


def condition_of(assume: Assume) -> Test | None:
    """What a branch asks, as it is written."""
    return condition(assume.cond)
