"""A 0-based level of the TDX module is mixed with the kernel's enum pg_level.

The kernel counts levels from PG_LEVEL_4K = 1, the TDX module from 0. Where both travel as int, a BLOCK or DEMOTE hits
the wrong size and nothing warns. Interfaces of the kernel pass enum pg_level; the module's number exists only inside
arch/x86/virt/vmx/tdx/tdx.c, at the SEAMCALL. Shifting by level * PTE_SHIFT is the same mistake with a formula.

Pass enum pg_level, convert once in the wrapper, and ask a helper (page_level_size(), KVM_PAGES_PER_HPAGE()) for sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Assume,
    Binary,
    Call,
    Certainty,
    Expr,
    Facts,
    Finding,
    Function,
    Init,
    Instr,
    Location,
    Name,
    Provenance,
    Reach,
    Return,
    Rule,
    Severity,
    Step,
    covers,
    shown,
    step,
)
from rules.vocabulary.seamcall import is_tdx

SCOPE = ("arch/x86/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/tdx.h")
MODULE = "arch/x86/virt/vmx/tdx/tdx.c"
CONVERTER = "pg_level_to_tdx_sept_level"
_UNIT = re.compile(r"^TDX_PS_\w+$")
_NUMBERS = frozenset(("int", "u64", "unsigned int", "u32", "u8", "unsigned long", "long"))
_STRIDE = re.compile(r"_(?:PTE|LEVEL)_SHIFT$")  # the bits of an address that a level takes
_STRIDES = frozenset(("PTE_SHIFT", "9", "SPTE_LEVEL_BITS"))


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _kind(function: Function, expr: Expr, module_level: set[str]) -> str:
    """``pg`` for an enum pg_level, ``module`` for a 0-based level, ``""`` for neither."""
    if isinstance(expr, Name):
        if _UNIT.match(expr.id) or expr.id in module_level:
            return "module"
        if expr.id.startswith("PG_LEVEL_") or function.locals.get(expr.id, "").startswith("enum pg_level"):
            return "pg"
    return ""


def _module_levels(function: Function) -> set[str]:
    """Variables that hold a converted level."""
    found = {c.result.text for c in function.calls() if c.callee == CONVERTER and c.result is not None}
    for block in function.blocks:
        for instr in block.instrs:
            if (
                isinstance(instr, Assign)
                and isinstance(instr.value, Name)
                and (instr.value.id in found or _UNIT.match(instr.value.id))
            ):
                found.add(instr.target.text)
    return found


def _binaries(expr: Expr | None) -> Iterator[Binary]:
    if isinstance(expr, Binary):
        yield expr
        yield from _binaries(expr.left)
        yield from _binaries(expr.right)
    elif isinstance(expr, Init):
        for _, value in expr.entries:
            yield from _binaries(value)


def _expressions(instr: Instr) -> tuple[Expr | None, ...]:
    match instr:
        case Assign() | Return():
            return (instr.value,)
        case Assume():
            return (instr.cond,) if instr.truth else ()
        case Call():
            return instr.args
        case _:
            return ()


def _level_name(expr: Expr) -> bool:
    """``level``, or ``level - 1``: the levels above the smallest."""
    if isinstance(expr, Binary) and expr.op == "-" and expr.right.text in ("1", "PG_LEVEL_4K"):
        expr = expr.left
    return isinstance(expr, Name) and "level" in expr.id


def _in_function(facts: Facts, function: Function) -> Iterator[tuple[Instr, str, str]]:
    """(instruction, subject, message) of each mix in one function."""
    module_level = _module_levels(function)
    yield from _unconverted(function)
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Call):
                yield from _calls(facts, function, instr, module_level)
                yield from _by_hand(facts, function, instr)
            yield from _stored(function, instr, module_level)
            for expr in _expressions(instr):
                for binary in _binaries(expr):
                    yield from _arithmetic(function, instr, binary, module_level)


def _calls(facts: Facts, function: Function, call: Call, module_level: set[str]) -> Iterator[tuple[Instr, str, str]]:
    if call.callee == CONVERTER and function.path != MODULE:
        yield call, call.shown, f"{shown(call)} makes a 0-based module level outside {MODULE}"
        return
    for key in facts.program.resolve(call.callee, function.path)[:1] if call.callee else ():
        callee = facts.program.lower(key)
        for param, arg in zip(callee.params if callee else (), call.args, strict=False):
            if param.type.startswith("enum pg_level") and _kind(function, arg, module_level) == "module":
                yield (
                    call,
                    f"{call.callee}({arg.text})",
                    f"{call.callee}() takes an enum pg_level and gets the module level {arg.text}",
                )
    if (
        call.callee.startswith("tdh_")
        and function.path != MODULE
        and not facts.program.resolve(call.callee, function.path)
    ):
        for arg in call.args:
            if isinstance(arg, Name) and _UNIT.match(arg.id):
                yield call, f"{call.callee}({arg.text})", f"{call.callee}() gets the module level {arg.text}"


def _stored(function: Function, instr: Instr, module_level: set[str]) -> Iterator[tuple[Instr, str, str]]:
    """A module level where the types say enum pg_level: a variable, or what a function returns."""
    value = instr.value if isinstance(instr, Assign | Return) else None
    if value is None or _kind(function, value, module_level) != "module":
        return
    if isinstance(instr, Return) and not function.returns.startswith("enum pg_level") and _named(function, value):
        yield instr, f"return {value.text}", f"{function.name}() gives the module level {value.text} outside {MODULE}"
    if isinstance(instr, Return) and function.returns.startswith("enum pg_level"):
        yield instr, f"return {value.text}", f"{function.name}() returns an enum pg_level and gets {value.text}"
    if isinstance(instr, Assign) and function.locals.get(instr.target.text, "").startswith("enum pg_level"):
        yield instr, f"{instr.target.text} = {value.text}", f"the enum pg_level {instr.target.text} gets {value.text}"


def _named(function: Function, value: Expr) -> bool:
    """Whether a function of KVM that is named after a level returns a constant of the module."""
    return function.path != MODULE and "level" in function.name and _UNIT.match(value.text) is not None


def _minus_one(expr: Expr | None) -> bool:
    return isinstance(expr, Binary) and _level_name(expr)


def _handmade(facts: Facts, function: Function) -> set[str]:
    """Variables, not declared as a level of the kernel, that hold a level less one."""
    found = set()
    for block in function.blocks:
        for instr in block.instrs:
            if isinstance(instr, Assign) and _minus_one(instr.value):
                found.add(instr.target.text)
            elif isinstance(instr, Call) and instr.result is not None and _returns_handmade(facts, function, instr):
                found.add(instr.result.text)
    return {n for n in found if not function.locals.get(n, "").startswith("enum pg_level")}


def _returns_handmade(facts: Facts, function: Function, call: Call) -> bool:
    """Whether a helper gives a level less one; a call of the converter is told as such."""
    if call.callee == CONVERTER:
        return False
    for key in facts.program.resolve(call.callee, function.path)[:1] if call.callee else ():
        callee = facts.program.lower(key)
        if callee is not None and not callee.returns.startswith("enum pg_level"):
            return any(isinstance(i, Return) and _minus_one(i.value) for b in callee.blocks for i in b.instrs)
    return False


def _by_hand(facts: Facts, function: Function, call: Call) -> Iterator[tuple[Instr, str, str]]:
    """A level less one for a wrapper that takes a number: where it takes an enum pg_level, it is the level below."""
    if not call.callee.startswith("tdh_") or function.path == MODULE:
        return
    handmade = _handmade(facts, function)
    for param, arg in zip(_parameters(facts, call.callee), call.args, strict=False):
        number = (_minus_one(arg) or arg.text in handmade) and param in _NUMBERS
        if number or (param.startswith("enum pg_level") and arg.text in handmade and _for_the_module(arg, function)):
            yield (
                call,
                f"{call.callee}({arg.text})",
                f"{call.callee}() takes a {param} and gets a 0-based module level made by hand",
            )
        elif param.startswith("enum pg_level") and _below_4k(facts, function, call, arg):
            yield (
                call,
                f"{call.callee}({arg.text})",
                f"{call.callee}() takes an enum pg_level and gets {arg.text}, which is no level for a page of 4K",
            )


def _below_4k(facts: Facts, function: Function, call: Call, arg: Expr) -> bool:
    """Whether a level less one is made of a level that is kept to 4K: nothing is below that."""
    level = arg.left if isinstance(arg, Binary) and _minus_one(arg) else None
    if level is None or level not in _levels(function):
        return False
    small = facts.solve("levels of 4K", lambda: Reach(facts, _levels, lambda function, level: (1,)))
    large = facts.solve("levels above 4K", lambda: Reach(facts, _levels, lambda function, level: (2, 3)))
    return small.of(function, level, call).kind == "open" and large.of(function, level, call).kind == "guarded"


def _levels(function: Function) -> tuple[Expr, ...]:
    return tuple(Name(p.name) for p in function.params if p.type.startswith("enum pg_level"))


def _for_the_module(level: Expr, function: Function) -> bool:
    """Whether a number made of a level is meant for the module: it is named so, or PG_LEVEL_4K became its zero."""
    if "tdx" in level.text.lower():
        return True
    zero = re.compile(r"- PG_LEVEL_4K$")
    made = [i for b in function.blocks for i in b.instrs]
    stored = any(isinstance(i, Assign) and i.target.text == level.text and zero.search(i.value.text) for i in made)
    return stored or any(isinstance(i, Call) and i.result is not None and i.result.text == level.text for i in made)


def _unconverted(function: Function) -> Iterator[tuple[Instr, str, str]]:
    """In a wrapper: a level of the kernel that goes into an operand of the module as it is."""
    if function.path != MODULE or not function.name.startswith("tdh_"):
        return
    levels = {p.name for p in function.params if p.type.startswith("enum pg_level")}
    for block in function.blocks:
        for instr in block.instrs if levels else ():
            for expr in _expressions(instr) if not isinstance(instr, Assume) else ():
                for binary in _binaries(expr):
                    sides = (binary.left, binary.right)
                    for level in sides if binary.op in ("|", "+") and all(isinstance(s, Name) for s in sides) else ():
                        if isinstance(level, Name) and level.id in levels:
                            yield instr, binary.text, f"{binary.text} gives the module a level that counts from 1"


def _parameters(facts: Facts, name: str) -> tuple[str, ...]:
    """The types that a wrapper is declared with."""
    known = facts.solve(
        "tdh parameters", lambda: {p.name: p for p in facts.program.prototypes() if p.name[:4] == "tdh_"}
    )
    return tuple(p.type for p in known[name].params) if name in known else ()


def _arithmetic(
    function: Function, instr: Instr, binary: Binary, module_level: set[str]
) -> Iterator[tuple[Instr, str, str]]:
    left, right = _kind(function, binary.left, module_level), _kind(function, binary.right, module_level)
    if binary.op in ("==", "!=", "<", ">", "<=", ">=") and {left, right} == {"pg", "module"}:
        yield instr, binary.text, f"{binary.text} compares an enum pg_level with a module level"
    if binary.op == "|" and function.path != MODULE and "module" in (left, right):
        yield instr, binary.text, f"{binary.text} puts a module level into an operand outside {MODULE}"
    if binary.op == "|" and function.path != MODULE:
        for level in (binary.left, binary.right):
            if isinstance(level, Binary) and _level_name(level):
                yield instr, binary.text, f"{binary.text} makes a 0-based module level by hand"
    if binary.op == "*":
        for level, stride in ((binary.left, binary.right), (binary.right, binary.left)):
            if _level_name(level) and (stride.text in _STRIDES or _STRIDE.search(stride.text)):
                yield instr, binary.text, f"{binary.text} makes a size of a level by hand"


def _prototypes(facts: Facts) -> Iterator[Finding]:
    for prototype in facts.program.prototypes():
        if not prototype.name.startswith("tdh_") or not _covers(prototype.path):
            continue
        facts.count("tdh_* prototypes looked at")
        for param in prototype.params:
            if "level" in param.name and param.type in _NUMBERS:
                where = Location(prototype.path, prototype.line)
                message = f"{prototype.name}() takes the level as {param.type}, not as enum pg_level"
                trace = (Step(where, prototype.name, "the parameter list"),)
                yield Finding(where, prototype.name, f"{param.type} {param.name}", message, Certainty.MUST, trace)


def check(facts: Facts) -> Iterator[Finding]:
    """Conversions, shifts, comparisons, arguments and prototypes."""
    words = frozenset((CONVERTER, "PTE_SHIFT", "TDX_PS_4K", "TDX_PS_2M", "TDX_PS_1G", "SPTE_LEVEL_BITS"))
    for function in (*facts.mentioning(words, lambda p: _covers(p) and not is_tdx(p)), *facts.in_files(is_tdx)):
        facts.count("functions looked at for module levels")
        places: set[tuple[int, str]] = set()
        for instr, subject, message in _in_function(facts, function):
            if (instr.line, subject) not in places:
                places.add((instr.line, subject))
                yield facts.finding(function, instr, subject, message, trace=(step(function, instr, message),))
    yield from _prototypes(facts)


RULE = Rule(
    id="tdx-level-units-mixed",
    catalog=24,
    severity=Severity.WARNING,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "mail", "20260129011517.3545883-2-seanjc@google.com", "Sean Christopherson", "2026-01-28", "v5 01/45"
        ),
        Provenance("mail", "c79e4667-6312-486e-9d55-0894b5e7dc68@intel.com", "Dave Hansen", "2026-01-06"),
    ),
    bad=(
        """
        static int block(struct kvm *kvm, gpa_t gpa, enum pg_level level)
        {
                int tdx_level = pg_level_to_tdx_sept_level(level);  // expect

                return td_block(kvm, gpa, tdx_level);
        }
        """,
    ),
    good=(
        """
        static int block(struct kvm *kvm, gpa_t gpa, enum pg_level level)
        {
                return td_block(kvm, gpa, level);
        }
        """,
    ),
)
