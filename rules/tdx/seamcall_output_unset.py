"""A SEAMCALL wrapper returns without writing an output that its caller goes on to read.

A wrapper that gives up before the SEAMCALL (a failed check, no memory) and leaves the pointers alone that it writes
otherwise, leaves stack garbage, or what the SEAMCALL before it said, in the variables of its caller. The caller cannot
tell, and prints them as what the TDX module reported (TDX_BUG_ON_2()), or acts on them.

Write every output on every return, or look at the result before the outputs.

May be false: where a caller knows by other means that the early return cannot happen. A caller that gave the variable a
value before the call is not reported, nor one that only reads it where the result says that the SEAMCALL was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.author import (
    Call,
    Facts,
    Finding,
    Function,
    Provenance,
    Read,
    Rule,
    Severity,
    shown,
    step,
    unset_reads,
    writes_outputs,
)
from rules.vocabulary.seamcall import SEAMCALLS, TDX_CODE, is_tdx


def _wrappers(facts: Facts) -> list[Function]:
    """Functions of TDX code that make SEAMCALLs."""
    words = frozenset(
        w for w in facts.program.by_name if w.startswith("tdh_") and any(is_tdx(k[0]) for k in facts.program.by_name[w])
    )
    return list(facts.mentioning(SEAMCALLS | words, is_tdx))


def _helpers(facts: Facts, wrappers: Iterable[Function]) -> Iterator[Function]:
    """Functions to which wrappers leave the stores."""
    seen = {f.key for f in wrappers}
    work = list(seen)
    while work:
        for key in facts.names.callees.get(work.pop(), ()):
            if key not in seen and is_tdx(key[0]):
                seen.add(key)
                work.append(key)
                function = facts.program.lower(key)
                if function is not None and writes_outputs(function):
                    yield function


def _finding(facts: Facts, read: Read) -> Finding | None:
    function = facts.program.lower(read.unset.where)
    if function is None:
        return None
    code, instr = read.unset.code or "early", read.unset.instr
    does = f"hands it to {read.instr.name}()" if isinstance(read.instr, Call) else "reads it"
    what = "what another call left in it" if read.stale else "whatever was on the stack"
    message = f"{function.name}() returns {code} before it writes *{read.unset.name}, and {read.function.name}() {does}"
    trace = (
        step(read.function, read.call, f"{shown(read.call)} is to write {read.place}"),
        *read.unset.steps,
        step(read.function, read.instr, f"{read.place} is read here and holds {what}"),
    )
    return facts.finding(function, instr, f"{read.unset.name} at {code}", message, trace=trace)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for each return that forgets outputs, with the first caller that reads one."""
    wrappers = _wrappers(facts)
    first = [f for f in wrappers if writes_outputs(f)]
    facts.count("SEAMCALL wrappers with outputs", len(first))
    done: set[tuple[tuple[str, str], int]] = set()
    for read in unset_reads(facts, (*first, *_helpers(facts, wrappers))):
        place = (read.unset.where, read.unset.line)
        finding = _finding(facts, read) if place not in done else None
        if finding is not None:
            done.add(place)
            yield finding


RULE = Rule(
    id="tdx-seamcall-output-unset",
    catalog=27,
    severity=Severity.WARNING,
    scope=TDX_CODE,
    check=check,
    provenance=(
        Provenance(
            "doc", "arch/x86/virt/vmx/tdx/tdx.c:tdh_mem_page_aug", "KVM", note="outputs are written on every return"
        ),
    ),
    bad=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_thing(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2)
        {
                struct tdx_module_args args = { .rcx = gpa };
                u64 ret;

                if (WARN_ON_ONCE(gpa & ~PAGE_MASK))
                        return TDX_SW_ERROR;  // expect

                ret = seamcall_ret(TDH_MEM_THING, &args);
                *ext_err1 = args.rcx;
                *ext_err2 = args.rdx;
                return ret;
        }
        // path: arch/x86/kvm/vmx/tdx.c
        static int tdx_thing(struct kvm *kvm, gpa_t gpa)
        {
                u64 err, entry, level_state;

                err = tdh_mem_thing(&to_kvm_tdx(kvm)->td, gpa, &entry, &level_state);
                if (TDX_BUG_ON_2(err, TDH_MEM_THING, entry, level_state, kvm))
                        return -EIO;

                return 0;
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_thing(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2)
        {
                struct tdx_module_args args = { .rcx = gpa };
                u64 ret;

                if (WARN_ON_ONCE(gpa & ~PAGE_MASK))
                        return TDX_SW_ERROR;

                ret = seamcall_ret(TDH_MEM_THING, &args);
                *ext_err1 = args.rcx;
                *ext_err2 = args.rdx;
                return ret;
        }
        // path: arch/x86/kvm/vmx/tdx.c
        static int tdx_thing(struct kvm *kvm, gpa_t gpa)
        {
                u64 err, entry, level_state;

                err = tdh_mem_thing(&to_kvm_tdx(kvm)->td, gpa, &entry, &level_state);
                if (err == TDX_SW_ERROR)
                        return -EINVAL;

                if (TDX_BUG_ON_2(err, TDH_MEM_THING, entry, level_state, kvm))
                        return -EIO;

                return 0;
        }
        """,
        """
        // path: arch/x86/virt/vmx/tdx/tdx.c
        u64 tdh_mem_thing(struct tdx_td *td, u64 gpa, u64 *ext_err1, u64 *ext_err2)
        {
                struct tdx_module_args args = { .rcx = gpa };
                u64 ret;

                *ext_err1 = *ext_err2 = 0;
                if (WARN_ON_ONCE(gpa & ~PAGE_MASK))
                        return TDX_SW_ERROR;

                ret = seamcall_ret(TDH_MEM_THING, &args);
                *ext_err1 = args.rcx;
                *ext_err2 = args.rdx;
                return ret;
        }
        // path: arch/x86/kvm/vmx/tdx.c
        static int tdx_thing(struct kvm *kvm, gpa_t gpa)
        {
                u64 err, entry, level_state;

                err = tdh_mem_thing(&to_kvm_tdx(kvm)->td, gpa, &entry, &level_state);
                if (TDX_BUG_ON_2(err, TDH_MEM_THING, entry, level_state, kvm))
                        return -EIO;

                return 0;
        }
        """,
    ),
)
