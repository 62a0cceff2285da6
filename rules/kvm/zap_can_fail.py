"""A zap, unmap or invalidate handler can fail.

Memory that is to be taken from a guest must be gone when the handler returns: core MM reuses the page, a conversion
hands it to the other side. There is nobody to tell about an error: the notifier cannot be refused, and after part
of the range, or of the VMs that share a file, was zapped, nothing brings the rest back. A handler of type int
invites just that, a warning about a negative result keeps the mapping, and an allocation that fails between two
zaps leaves half a conversion.

Do what can fail, such as allocating tables for a split, in a step before the first zap that may reject the request;
keep handlers bool or void.

May be false: a result that is a count or a flag of type int without a negative value is told as a matter of type
only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from analyzer.author import (
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
    Location,
    Prototype,
    Provenance,
    Return,
    Rule,
    Severity,
    Step,
    all_bodies,
    beyond,
    by_place,
    condition_of,
    home_of,
    predecessors,
    replay,
    shown,
    signed,
    step,
    successors,
)
from rules.vocabulary.errnos import errors_of, first_look
from rules.vocabulary.zaps import FILE_HANDLERS, HANDLER_FIELDS, HANDLERS, NOTIFIERS, RANGE, ZAPS

SCOPE = ("arch/*/kvm/*", "arch/*/include/asm/kvm*", "virt/kvm/*", "include/linux/kvm*")
_TYPEDEF = re.compile(r"typedef\s+([\w\s]*?\**)\s*\(\s*\*\s*(\w+)\s*\)\s*\(([^()]*)\)\s*;")
_WARNED = re.compile(r"\b(?:WARN\w*|KVM_MMU_WARN_ON)\s*\([^;]*<\s*0|<\s*0\s*\)\s*\{?\s*(?:WARN|pr_)")
_QUIET = re.compile(r"^(?:WARN\w*|KVM_MMU_WARN_ON|pr_\w+|printk\w*|kvm_pr_\w+|kvm_err|trace_\w+)$")
Key = tuple[str, str]


@dataclass(slots=True)
class _Check:
    facts: Facts
    errors: Errors
    told: set[tuple[Key, int]] = field(default_factory=set)
    depths: dict[tuple[Key, int], bool] = field(default_factory=dict)

    # -- types ---------------------------------------------------------------------------------------------------

    def types(self) -> Iterator[Finding]:
        """A type of handlers that returns int, with its implementations; then handlers that return int on their own."""
        own = list(self.handlers())
        typedefs = list(self.typedefs())
        for where, name, kind in typedefs:
            steps = tuple(Step(Location(p.path, p.line), p.name, f"returns {p.returns} as {name}") for p in own[:8])
            message = f"handlers of type {name} return {kind}, so a zap can fail"
            first = Step(where, name, f"the type says {kind}")
            yield Finding(where, name, f"{kind} {name}", message, Certainty.MUST, (first, *steps))
        for prototype in own:
            failing = self.fails(prototype)
            if failing or (not typedefs and any(p.type == RANGE for p in prototype.params)):
                where = Location(prototype.path, prototype.line)
                can = f"may return -{failing[0]}" if failing else f"returns {prototype.returns}"
                message = f"{prototype.name}() takes mappings away and {can}"
                first = Step(where, prototype.name, f"a handler of type {prototype.returns}")
                trace = (first, *(failing[1] if failing else ()))
                subject = f"{prototype.returns} {prototype.name}"
                yield Finding(where, prototype.name, subject, message, Certainty.MUST, trace)

    def notifiers(self) -> Iterator[Finding]:
        """Ops by which the primary MMU takes memory away, and that fail for a reason of their own."""
        program = self.facts.program
        stored = (e for field_ in NOTIFIERS for e in program.tables.get(field_, ()) if RULE.covers(e.path))
        for key in dict.fromkeys(k for e in stored for k in program.resolve(e.function, e.path)):
            self.facts.count("ops of the primary MMU looked at")
            tokens = (t for t in self.errors.results(key) if t.known and t.name not in ("@", "EAGAIN") and not t.narrow)
            token, function = next(tokens, None), program.lower(key)
            if token is not None and function is not None:
                where = Location(key[0], function.line)
                first = Step(where, key[1], "the primary MMU takes memory away and cannot be refused")
                message = f"{key[1]}() takes mappings away and may return -{token.name}"
                trace = (first, *self.errors.trace(key, token))
                yield Finding(where, key[1], f"-{token.name} of {key[1]}", message, Certainty.MUST, trace)

    def typedefs(self) -> Iterator[tuple[Location, str, str]]:
        """Types of functions that take a range and return a number."""
        for path in self.facts.program.files:
            code = self.facts.program.code(path)
            for match in _TYPEDEF.finditer(code) if RANGE.split()[1] in code else ():
                if RANGE.replace(" *", "") in " ".join(match.group(3).split()):
                    self.facts.count("types of range handlers looked at")
                    if signed(match.group(1)):
                        line = code.count("\n", 0, match.start()) + 1
                        yield Location(path, line), match.group(2), " ".join(match.group(1).split())
        for member in self.facts.program.fields():
            if HANDLERS.match(member.name) and any(p.type == RANGE for p in member.params):
                self.facts.count("types of range handlers looked at")
                if signed(member.returns):
                    yield Location(member.path, member.line), member.name, member.returns

    def handlers(self) -> Iterator[Prototype]:
        """Functions that handle a range and return a number; the definition stands for its declarations."""
        stored = {e.function for f in HANDLER_FIELDS for e in self.facts.program.tables.get(f, ())}
        found: dict[str, Prototype] = {}
        for prototype in self.facts.program.prototypes():
            named, of_file = _handles(prototype.name)
            ranged = (named or prototype.name in stored) and any(p.type == RANGE for p in prototype.params)
            if (ranged and not prototype.cut) or of_file:
                self.facts.count("range handlers looked at")
                if signed(prototype.returns) and (prototype.name not in found or prototype.defined):
                    found[prototype.name] = prototype
        yield from found.values()

    def fails(self, prototype: Prototype) -> tuple[str, tuple[Step, ...]] | None:
        """An errno that a handler may return, with its way."""
        if not prototype.defined or not signed(prototype.returns) or not HANDLERS.match(prototype.name):
            return None
        key = (prototype.path, prototype.name)
        for token in self.errors.results(key):
            ended = token.bugged and not FILE_HANDLERS.match(prototype.name)  # a file may be of other VMs, too
            if token.known and not token.narrow and not ended and token.name != "@":
                return token.name, self.errors.trace(key, token)
        return None

    # -- what is done with results -------------------------------------------------------------------------------

    def warned(self, function: Function) -> Iterator[Finding]:
        """A negative result of a handler that is only warned of."""
        results = {c.result.text: c for c in function.calls() if c.result is not None and self.handler(c)}
        for number, block in enumerate(function.blocks):
            for instr in block.instrs:
                test = condition_of(instr) if isinstance(instr, Assume) else None
                if test is None or test.kind != "negative" or test.subject not in results:
                    continue
                if isinstance(instr, Assume) and instr.truth is test.holds and self.only_warns(function, number):
                    call = results[test.subject]
                    trace = (
                        step(function, call, f"{call.name}() is asked to take the mappings away"),
                        step(function, instr, "it failed: a warning, and the path goes on as if it had not"),
                    )
                    message = f"a failure of {shown(call)} is only warned of"
                    yield self.facts.finding(function, instr, call.name, message, trace=trace)

    def handler(self, call: Call) -> bool:
        return call.table in HANDLER_FIELDS or HANDLERS.match(call.callee or call.table) is not None

    def only_warns(self, function: Function, number: int) -> bool:
        block = function.blocks[number]
        rest = [i for i in block.instrs if not isinstance(i, Assume)]
        return len(block.successors) == 1 and all(isinstance(i, Call) and _QUIET.match(i.callee) for i in rest)

    # -- halfway -------------------------------------------------------------------------------------------------

    def halfway(self, flow: Flow) -> Iterator[Finding]:
        """A call between two zaps whose failure ends the operation."""
        function = flow.function
        zaps = self.all_zaps(function)
        if not zaps:
            return
        yield from self.given_up(flow, zaps)
        failing: list[tuple[int, Item]] = []
        replay(self.errors, flow, lambda i, s, b: failing.extend(_failing(i, s.failed, b)))
        homes = {id(i): n for n, b in enumerate(function.blocks) for i in b.instrs}
        for _ in {(token.name, made.line) for _, (token, made) in failing}:
            self.facts.count("failures beside zaps looked at")
        for leaving, (token, made) in failing:
            if not isinstance(made, Call) or not token.known or token.narrow or token.bugged:
                continue
            before = _between(function, zaps, homes[id(made)], made)
            rest = beyond(leaving, successors(function))
            if before is None or any(n in rest for n, _ in zaps) or (function.key, made.line) in self.told:
                continue
            self.told.add((function.key, made.line))
            trace = (
                step(function, before, f"{before.name}() has taken away part of the range"),
                *self.errors.steps(function, token, made),
                step(function, function.blocks[leaving].instrs[-1], "leaves with the rest still mapped"),
            )
            message = f"{shown(made)} can fail with -{token.name} after part of the range was zapped, and ends the zap"
            yield self.facts.finding(function, made, made.name, message, trace=trace)

    def given_up(self, flow: Flow, zaps: list[tuple[int, Call]]) -> Iterator[Finding]:
        """An errno that is returned between two zaps, by the function's own decision."""
        function, edges = flow.function, successors(flow.function)
        before = predecessors(function)
        for token, made in flow.results.items():
            if not isinstance(made, Return) or not token.known or token.narrow or token.bugged:
                continue
            home = home_of(function, made)
            while home is not None and len(before[home]) == 1 and len(edges[before[home][0]]) == 1:
                home = before[home][0]
            turns = [n for n in before[home] if len(edges[n]) > 1] if home is not None else []
            zap = next((c for n, c in zaps for t in turns if t in beyond(n, edges)), None)
            rest = any(n in beyond(t, edges) for t in turns for n, _ in zaps)
            if zap is not None and rest and (function.key, made.line) not in self.told:
                self.told.add((function.key, made.line))
                words = f"-{token.name} is returned after part of the range was zapped, and ends the zap"
                first = step(function, zap, f"{zap.name}() has taken away part of the range")
                trace = (first, step(function, made, "leaves with the rest still mapped"))
                yield self.facts.finding(function, made, f"-{token.name}", words, trace=trace)

    def all_zaps(self, function: Function) -> list[tuple[int, Call]]:
        """The calls of a function that take mappings away, each with its block."""
        calls = ((n, c) for n, b in enumerate(function.blocks) for c in b.instrs if isinstance(c, Call))
        return [(n, c) for n, c in calls if self.zaps(c, function)]

    def zaps(self, call: Call, function: Function) -> bool:
        """Whether a call takes mappings away, itself or through helpers."""
        if call.table in HANDLER_FIELDS or ZAPS.match(call.callee or call.table):
            return True
        keys = self.facts.program.resolve(call.callee, function.path) if call.callee else ()
        return any(self.leads(k, 3) for k in keys)

    def leads(self, key: Key, depth: int) -> bool:
        known = (key, depth)
        if known not in self.depths:
            self.depths[known] = False
            found = self.facts.program.definitions[key]
            self.depths[known] = _names_zap(found.mentions) or (
                depth > 0 and any(self.leads(k, depth - 1) for k in self.facts.names.callees.get(key, ()))
            )
        return self.depths[known]


def _failing(instr: Instr, failed: frozenset[Item], block: int) -> list[tuple[int, Item]]:
    """Returns that are reached with a failure."""
    return [(block, i) for i in by_place(failed)] if isinstance(instr, Return) else []


def _between(function: Function, zaps: list[tuple[int, Call]], home: int, made: Call) -> Call | None:
    """A zap before a call, if there is one after it as well; in a loop one may be both."""
    behind = beyond(home, successors(function))
    after = any(n in behind or (n == home and z is not made and _earlier(function, n, made, z)) for n, z in zaps)
    for number, zap in zaps:
        inside = number == home and zap is not made and _earlier(function, number, zap, made)
        if after and (inside or home in beyond(number, successors(function))):
            return zap
    return None


def _earlier(function: Function, block: int, first: Call, second: Call) -> bool:
    instrs = function.blocks[block].instrs
    return instrs.index(first) < instrs.index(second)


def check(facts: Facts) -> Iterator[Finding]:
    """The types of handlers, what becomes of their results, and failures between zaps."""
    checker = _Check(facts, errors_of(facts))
    yield from checker.types()
    yield from checker.notifiers()
    for function in _warners(facts):
        yield from checker.warned(function)
    first = _Check(facts, first_look(facts))
    for key in _zappers(facts):
        shallow = first.errors.flow(key)
        if shallow is not None and _may_stop(first, shallow):
            flow = checker.errors.flow(key)
            if flow is not None:
                yield from checker.halfway(flow)


def _may_stop(first: _Check, flow: Flow) -> bool:
    """Whether a first look finds a failure between two zaps."""
    zaps = tuple(made for _, made in first.all_zaps(flow.function))
    return first.errors.flows.look("halfway", flow, zaps, lambda: any(True for _ in first.halfway(flow)))


@lru_cache(maxsize=1 << 14)
def _handles(name: str) -> tuple[bool, bool]:
    """Whether a name is one of a handler of ranges, or of a file."""
    return HANDLERS.match(name) is not None, FILE_HANDLERS.match(name) is not None


def _warners(facts: Facts) -> Iterator[Function]:
    """Functions that warn of something negative and ask a handler."""
    for found, text in all_bodies(facts):
        if _asks(found.mentions) and RULE.covers(found.path) and _WARNED.search(text):
            function = facts.program.lower(found.key)
            if function is not None:
                yield function


@lru_cache(maxsize=1 << 14)
def _asks(mentions: frozenset[str]) -> bool:
    return not mentions.isdisjoint(HANDLER_FIELDS) or any(HANDLERS.match(w) for w in mentions)


@lru_cache(maxsize=1 << 14)
def _names_zap(mentions: frozenset[str]) -> bool:
    return not mentions.isdisjoint(HANDLER_FIELDS) or any(ZAPS.match(w) for w in mentions)


def _zappers(facts: Facts) -> list[Key]:
    """Functions from which a zap of a range is near, and in which something can fail."""
    able = errors_of(facts).able
    wave = facts.names.where(lambda d: _names_zap(d.mentions))
    found = set(wave)
    for _ in range(2):
        wave = frozenset(c for k in wave for c in facts.names.callers.get(k, ())) - found
        found |= wave
    definitions = facts.program.definitions
    return sorted(k for k in found & able if RULE.covers(k[0]) and definitions[k].kind == "function")


RULE = Rule(
    id="kvm-zap-can-fail",
    catalog=5,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="errors",
    provenance=(
        Provenance("mail", "aXqQFo9S-UVMYfn-@google.com", "Sean Christopherson", "2026-01-28", "no precedent"),
        Provenance("mail", "aWmEegVP_A613WIr@google.com", "Sean Christopherson", "2026-01-16", "no int handlers"),
    ),
    bad=(
        """
        // path: virt/kvm/kvm_main.c
        typedef int (*gfn_handler_t)(struct kvm *kvm, struct kvm_gfn_range *range);  // expect "can fail"
        """,
        """
        // path: arch/x86/kvm/mmu/mmu.c
        int kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)  // expect "-ENOMEM"
        {
                if (!kvm->cache)
                        return -ENOMEM;
                return zap_all_of(kvm, range);
        }
        """,
    ),
    good=(
        """
        // path: virt/kvm/kvm_main.c
        typedef bool (*gfn_handler_t)(struct kvm *kvm, struct kvm_gfn_range *range);
        """,
        """
        // path: arch/x86/kvm/mmu/mmu.c
        bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
        {
                return zap_all_of(kvm, range);
        }

        int kvm_prepare_unmap_split(struct kvm *kvm, struct kvm_gfn_range *range)
        {
                return kvm->cache ? 0 : -ENOMEM;
        }
        """,
    ),
)
