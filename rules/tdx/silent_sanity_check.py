"""A SEAMCALL wrapper turns a caller's bug into an error code without a word.

A wrapper that checks its arguments and returns TDX_OPERAND_INVALID or TDX_SW_ERROR before the SEAMCALL invents an
answer of the TDX module: the caller cannot tell it from a real one, and the bug in the caller stays hidden. The
module checks its operands itself.

Leave the check out, or make it loud: WARN and TDX_SW_ERROR. Checks that the architecture needs belong into KVM, under
KVM_MMU_WARN_ON().

May be false: a test of a feature that callers are meant to probe, where no caller is shown that does. A caller that
asks for a code that the module gives too probes nothing: it takes the invented answer for a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Assume,
    Binary,
    Call,
    Expr,
    Facts,
    Finding,
    Function,
    Instr,
    Name,
    Provenance,
    Return,
    Rule,
    Severity,
    Step,
    covers,
    home_of,
    step,
    words,
)
from rules.vocabulary.seamcall import SEAMCALLS

SCOPE = ("arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/tdx.h", "arch/x86/kvm/vmx/tdx*")
_CODE = re.compile(r"^TDX_(?:SW_ERROR|OPERAND_\w+|\w*INVALID\w*)$")
_MODULES = re.compile(r"^TDX_(?:OPERAND_\w+|\w*INVALID\w*)$")  # given by the module as well
_ANY_CODE = re.compile(r"^TDX_(?!SUCCESS$)[A-Z0-9_]+$")  # in a u64 function: an answer of the module
_LOUD = re.compile(r"^(?:KVM_MMU_)?(?:WARN|BUG|KVM_BUG|TDX_BUG|VM_WARN)")
_RESOURCE = re.compile(r"alloc|get_free_page|prealloc|cache", re.I)


def _code(function: Function, value: object) -> str:
    """The code that a value is; a comparison with one is none."""
    if not isinstance(value, Expr) or (isinstance(value, Binary) and value.op != "|"):
        return ""
    codes = _ANY_CODE if function.returns == "u64" else _CODE
    return next((n for n in sorted(value.names) if codes.match(n)), "")


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _wrapper(function: Function) -> bool:
    return function.name.startswith("tdh_") or any(c.callee in SEAMCALLS for c in function.calls())


def _silent(function: Function) -> Iterator[tuple[Instr, str, Assume | None]]:
    """Returns of an invented code that some path reaches without a SEAMCALL and without a warning."""
    stack: list[tuple[int, str, Assume | None]] = [(0, "", None)]
    seen: set[tuple[int, str]] = set()
    while stack:
        block, code, test = stack.pop()
        if (block, code) in seen:
            continue
        seen.add((block, code))
        for instr in function.blocks[block].instrs:
            if isinstance(instr, Call) and (instr.callee in SEAMCALLS or _LOUD.match(instr.callee)):
                break
            if isinstance(instr, Assume):
                test = instr
            elif hasattr(instr, "target") and _code(function, getattr(instr, "value", None)):
                code = _code(function, getattr(instr, "value", None))
            elif isinstance(instr, Return):
                found = _code(function, instr.value) or (
                    code if isinstance(instr.value, Name) and test is not None else ""
                )
                if found and test is not None:
                    yield instr, found, test
        else:
            stack += [(n, code, test) for n in function.blocks[block].successors]


def _resource(function: Function, test: Assume | None) -> bool:
    """The test asks whether an allocation failed."""
    if test is None:
        return False
    words = {test.cond.text} | {
        c.name for c in function.calls() if c.result is not None and c.result.text in test.cond.names
    }
    return any(_RESOURCE.search(w) for w in words)


def _probed(facts: Facts, function: Function, code: str) -> bool:
    """Whether a caller tells this code from others in what the wrapper gave it; no code that the module gives too."""
    if _MODULES.match(code):
        return False
    for key in facts.names.callers.get(function.key, ()):
        caller = facts.program.lower(key)
        if caller is not None and any(_asks(caller, c, code) for c in caller.calls() if c.callee == function.name):
            return True
    return False


def _asks(caller: Function, call: Call, code: str) -> bool:
    """Whether the result of a call is compared with a code before something else is stored over it."""
    home = home_of(caller, call)
    if home is None or not isinstance(call.result, Name):
        return False
    start = next(n for n, x in enumerate(caller.blocks[home].instrs) if x is call) + 1
    stack: list[tuple[int, int, frozenset[str]]] = [(home, start, frozenset((call.result.id,)))]
    seen: set[tuple[int, frozenset[str]]] = set()
    while stack:
        block, at, held = stack.pop()
        for instr in caller.blocks[block].instrs[at:]:
            compared = instr.cond.names if isinstance(instr, Assume) and isinstance(instr.cond, Binary) else frozenset()
            if code in compared and not held.isdisjoint(compared):
                return True
            held = _carried(instr, held)
        for successor in caller.blocks[block].successors if held else ():
            if (successor, held) not in seen:
                seen.add((successor, held))
                stack.append((successor, 0, held))
    return False


def _carried(instr: Instr, held: frozenset[str]) -> frozenset[str]:
    """The variables that have the result after an instruction."""
    if isinstance(instr, Assign):
        name = instr.target.text
        return held - {name} if held.isdisjoint(instr.value.names) else held | {name}
    if isinstance(instr, Call) and instr.result is not None:
        return held - {instr.result.text}
    return held


def _helpers(facts: Facts, wrappers: dict[tuple[str, str], Function]) -> dict[tuple[str, str], tuple[Function, Call]]:
    """The functions of these files that wrappers ask before the SEAMCALL, each with a call of it."""
    found: dict[tuple[str, str], tuple[Function, Call]] = {}
    for function in wrappers.values():
        for call in function.calls():
            key = facts.key(call.callee, function.path) if call.callee and call.result is not None else None
            if key is not None and key not in wrappers and _covers(key[0]) and call.callee not in SEAMCALLS:
                found.setdefault(key, (function, call))
    return found


def check(facts: Facts) -> Iterator[Finding]:
    """Each wrapper's paths from the entry to the SEAMCALL, and those of the helpers it asks."""
    wrappers = {f.key: f for f in facts.in_files(_covers) if _wrapper(f)}
    facts.count("SEAMCALL wrappers looked at", len(wrappers))
    for function in wrappers.values():
        yield from _reports(facts, function, ())
    for key, (wrapper, call) in _helpers(facts, wrappers).items():
        helper = facts.program.lower(key)
        if helper is not None:
            yield from _reports(facts, helper, (step(wrapper, call, f"asks {call.callee}()"),))


def _reports(facts: Facts, function: Function, way: tuple[Step, ...]) -> Iterator[Finding]:
    done: set[int] = set()
    for instr, code, test in _silent(function):
        if id(instr) in done or _resource(function, test) or _probed(facts, function, code):
            continue
        done.add(id(instr))
        shown = f"{'' if test is None or test.truth else '!'}{words(function, test.cond) if test else ''}"
        checked = (step(function, test, "a check of the caller, without a warning"),) if test else ()
        message = f"{function.name}() returns {code} before the SEAMCALL without a warning"
        last = step(function, instr, f"returns {code}, which the TDX module never gave")
        yield facts.finding(function, instr, f"{code} if {shown}", message, trace=(*way, *checked, last))


RULE = Rule(
    id="tdx-silent-sanity-check",
    catalog=26,
    severity=Severity.WARNING,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("mail", "c79e4667-6312-486e-9d55-0894b5e7dc68@intel.com", "Dave Hansen", "2026-01-06"),
        Provenance("mail", "17a3a087-bcf2-491f-8a9a-1cd98989b471@intel.com", "Dave Hansen", "2026-01-07"),
        Provenance("mail", "aXzPIO2qZwuwaeLi@google.com", "Sean Christopherson", "2026-01-30"),
    ),
    bad=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_thing(struct tdx_td *td, u64 gpa, unsigned long npages)
        {
                struct tdx_module_args args = { .rcx = gpa };

                if (npages > 512)
                        return TDX_OPERAND_INVALID;  // expect

                return seamcall_ret(TDH_MEM_THING, &args);
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_thing(struct tdx_td *td, u64 gpa, unsigned long npages)
        {
                struct tdx_module_args args = { .rcx = gpa };

                if (WARN_ON_ONCE(npages > 512))
                        return TDX_SW_ERROR;

                return seamcall_ret(TDH_MEM_THING, &args);
        }
        """,
    ),
)
