"""An operation that fails for good is tried again.

Only a failure that passes by itself may lead to another try: -EBUSY, -EAGAIN, a compare-exchange that lost. Where
the branch back is taken for any error, -EIO, -EINVAL or -ENOMEM make the loop spin: a vCPU never leaves its fault
handler, often with a lock held, until a watchdog ends it. A fault handler that answers RET_PF_RETRY for such an
error moves the loop to its caller. An allocation that gave nothing gives nothing again where nobody frees, waits or
gives up in between. After KVM_BUG_ON() the same holds, unless the loop asks whether the VM is dead.

Leave the loop on everything but the transient error, and hand the error on.

May be false: where each round changes what the failing call depends on in a way that is not seen (memory is freed
by a helper, a limit is raised by a callback). A test for exactly one error of lack (-ENOMEM, -E2BIG) is taken as
meant; a loop that counts its rounds is not reported; a signal that is tested makes the loop killable, not right.

An error is told once, at the retry that is nearest to where it is made; further loops that it reaches are steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from analyzer.author import (
    ANY,
    SOME,
    Addr,
    Assume,
    Call,
    Certainty,
    Errors,
    Facts,
    Finding,
    Flow,
    Function,
    Instr,
    Item,
    Loop,
    Name,
    Provenance,
    Rule,
    Severity,
    Stays,
    Step,
    advances,
    all_bodies,
    condition_of,
    goes_back,
    has_hole,
    instrs_of,
    loop_exits,
    loops_of,
    round_again,
    shown,
    starved,
    step,
)
from rules.vocabulary.contexts import WALKS
from rules.vocabulary.errnos import DEAD, RESOURCE, RETRIES, errors_of, first_look, permanent
from rules.vocabulary.memory import ALLOCATORS

_WORD = re.compile(r"\w+")
STAYS = Stays(WALKS.mark, WALKS.steps | WALKS.starts)
SCOPE = ("arch/*/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*", "include/linux/kvm*")


@dataclass(frozen=True, slots=True)
class _Told:
    """A retry after an error that lasts; ``near``: how many steps lead from where the error is made."""

    function: Function
    call: Call
    message: str
    trace: tuple[Step, ...]
    cause: tuple[object, ...]
    severity: Severity
    near: int

    def order(self) -> tuple[object, ...]:
        """What is sure and near comes first."""
        return (self.severity is Severity.INFO, self.near, self.function.key, self.call.line)


@dataclass(slots=True)
class _Check:
    facts: Facts
    errors: Errors
    done: set[tuple[object, ...]] = field(default_factory=set)
    told: list[_Told] = field(default_factory=list)

    def function(self, key: tuple[str, str]) -> None:
        """All loops of a function, and the retries it asks for."""
        flow = self.errors.flow(key)
        if flow is None:
            return
        for loop in loops_of(flow.function):
            if loop.tail in flow.starts:
                self.facts.count("loops looked at for what they retry")
                self.loop(flow, loop)
        self.answers(flow)

    def findings(self) -> Iterator[Finding]:
        """One for each error that is made: at the retry that is nearest to it; the others are steps of it."""
        causes: dict[tuple[object, ...], list[_Told]] = {}
        for told in sorted(self.told, key=_Told.order):
            causes.setdefault(told.cause, []).append(told)
        for nearest, *others in causes.values():
            also = f", and at {len(others)} more place{'s'[: len(others) > 1]}" if others else ""
            more = tuple(replace(o.trace[0], note=f"so is {shown(o.call)}") for o in others)
            certainty = Certainty.MAY if has_hole(nearest.function) else Certainty.MUST
            yield self.facts.finding(
                nearest.function,
                nearest.call,
                nearest.call.name,
                nearest.message + also,
                trace=(*nearest.trace, *more),
                certainty=certainty,
                severity=nearest.severity,
            )

    def loop(self, flow: Flow, loop: Loop) -> None:
        """The errors for which the back edge is taken."""
        function = flow.function
        inside = {id(i) for i in instrs_of(function, loop)}
        failed = [i for i in round_again(self.errors, flow, loop) if id(i[1]) in inside and isinstance(i[1], Call)]
        if not failed:
            return
        self.facts.count("retries after an error looked at")
        homes = {id(i): n for n in loop.blocks for i in function.blocks[n].instrs}
        stay = STAYS.failed(self.errors, flow, loop)
        for call in {i[1]: None for i in failed}:
            if self.works(flow, loop, call):
                continue
            goes_on = advances(function, loop, homes[id(call)])
            mine = [i for i in failed if i[1] is call and (not goes_on or i in stay)]
            lasting = sorted((i for i in mine if self.lasts(flow, loop, i, failed)), key=_order)
            if lasting:
                self.report(flow, loop, lasting[0])

    def works(self, flow: Flow, loop: Loop, call: Instr) -> bool:
        """Whether the loop works on what the call found (``while (nr = find(&some))``) until nothing is left."""
        assert isinstance(call, Call)
        counts = any(SOME in self.errors.results(k) for k in self.errors.targets(call, flow.function))
        found = {a.base.text for a in call.args if isinstance(a, Addr)}
        others = (i for i in instrs_of(flow.function, loop) if isinstance(i, Call) and i is not call)
        return counts and any(not found.isdisjoint(a.names) for i in others for a in i.args)

    def lasts(self, flow: Flow, loop: Loop, item: Item, failed: list[Item]) -> bool:
        """Whether the loop turns for ever on an error."""
        token = item[0]
        name = token.hides or token.name
        if name[0] == "@" or not permanent(name) or (token.narrow and item not in flow.narrowed):
            return False  # what a function answers with yes or no is no error
        same = {t.hides or t.name for t, made in failed if made is item[1]}
        if name in RESOURCE and not token.hides and len(same) == 1 and self.asked_for(flow, loop, name):
            return False
        if not token.bugged:
            return not token.hides  # the function that hides it is told of it
        return not (self.dead_tested(flow.function, loop))

    def asked_for(self, flow: Flow, loop: Loop, name: str) -> bool:
        """Whether the loop tests for just this error."""
        for instr in instrs_of(flow.function, loop):
            test = condition_of(instr) if isinstance(instr, Assume) else None
            if test is not None and test.kind == "equal" and test.word == name:
                return True
        return any(
            (t := condition_of(out)) is not None and t.kind == "equal" and t.word == name
            for out in loop_exits(flow.function, loop)
        )

    def dead_tested(self, function: Function, loop: Loop) -> bool:
        """Whether the loop asks if the VM is dead, itself or through a helper."""
        for instr in instrs_of(function, loop):
            if (isinstance(instr, Assume) and DEAD & set(_WORD.findall(instr.cond.text))) or _mentions_dead(instr):
                return True
            if isinstance(instr, Call) and instr.callee and isinstance(instr.result, Name):
                keys = self.facts.program.resolve(instr.callee, function.path)
                if any(self.asks(k, 2) for k in keys):
                    return True
        return False

    def asks(self, key: tuple[str, str], depth: int) -> bool:
        """Whether a helper is a small test of the VM's state."""
        found = self.facts.program.definitions[key]
        if found.end_line - found.line > 12:
            return False
        if found.mentions & DEAD:
            return True
        return depth > 0 and any(self.asks(k, depth - 1) for k in self.facts.names.callees.get(key, ()))

    def report(self, flow: Flow, loop: Loop, item: Item) -> None:
        """A call and its loop; what only a mirror page can meet is said, not warned of."""
        token, call = item
        assert isinstance(call, Call)
        name = token.hides or token.name
        function = flow.function
        if (function.key, call.line, call.name) in self.done:
            return
        self.done.add((function.key, call.line, call.name))
        back = next((i for i in reversed(function.blocks[loop.tail].instrs)), None) or call
        head = next((i for i in function.blocks[loop.head].instrs), call)
        dead = " although the VM is dead" if token.bugged else ""
        guarded = token.bugged and bool(token.under) and not token.hides
        way = self.errors.steps(function, token, call)
        trace = (
            *way,
            step(function, back, f"{token.name if token.hides else '-' + name} leads back{dead}"),
            step(function, head, "to another try"),
        )
        if guarded:
            message = (
                f"{shown(call)} is tried again after -{name}, which only {token.under}() pages give, with the VM dead"
            )
            self.told.append(_Told(function, call, message, trace, _cause(way, name), Severity.INFO, len(way)))
            return
        message = f"{shown(call)} is tried again after -{name}{dead}"
        self.told.append(_Told(function, call, message, trace, _cause(way, name), Severity.ERROR, len(way)))

    def answers(self, flow: Flow) -> None:
        """RET_PF_RETRY returned because of an error that stays, with the VM alive."""
        for token, made in flow.results.items():
            if token.name not in RETRIES or not token.hides or token.bugged or not permanent(token.hides):
                continue
            if token.hides == ANY.name:
                continue
            if not isinstance(made, Call):
                continue
            direct = [t for k in self.errors.targets(made, flow.function) for t in self.errors.results(k)]
            if any(t.hides == token.hides and not t.bugged for t in direct):
                continue  # said where it happens
            key = (flow.function.key, made.line, made.name)
            if key not in self.done:
                self.done.add(key)
                way = self.errors.steps(flow.function, token.cause, made)
                trace = (*way, step(flow.function, made, f"the caller is told {token.name}"))
                message = f"{shown(made)} fails with -{token.hides} and the answer is {token.name}"
                origin = _cause(way, token.hides)
                self.told.append(_Told(flow.function, made, message, trace, origin, Severity.ERROR, len(way)))


def _cause(way: tuple[Step, ...], name: str) -> tuple[object, ...]:
    """What makes two retries one: the place where the error is made."""
    return (way[-1].location.path, way[-1].location.line, name) if way else (name,)


def _order(item: Item) -> tuple[bool, bool, bool, str]:
    token = item[0]
    return (token.bugged, bool(token.under), token.name in RESOURCE, token.name)


def _mentions_dead(instr: Instr) -> bool:
    return isinstance(instr, Call) and any(a.names & DEAD for a in instr.args)


def check(facts: Facts) -> Iterator[Finding]:
    """Functions that can go back and call something that can fail, or that answer with a retry."""
    errors = errors_of(facts)
    checker, first = _Check(facts, errors), first_look(facts)
    for found, text in all_bodies(facts):
        if found.key in errors.able and RULE.covers(found.path):
            asks, loops = not RETRIES.isdisjoint(found.mentions), goes_back(text) or STAYS.mark in found.mentions
            flow = first.flow(found.key) if asks or loops else None
            if flow is not None and ((asks and _answers(flow)) or (loops and _retries(first, flow))):
                checker.function(found.key)
    yield from checker.findings()
    for one in starved(facts, ALLOCATORS, STAYS):
        facts.count("allocations that are made again looked at")
        if RULE.covers(one.function.path):
            trace = (
                step(one.function, one.call, f"{one.call.name}() may give no memory"),
                step(one.function, one.empty, "there was none, and nothing is done about it"),
                step(one.function, one.call, "another try"),
            )
            words = f"{shown(one.call)} is tried again after it gave no memory"
            certainty = Certainty.MAY if has_hole(one.function) else Certainty.MUST
            yield facts.finding(one.function, one.call, one.call.name, words, trace=trace, certainty=certainty)


def _answers(flow: Flow) -> bool:
    """Whether a function answers with a retry after some error."""
    return any(t.hides == ANY.name for t in flow.results)


def _retries(first: Errors, flow: Flow) -> bool:
    """Whether a loop goes back after some error of a call inside of it."""
    return first.flows.look(
        "retries", flow, (), lambda: any(_goes_back(first, flow, loop) for loop in loops_of(flow.function))
    )


def _goes_back(first: Errors, flow: Flow, loop: Loop) -> bool:
    if loop.tail not in flow.starts:
        return False
    inside = {id(i) for i in instrs_of(flow.function, loop)}
    return any(id(made) in inside for _, made in round_again(first, flow, loop))


RULE = Rule(
    id="kvm-retry-on-permanent-error",
    catalog=18,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="errors",
    provenance=(
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdx_handle_ept_violation", "KVM", note="leaves when the VM is dead"),
        Provenance("doc", "arch/x86/kvm/mmu/mmu.c:kvm_tdp_mmu_map_private_pfn", "KVM"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        static int tdx_take(struct kvm *kvm, gfn_t gfn)
        {
                if (!kvm->ready)
                        return -EINVAL;
                return kvm->busy ? -EBUSY : 0;
        }

        static int tdx_take_all(struct kvm *kvm, gfn_t gfn)
        {
                int r;

                do {
                        cond_resched();
                        r = tdx_take(kvm, gfn);  // expect
                } while (r);

                return 0;
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        static int tdx_take(struct kvm *kvm, gfn_t gfn)
        {
                if (!kvm->ready)
                        return -EINVAL;
                return kvm->busy ? -EBUSY : 0;
        }

        static int tdx_take_all(struct kvm *kvm, gfn_t gfn)
        {
                int r;

                do {
                        cond_resched();
                        r = tdx_take(kvm, gfn);
                } while (r == -EBUSY);

                return r;
        }
        """,
    ),
)
