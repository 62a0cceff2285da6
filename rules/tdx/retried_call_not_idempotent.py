"""A call that is made again when the module is busy changes lasting state before it fails.

tdh_do_no_vcpus(), and any loop on a BUSY result, runs a function twice: the second run must find what the first one
found. A page that was taken from a cache, memory that was allocated or freed, a reference or a counter that was
changed before the SEAMCALL and is not put back where it fails is lost, short or counted twice in the second run;
a preallocated cache that was topped up for one run is empty in the second, which then fails where it must not.

Undo the change where the SEAMCALL fails, or make it before the retried call and hand the result to it.

May be false: what is undone in a loop, and what functions that are not visible do, is judged by their names.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    CHANGE,
    Assign,
    Call,
    Certainty,
    Delta,
    EffectProperty,
    Facts,
    Finding,
    Function,
    Instr,
    Provenance,
    Remainder,
    Retry,
    Rule,
    Severity,
    Step,
    covers,
    has_hole,
    in_loop,
    marked,
    marker,
    remainders,
    retries,
    set_again,
    shown,
    step,
    stored,
)
from rules.vocabulary.changes import changes_of
from rules.vocabulary.seamcall import SEAMCALLS, is_tdx

SCOPE = ("arch/x86/kvm/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/include/asm/tdx.h")
RETRYING = {"tdh_do_no_vcpus": 0}  # where the macro is not visible: the slot of what it runs
Key = tuple[str, str]


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _seamcall(facts: Facts, call: Call, path: str) -> bool:
    """The call that enters the module: a SEAMCALL, or a wrapper that is not visible."""
    name = call.callee
    return name in SEAMCALLS or (name.startswith("tdh_") and not facts.program.resolve(name, path))


def _candidates(facts: Facts, entering: frozenset[Key]) -> list[Key]:
    """Functions that may retry something which enters the module."""
    definitions = facts.program.definitions
    found = []
    for key in sorted(facts.names.where(lambda d: is_tdx(d.path) and d.kind == "function")):
        mentions = definitions[key].mentions
        tdh = any(m.startswith("tdh_") for m in mentions)
        if (tdh or key in entering) and any(
            "busy" in m.lower()
            or m in RETRYING
            or "retry" in m.lower()
            or "INTERRUPTED" in m
            or "AGAIN" in m
            or _busy_macro(facts, m, key[0])
            for m in mentions
        ):
            found.append(key)
        elif any(m in mentions for m in ("tdx_operand_busy", "TDX_OPERAND_BUSY", "IS_TDX_OPERAND_BUSY")):
            found.append(key)  # a helper that runs what it is handed
    return found


def _busy_macro(facts: Facts, word: str, path: str) -> bool:
    """Whether a word is a macro that tests for busy."""
    definitions = facts.program.definitions
    keys = facts.program.resolve(word, path) if word in facts.program.by_name else ()
    return any(
        definitions[k].kind == "macro" and any("busy" in m.lower() for m in definitions[k].mentions) for k in keys
    )


def _mark(function: Function, instr: Instr) -> Call | None:
    change = stored(function, instr) if isinstance(instr, Assign) else None
    return marker(instr, CHANGE, shown=f"{change.words}#{change.channel}#{change.sign}") if change else None


def _of(facts: Facts, call: Call, key: Key) -> list[Delta]:
    if call.callee == CHANGE:
        words, channel, sign = call.shown.split("#")
        return [Delta(channel, int(sign), words)]
    function = facts.program.lower(key) if call.callee == "WRITE_ONCE" and call.args else None
    again = set_again(function, call.args[0]) if function is not None else None
    if again is not None:
        return [again]
    if not call.callee or call.callee.isupper():
        return []
    return changes_of(call, bool(facts.program.resolve(call.callee, key[0])))


def _entering(facts: Facts) -> frozenset[Key]:
    marked_words = SEAMCALLS
    return facts.names.reaching(
        facts.names.where(
            lambda d: (
                _covers(d.path)
                and (not d.mentions.isdisjoint(marked_words) or any(m.startswith("tdh_") for m in d.mentions))
            )
        )
    )


def check(facts: Facts) -> Iterator[Finding]:
    """Each function that a retry runs, with all that it calls."""
    entering = _entering(facts)
    names = frozenset(k[1] for k in entering)
    found = list(
        retries(
            facts.program,
            facts.names,
            _candidates(facts, entering),
            RETRYING,
            lambda name: name in names or name.startswith("tdh_"),
        )
    )
    facts.count("calls that are retried", len(found))
    by_top: dict[Key, Retry] = {}
    for retry in found:
        for key in facts.program.resolve(retry.callee, retry.caller[0]):
            by_top.setdefault(key, retry)
        if retry.looped:
            by_top.setdefault(retry.caller, retry)
    if not by_top:
        return
    program = marked(facts.program, _mark)
    tracked = EffectProperty(
        program, facts.vocabulary, lambda c, k: _of(facts, c, k), lambda c, k: _seamcall(facts, c, k[0])
    )
    inner = facts.names.reachable(by_top)
    relevant = frozenset(k for k in inner if is_tdx(k[0]))
    found_left = remainders(program, facts.vocabulary, tracked, by_top, relevant)
    taking = {left.top for left in found_left if left.change.channel != "memory"}
    for left in found_left:
        if left.change == Delta("memory", -1, left.change.words) and left.top in taking:
            continue  # what was taken is freed instead of put back: one defect
        finding = _finding(facts, left, by_top[left.top])
        if finding is not None:
            yield finding


def _undone_in_loop(facts: Facts, left: Remainder) -> bool:
    """Whether the opposite change is made in a loop of a function on the way: the path around it is no path."""
    for key in {k for k, _ in left.way} | {left.top}:
        function = marked(facts.program, _mark).lower(key)
        for call in function.calls() if function is not None else ():
            inner = [c for c in _reached(facts, call, key) if c.channel == left.change.channel]
            if any(c.sign == -left.change.sign for c in inner) and function is not None and in_loop(function, call):
                return True
    return False


def _reached(facts: Facts, call: Call, key: Key) -> list[Delta]:
    own = _of(facts, call, key)
    if own or not call.callee:
        return own
    found: list[Delta] = []
    for callee in facts.program.resolve(call.callee, key[0]):
        function = marked(facts.program, _mark).lower(callee) if _covers(callee[0]) else None
        found += [c for inner in (function.calls() if function else ()) for c in _of(facts, inner, callee)]
    return found


def _finding(facts: Facts, left: Remainder, retry: Retry) -> Finding | None:
    direct = left.top != retry.caller
    if not direct and left.way and left.way[0][1].callee == retry.callee:
        return None  # told of the function that is run again
    if not direct and not left.again:
        return None  # the function itself is not run again
    home = facts.program.lower(left.top)
    if home is None or (not left.again and _undone_in_loop(facts, left)):
        return None
    at = left.way[0][1] if left.way else left.call
    trace = _trace(facts, left, retry)
    through = f" by {retry.via}()" if retry.via else ""
    what = f"{left.change.words} of the first run is not undone"
    words = f"{retry.callee}() is run again{through} when the module is busy, and {what}"
    seen = bool(facts.program.resolve(left.call.callee, left.top[0])) or left.call.callee == CHANGE
    sure = not has_hole(home) and (seen or facts.program.whole)
    return facts.finding(
        home,
        at,
        f"{retry.callee} {left.change.channel}",
        words,
        trace=trace,
        certainty=Certainty.MUST if sure else Certainty.MAY,
    )


def _trace(facts: Facts, left: Remainder, retry: Retry) -> tuple[Step, ...]:
    steps = []
    caller = facts.program.lower(retry.caller)
    if caller is not None:
        steps.append(step(caller, retry.call, f"runs {retry.callee}(), again if it is busy"))
    for key, call in left.way:
        function = facts.program.lower(key)
        if function is not None:
            note = left.change.words if call is left.call else f"calls {call.name}()"
            steps.append(step(function, call, note))
    top = facts.program.lower(left.top)
    if left.attempt is not None and top is not None:
        steps.append(step(top, left.attempt, f"{shown(left.attempt)} fails, and the change stays"))
    return tuple(steps)


RULE = Rule(
    id="tdx-retried-call-not-idempotent",
    catalog=17,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdh_do_no_vcpus", "KVM", "", "the second try must succeed"),),
    bad=(
        """
        u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa, struct tdx_cache *cache)
        {
                struct tdx_module_args args = { .rcx = gpa };
                struct page *page = list_first_entry(&cache->pages, struct page, lru);

                list_del(&page->lru);  // expect "list_del"
                args.r12 = page_to_phys(page);
                return seamcall_ret(TDH_MEM_ATTR_WR, &args);
        }

        void split(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
        {
                u64 err;

                err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td, gpa, &tdx->cache);
                TDX_BUG_ON(err, TDH_MEM_ATTR_WR, kvm);
        }
        """,
    ),
    good=(
        """
        u64 tdh_mem_attr_wr(struct tdx_td *td, u64 gpa, struct tdx_cache *cache)
        {
                struct tdx_module_args args = { .rcx = gpa };
                struct page *page = list_first_entry(&cache->pages, struct page, lru);
                u64 ret;

                list_del(&page->lru);
                args.r12 = page_to_phys(page);
                ret = seamcall_ret(TDH_MEM_ATTR_WR, &args);
                if (ret)
                        list_add(&page->lru, &cache->pages);
                return ret;
        }

        void split(struct kvm *kvm, struct kvm_tdx *tdx, u64 gpa)
        {
                u64 err;

                err = tdh_do_no_vcpus(tdh_mem_attr_wr, kvm, &tdx->td, gpa, &tdx->cache);
                TDX_BUG_ON(err, TDH_MEM_ATTR_WR, kvm);
        }
        """,
    ),
)
