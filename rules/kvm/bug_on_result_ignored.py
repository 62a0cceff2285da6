"""Code goes on to use what KVM_BUG_ON() has just found bad.

KVM_BUG_ON() marks the VM as dead and warns; it does not stop the thread that runs it. Where the same path then
follows the pointer that was NULL, takes the element that is out of range, hands the wrong level to the TDX module
or reads the output of the call that failed, a bug that was caught becomes an oops or a corruption.

Test the result of KVM_BUG_ON() and leave; where there is nothing to leave to, do not use the value.

May be false: a later test of the same fact in other words. A statement whose bad state is not used afterwards is
fine and not reported; nothing here asks for more assertions. KVM_BUG_ON_DATA_CORRUPTION() stops the machine where
the kernel is so configured, and memory is corrupt already where it is not: a use after it is given for information.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.author import (
    BUGS_VM,
    Addr,
    Assign,
    Assume,
    Bad,
    BadWalker,
    Binary,
    Call,
    Deref,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Name,
    Outcome,
    Provenance,
    Return,
    Rule,
    Severity,
    Step,
    step,
    truth_of,
    words,
)

SCOPE = ("arch/*/kvm/*", "virt/kvm/*", "include/linux/kvm*")
# What a wrong level reaches: the TDX module, the page tables, the flush of a range.
ACTS = re.compile(
    r"^(?:tdh_\w+|tdx_\w*(?:map|remove|split|add|aug|reset|clear)\w*|\w*set_\w*spte\w*|make_\w*spte"
    r"|\w*split\w*|\w*_zap_\w*|\w*flush\w*range\w*|\w*lpage_info\w*|\w*_link_sp|kvm_mmu_page_\w+|\w*_iter_start)$"
)
_RANGE = frozenset(("!=", "==", "<", ">", "<=", ">="))
LEVEL = re.compile(r"(?:^|[>._])\w*level$")
Key = tuple[str, str]


@dataclass(slots=True)
class _Check:
    facts: Facts
    walker: BadWalker
    told: set[tuple[Key, int, str]] = field(default_factory=set)
    left: dict[Key, list[tuple[int, str, Function, Assume]]] = field(default_factory=dict)
    given: dict[Key, list[tuple[str, Function, Assume]]] = field(default_factory=dict)

    def function(self, function: Function) -> Iterator[Finding]:
        """All checks of a function whose bad side runs on."""
        for number, block in enumerate(function.blocks):
            for at, instr in enumerate(block.instrs):
                if isinstance(instr, Assume) and not BUGS_VM.isdisjoint(instr.wraps):
                    for bad in self.bads(function, instr, number):
                        self.facts.count("states found bad by KVM_BUG_ON() and followed")
                        out = self.walker.after(function, number, at + 1, bad)
                        self.remember(function, instr, bad, out)
                        if out.use:
                            yield from self.report(function, instr, instr, bad, out, ())

    def bads(self, function: Function, assume: Assume, block: int) -> Iterator[Bad]:
        """What a check says is bad on this side of it."""
        test = truth_of(assume.cond, assume.truth, {})
        bug = any(isinstance(i, Call) and i.callee in BUGS_VM for i in self.bug_side(function, block))
        if not bug:
            return
        if test is None:
            yield from _compared(assume)
        elif (test.kind == "true" and not test.holds and not test.subject.startswith("%")) or (
            test.kind == "equal" and test.word in ("NULL", "0") and test.holds
        ):
            yield Bad(frozenset((test.subject,)), "null")
        elif test.kind in ("true", "negative") and test.holds and _result_of(function, test.subject):
            yield from self.outputs(function, test.subject)
            yield from self.asked(function, test.subject)
        elif test.kind == "true" and test.subject.startswith("%"):
            yield from self.asked(function, test.subject)
        else:
            yield from _compared(assume)

    def bug_side(self, function: Function, block: int) -> list[Instr]:
        """The instructions up to and with the report, which may follow in a block that several checks share."""
        out = list(function.blocks[block].instrs)
        if len(function.blocks[block].successors) == 1:
            out += function.blocks[function.blocks[block].successors[0]].instrs[:1]
        return out

    def outputs(self, function: Function, result: str) -> Iterator[Bad]:
        """What a call that failed was to write, or the error pointer that it returned."""
        call = _result_of(function, result)
        if call is None:
            return
        if call.callee in ("IS_ERR", "IS_ERR_OR_NULL") and call.args:
            yield Bad(frozenset((call.args[0].text,)), "null")
            return
        unset = frozenset(
            a.base.id
            for a in call.args
            if isinstance(a, Addr) and isinstance(a.base, Name) and _only_from(function, a.base.id, call)
        )
        if unset:
            yield Bad(unset, "unset", result)

    def asked(self, function: Function, result: str) -> Iterator[Bad]:
        """What a helper of one line looks at: the number in a field of the object that it is asked about."""
        call = _result_of(function, result)
        keys = self.facts.program.resolve(call.callee, function.path) if call is not None and call.callee else ()
        helper = self.facts.program.lower(keys[0]) if len(keys) == 1 else None
        if (
            call is None
            or helper is None
            or len(helper.blocks) > 1
            or not isinstance(helper.blocks[0].instrs[-1], Return)
        ):
            return
        value = helper.blocks[0].instrs[-1].value
        place = value.left if isinstance(value, Binary) and value.op in _RANGE else None
        index = next((n for n, p in enumerate(helper.params) if place is not None and p.name == place.root), -1)
        if isinstance(place, Field) and place.base is Deref(Name(place.root)) and 0 <= index < len(call.args):
            yield Bad(frozenset(f"{n}->{place.name}" for n in _same(function, call.args[index].text)), "level")

    def remember(self, function: Function, check: Assume, bad: Bad, out: Outcome) -> None:
        """What a caller has to look after: a parameter that was found bad, a bad value that is returned."""
        for index, param in enumerate(function.params):
            if out.left and param.name in bad.words and not out.use:
                self.left.setdefault(function.key, []).append((index, bad.kind, function, check))
        if out.returned and not out.use:
            self.given.setdefault(function.key, []).append((bad.kind, function, check))

    def callers(self) -> Iterator[Finding]:
        """Callers of helpers that check and run on."""
        for _ in range(2):
            keys = {*self.left, *self.given}
            for key in sorted({c for k in keys for c in self.facts.names.callers.get(k, ())}):
                function = self.facts.program.lower(key)
                if function is not None and function.kind == "function":
                    yield from self.caller(function)

    def caller(self, function: Function) -> Iterator[Finding]:
        """One caller: the value after each call of such a helper."""
        for number, block in enumerate(function.blocks):
            for at, instr in enumerate(block.instrs):
                if not isinstance(instr, Call) or not instr.callee:
                    continue
                for key in self.facts.program.resolve(instr.callee, function.path):
                    for bad, home, check in self.after_call(function, instr, key):
                        out = self.walker.after(function, number, at + 1, bad)
                        self.remember(function, check, bad, out)
                        if out.use:
                            way = (
                                step(home, check, f"{words(home, check.cond)} is checked here, and the caller runs on"),
                            )
                            yield from self.report(function, instr, check, bad, out, way)

    def after_call(self, function: Function, call: Call, key: Key) -> Iterator[tuple[Bad, Function, Assume]]:
        """The values that a helper left bad."""
        for index, kind, home, check in list(self.left.get(key, ())):
            if index < len(call.args) and (call.result is None or _dropped(function, call)):
                text = call.args[index].text
                if not text.isdigit() and text[0] not in "%&":
                    yield Bad(frozenset((text,)), kind), home, check
        for kind, home, check in list(self.given.get(key, ())):
            if call.result is not None:
                yield Bad(frozenset((call.result.text,)), kind), home, check

    def report(
        self, function: Function, at: Instr, check: Assume, bad: Bad, out: Outcome, way: tuple[Step, ...]
    ) -> Iterator[Finding]:
        """One finding for a check and its first use."""
        assert out.at is not None
        name = min(bad.words, key=lambda word: (word[0] == "%", word))
        key = (function.key, out.at.line, name)
        if key in self.told:
            return
        self.told.add(key)
        macro = next((w for w in check.wraps if w in BUGS_VM), "KVM_BUG_ON")
        what = {
            "null": "is NULL or an error",
            "unset": "was not written by the call that failed",
        }.get(bad.kind, "is out of range")
        named = "the result" if name[0] == "%" else name
        message = f"{named} {what} after {macro}(), and is used"
        first = step(function, at, f"{named} {what}: {macro}() says so and the path runs on")
        severity = Severity.INFO if macro == "KVM_BUG_ON_DATA_CORRUPTION" else Severity.ERROR
        trace = (*way, first, *out.use)
        yield self.facts.finding(function, out.at, f"{named} after {macro}", message, trace=trace, severity=severity)


def _compared(assume: Assume) -> Iterator[Bad]:
    """A number that a comparison found out of its range."""
    cond = assume.cond
    if isinstance(cond, Binary) and cond.op in _RANGE and cond.left.text[0] != "%":
        yield Bad(frozenset((cond.left.text,)), "level" if LEVEL.search(cond.left.text) else "index")


def _same(function: Function, name: str) -> set[str]:
    """The names of what a variable is, where it is the result of a conversion that is made more than once."""
    made = _result_of(function, name)
    if made is None or not made.callee.startswith("to_"):
        return {name}
    same = [c for c in function.calls() if c.callee == made.callee and c.args == made.args]
    return {c.result.text for c in same if c.result is not None}


def _result_of(function: Function, name: str) -> Call | None:
    """The one call whose result a variable is."""
    calls = [c for c in function.calls() if c.result is not None and c.result.text == name]
    return calls[-1] if calls else None


def _only_from(function: Function, name: str, call: Call) -> bool:
    """Whether nothing else than the call gives a variable a value."""
    return name in function.locals and not any(
        isinstance(i, Assign) and i.target.text == name for b in function.blocks for i in b.instrs
    )


def _dropped(function: Function, call: Call) -> bool:
    """Whether nothing looks at the result of a call."""
    name = call.result.text if call.result is not None else ""
    return not any(
        name in e.names
        for b in function.blocks
        for i in b.instrs
        for e in (getattr(i, "cond", None), getattr(i, "value", None), *(getattr(i, "args", ())))
        if isinstance(e, Expr)
    )


def check(facts: Facts) -> Iterator[Finding]:
    """Functions that bug the VM first, then those that call them."""
    checker = _Check(facts, BadWalker(facts, ACTS))
    for function in facts.mentioning(BUGS_VM, RULE.covers):
        yield from checker.function(function)
    yield from checker.callers()


RULE = Rule(
    id="kvm-bug-on-result-ignored",
    catalog=28,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("mail", "20260129011517.3545883-9-seanjc@google.com", "Sean Christopherson", "2026-02-05", "thread"),
        Provenance("doc", "include/linux/kvm_host.h:KVM_BUG_ON", "KVM"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        static void tdx_add_source(struct kvm *kvm, struct page_source *source)
        {
                KVM_BUG_ON(!source, kvm);
                source->used = true;  // expect "source is NULL"
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        static void tdx_add_source(struct kvm *kvm, struct page_source *source)
        {
                if (KVM_BUG_ON(!source, kvm))
                        return;
                source->used = true;
        }
        """,
    ),
)
